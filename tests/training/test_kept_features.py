"""Kept outputs of frozen layers: the same training as without, computed once, kept on disk, damaged files seen."""

from dataclasses import replace

import numpy as np
import pytest

from leukemia_tf.config import Augmentation
from leukemia_tf.data.balance import Sampling
from leukemia_tf.models.freezing import set_trainable
from leukemia_tf.models.head import Head
from leukemia_tf.training.feature_files import FeatureFiles, drop_oldest
from leukemia_tf.training.feature_store import FeatureStore
from leukemia_tf.training.feed import make_feed
from leukemia_tf.training.frozen import Moving, frontier
from leukemia_tf.training.loop import train_stages
from leukemia_tf.training.stages import Stage

POOLED = Head(pooling="mean-std", depths=2, units=(8,), dropout=0.4)
TEXTURE = Head(pooling="cell", depths=2, units=(), dropout=0.3, standardize=True)
STAGES = {
    "head": Stage("head", (), 1e-2, 3, 9),
    "top": Stage("top", ("block3",), 1e-3, 3, 9),
}


def names(model):
    return [tensor._keras_history.operation.name for tensor in frontier(model)]


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
def test_frontier(make_task, head, learning, wanted):
    task = make_task(head=head)
    model = task.network.model
    set_trainable(model, task.network.blocks, learning, task.network.pretrained)
    found = names(model)
    assert sorted(found) == sorted(wanted)
    if wanted:
        import keras

        edge = frontier(model)
        cells = task.examples("train", 60).cells.array
        kept = keras.Model(model.input, list(edge)).predict(cells, verbose=0)
        kept = kept if isinstance(kept, list) else [kept]
        rest = Moving(edge, model.get_layer("logit").output)
        direct = keras.Model(model.input, model.get_layer("logit").output).predict(cells, verbose=0)
        np.testing.assert_allclose(rest(tuple(kept)), direct, rtol=1e-4, atol=1e-5)
        assert {v.path for v in rest.trainable_variables} == {v.path for v in model.trainable_variables}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(("turned", "head"), [(True, POOLED), (False, POOLED), (True, TEXTURE)])
def test_same_losses_as_without(make_task, stage, turned, head):
    told = {}
    for keep in (True, False):
        sampling = Sampling(augment=Augmentation(dihedral=turned))
        task = make_task(f"{keep}", head=head, sampling=sampling, keep_features=keep)
        rows, losses = [], []
        task = replace(task, note=lambda row, own: (rows.append(row), losses.extend(own)))  # noqa: B023
        train_stages(task, [STAGES[stage]])
        told[keep] = losses + [row["val_loss"] for row in rows]
    np.testing.assert_allclose(told[True], told[False], rtol=1e-4)
    assert len(set(told[True])) > 10


def test_nothing_is_kept_of_a_picture_that_is_only_padded():
    from leukemia_tf.models.network import blocks_of, build_network
    from leukemia_tf.models.table import find_architecture

    model = build_network(find_architecture("resnet18"), 2, {"image_size": 64}, POOLED)
    blocks = blocks_of(model)
    set_trainable(model, blocks, [block.name for block in blocks], ())
    assert frontier(model) == ()


def test_nothing_is_kept_where_a_cell_looks_different_each_time(make_task):
    task = make_task(head=POOLED)
    model = task.network.model
    set_trainable(model, task.network.blocks, (), task.network.pretrained)
    parts = (task.examples("train", 60), task.examples("val", 60))
    for augment, kept in (
        (Augmentation(), True),
        (Augmentation(rotation=(0.5, 20.0)), False),
        (Augmentation(mixup=(1, 1)), False),
    ):
        feed = make_feed(model, *parts, Sampling(augment=augment), 4, 0, True)
        assert isinstance(feed.trainer, Moving) == kept
    assert not isinstance(make_feed(model, *parts, Sampling(), 4, 0, False).trainer, Moving)


@pytest.fixture
def frozen(make_task):
    """A network whose base is frozen, what of it stands still, and its training cells."""
    import keras

    task = make_task(head=POOLED)
    model = task.network.model
    set_trainable(model, task.network.blocks, (), task.network.pretrained)
    return model, keras.Model(model.input, list(frontier(model))), task.examples("train", 60)


class Counted:
    """A network that counts the batches it runs."""

    def __init__(self, model):
        self.model, self.batches, self.outputs = model, 0, model.outputs

    def predict_on_batch(self, cells):
        self.batches += 1
        return self.model.predict_on_batch(cells)


def test_each_view_of_each_cell_is_computed_once_and_kept_on_disk(frozen):
    model, prefix, cells = frozen
    counted = Counted(prefix)
    store = FeatureStore(counted, cells, 8, FeatureFiles(prefix))
    some, views = np.array([3, 5, 3, 7]), np.array([0, 1, 0, 6])
    store.fill(some, views, "")
    store.fill(some, views, "")
    assert counted.batches == 1
    (rows,) = store.rows(some, views)
    turned = cells.cells.array[5][:, ::-1]  # view 1 is flipped left and right
    np.testing.assert_allclose(rows[1], prefix.predict(turned[None], verbose=0)[0], rtol=1e-4, atol=1e-6)

    again = FeatureStore(counted, cells, 8, FeatureFiles(prefix))
    again.fill(some, views, "")
    assert counted.batches == 1
    np.testing.assert_array_equal(again.rows(some, views)[0], rows)
    again.fill(np.arange(20), np.zeros(20, int), "")
    assert counted.batches == 2
    np.testing.assert_array_equal(again.rows(some, views)[0], rows)

    (kept, *_) = FeatureFiles(prefix).folder.glob("*.npz")
    kept.write_bytes(kept.read_bytes()[:200])
    third = FeatureStore(counted, cells, 8, FeatureFiles(prefix))
    third.fill(some, views, "")
    np.testing.assert_array_equal(third.rows(some, views)[0], rows)

    kernel = model.get_layer("block1_conv").kernel
    kernel.assign(kernel + 1e-3)
    assert FeatureFiles(prefix).folder != store.files.folder


def test_a_cells_features_do_not_depend_on_its_company(frozen):
    _, prefix, cells = frozen
    alone, together = (FeatureStore(prefix, cells, 1, None) for _ in range(2))
    alone.fill(np.array([7]), np.array([0]), "")
    together.fill(np.arange(20), np.zeros(20, int), "")
    np.testing.assert_array_equal(alone.arrays[0][0, 7], together.arrays[0][0, 7])


def test_the_longest_unused_are_dropped(tmp_path):
    import os

    for age, name in enumerate("abc"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.npz").write_bytes(b"x" * 100)
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    drop_oldest(tmp_path, 250)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    drop_oldest(tmp_path, 10)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
