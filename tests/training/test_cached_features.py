"""Cached features: the same training as without, computed once, stored on disk, damaged files noticed."""

import os
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.config import Augmentation
from leukemia_tf.data.balance import Sampling
from leukemia_tf.models.freezing import set_trainable
from leukemia_tf.models.heads import Head
from leukemia_tf.models.network import build_network
from leukemia_tf.models.table import find_architecture
from leukemia_tf.training.feature_cache import FeatureStore
from leukemia_tf.training.feature_files import FeatureFiles, drop_oldest
from leukemia_tf.training.frozen_boundary import frozen_boundary, trainable_tail
from leukemia_tf.training.hardware import multiplies_bfloat16
from leukemia_tf.training.inputs import make_inputs
from leukemia_tf.training.stages import Stage
from leukemia_tf.training.trainer import train_stages

OFF = Augmentation(dihedral=False)
POOLED = Head(pooling="mean-std", depths=2, units=(8,), dropout=0.4)
TEXTURE = Head(pooling="cell", depths=2, units=(), dropout=0.3, standardize=True)
STAGES = {
    "head": Stage("head", (), 1e-2, 3, 9),
    "top": Stage("top", ("block3",), 1e-3, 3, 9),
}


def names(model):
    tensors = {id(tensor) for tensor in frozen_boundary(model)}
    return [op.name for op in model.operations if tensors & {id(tensor) for tensor in keras.tree.flatten(op.output)}]


@pytest.mark.parametrize(
    ("head", "learning", "wanted"),
    [
        (None, (), ["pool"]),
        (POOLED, (), ["depths"]),
        (POOLED, ("block3",), ["block2_pool", "pool_1"]),
        (POOLED, ("block2", "block3"), ["block1_pool"]),
        (POOLED, ("block1", "block2", "block3"), []),
        (TEXTURE, (), ["depths"]),
        (TEXTURE, ("block3",), ["block2_pool", "pool_1", "pool_mask"]),
    ],
)
def test_frozen_boundary(make_job, head, learning, wanted):
    job = make_job(head=head)
    model = job.network.model
    set_trainable(model, job.network.blocks, learning, job.network.pretrained)
    assert sorted(names(model)) == sorted(wanted)
    if wanted:
        boundary = frozen_boundary(model)
        cells = job.examples("train", 60).cells.array
        features = keras.Model(model.input, list(boundary)).predict(cells, verbose=0)
        features = features if isinstance(features, list) else [features]
        before = model.to_json()
        tail = trainable_tail(model, boundary)
        assert model.to_json() == before
        direct = keras.Model(model.input, model.get_layer("logit").output).predict(cells, verbose=0)
        np.testing.assert_allclose(tail.predict(features, verbose=0), direct, rtol=1e-4, atol=1e-5)
        assert {v.path for v in tail.trainable_variables} == {v.path for v in model.trainable_variables}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(("dihedral", "head"), [(True, POOLED), (False, POOLED), (True, TEXTURE)])
def test_same_losses_as_without(make_job, stage, dihedral, head):
    results = {}
    for cached in (True, False):
        sampling = Sampling(augment=Augmentation(dihedral=dihedral))
        job = make_job(f"{cached}", head=head, sampling=sampling, cache_features=cached)
        rows, losses = [], []
        job = replace(job, on_epoch=lambda row, new: (rows.append(row), losses.extend(new)))  # noqa: B023
        train_stages(job, [STAGES[stage]])
        results[cached] = losses + [row["val_loss"] for row in rows]
    np.testing.assert_allclose(results[True], results[False], rtol=1e-4)
    assert len(set(results[True])) > 10


