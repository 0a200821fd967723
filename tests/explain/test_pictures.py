"""Heat over a cell: seen on purple, with a contour at half of its maximum."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from leukemia_tf.evaluation.plots import PALETTE as PALETTE_OF_MEANINGS
from leukemia_tf.explain.pictures import PALETTE, THUMB, draw_sheet, overlay

PURPLE = (150, 60, 170)


@pytest.fixture
def cell():
    pixels = np.zeros((200, 200, 3), np.uint8)
    rows, columns = np.mgrid[:200, :200]
    pixels[(rows - 100) ** 2 + (columns - 100) ** 2 < 80**2] = PURPLE
    return pixels


def hill(height=1.0):
    """A hill with its top in the middle, and half of it at a distance of 30 pixels."""
    rows, columns = np.mgrid[:200, :200]
    return (height * np.clip(1 - np.hypot(rows - 100, columns - 100) / 60, 0, 1)).astype(np.float32)


def is_white(picture):
    return (picture > 0.9).all(-1)


@pytest.mark.parametrize("height", [1.0, 0.2])
def test_the_contour_is_at_half_of_the_maximum(cell, height):
    rows, columns = np.nonzero(is_white(overlay(cell, hill(height))))
    distances = np.hypot(rows - 100, columns - 100)
    assert len(distances) > 100
    assert distances.min() > 27
    assert distances.max() < 33


def test_without_heat_there_is_the_cell_alone(cell):
    picture = overlay(cell, np.zeros((200, 200), np.float32))
    assert not is_white(picture).any()
    np.testing.assert_allclose(picture[100, 100] / picture[100, 100].max(), np.array(PURPLE) / max(PURPLE), atol=0.01)
    assert not picture[0, 0].any()


def test_heat_is_the_complement_of_purple(cell):
    picture = overlay(cell, hill())
    red, green, blue = picture[100, 100]
    assert green > 0.8
    assert green > 1.3 * blue
    cold = overlay(cell, np.zeros((200, 200), np.float32))[100, 100]
    assert cold[1] < 0.6 * cold[2]
    assert picture.shape == (200, 200, 3)
    assert 0 <= picture.min() <= picture.max() <= 1
    assert red > blue


def test_more_heat_is_lighter():
    lightness = PALETTE @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(lightness) > 0).all()


def test_misclassified_cells_of_a_sheet_have_a_red_frame():
    picture = np.zeros((THUMB, THUMB, 3), np.uint8)
    red = np.round(255 * np.array(to_rgb(PALETTE_OF_MEANINGS["wrong"])))
    for wrong in (True, False):
        sheet = draw_sheet([("a cell", picture)], wrong=wrong).axes[0].images[0].get_array()
        frame = (sheet[:THUMB, :THUMB] == red).all(-1)
        assert frame[:, 1].all() == wrong
        assert not frame[10:-10, 10:-10].any()
    assert not picture.any()
