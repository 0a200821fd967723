"""Fingerprints: stored and read again, of another version not read, and copies recognised by them."""

import cv2
import numpy as np
import pytest

from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.cell_views import unroll
from leukemia_tf.data.fingerprints import (
    Fingerprints,
    as_fingerprints,
    compute_fingerprints,
    find_copies,
    name_copies,
    read_fingerprints,
    write_fingerprints,
)
from leukemia_tf.data.integrity import pixel_hash
from leukemia_tf.data.synthetic import draw_cells


@pytest.fixture(scope="module")
def pictures():
    return [pixels for _, pixels in draw_cells(patients=2, cells=4, seed=6, side=160)][:8]


def make_cells(pictures, prefix):
    cells = [Cell(f"{prefix}{number}.png", "all", prefix, pixel_hash(p)) for number, p in enumerate(pictures)]
    return cells, as_fingerprints((cell.sha256, unroll(pixels)) for cell, pixels in zip(cells, pictures, strict=True))


def test_round_trip(pictures, tmp_path):
    cells, fingerprints = make_cells(pictures, "a")
    path = write_fingerprints(tmp_path / "fingerprints.npz", fingerprints)
    again = read_fingerprints(path)
    assert again.hashes == tuple(cell.sha256 for cell in cells)
    assert np.array_equal(again.views, fingerprints.views)
    assert path.stat().st_size < 2_000 * len(cells)


def test_none_is_read_from_a_missing_a_torn_and_another_version_s_file(pictures, tmp_path, monkeypatch):
    assert read_fingerprints(tmp_path / "nothing.npz") is None
    path = write_fingerprints(tmp_path / "fingerprints.npz", make_cells(pictures, "a")[1])
    with monkeypatch.context() as patch:
        patch.setattr("leukemia_tf.data.fingerprints.VERSION", 99)
        assert read_fingerprints(path) is None
    path.write_bytes(path.read_bytes()[:50])
    assert read_fingerprints(path) is None


def test_copies_are_named_each_with_its_original(pictures):
    known, known_prints = make_cells(pictures, "known")
    altered = [pixels.copy() for pixels in pictures]
    for pixels in altered:
        pixels[0, 0] = 255
    strange = [pixels for _, pixels in draw_cells(patients=2, cells=2, seed=77, side=160)]
    new, new_prints = make_cells([*altered, *strange], "new")
    copies = find_copies(new, new_prints, known, known_prints)
    assert {(one.path, other.path) for one, other, _ in copies} == {(f"new{i}.png", f"known{i}.png") for i in range(8)}
    assert name_copies(copies).count("similarity") == 3
    assert name_copies(copies).endswith(", …")
    assert find_copies(new[8:], new_prints, known, known_prints) == []


def test_cells_without_a_fingerprint_are_not_compared(pictures):
    cells, fingerprints = make_cells(pictures, "a")
    nothing = as_fingerprints(())
    assert find_copies(cells, fingerprints, cells, nothing) == []
    assert find_copies(cells, nothing, cells, fingerprints) == []
    assert isinstance(nothing.joined(fingerprints).select({cells[0].sha256}), Fingerprints)
    assert nothing.joined(fingerprints).select({cells[0].sha256}).hashes == (cells[0].sha256,)


def test_pictures_that_are_gone_or_changed_have_none(pictures, tmp_path):
    cells, fingerprints = make_cells(pictures[:3], "a")
    cv2.imwrite(str(tmp_path / "a0.png"), pictures[0][..., ::-1])
    cv2.imwrite(str(tmp_path / "a1.png"), pictures[2][..., ::-1])
    found = compute_fingerprints(tmp_path, cells)
    assert found.hashes == fingerprints.hashes[:1]
    assert np.array_equal(found.views, fingerprints.views[:1])