@pytest.mark.skipif(not multiplies_bfloat16(), reason="this processor does not multiply bfloat16")
@pytest.mark.parametrize(("learning", "cached"), [(("block3",), True), (("block1", "block2", "block3"), False)])
def test_maps_of_bfloat16_give_nearly_the_losses_of_float32_and_each_time_the_same(make_job, learning, cached):
    results = []
    for number, map_dtype in enumerate(("float32", "mixed_bfloat16", "mixed_bfloat16")):
        losses = []
        job = make_job(f"{number}", head=POOLED, cache_features=cached, map_dtype=map_dtype)
        job = replace(job, on_epoch=lambda row, new: losses.extend([*new, row["val_loss"]]))  # noqa: B023
        train_stages(job, [Stage("layers", learning, 1e-3, 2, 9)])
        results.append([*losses, *values_of(job.network.model).values()])
    float32, first, again = (np.concatenate([np.ravel(value) for value in result]) for result in results)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(first, float32, rtol=0.05, atol=0.01)
    assert (first != float32).mean() > 0.5


@pytest.mark.parametrize(
    ("learning", "train_batchnorm", "wanted"),
    [
        (("layer1_1_conv2",), True, ["layer1_0_relu", "layer1_1_conv2_pad"]),  # the shortcut, and what it convolves
        (("layer1_0_conv2", "layer1_1_conv2"), False, ["layer1_0_conv2_pad", "maxpool"]),
        pytest.param(("layer1_1_conv1",), True, ["layer1_0_relu", "layer1_1_conv1_pad"], marks=pytest.mark.slow),
    ],
)
def test_layers_learn_from_cached_features_as_without(make_job, learning, train_batchnorm, wanted):
    stage, results, weights = Stage("layers", learning, 1e-3, 2, 9, train_batchnorm=train_batchnorm), {}, {}
    for cached in (True, False):
        losses, head = [], Head(units=(), dropout=0.0)
        job = make_job(f"{cached}", head, 32, base="resnet18", drop=3, count=(8, 4), cache_features=cached)
        job = replace(job, on_epoch=lambda row, new: losses.extend([*new, row["val_loss"]]))  # noqa: B023
        model = job.network.model
        before = values_of(model)
        train_stages(job, [stage])
        results[cached] = losses
        after = values_of(model)
        weights[cached] = {path.split("/")[0] for path in before if (after[path] != before[path]).any()}
        if cached:
            assert sorted(names(model)) == wanted
    np.testing.assert_allclose(results[True], results[False], rtol=1e-3)
    norms = {name.replace("conv", "bn") for name in learning} if train_batchnorm else set()
    assert weights[True] == weights[False] == {*learning, "logit"} | norms


def values_of(model):
    return {variable.path: variable.numpy() for variable in model.weights}


def test_layers_without_weights_are_not_worth_caching():
    from leukemia_tf.models.network import blocks_of, build_network
    from leukemia_tf.models.table import find_architecture

    model = build_network(find_architecture("resnet18"), 2, {"image_size": 64}, POOLED)
    blocks = blocks_of(model)
    set_trainable(model, blocks, [block.name for block in blocks], ())
    assert frozen_boundary(model) == ()


def test_a_layer_that_is_called_twice_turns_caching_off():
    cell, twice = keras.Input((4,)), keras.layers.Dense(4, trainable=False)
    logit = keras.layers.Dense(1, name="logit")
    assert len(frozen_boundary(keras.Model(cell, logit(twice(cell))))) == 1
    assert frozen_boundary(keras.Model(cell, keras.layers.Dense(1, name="logit")(twice(twice(cell))))) == ()


def test_mixed_cells_are_not_cached(make_job):
    job = make_job(head=POOLED)
    model = job.network.model
    set_trainable(model, job.network.blocks, (), job.network.pretrained)
    parts = (job.examples("train", 60), job.examples("val", 60))
    for augment, cached in (
        (Augmentation(), True),
        (Augmentation(rotation=(0.5, 20.0)), True),
        (Augmentation(mixup=(1, 1)), False),
    ):
        inputs = make_inputs(model, *parts, Sampling(augment=augment), 4, 0, True)
        assert (inputs.trainer.inputs[0].dtype == "float32") == cached
    assert make_inputs(model, *parts, Sampling(), 4, 0, False).trainer.inputs[0].dtype == "uint8"


