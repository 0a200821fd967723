"""The predictor: files and images in memory give the same results, and bad input gets one sentence."""

import doctest
import re

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.config import PredictConfig
from leukemia_tf.core.errors import ArgumentError, BadImageError, DataError, RunError, UserError
from leukemia_tf.evaluation.predictions import as_row
from leukemia_tf.explain.methods import METHODS
from leukemia_tf.inference import predictor as module
from leukemia_tf.inference.heat_maps import explain_images, explained_networks
from leukemia_tf.inference.predictor import Predictor, heat_map
from leukemia_tf.models.ensemble import build_ensemble
from leukemia_tf.models.network import load_network
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.workflows.predict import predict


@pytest.fixture(scope="module")
def predictor(tiny_run):
    return Predictor(tiny_run)


@pytest.fixture(scope="module")
def files(tiny_cells, tmp_path_factory):
    """BMPs and PNGs of different sizes, two of them unlike the training cells."""
    folder = tmp_path_factory.mktemp("files")
    paths = sorted(tiny_cells.rglob("*.bmp"))[::4]
    for path in paths[:3]:
        image = cv2.imread(str(path))
        cv2.imwrite(str(folder / f"{path.stem}.png"), image)
        cv2.imwrite(str(folder / f"{path.stem}-narrow.png"), image[:, 10:100])
    cv2.imwrite(str(folder / "white.png"), np.full((90, 70, 3), 255, np.uint8))
    cv2.imwrite(str(folder / "black.png"), np.zeros((50, 60, 3), np.uint8))
    return [*paths, *sorted(folder.iterdir())]


def pixels(path):
    return cv2.imread(str(path))[..., ::-1]


def same(rows, others, **tolerance):
    assert [(row.prediction, row.status, row.reason) for row in rows] == [
        (row.prediction, row.status, row.reason) for row in others
    ]
    for name in ("logit", "probability"):
        got, wanted = ([getattr(row, name) for row in table] for table in (rows, others))
        np.testing.assert_allclose(got, wanted, **(tolerance or {"atol": 1e-6}))


def test_arrays_are_predicted_as_their_files(predictor, files):
    by_file, by_array = predictor.predict(files), predictor.predict([pixels(path) for path in files])
    assert {row.status for row in by_file} == {"ok", "unlike-training"}
    assert np.std([row.probability for row in by_file]) > 1e-3
    same(by_array, by_file)
    assert [row.path for row in by_file] == [str(path) for path in files]
    assert [row.path for row in by_array] == [f"image {number}" for number in range(len(files))]
    assert {(row.patient, row.label) for row in by_array} == {("", "")}


def test_one_array_a_stack_and_a_tensor(predictor, tiny_cells):
    stack = np.stack([pixels(path) for path in sorted(tiny_cells.rglob("*.bmp"))])
    rows = predictor.predict(stack)
    assert len(rows) == len(stack) > 32  # more than a batch
    same(predictor.predict(tf.constant(stack)), rows)
    for number in (0, 32):
        (alone,) = predictor.predict(stack[number])
        assert alone.path == "image 0"
        same([alone], [rows[number]])
    assert predictor.predict(stack[:0]) == []


def test_files_are_predicted_as_by_the_command(predictor, tiny_run, tiny_cells, tmp_path):
    bad = tmp_path / "bad.bmp"
    bad.write_bytes(b"BM rubbish")
    images = [tiny_cells, bad]
    rows = predictor.predict(images)
    assert [as_row(row) for row in rows] == [as_row(row) for row in predict(PredictConfig(images, run=tiny_run.path))]
    assert (rows[-1].status, rows[-1].probability) == ("unreadable", None)
    assert rows[-1].reason
    assert predictor.predict(tiny_cells) == rows[:-1]
    assert predictor.predict(str(bad)) == rows[-1:]


def test_models_are_taken_as_folders_files_and_objects(predictor, tiny_run, tiny_cells):
    path = min(tiny_cells.rglob("*.bmp"))
    wanted = predictor.predict(path)
    model = load_network(tiny_run.model)
    before = [value.copy() for value in model.get_weights()]
    for source in (tiny_run.path, str(tiny_run.path), RunFolder(tiny_run.path), tiny_run.model, model):
        assert Predictor(source).predict(path) == wanted
    assert all(np.array_equal(*pair) for pair in zip(before, model.get_weights()))


