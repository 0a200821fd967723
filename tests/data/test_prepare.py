"""A folder made ready for a run, with the package's split or the user's own."""

import json
import shutil

import cv2
import numpy as np
import pytest
from smear import WhiteCell, draw_smear

from leukemia_tf.core.errors import ArgumentError, BadImageError, DataError
from leukemia_tf.data.prepare import log_split, prepare_cells
from leukemia_tf.data.scan import quarantine


def test_a_split_from_a_file(tiny_cells, tmp_path, caplog):
    own = tmp_path / "splits.json"
    own.write_text(json.dumps({"train": ["1", "h1"], "val": ["2", "H7"], "test": ["3", "H8"]}))
    prepared = prepare_cells(tiny_cells, str(own), seed=0)
    log_split(prepared)
    cells, split = prepared.cells, prepared.split
    assert {(cell.patient, cell.split) for cell in cells} == {
        *(("1", "train"), ("H1", "train"), ("2", "val"), ("H7", "val"), ("3", "test"), ("H8", "test")),
        *(("4", ""), ("H9", "")),
    }
    assert "0 of 6 patients shared" in caplog.text
    assert "cells of patients 4, H9 are left out: the split does not use them" in caplog.text
    assert split.train == ("1", "H1")


def test_a_leaking_split_is_refused(tiny_cells, tmp_path):
    own = tmp_path / "splits.json"
    own.write_text(json.dumps({"train": ["1", "h1"], "val": ["2", "H7"], "test": ["3", "H8", "H1"]}))
    with pytest.raises(DataError, match="leak: patient H1 in both train and test"):
        prepare_cells(tiny_cells, str(own), seed=0)


def test_the_log_describes_the_folder(real_cells, caplog):
    log_split(prepare_cells(real_cells, "patient", seed=0))
    for sentence in (
        "4 images without a label",
        "1,863 rows of a labels CSV",
        "0 of 31 patients shared",
        "val is thin",
        "pairs of one cell photographed twice: none is in two parts",
    ):
        assert sentence in caplog.text


def test_official(real_cells):
    """Its preliminary set has four images here."""
    prepared = prepare_cells(real_cells, "official", seed=0)
    judged = [cell for cell in prepared.cells if cell.split == "test"]
    assert len(judged) == 4
    assert all(cell.path.startswith("validation_data") for cell in judged)


def test_image_warns(tiny_cells, caplog):
    prepared = prepare_cells(tiny_cells, "image", seed=0)
    assert prepared.split.protocol == "image"
    log_split(prepared)
    assert "every score will be too high" in caplog.text


@pytest.fixture
def spoilt(tiny_cells, tmp_path):
    """A copy of the tiny cells with one truncated file and one in the wrong folder."""
    folder = tmp_path / "cells"
    shutil.copytree(tiny_cells, folder)
    paths = sorted(folder.rglob("*.bmp"))
    paths[0].write_bytes(paths[0].read_bytes()[:-1])
    wrong = paths[-1].with_name(paths[-1].name.replace("_hem", "_all"))
    paths[-1].rename(wrong)
    return folder, {paths[0], wrong}


def test_bad_images_end_it(spoilt):
    with pytest.raises(BadImageError):
        prepare_cells(spoilt[0], "patient", seed=0)


def test_bad_images_are_skipped(spoilt, caplog):
    folder, bad = spoilt
    prepared = prepare_cells(folder, "patient", seed=0, on_bad_image="skip")
    assert {folder / row.path for row in prepared.rejected} == bad
    assert not bad & {folder / cell.path for cell in prepared.cells}
    assert all(path.exists() and path.name in caplog.text for path in bad)


def test_bad_images_are_quarantined(spoilt):
    folder, bad = spoilt
    contents = {path.relative_to(folder): path.read_bytes() for path in bad}
    first = prepare_cells(folder, "patient", seed=0, on_bad_image="quarantine")
    aside = quarantine(folder, first.rejected)
    assert aside == folder.with_name("cells-quarantine")
    assert not any(path.exists() for path in bad)
    assert {path.relative_to(aside): path.read_bytes() for path in aside.rglob("*.bmp")} == contents
    assert all(path.name in (aside / "rejected.csv").read_text() for path in bad)
    assert prepare_cells(folder, "patient", seed=0).cells == first.cells


def test_unknown_policy(tiny_cells):
    with pytest.raises(ArgumentError, match="`on_bad_image`: choose one of fail, skip, quarantine"):
        prepare_cells(tiny_cells, "patient", seed=0, on_bad_image="drop")


def test_photographs_with_their_background_are_named_and_not_compared(tmp_path, caplog):
    pixels = draw_smear([WhiteCell(60, 60)], 120, 120, red_cells=((0, 30), (120, 80), (60, 119), (70, 0)))[0]
    for label in ("all", "hem"):
        for patient in range(6):
            path = tmp_path / label / f"{label}{patient}" / "1.png"
            path.parent.mkdir(parents=True)
            noise = np.random.default_rng(patient).integers(0, 3, pixels.shape, np.uint8)
            cv2.imwrite(str(path), pixels - (noise if label == "all" else noise[::-1]))  # the same cell in all
    prepared = prepare_cells(tmp_path, "patient", seed=0)
    assert prepared.doubled == (0, 0)
    assert prepared.patient_groups == ()
    assert "segment it first, by `python -m leukemia_tf.segment` (12 in all)" in caplog.text
