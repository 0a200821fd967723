"""What lies between the images: hidden and system files are passed over and counted, other kinds refused by name."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from leukemia_tf.core.errors import DataError
from leukemia_tf.data.catalog import find_images, read_cells, write_cells
from leukemia_tf.data.datasets import load_cell_arrays
from leukemia_tf.data.folder_files import list_files
from leukemia_tf.data.image_statistics import image_statistics_of_files
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.reading import read_catalog
from leukemia_tf.data.scan import scan


def put(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = path.suffix if path.suffix in (".bmp", ".png", ".webp", ".gif") else ".jpg"
    path.write_bytes(cv2.imencode(kind, np.full((4, 4, 3), 80, np.uint8))[1].tobytes())
    return path


@pytest.fixture
def cells(tmp_path):
    put(tmp_path / "all/P1/a.bmp")
    put(tmp_path / "hem/P2/a.bmp")
    return tmp_path


def test_hidden_and_system_files_are_passed_over(cells, caplog):
    before = read_catalog(cells).cells
    put(cells / "all/P1/.ipynb_checkpoints/a-checkpoint.bmp")
    put(cells / "all/.ipynb_checkpoints/b-checkpoint.png")
    put(cells / "__MACOSX/all/P1/._a.bmp")
    put(cells / "all/P1/._a.bmp")
    for name in (".DS_Store", "all/Thumbs.db", "all/P1/desktop.ini"):
        (cells / name).touch()
    for name in ("export.csv", "all/P1/picture.png", "all/P1/patients.xlsx"):
        (cells / name).mkdir()
    catalog = read_catalog(cells)
    assert catalog.cells == before
    assert (catalog.unlabelled, catalog.rejected) == ((), ())
    (note,) = catalog.notes
    assert note.warning
    assert note.reason.startswith("images passed over, with hidden names or in hidden or system folders: 4 (")
    assert "__MACOSX" in note.reason
    assert len(find_images([cells])) == 2
    assert "in hidden or system folders: 4 (" in caplog.text


def test_what_commands_wrote_is_no_data(cells):
    for place, names in (("run", ("config.json", "environment.json")), ("study", ("study.json",))):
        put(cells / place / "figures/roc.png")
        for name in names:
            (cells / place / name).touch()
    assert read_catalog(cells).unlabelled == ()


def test_a_name_that_is_no_utf8(cells, tmp_path):
    (cells / "all/P1/a.bmp").rename(Path(os.fsdecode(os.fsencode(cells) + b"/all/P1/z\xe9\xff.bmp")))
    found = scan(read_catalog(cells)).cells
    assert len(found) == 2
    assert read_cells(write_cells(tmp_path / "cells.csv", found)) == found
    assert load_cell_arrays(cells, found, Preprocessing(8), "").shape == (2, 8, 8, 3)
    assert image_statistics_of_files([cells / cell.path for cell in found]).shape[0] == 2


def test_nothing_but_hidden_images(tmp_path):
    put(tmp_path / "__MACOSX/._a.bmp")
    with pytest.raises(DataError, match=r"holds no images .* images passed over.*: 1 .__MACOSX"):
        read_catalog(tmp_path)


def test_the_folder_itself_may_be_hidden(tmp_path):
    put(tmp_path / ".cache/cells/all/P1/a.png")
    assert len(list_files(tmp_path / ".cache/cells").images) == 1


def test_kinds_that_are_not_read_are_refused_by_name(cells):
    for name in ("b.webp", "c.gif", "d.HEIC", "e.jfif", "f.jpe", "g.dib.bmp"):
        put(cells / "hem/P2" / name)
    (cells / "hem/P2/d.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    (cells / "hem/P2/notes.txt").touch()
    scanned = scan(read_catalog(cells))
    assert [cell.path[-6:] for cell in scanned.cells] == ["/a.bmp", "/a.bmp", "e.jfif", "/f.jpe", "ib.bmp"]
    assert {row.path[-4:]: row.reason.split(",")[0] for row in scanned.rejected} == {
        "webp": "is a WebP",
        ".gif": "is a GIF",
        "HEIC": "is a HEIC or AVIF",
    }
    assert [note.reason for note in read_catalog(cells).notes] == ["files passed over, which are no images: 1 (.txt 1)"]
