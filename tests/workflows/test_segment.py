"""The command `segment`: its files, and what it says of pictures that it cannot use."""

import csv

import cv2
import numpy as np
import pytest
from smear import LOBED, WhiteCell, draw_smear

from leukemia_tf.config import SegmentConfig
from leukemia_tf.core.errors import ArgumentError, DataError
from leukemia_tf.data.catalog import find_images
from leukemia_tf.data.reading import read_catalog
from leukemia_tf.segment import segment


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels[..., ::-1] if pixels.ndim == 3 else pixels)
    return path


def field(seed=0):
    return draw_smear([WhiteCell(80, 80), WhiteCell(250, 200, 36, LOBED), WhiteCell(5, 220)], seed=seed)


def rows(path):
    with path.open() as stream:
        return list(csv.DictReader(stream))


def test_every_file_of_a_field(tmp_path, run_module):
    pixels, truth = field()
    write(tmp_path / "fields/UID_11_4_1_all.png", pixels)
    write(tmp_path / "fields/empty.png", draw_smear([])[0])
    (tmp_path / "fields/torn.png").write_bytes((tmp_path / "fields/empty.png").read_bytes()[:-20])
    write(tmp_path / "fields/done.png", np.zeros((60, 60, 3), np.uint8))
    done = run_module(".segment", "fields", "--out", "cells", "--save-masks", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    for name, words in {"torn": "truncated", "done": "segmented already", "empty": "no cell is cut out"}.items():
        assert any(f"{name}.png" in line and words in line for line in done.stderr.splitlines()), done.stderr
    table = rows(tmp_path / "cells/cells.csv")
    assert list(table[0]) == ["path", "source", "x", "y", "width", "height", "area", "patient"]
    assert [row["path"] for row in table] == ["UID_11_4_1_1_all.png", "UID_11_4_1_2_all.png"]
    assert {row["patient"] for row in table} == {"11"}
    reasons = {row["source"]: row["reason"] for row in rows(tmp_path / "cells/left-out.csv")}
    assert {source: reason.split(":")[0] for source, reason in reasons.items()} == {
        "fields/UID_11_4_1_all.png": "at the border of the picture",
        "fields/done.png": "has a black background",
        "fields/empty.png": "no white blood cell",
        "fields/torn.png": "is truncated",
    }
    mask = cv2.imread(str(tmp_path / "cells/masks/UID_11_4_1_all.png"), cv2.IMREAD_UNCHANGED)
    assert mask.shape == truth.shape
    assert set(np.unique(mask)) == {0, 128, 255}
    assert sum(int(row["area"]) for row in table) == np.count_nonzero(mask)
    assert {path.name for path in (tmp_path / "cells/overlays").iterdir()} == {"UID_11_4_1_all.png", "empty.png"}


def test_the_cells_are_a_catalog_of_their_own(tmp_path):
    write(tmp_path / "UID_H3_4_1_hem.png", field()[0])
    cells = segment(SegmentConfig(tmp_path / "UID_H3_4_1_hem.png", out=tmp_path / "cells", save_masks=True))
    assert len(cells) == 2
    assert find_images([tmp_path / "cells"]) == list(cells)  # without masks and overlays
    assert {cell.patient for cell in read_catalog(tmp_path / "cells").cells} == {"H3"}


def test_the_pixel_size_scales_to_that_of_cnmc(tmp_path):
    write(tmp_path / "a.png", draw_smear([WhiteCell(66, 66)], 133, 133, scale=3)[0])
    areas = {}
    for size in (0.045, 0.09):
        (cell,) = segment(SegmentConfig(tmp_path / "a.png", out=tmp_path / f"{size}", pixel_size=size))
        areas[size] = (cv2.imread(str(cell)).max(-1) > 10).sum()
    assert areas[0.09] == pytest.approx(4 * areas[0.045], rel=0.03)
    with pytest.raises(ArgumentError, match="micrometres per pixel"):
        segment(SegmentConfig(tmp_path / "a.png", out=tmp_path / "c", pixel_size=0))


def test_two_pictures_of_one_name_and_patients_by_folder(tmp_path):
    for patient in ("P1", "p2"):
        write(tmp_path / "all" / patient / "1.png", field(len(patient))[0])
    cells = segment(SegmentConfig(tmp_path / "all", out=tmp_path / "cells"))
    assert [cell.name for cell in cells] == ["P1-1-1.png", "P1-1-2.png", "p2-1-1.png", "p2-1-2.png"]
    assert [row["patient"] for row in rows(tmp_path / "cells/cells.csv")] == ["P1", "P1", "P2", "P2"]


def test_what_stops_it(tmp_path):
    image = write(tmp_path / "a.png", field()[0])
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes.txt").write_text("mine")
    with pytest.raises(ArgumentError, match="it holds other things"):
        segment(SegmentConfig(image, out=tmp_path / "full"))
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="holds no images"):
        segment(SegmentConfig(tmp_path / "none", out=tmp_path / "cells"))
    assert not (tmp_path / "cells").exists()
    write(tmp_path / "b.png", draw_smear([])[0])
    with pytest.raises(DataError, match=r"no cell in any of 1 pictures; the first: .*b\.png: no white blood cell"):
        segment(SegmentConfig(tmp_path / "b.png", out=tmp_path / "cells"))
    huge = write(tmp_path / "huge.png", np.full((4100, 4100), 240, np.uint8))
    with pytest.raises(DataError, match="more than the 16,777,216 allowed"):
        segment(SegmentConfig(huge, out=tmp_path / "other"))
