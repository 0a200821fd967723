"""Each framing against a hand computation; contrast and stain against OpenCV; one graph for all of them."""

import itertools
from dataclasses import asdict

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.core.errors import ArgumentError
from leukemia_tf.data.contrast import CONTRAST
from leukemia_tf.data.framing import cut_out, window
from leukemia_tf.data.preprocessing import (
    CONTRASTS,
    FRAMINGS,
    STAIN_NORMALIZATIONS,
    Preprocessing,
    stored_preprocessing,
)
from leukemia_tf.data.preprocessing_graph import cell_from_bytes, preprocess
from leukemia_tf.data.stain import STAIN_DEVIATION, STAIN_MEAN, STAIN_NORMALIZATION, lab_to_rgb, reinhard, rgb_to_lab
from leukemia_tf.data.synthetic import draw_cells


@pytest.fixture(scope="module")
def cells():
    return [pixels for _, pixels in draw_cells(patients=2, cells=3, seed=1, side=230)]


@pytest.fixture(scope="module")
def picture():
    """A cell of 10 x 20 pixels at row 30, column 5 in 60 x 50."""
    image = np.zeros((60, 50, 3), np.uint8)
    image[30:40, 5:25] = np.random.default_rng(0).integers(50, 255, (10, 20, 3))
    return image


@pytest.mark.parametrize(
    ("framing", "box"),
    [
        ("cell", (25, 5, 20, 20)),
        ("tight", (30, 5, 10, 20)),
        ("fixed:30", (20, 0, 30, 30)),
        ("fixed:8", (31, 11, 8, 8)),
        ("fixed", (35 - 165, 15 - 165, 330, 330)),
        ("centre:40", (10, 5, 40, 40)),
        ("centre:100", (-20, -25, 100, 100)),
        ("none", (0, 0, 60, 50)),
    ],
)
def test_window(picture, framing, box):
    found = window(tf.constant(picture), framing)
    assert tuple(found.numpy()) == box
    top, left, height, width = box
    padded = np.pad(picture, ((200, 400), (200, 400), (0, 0)))
    wanted = padded[200 + top : 200 + top + height, 200 + left : 200 + left + width]
    np.testing.assert_array_equal(cut_out(tf.constant(picture), found), wanted)


def test_a_fixed_frame_of_the_right_size_is_not_resampled(picture):
    got = preprocess(tf.constant(picture), Preprocessing(30, "fixed:30"))
    np.testing.assert_array_equal(got[10:20, 5:25], picture[30:40, 5:25])


@pytest.mark.parametrize("framing", ["Cell", "fixed:", "fixed:x", "fixed:0", "centre", "cell:3", "tigth", ""])
def test_unknown_framing(framing):
    with pytest.raises(ArgumentError, match=f"`framing`: .* Received: framing='{framing}'"):
        Preprocessing(30, framing)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"contrast": "clache"}, r"`contrast`: did you mean clahe\? Received: contrast='clache'"),
        ({"contrast": "stain"}, "`contrast`: choose one of none, clahe, equalize, grey-equalize"),
        ({"stain_normalization": "rheinhard"}, r"`stain_normalization`: did you mean reinhard\?"),
    ],
)
def test_unknown_settings(settings, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        Preprocessing(30, "cell", **settings)


@pytest.mark.parametrize(
    ("stored", "preprocessing"),
    [
        ({"framing": "fixed", "contrast": "stain"}, Preprocessing(30, "fixed", "none", "reinhard")),
        ({"framing": "fixed", "contrast": "clahe"}, Preprocessing(30, "fixed", "clahe", "none")),
        ({}, Preprocessing(30, "cell", "none", "none")),
        (
            {"contrast": "equalize", "stain_normalization": "reinhard"},
            Preprocessing(30, "cell", "equalize", "reinhard"),
        ),
    ],
)
def test_the_settings_of_older_networks_are_read(stored, preprocessing):
    assert stored_preprocessing({"image_size": 30, **stored}) == preprocessing
    assert stored_preprocessing(asdict(preprocessing)) == preprocessing


def clahe(image):
    yuv = cv2.cvtColor(image, cv2.COLOR_RGB2YUV)
    yuv[..., 0] = cv2.createCLAHE(2.0, (8, 8)).apply(yuv[..., 0].copy())
    return cv2.cvtColor(yuv, cv2.COLOR_YUV2RGB)


def equalize(image):
    yuv = cv2.cvtColor(image, cv2.COLOR_RGB2YUV)
    yuv[..., 0] = cv2.equalizeHist(yuv[..., 0].copy())
    return cv2.cvtColor(yuv, cv2.COLOR_YUV2RGB)


def grey_equalize(image):
    return cv2.equalizeHist(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))[..., None].repeat(3, -1)


@pytest.mark.parametrize("size", [64, 97, 224])
@pytest.mark.parametrize("reference", [clahe, equalize, grey_equalize])
def test_contrast_equals_opencv(cells, reference, size):
    name = reference.__name__.replace("_", "-")
    differences = []
    for image in cells:
        plain = preprocess(tf.constant(image), Preprocessing(size))
        got = CONTRAST[name](plain).numpy().astype(int)
        differences.append(np.abs(got - reference(plain.numpy())))
    share = 0.985 if name == "grey-equalize" else 0.999  # a grey that rounds differently can be a steep step away
    assert np.mean(np.array(differences) <= 1) >= share
    assert (got != plain.numpy()).any()


