"""A cell photographed twice is found, turned or mirrored or stained otherwise; two cells are not taken for one."""

import re

import cv2
import numpy as np
import pytest

from leukemia_tf.data.near_duplicates import near_duplicates
from leukemia_tf.data.reading import read_catalog
from leukemia_tf.data.scan import cell_statistics, scan
from leukemia_tf.data.synthetic import draw_cells


def photograph_again(pixels, rng):
    """Turn by any angle, shift, zoom by up to 2 %, mirror, light and stain otherwise, add noise."""
    side = len(pixels)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), rng.uniform(0, 360), rng.uniform(0.98, 1.02))
    turn[:, 2] += rng.uniform(-8, 8, 2)
    pixels = pixels[:, ::-1].copy() if rng.random() < 0.5 else pixels
    cell = cv2.warpAffine((pixels.max(-1) > 0).astype(np.uint8), turn, (side, side))
    again = cv2.warpAffine(pixels, turn, (side, side), flags=cv2.INTER_CUBIC) * rng.uniform(0.9, 1.1, 3)
    again += rng.normal(0, 2.5, again.shape) + rng.uniform(-6, 6)
    return np.where(cell[..., None] > 0, np.clip(again, 11, 255), 0).astype(np.uint8)


@pytest.mark.slow
def test_precision_and_recall_on_phantoms():
    rng = np.random.default_rng(1)
    cells = [pixels for _, pixels in draw_cells(patients=12, cells=10, seed=5)]
    views = [cell_statistics(pixels).view for pixels in (*cells, *(photograph_again(pixels, rng) for pixels in cells))]
    found = [j - i == len(cells) for i, j, _ in near_duplicates(np.array(views))]
    assert np.mean(found) >= 0.99
    assert sum(found) >= 0.95 * len(cells)


@pytest.mark.parametrize(
    "pixels", [np.zeros((50, 50, 3)), np.full((50, 50, 3), 90), np.eye(50)[..., None] * np.ones(3)]
)
def test_nothing_to_tell_apart(pixels):
    view = cell_statistics(pixels.astype(np.uint8)).view
    assert near_duplicates(np.array([view, view])) == []


@pytest.mark.slow
def test_real_cells(real_cells):
    """H10's fields 129 to 161 come back as 162 to 194; patients who share a cell are known to be one."""
    scanned = scan(read_catalog(real_cells))
    near_duplicates = scanned.near_duplicates()
    numbers = [re.findall(r"H10_(\d+)_\d+_hem", f"{one.path} {other.path}") for one, other, _ in near_duplicates]
    again = [pair for pair in numbers if len(pair) == 2 and abs(int(pair[0]) - int(pair[1])) == 33]
    identical = [re.findall(r"H10_(\d+)_\d+_hem", " ".join(c.path for c in g)) for g in scanned.identical()]
    again += [pair for pair in identical if len(pair) == 2 and abs(int(pair[0]) - int(pair[1])) == 33]
    assert {min(map(int, pair)) for pair in again} == set(range(129, 162))
    known = ({"20", "21"}, {"51", "75", "78"}, {"H10", "H3"}, {"H2", "H6"})
    for one, other, _ in near_duplicates:
        patients = {one.patient, other.patient}
        assert len(patients) == 1 or any(patients <= group for group in known)