@pytest.fixture
def frozen(make_job):
    """A network whose base is frozen, its frozen part, and its training cells."""
    job = make_job(head=POOLED)
    model = job.network.model
    set_trainable(model, job.network.blocks, (), job.network.pretrained)
    return model, keras.Model(model.input, list(frozen_boundary(model))), job.examples("train", 60)


class Counted:
    """A network that counts the batches it runs."""

    def __init__(self, model):
        self.model, self.batches, self.outputs = model, 0, model.outputs

    def predict_on_batch(self, cells):
        self.batches += 1
        return self.model.predict_on_batch(cells)


def test_each_view_of_each_cell_is_computed_once_and_stored_on_disk(frozen):
    model, prefix, cells = frozen
    counted = Counted(prefix)
    store = FeatureStore(counted, cells, Augmentation(dihedral=True), FeatureFiles(prefix))
    some, views = np.array([3, 5, 3, 7]), np.array([0, 1, 0, 6])
    store.fill(some, views, "")
    store.fill(some, views, "")
    assert counted.batches == 1
    (rows,) = store.rows(some, views)
    turned = cells.cells.array[5][:, ::-1]  # view 1 is flipped left and right
    np.testing.assert_allclose(rows[1], prefix.predict(turned[None], verbose=0)[0], rtol=1e-4, atol=1e-6)

    again = FeatureStore(counted, cells, Augmentation(dihedral=True), FeatureFiles(prefix))
    again.fill(some, views, "")
    assert counted.batches == 1
    np.testing.assert_array_equal(again.rows(some, views)[0], rows)
    again.fill(np.arange(20), np.zeros(20, int), "")
    assert counted.batches == 2
    np.testing.assert_array_equal(again.rows(some, views)[0], rows)

    copies = replace(cells, hashes=(cells.hashes[3],) * len(cells.hashes))
    read = FeatureStore(counted, copies, Augmentation(dihedral=True), FeatureFiles(prefix))
    assert read.computed.all(axis=1).tolist() == [True] + 7 * [False], "a picture is read under each of its names"

    (stored, *_) = FeatureFiles(prefix).folder.glob("*.npz")
    stored.write_bytes(stored.read_bytes()[:200])
    third = FeatureStore(counted, cells, Augmentation(dihedral=True), FeatureFiles(prefix))
    third.fill(some, views, "")
    np.testing.assert_array_equal(third.rows(some, views)[0], rows)

    kernel = model.get_layer("block1_conv").kernel
    kernel.assign(kernel + 1e-3)
    assert FeatureFiles(prefix).folder != store.files.folder


SHARED = """
import keras, numpy as np
from leukemia_tf.config import Augmentation
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.store import Store
from leukemia_tf.training import feature_cache
from leukemia_tf.training.examples import Examples
from leukemia_tf.training.feature_files import FeatureFiles

feature_cache.STORED = 16  # many small files
keras.utils.set_random_seed(0)
cell = keras.Input((8, 8, 3), dtype="uint8")
scaled = keras.layers.Rescaling(1 / 255)(cell)
prefix = keras.Model(cell, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(scaled)))
pixels = np.random.default_rng(0).integers(0, 256, (160, 8, 8, 3), np.uint8)
names = np.zeros(160, int)
cells = Examples(Store(("",) * 160, Preprocessing(8), pixels), names, names, names, tuple(map(str, range(160))))

def computed(files):
    store = feature_cache.FeatureStore(prefix, cells, Augmentation(dihedral=True), files)
    store.fill_all()
    return store.arrays[0]

np.testing.assert_array_equal(computed(FeatureFiles(prefix)), computed(None))
np.testing.assert_array_equal(computed(FeatureFiles(prefix)), computed(None))
"""


@pytest.mark.slow
def test_two_processes_share_a_cache(tmp_path):
    """Both compute and store at the same time; what each reads is whole."""
    environment = {**os.environ, "LEUKEMIA_TF_CACHE": str(tmp_path)}
    command, pipe = [sys.executable, "-c", SHARED], subprocess.PIPE
    processes = [subprocess.Popen(command, env=environment, stderr=pipe, text=True) for _ in range(2)]
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    assert not any("features are" in error for error in errors), errors  # computed again, or not stored
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len({path.name for path in files}) == len(files) == 80  # 160 cells, 8 views, 16 rows a file


