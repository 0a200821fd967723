"""The preprocessing graph against an independent reference."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.data.framing import cut_out, window
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.preprocessing_graph import cells_from_bytes, preprocess
from leukemia_tf.data.synthetic import draw_cells


@pytest.fixture(scope="module")
def cells():
    return [pixels for _, pixels in draw_cells(patients=2, cells=4, seed=1, side=200)]


def reference_square(image):
    """OpenCV's bounding box, and a border that makes it square."""
    left, top, width, height = cv2.boundingRect((image.max(-1) > 10).astype(np.uint8))
    box = image[top : top + height, left : left + width]
    side = max(width, height)
    up, before = (side - height) // 2, (side - width) // 2
    return cv2.copyMakeBorder(box, up, side - height - up, before, side - width - before, cv2.BORDER_CONSTANT)


def triangle_weights(size_in, size_out):
    """Antialiased bilinear resampling along one axis, from its definition: float [size_out, size_in]."""
    scale = size_in / size_out
    reach = max(1.0, scale)
    centres = (np.arange(size_out) + 0.5) * scale
    distance = np.abs(np.arange(size_in) + 0.5 - centres[:, None]) / reach
    weights = np.maximum(0, 1 - distance)
    return weights / weights.sum(1, keepdims=True)


def test_crop_and_pad_equal_opencv(cells):
    for image in cells:
        np.testing.assert_array_equal(cut_out(tf.constant(image), window(tf.constant(image))), reference_square(image))


@pytest.mark.parametrize("size", [32, 224])
def test_resize_equals_its_definition(cells, size):
    for image in cells:
        square = reference_square(image).astype(float)
        weights = triangle_weights(len(square), size)
        wanted = np.einsum("ij,jkc,lk->ilc", weights, square, weights, optimize=True)
        got = preprocess(tf.constant(image), Preprocessing(size)).numpy()
        assert got.dtype == np.uint8
        assert np.abs(got - wanted).max() <= 0.51


def test_enlarging_equals_opencv(cells):
    for image in cells:
        got = preprocess(tf.constant(image), Preprocessing(300)).numpy().astype(int)
        wanted = cv2.resize(reference_square(image), (300, 300), interpolation=cv2.INTER_LINEAR)
        assert np.abs(got - wanted).max() <= 1


def test_shrinking_is_close_to_opencv(real_cells):
    image = cv2.imread(str(next(real_cells.rglob("UID_*.bmp"))))[..., ::-1]
    got = preprocess(tf.constant(image), Preprocessing(64)).numpy().astype(int)
    wanted = cv2.resize(reference_square(image), (64, 64), interpolation=cv2.INTER_AREA)
    assert np.abs(got - wanted).mean() < 2


@pytest.mark.parametrize(
    "draw",
    [
        lambda image: None,
        lambda image: image[:3, :3].fill(200),
        lambda image: image[-1, -1].fill(200),
        lambda image: image[:, 10].fill(200),
        lambda image: (image[2:5, 2:5].fill(200), image[30:34, 20:22].fill(90)),
    ],
    ids=["no cell", "corner", "last pixel", "line across", "two cells"],
)
def test_odd_pictures(draw):
    image = np.zeros((40, 30, 3), np.uint8)
    draw(image)
    if image.any():
        np.testing.assert_array_equal(cut_out(tf.constant(image), window(tf.constant(image))), reference_square(image))
    assert preprocess(tf.constant(image), Preprocessing(16)).shape == (16, 16, 3)


def test_one_bad_file_spoils_only_its_own_row(cells):
    files = [cv2.imencode(".png", image)[1].tobytes() for image in cells[:4]]
    files[1:1] = [b"rubbish"]
    files.append(b"")
    pictures, _, readable = cells_from_bytes(tf.constant(files), Preprocessing(32))
    assert readable.numpy().tolist() == [True, False, True, True, True, False]
    alone = preprocess(tf.constant(cells[1][..., ::-1]), Preprocessing(32))
    np.testing.assert_array_equal(pictures[2], alone)
    assert not pictures.numpy()[[1, 5]].any()


@pytest.mark.parametrize("files", [[], [b"x"], [b"x", b"y"]])
def test_nothing_readable(files):
    pictures, _, readable = cells_from_bytes(tf.constant(files, tf.string), Preprocessing(8))
    assert pictures.shape == (len(files), 8, 8, 3)
    assert not readable.numpy().any()
