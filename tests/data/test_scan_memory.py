"""What was read of cells is remembered: the same result, any change is noticed, and a damaged memory is no error."""

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from leukemia_tf.data import scan as scan_module
from leukemia_tf.data import scan_memory
from leukemia_tf.data.acquisition import measure_acquisition
from leukemia_tf.data.integrity import pixel_hash, read_image
from leukemia_tf.data.reading import read_catalog
from leukemia_tf.data.scan import scan
from leukemia_tf.data.scan_memory import file_stamp, recall, remember


@pytest.fixture
def cells(tiny_cells, tmp_path, monkeypatch):
    """A folder of cells, as if they had been there for minutes, and a cache of its own."""
    monkeypatch.setenv("LEUKEMIA_TF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(scan_memory, "SETTLED", 0)  # the times of a file that was just written count
    return Path(shutil.copytree(tiny_cells, tmp_path / "cells"))


@pytest.fixture
def read(monkeypatch):
    """The names of the files that are read from here on."""
    names = []

    def read_and_note(path, name=None):
        names.append(path.name)
        return read_image(path, name)

    monkeypatch.setattr(scan_module, "read_image", read_and_note)
    return names


def memory(tmp_path):
    (path,) = (tmp_path / "cache" / "cells").iterdir()
    return path


def settle():
    time.sleep(0.02)  # a kernel's clock has ticked


def check_same(one, other):
    assert (one.cells, one.rejected) == (other.cells, other.rejected)
    for first, second in zip(one.statistics, other.statistics, strict=True):
        fields = ("width", "height", "area", "warning")
        assert [getattr(first, name) for name in fields] == [getattr(second, name) for name in fields]
        assert first.view.dtype == second.view.dtype
        assert (first.view == second.view).all()


def test_the_second_reading_is_the_same_and_reads_no_file(cells, read):
    settle()
    catalog = read_catalog(cells)
    first = scan(catalog)
    assert len(read) == len(first.cells) > 0
    read.clear()
    check_same(scan(catalog), first)
    assert read == []
    assert scan(catalog).near_duplicates() == first.near_duplicates()


def test_a_replaced_file_of_the_same_size_is_noticed(cells, read):
    settle()
    catalog = read_catalog(cells)
    scan(catalog)
    path = cells / catalog.cells[0].path
    content, pixels = read_image(path)
    other = np.ascontiguousarray(pixels[::-1])
    cv2.imwrite(str(path), other[..., ::-1])
    assert path.stat().st_size == len(content)
    settle()
    read.clear()
    assert scan(catalog).cells[0].sha256 == pixel_hash(other)
    assert read == [path.name]


def test_a_replaced_file_with_the_times_of_the_former_is_noticed(cells, read):
    settle()
    catalog = read_catalog(cells)
    scan(catalog)
    one, other = (cells / cell.path for cell in catalog.cells[:2])
    state = one.stat()
    shutil.copyfile(other, one)
    os.utime(one, ns=(state.st_atime_ns, state.st_mtime_ns))
    settle()
    read.clear()
    assert scan(catalog).cells[0].sha256 == pixel_hash(read_image(other)[1])
    assert read == [one.name]


def test_a_new_and_a_deleted_file(cells, read):
    settle()
    scan(read_catalog(cells))
    old, *_ = cells.rglob("*_all.bmp")
    new = old.with_name("UID_1_99_1_all.bmp")
    old.rename(new)
    settle()
    read.clear()
    scanned = scan(read_catalog(cells))
    assert read == [new.name]
    paths = set(recall(cells))
    assert paths == {cell.path for cell in scanned.cells}
    assert not any(path.endswith(old.name) for path in paths)


def test_what_was_changed_a_moment_ago_is_not_trusted(cells, monkeypatch, read):
    monkeypatch.undo()
    path = next(cells.rglob("*.bmp"))
    assert file_stamp(path) is None
    now = time.time_ns()
    monkeypatch.setattr(scan_memory.time, "time_ns", lambda: now + 3_000_000_000)
    assert file_stamp(path) is not None
    monkeypatch.setattr(scan_memory.time, "time_ns", lambda: now - 3_600_000_000_000)  # a clock that was put back
    assert file_stamp(path) is None


@pytest.mark.parametrize("harm", ["empty", "rubbish", "half", "other code", "other folder", "folder in its place"])
def test_a_memory_that_cannot_be_used_is_no_error(harm, cells, read, tmp_path, monkeypatch):
    settle()
    catalog = read_catalog(cells)
    first = scan(catalog)
    path = memory(tmp_path)
    content = path.read_bytes()
    if harm == "other code":
        monkeypatch.setattr(scan_memory, "_code", lambda: "of another version")
    elif harm == "other folder":
        path.unlink()
        elsewhere = Path(shutil.copytree(cells, tmp_path / "elsewhere"))
        settle()
        scan(read_catalog(elsewhere))
        memory(tmp_path).rename(path)
    elif harm == "folder in its place":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes({"empty": b"", "rubbish": b"rubbish", "half": content[: len(content) // 2]}[harm])
    read.clear()
    check_same(scan(catalog), first)
    assert len(read) == len(first.cells)


def test_a_cache_that_cannot_be_written_to_is_no_error(cells, monkeypatch, tmp_path, caplog):
    settle()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LEUKEMIA_TF_CACHE", str(tmp_path / "file"))
    caplog.set_level("INFO")
    assert scan(read_catalog(cells)).cells
    assert "not stored for the next command" in caplog.text


def test_an_audit_reads_every_file(cells, read):
    settle()
    catalog = read_catalog(cells)
    scan(catalog)
    read.clear()
    scanned = scan(catalog, measure=measure_acquisition)
    assert len(read) == len(scanned.cells) == len(scanned.measured)
    read.clear()
    check_same(scan(catalog), scanned)
    assert read == []


def test_a_damaged_image_is_read_each_time(cells, read):
    bad = next(cells.rglob("*.bmp"))
    bad.write_bytes(b"BM rubbish")
    settle()
    for _ in range(2):
        read.clear()
        scanned = scan(read_catalog(cells))
        assert [row.path for row in scanned.rejected] == [bad.relative_to(cells).as_posix()]
        assert bad.name in read


def test_writers_and_readers_at_once(cells):
    """Each finds nothing or everything: a memory is replaced in one step."""
    settle()
    catalog = read_catalog(cells)
    rows = recall(cells) or (scan(catalog) and recall(cells))
    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(remember, cells, rows) for _ in range(30)]
        sizes = {len(found) for found in pool.map(lambda _: recall(cells), range(60))}
        assert [writer.result() for writer in writers] == [None] * 30
    assert sizes == {len(catalog.cells)}