def test_features_of_a_cell_do_not_depend_on_its_batch(frozen):
    _, prefix, cells = frozen
    alone, together = (FeatureStore(prefix, cells, OFF, None) for _ in range(2))
    alone.fill(np.array([7]), np.array([0]), "")
    together.fill(np.arange(20), np.zeros(20, int), "")
    np.testing.assert_array_equal(alone.arrays[0][0, 7], together.arrays[0][0, 7])


def test_the_least_recently_used_are_deleted(tmp_path):
    for age, name in enumerate("abc"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.npz").write_bytes(b"x" * 100)
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    drop_oldest(tmp_path, 250)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    drop_oldest(tmp_path, 10)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_another_constant_of_the_preprocessing_is_another_key(frozen, monkeypatch):
    """The settings are the same; what they make of a cell is not."""
    _, prefix, cells = frozen
    everything, first = np.arange(len(cells.labels)), np.zeros(len(cells.labels), int)
    FeatureStore(prefix, cells, OFF, FeatureFiles(prefix)).fill(everything, first, "")
    assert FeatureStore(prefix, cells, OFF, FeatureFiles(prefix)).computed.all()
    with monkeypatch.context() as patch:
        patch.setattr("leukemia_tf.data.framing.BACKGROUND", 40)
        assert not FeatureStore(prefix, cells, OFF, FeatureFiles(prefix)).computed.any()
    assert FeatureStore(prefix, cells, OFF, FeatureFiles(prefix)).computed.all()
    monkeypatch.setattr("leukemia_tf.training.feature_files.__version__", "99")
    assert not FeatureStore(prefix, cells, OFF, FeatureFiles(prefix)).computed.any()


def test_views_are_traced_once_however_many_files_their_features_fill(frozen, monkeypatch):
    _, prefix, cells = frozen
    monkeypatch.setattr("leukemia_tf.training.feature_cache.STORED", 6)
    store = FeatureStore(prefix, cells, Augmentation(dihedral=True), None)
    store.fill_all()
    assert store.computed.all()
    assert store.view.experimental_get_tracing_count() == 1


class Small(Counted):
    """A network on a device whose memory holds eight cells."""

    def predict_on_batch(self, cells):
        if len(cells) > 8:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        return super().predict_on_batch(cells)


def test_smaller_batches_where_memory_lacks(frozen):
    _, prefix, cells = frozen
    whole, small = FeatureStore(prefix, cells, OFF, None), FeatureStore(Small(prefix), cells, OFF, None)
    for store in (whole, small):
        store.fill_all()
    assert (small.batch, small.prefix.batches) == (8, 3)
    np.testing.assert_allclose(small.arrays[0], whole.arrays[0], rtol=1e-5, atol=1e-6)


def test_features_in_bfloat16_are_summed_in_float32():
    cells = np.random.default_rng(0).integers(11, 256, (4, 60, 60, 3), np.uint8)
    features, before = {}, keras.config.dtype_policy()
    try:
        for policy in ("float32", "mixed_bfloat16"):
            keras.config.set_dtype_policy(policy)
            keras.utils.set_random_seed(0)
            model = build_network(find_architecture("scratch"), 1, {"image_size": 60}, TEXTURE)
            assert model.get_layer("block2_conv").compute_dtype == policy.removeprefix("mixed_")
            features[policy] = np.asarray(keras.Model(model.input, model.get_layer("depths").output)(cells))
            assert model.get_layer("standard").compute_dtype == model.get_layer("logit").compute_dtype == "float32"
    finally:
        keras.config.set_dtype_policy(before)
    exact, half = features.values()
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, exact, rtol=0.05, atol=0.02)
    rounded = np.asarray(tf.cast(tf.cast(half, tf.bfloat16), tf.float32))
    assert np.mean(rounded != half) > 0.9
