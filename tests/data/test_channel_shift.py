"""Displacements that were drawn are measured, and undone; what cannot be measured stays as it is."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.data.channel_shift import cell_mask, channel_shifts, displaced, register_channels
from leukemia_tf.data.preprocessing import Preprocessing, stored_preprocessing
from leukemia_tf.data.preprocessing_graph import cell_from_bytes, preprocess

SIDE, RADIUS = 260, 90


def draw(red=(0, 0), blue=(0, 0), grain=2.0, noise=0.7, seed=0):
    """A round cell whose texture is displaced in each channel, exactly, by the Fourier shift theorem."""
    rng = np.random.default_rng(seed)
    down, across = np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE)[None]
    texture = np.fft.fft2(rng.normal(size=(SIDE, SIDE)))
    texture *= np.exp(-2 * (np.pi * grain) ** 2 * (down**2 + across**2))
    texture /= np.fft.ifft2(texture).real.std()
    planes = [
        100 + gain * np.fft.ifft2(texture * np.exp(-2j * np.pi * (across * x + down * y))).real
        for gain, (x, y) in ((12, red), (8, (0, 0)), (10, blue))
    ]
    pixels = np.stack(planes, -1) + rng.normal(0, noise, (SIDE, SIDE, 3))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    inside = np.hypot(rows - 120, columns - 140) < RADIUS
    return np.where(inside[..., None], np.clip(np.rint(pixels), 12, 255), 0).astype(np.uint8)


def measure(image):
    return channel_shifts(tf.constant(image), cell_mask(tf.constant(image))).numpy()


@pytest.mark.parametrize(
    ("red", "blue"),
    [
        ((0, 0), (0, 0)),
        ((0.1, 0.05), (-0.3, 0.0)),
        ((-0.25, 0.4), (0.5, -0.5)),
        ((0.9, -0.7), (-1.2, 1.1)),
    ],
)
def test_a_known_displacement_is_measured_and_undone(red, blue):
    image = draw(red, blue)
    np.testing.assert_allclose(measure(image), [red, blue], atol=0.03)
    registered = register_channels(tf.constant(image)).numpy()
    assert np.abs(measure(registered)).max() < 0.05
    np.testing.assert_array_equal(registered.max(-1) > 10, image.max(-1) > 10)  # the same outline
    np.testing.assert_array_equal(registered[..., 1], image[..., 1])
    wanted = draw(noise=0)[90:150, 110:170]  # the cell as it would be without displacement
    assert np.abs(registered[90:150, 110:170].astype(float) - wanted).mean() < 1.2


def test_opencv_displaces_alike():
    plane = draw(grain=4)[..., 0].astype(np.float32)
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    wanted = cv2.remap(plane, columns + 0.25, rows - 0.5, cv2.INTER_CUBIC)  # a = -0.75, where ours is -0.5
    got = displaced(tf.constant(plane[..., None]), tf.constant([[0.25, -0.5]])).numpy()[..., 0]
    assert np.abs(got - wanted)[60:180, 80:200].max() < 1.5
    assert np.abs(got - plane)[60:180, 80:200].max() > 4


def test_the_measurement_is_that_of_its_definition():
    """One normal equation, solved by NumPy on bands by OpenCV, at a displacement small enough for one step."""
    image = draw((0.04, -0.03), (0, 0), grain=3, noise=0.3)
    bands = [
        cv2.GaussianBlur(plane, (0, 0), 1.0) - cv2.GaussianBlur(plane, (0, 0), 3.0)
        for plane in np.moveaxis(image.astype(np.float32), -1, 0)
    ]
    inner = cv2.erode((image.max(-1) > 10).astype(np.uint8), np.ones((19, 19), np.uint8)) > 0
    down, across = np.gradient(bands[1])
    equations = np.stack([bands[1][inner], across[inner], down[inner]], -1)
    scale, x, y = np.linalg.lstsq(equations, bands[0][inner], rcond=None)[0]
    np.testing.assert_allclose(measure(image)[0], [-x / scale, -y / scale], atol=0.01)


def uniform():
    return np.where(draw() > 0, 90, 0).astype(np.uint8)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((60, 50, 3), np.uint8),
        uniform(),
        np.full((1, 1, 3), 255, np.uint8),
        np.full((70, 90, 3), 240, np.uint8),
        draw()[115:125, 120:160],
        np.pad(draw()[115:125, 135:145], ((40, 40), (30, 30), (0, 0))),
        np.random.default_rng(0).integers(0, 256, (120, 120, 3)).astype(np.uint8),
    ],
    ids=["no cell", "uniform", "a pixel", "all bright", "a strip", "small", "channels of nothing in common"],
)
def test_what_cannot_be_measured_stays_as_it_is(image):
    assert np.isnan(measure(image)).all()
    np.testing.assert_array_equal(register_channels(tf.constant(image)), image)


def test_a_grey_cell_stays_as_it_is():
    grey = np.repeat(draw()[..., 1:2], 3, axis=-1)
    np.testing.assert_allclose(measure(grey), 0, atol=1e-5)
    np.testing.assert_array_equal(register_channels(tf.constant(grey)), grey)


def test_a_cell_that_fills_the_picture_or_lies_on_grey_is_registered():
    full = draw((0.3, 0.2), (-0.4, 0))[60:180, 80:200]
    on_grey = draw((0.3, 0.2), (-0.4, 0))
    on_grey = np.where(on_grey.max(-1, keepdims=True) > 0, on_grey, 200).astype(np.uint8)
    for image in (full, on_grey):
        registered = register_channels(tf.constant(image)).numpy()
        assert np.abs(measure(registered)).max() < np.abs(measure(image)).max() / 4


def test_in_the_preprocessing():
    image = draw((0.3, 0.2), (-0.4, 0))
    plain, registered = (Preprocessing(200, "fixed", register_channels=on) for on in (False, True))
    whole = Preprocessing(SIDE, "none", register_channels=True)
    np.testing.assert_array_equal(preprocess(tf.constant(image), whole), register_channels(tf.constant(image)))
    content = cv2.imencode(".png", image[..., ::-1])[1].tobytes()
    cells = [cell_from_bytes(tf.constant(content), settings).numpy() for settings in (plain, registered)]
    assert (cells[0] != cells[1]).mean() > 0.05
    stored = {"image_size": 200, "framing": "fixed"}  # of a network from before the setting
    assert stored_preprocessing(stored) == plain
