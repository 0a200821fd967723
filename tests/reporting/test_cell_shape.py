"""Size and outline of shapes whose answers are known."""

import numpy as np
import pytest

from leukemia_tf.reporting.cell_shape import SHAPES, cell_shape

ROWS, COLUMNS = np.mgrid[:400, :400] - 200.3


def drawn(mask):
    return np.repeat(np.where(mask, 180, 0).astype(np.uint8)[..., None], 3, axis=2)


def turned(degrees):
    angle = np.deg2rad(degrees)
    return ROWS * np.cos(angle) + COLUMNS * np.sin(angle), COLUMNS * np.cos(angle) - ROWS * np.sin(angle)


@pytest.mark.parametrize("radius", [20, 60, 150])
def test_a_disc(radius):
    shape = cell_shape(drawn(np.hypot(ROWS, COLUMNS) < radius))
    assert set(shape) == set(SHAPES)
    assert shape["area"] == pytest.approx(np.pi * radius**2, rel=0.01)
    assert shape["circularity"] == pytest.approx(1, abs=0.02)
    assert shape["solidity"] == pytest.approx(1, abs=0.02)
    assert shape["black"] == pytest.approx(1 - shape["area"] / 400**2)


@pytest.mark.parametrize("degrees", [0, 10, 30, 45])
@pytest.mark.parametrize(("sides", "circularity"), [((80, 80), np.pi / 4), ((120, 40), np.pi * 3 / 16)])
def test_a_rectangle(degrees, sides, circularity):
    rows, columns = turned(degrees)
    shape = cell_shape(drawn((abs(rows) < sides[0]) & (abs(columns) < sides[1])))
    assert shape["circularity"] == pytest.approx(circularity, rel=0.02)
    assert shape["solidity"] == pytest.approx(1, abs=0.02)


def test_a_notch_lowers_solidity_and_circularity():
    disc = np.hypot(ROWS, COLUMNS) < 100
    notched = cell_shape(drawn(disc & ~((ROWS > 0) & (COLUMNS > 0))))  # a quarter is missing
    hull = 3 / 4 * np.pi + 1 / 2
    assert notched["solidity"] == pytest.approx(3 / 4 * np.pi / hull, rel=0.02)
    perimeter = 3 / 2 * np.pi + 2
    assert notched["circularity"] == pytest.approx(4 * np.pi * 3 / 4 * np.pi / perimeter**2, rel=0.02)


def test_holes_and_specks_are_not_outline():
    disc = np.hypot(ROWS, COLUMNS) < 100
    specked = disc & ~(np.hypot(ROWS, COLUMNS) < 20)
    specked[5:8, 5:8] = True
    shape = cell_shape(drawn(specked))
    assert shape["circularity"] == pytest.approx(cell_shape(drawn(disc))["circularity"])
    assert shape["area"] == specked.sum()


def test_an_empty_image_has_no_outline():
    shape = cell_shape(np.zeros((50, 50, 3), np.uint8))
    assert (shape["area"], shape["black"]) == (0, 1)
    assert np.isnan(shape["circularity"])
    assert np.isnan(shape["solidity"])