def test_contrast_equals_opencv_on_real_cells(real_cells):
    for path in sorted(real_cells.rglob("UID_*.bmp"))[::8]:
        plain = preprocess(tf.constant(cv2.imread(str(path))[..., ::-1]), Preprocessing(224))
        for name, reference in (("clahe", clahe), ("equalize", equalize)):
            difference = np.abs(CONTRAST[name](plain).numpy().astype(int) - reference(plain.numpy()))
            assert np.mean(difference <= 1) >= 0.999


@pytest.mark.parametrize("name", ["equalize", "grey-equalize", "clahe", "reinhard"])
@pytest.mark.parametrize("value", [0, 3, 200])
def test_an_even_picture(name, value):
    image = np.full((40, 40, 3), value, np.uint8)
    got = {**CONTRAST, **STAIN_NORMALIZATION}[name](tf.constant(image)).numpy()
    assert got.shape == image.shape
    assert np.ptp(got, axis=(0, 1)).max() == 0
    if name == "reinhard" and value <= 10:
        np.testing.assert_array_equal(got, image)  # there is no cell


def test_lab_equals_opencv(cells):
    rgb = cells[0].astype(np.float32) / 255
    lab = rgb_to_lab(tf.constant(rgb.transpose(2, 0, 1))).numpy()
    wanted = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).transpose(2, 0, 1)
    assert np.abs(lab - wanted).max() < 0.3
    assert np.abs(lab_to_rgb(tf.constant(lab)).numpy() - rgb.transpose(2, 0, 1)).max() < 1e-3


def test_stain_moves_every_cell_to_one_mean_and_deviation(cells):
    tinted = [cells[0], np.clip(cells[0] * np.array([1.2, 1.0, 0.8]), 0, 255).astype(np.uint8)]
    for image in tinted:
        plain = preprocess(tf.constant(image), Preprocessing(224, "fixed:230"))
        got = reinhard(plain).numpy()
        inside = plain.numpy().max(-1) > 10
        lab = cv2.cvtColor(got.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[inside]
        np.testing.assert_allclose(lab.mean(0), STAIN_MEAN, atol=1.0)
        np.testing.assert_allclose(lab.std(0), STAIN_DEVIATION, atol=0.8)
        np.testing.assert_array_equal(got[~inside], plain.numpy()[~inside])


ALL_FRAMINGS = [{"fixed": "fixed:150", "centre": "centre:160"}.get(kind, kind) for kind in FRAMINGS]
COMBINATIONS = list(itertools.product(ALL_FRAMINGS, CONTRASTS, STAIN_NORMALIZATIONS))


def test_every_combination_gives_another_picture(cells):
    wide = np.pad(cells[0][::2], ((0, 0), (0, 30), (0, 0)))
    seen = {preprocess(tf.constant(wide), Preprocessing(72, *settings)).numpy().tobytes() for settings in COMBINATIONS}
    assert len(seen) == len(COMBINATIONS) == 40


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_contrast_comes_after_stain_normalisation(cells, contrast):
    framed = preprocess(tf.constant(cells[0]), Preprocessing(72, "fixed:150"))
    got = preprocess(tf.constant(cells[0]), Preprocessing(72, "fixed:150", contrast, "reinhard"))
    np.testing.assert_array_equal(got, CONTRAST[contrast](reinhard(framed)))


LOOKS = [("none", "reinhard"), ("clahe", "reinhard"), *((name, "none") for name in CONTRASTS)]
QUICK = [("fixed:150", LOOKS[0]), ("tight", ("equalize", "none"))]


@pytest.mark.parametrize(
    ("framing", "contrast", "stain", "register"),
    [
        *(
            pytest.param(framing, *look, False, marks=() if (framing, look) in QUICK else pytest.mark.slow)
            for framing, look in itertools.product(ALL_FRAMINGS, LOOKS)
        ),
        ("cell", *LOOKS[0], True),
    ],
)
def test_training_graph_and_saved_model_agree(framing, contrast, stain, register, cells, tmp_path):
    """The settings in the saved network decide in both."""
    from leukemia_tf.data.catalog import Cell
    from leukemia_tf.data.datasets import load_cell_arrays
    from leukemia_tf.models.cell_input import CellInput
    from leukemia_tf.models.probability import Probability
    from leukemia_tf.serving.saved_model import write_saved_model

    settings = {"image_size": 72, "framing": framing, "contrast": contrast, "stain_normalization": stain}
    settings["register_channels"] = register
    cell = keras.Input((72, 72, 3), dtype="uint8", name="cell")
    x = CellInput("unit", settings, name="scale")(cell)
    x = keras.layers.Conv2D(1, 72, kernel_initializer=keras.initializers.RandomNormal(seed=3))(x)
    logit = keras.layers.Dense(1, name="logit")(keras.layers.Flatten()(x))
    model = keras.Model(cell, Probability(name="probability")(logit))
    paths = [tmp_path / f"{index}.png" for index in range(len(cells))]
    for path, image in zip(paths, cells):
        cv2.imwrite(str(path), image[..., ::-1])
    trained_on = load_cell_arrays(tmp_path, [Cell(path.name, "all", "1") for path in paths], Preprocessing(**settings))
    write_saved_model(model, tmp_path, "saved")
    served = tf.saved_model.load(tmp_path)
    contents = [path.read_bytes() for path in paths]
    answers = served.signatures["serving_default"](image_bytes=tf.constant(contents))["logit"].numpy()
    wanted = keras.Model(cell, logit)(trained_on).numpy()[:, 0]
    assert np.ptp(wanted) > 1e-4
    np.testing.assert_allclose(answers, wanted, atol=1e-5)
    np.testing.assert_array_equal(cell_from_bytes(tf.constant(contents[0]), Preprocessing(**settings)), trained_on[0])