@pytest.mark.parametrize("method", METHODS)
def test_heat_maps_of_arrays_are_those_of_their_files(method, predictor, files):
    for path in (files[0], *(path for path in files if path.stem.endswith("narrow"))):
        by_file, by_array = (predictor.heat_map(image, method) for image in (path, pixels(path)))
        assert by_array.dtype == np.float32
        assert by_array.shape == pixels(path).shape[:2]
        assert by_array.max() == 1
        np.testing.assert_allclose(by_array, by_file, atol=1e-6)


def test_heat_maps_are_those_of_the_command(predictor, tiny_run, files):
    views = explained_networks({"tiny": tiny_run.model}, ["layercam"], "block2")
    for image in explain_images(views, files[:3], []):
        np.testing.assert_allclose(predictor.heat_map(image.path, "layercam", "block2"), image.heat(), atol=1e-6)
    np.testing.assert_array_equal(heat_map(tiny_run, files[0]), predictor.heat_map(files[0]))


def test_an_ensemble(tiny_run, files):
    model = load_network(tiny_run.model)
    other = load_network(tiny_run.model)
    other.set_weights([value * 0.9 for value in other.get_weights()])
    ensemble = Predictor(build_ensemble([model, other]))
    same(ensemble.predict([pixels(path) for path in files[:3]]), ensemble.predict(files[:3]))
    np.testing.assert_allclose(ensemble.heat_map(pixels(files[0])), ensemble.heat_map(files[0]), atol=1e-6)


CELL = np.zeros((40, 50, 3), np.uint8)


@pytest.mark.parametrize(
    ("images", "received"),
    [
        (CELL / 255, "an array of float64, shape [40, 50, 3]"),
        (np.stack([CELL, CELL]).astype(np.int32), "an array of int32, shape [2, 40, 50, 3]"),
        (CELL[..., 0], "an array of uint8, shape [40, 50]"),
        (CELL[..., :1], "an array of uint8, shape [40, 50, 1]"),
        (CELL[:0], "an array of uint8, shape [0, 50, 3]"),
        (CELL[None, None], "an array of uint8, shape [1, 1, 40, 50, 3]"),
        ([CELL, CELL.astype(bool)], "an array of bool, shape [40, 50, 3]"),
        (["a.bmp", CELL], "str 'a.bmp'"),
        (3, "int 3"),
        (None, "NoneType None"),
        (b"BM", "bytes b'BM'"),
        ({"cell": CELL}, "dict {'cell': array"),
        ([[1, 2], [3, 4]], "list [1, 2]"),
    ],
)
def test_bad_images(images, received, predictor):
    with pytest.raises(UserError, match=rf"^`images`: it takes .* Received: {re.escape(received)}"):
        predictor.predict(images)
    with pytest.raises(UserError, match=r"^`image`: it takes .* Received: "):
        predictor.heat_map(images)


def test_a_heat_map_takes_one_image(predictor):
    with pytest.raises(UserError, match=r"Received: an array of uint8, shape \[2, 40, 50, 3\]$"):
        predictor.heat_map(np.stack([CELL, CELL]))


def test_bad_files_methods_and_layers(predictor, files, tmp_path):
    bad = tmp_path / "bad.bmp"
    bad.write_bytes(b"BM rubbish")
    for path in (bad, tmp_path / "missing.bmp", tmp_path):
        with pytest.raises(BadImageError, match=f"{re.escape(str(path))}: "):
            predictor.heat_map(path)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match="no images"):
        predictor.predict(empty)
    with pytest.raises(ArgumentError, match="Received: method='gradcan'"):
        predictor.heat_map(files[0], "gradcan")
    with pytest.raises(ArgumentError, match="Received: layer='logit'"):
        predictor.heat_map(files[0], layer="logit")


def test_bad_models(tmp_path):
    foreign = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    foreign.save(tmp_path / "foreign.keras")
    for model, received in (
        (foreign, "Sequential <Sequential"),
        (keras.Sequential(), "Sequential <Sequential"),
        (CELL, "an array of uint8"),
        (None, "NoneType None"),
        (keras.optimizers.Adam(), "Adam <"),
    ):
        with pytest.raises(UserError, match=f"^`model`: it takes .* Received: {received}"):
            Predictor(model)
    for path in (tmp_path / "foreign.keras", tmp_path / "missing.keras", tmp_path):
        with pytest.raises(RunError, match=re.escape(str(path))):
            Predictor(path)


def test_the_examples_run():
    results = doctest.testmod(module)
    assert results.failed == 0
    assert results.attempted > 5
