"""The way back into the original's pixels, and the parts of a cell."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.data.framing import window
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.preprocessing_graph import preprocess
from leukemia_tf.explain.frame import to_original
from leukemia_tf.explain.regions import boundary_zones, cell_parts, heat_shares


def there_and_back(image, settings, alter=lambda cell: cell):
    """What the network sees of an image, altered, laid back over the original's pixels."""
    box = window(tf.constant(image), settings.framing)
    seen = alter(preprocess(tf.constant(image), settings).numpy())
    return to_original(seen.max(-1).astype(np.float32), box, image.shape[:2]).numpy(), box.numpy()


@pytest.mark.parametrize("box", [(20, 80, 30, 60), (0, 50, 10, 100), (90, 150, 5, 150), (0, 150, 0, 150)])
@pytest.mark.parametrize("size", [32, 150, 300])
def test_the_way_back_leads_to_the_same_pixels(box, size):
    """A cell with one bright corner: what the network sees, laid back, covers the bright corner in the original."""
    top, bottom, left, right = box
    image = np.zeros((150, 150, 3), np.uint8)
    image[top:bottom, left:right] = 60
    bright = np.zeros((150, 150), bool)
    bright[top : top + (bottom - top) // 2, left : left + (right - left) // 2] = True
    image[bright] = 200
    back, window_box = there_and_back(image, Preprocessing(size, "cell", "none"))
    assert back.shape == (150, 150)
    step = max(1.0, window_box[2] / size)
    for got, wanted in zip(np.nonzero(back > 130), np.nonzero(bright)):
        assert abs(got.min() - wanted.min()) <= step
        assert abs(got.max() - wanted.max()) <= step


@pytest.mark.parametrize("framing", ["cell", "fixed:330", "none", "tight", "centre:300"])
@pytest.mark.parametrize("size", [224, 330])
def test_a_square_planted_in_what_the_network_sees_lands_where_it_belongs(framing, size):
    image = np.zeros((450, 450, 3), np.uint8)
    cv2.ellipse(image, (240, 200), (110, 90), 0, 0, 360, (90, 30, 90), -1)
    planted = (slice(size // 2, size // 2 + 40), slice(size // 3, size // 3 + 40))

    def plant(cell):
        cell = cell.copy()
        cell[planted] = 255
        return cell

    back, (top, left, height, width) = there_and_back(image, Preprocessing(size, framing, "none"), plant)
    rows, columns = np.nonzero(back > (255 + 90) / 2)
    for got, start, span, place in ((rows, top, height, planted[0]), (columns, left, width, planted[1])):
        assert abs(got.min() - (start + place.start * span / size)) <= 1
        assert abs(got.max() + 1 - (start + place.stop * span / size)) <= 1


def test_outside_of_what_the_network_sees_there_is_no_heat():
    back = to_original(np.ones((4, 4), np.float32), [10, -5, 20, 20], [50, 40]).numpy()
    wanted = np.zeros((50, 40))
    wanted[10:30, :15] = 1
    np.testing.assert_array_equal(back, wanted)


def a_disc():
    """A cell of radius 50 with a darker nucleus of radius 30."""
    image = np.zeros((150, 150, 3), np.uint8)
    cv2.circle(image, (75, 75), 50, (180, 150, 190), -1)
    cv2.circle(image, (75, 75), 30, (100, 40, 110), -1)
    return image


def test_parts_of_a_disc():
    parts = {name: part.sum() for name, part in cell_parts(a_disc()).items()}
    assert parts["cell"] == pytest.approx(np.pi * 50**2, rel=0.02)
    assert parts["core"] == pytest.approx(np.pi * 30**2, rel=0.03)
    assert parts["rim"] == pytest.approx(np.pi * (50**2 - 45**2), rel=0.1)


def test_zones_of_a_disc():
    zones = boundary_zones(a_disc())
    assert sum(part.astype(int) for part in zones.values()).tolist() == np.ones((150, 150)).tolist()
    assert zones["edge"].sum() == pytest.approx(np.pi * (55**2 - 45**2), rel=0.05)
    assert zones["outside"][0, 0]
    assert zones["inside"][75, 75]


def test_an_image_without_a_cell_has_no_parts():
    black = np.zeros((20, 20, 3), np.uint8)
    assert not any(part.any() for part in cell_parts(black).values())
    assert boundary_zones(black)["outside"].all()


def test_shares():
    heat = np.array([[1.0, 3.0], [0.0, 0.0]])
    parts = {"right": np.array([[False, True], [False, True]]), "all": np.ones((2, 2), bool)}
    assert heat_shares(heat, parts) == {"right": 0.75, "all": 1.0}
    assert np.isnan(heat_shares(np.zeros((2, 2)), parts)["right"])
