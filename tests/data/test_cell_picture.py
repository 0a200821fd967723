"""The mask of a cell, and what is drawn in it and around it."""

import cv2
import numpy as np

from leukemia_tf.data.cell_picture import CellPicture, cell_mask, cell_picture
from leukemia_tf.data.preprocessing import BACKGROUND


def disc(radius, side=120, centre=(60, 60), colour=(90, 40, 110)):
    pixels = np.zeros((side, side, 3), np.uint8)
    cv2.circle(pixels, centre, radius, colour, -1)
    return pixels


def test_the_mask_is_the_largest_piece_without_holes():
    pixels = disc(30)
    whole = pixels.any(-1)
    pixels[55:65, 50:60] = 0  # a hole
    pixels[2:6, 2:6] = 200  # a speck
    np.testing.assert_array_equal(cell_mask(pixels), whole)
    assert not cell_mask(np.full((20, 20, 3), BACKGROUND, np.uint8)).any()


def test_around_the_core_its_nearest_pixel_goes_on():
    pixels = disc(30)
    pixels[:, 60:, 0] = np.where(pixels[:, 60:, 0] > 0, 180, 0)  # red on the right
    edge = cell_picture(pixels).depth == 1
    pixels[edge] = 20  # mixed with black
    cell = cell_picture(pixels)
    np.testing.assert_array_equal(cell.core_extended[60, [0, 119]], [(90, 40, 110), (180, 40, 110)])
    assert set(map(tuple, cell.core_extended.reshape(-1, 3).tolist())) == {(90, 40, 110), (180, 40, 110)}
    np.testing.assert_array_equal(cell.extended[edge], pixels[edge])


def test_what_was_bright_stays_a_cell():
    cell = cell_picture(disc(20))
    black = cell.recoloured(np.zeros(3))
    np.testing.assert_array_equal(cell_mask(black), cell.mask)
    assert black.max() == BACKGROUND + 1
    assert cell.recoloured(np.full(3, 300.0)).max() == 255


def test_room_is_made_where_it_lacks():
    cell = cell_picture(disc(30, centre=(60, 32)))
    assert cell.box == (2, 30, 61, 61)
    assert cell.with_room(2) is cell
    wider = cell.with_room(3)
    assert isinstance(wider, CellPicture)
    assert wider.pixels.shape == (126, 126, 3)
    np.testing.assert_array_equal(wider.pixels[3:-3, 3:-3], cell.pixels)
