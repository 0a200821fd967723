"""Balance, shuffling and augmentation: drawn from (seed, epoch, position) and from nothing else."""

import numpy as np
import tensorflow as tf

from leukemia_tf.data.augment import dihedral
from leukemia_tf.data.catalog import read_catalog
from leukemia_tf.data.pipeline import epoch_order, load_cells, training_batches
from leukemia_tf.data.preprocess import cell_from_bytes
from leukemia_tf.data.settings import Preprocessing

LABELS = np.array([0] * 3 + [1] * 7)


def test_eight_exact_views():
    image = np.random.default_rng(0).integers(0, 256, (5, 5, 3), np.uint8)
    views = dihedral(tf.constant(np.stack([image] * 8)), tf.range(8)).numpy()
    wanted = [np.rot90(side, turns) for side in (image, image[:, ::-1]) for turns in range(4)]
    assert {view.tobytes() for view in views} == {np.ascontiguousarray(view).tobytes() for view in wanted}
    np.testing.assert_array_equal(views[0], image)


def test_an_epoch_is_balanced_and_complete():
    order = epoch_order(LABELS, seed=1, epoch=0).numpy()
    seen = np.bincount(order, minlength=10)
    assert seen[LABELS == 1].tolist() == [1] * 7
    assert seen[LABELS == 0].sum() == 7
    assert seen[LABELS == 0].min() >= 2


def test_draws_depend_on_seed_and_epoch_only():
    cells = tf.constant(np.random.default_rng(0).integers(0, 256, (10, 6, 6, 3), np.uint8))

    def epoch(seed, number, batch):
        batches = training_batches(cells, LABELS, batch, seed, number)
        return np.concatenate([x for x, _ in batches]), np.concatenate([y for _, y in batches])

    first, labels = epoch(1, 2, 4)
    np.testing.assert_array_equal(first, epoch(1, 2, 5)[0])  # whatever the batch
    assert (first != epoch(1, 3, 4)[0]).any()
    assert (first != epoch(2, 2, 4)[0]).any()
    assert labels.shape == (14, 1)
    assert labels.mean() == 0.5


def test_labels_stay_with_their_cells():
    cells = tf.constant(np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8))
    for pictures, labels in training_batches(cells, LABELS, 4, seed=0, epoch=0):
        np.testing.assert_array_equal(labels[:, 0], LABELS[pictures[:, 0, 0, 0].numpy()])


def test_loading_equals_the_graph_one_by_one(tiny_cells):
    cells = read_catalog(tiny_cells).cells[:5]
    loaded = load_cells(tiny_cells, cells, Preprocessing(40))
    for cell, picture in zip(cells, loaded, strict=True):
        alone = cell_from_bytes(tf.io.read_file(str(tiny_cells / cell.path)), Preprocessing(40))
        np.testing.assert_array_equal(picture, alone)
