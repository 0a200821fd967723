"""Balance, shuffling and augmentation: drawn from (seed, epoch, position) and from nothing else."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.config import Augmentation
from leukemia_tf.core.console import progress_bar
from leukemia_tf.core.errors import ArgumentError
from leukemia_tf.data import store as store_module
from leukemia_tf.data.balance import BALANCES, Sampling, cell_weights, epoch_order
from leukemia_tf.data.datasets import (
    cell_view,
    epoch_views,
    load_cell_arrays,
    prediction_batches,
    training_batches,
    view_batches,
)
from leukemia_tf.data.fixed_views import fixed_draws
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.preprocessing_graph import cell_from_bytes
from leukemia_tf.data.reading import read_catalog
from leukemia_tf.data.store import Store, choose_cache, open_store

LABELS = np.array([0] * 3 + [1] * 7)
PATIENTS = np.array(["a", "a", "b", *"cccccde"])
ONES = np.ones(10, np.float32)


def store(cells):
    return Store(("",) * len(cells), Preprocessing(cells.shape[1]), cells)


def noise(size=6):
    return np.random.default_rng(0).integers(0, 256, (10, size, size, 3), np.uint8)


def test_an_oversampled_epoch_is_balanced_and_complete():
    order = epoch_order(LABELS, Sampling(), seed=1, epoch=0)
    seen = np.bincount(order, minlength=10)
    assert seen[LABELS == 1].tolist() == [1] * 7
    assert seen[LABELS == 0].sum() == 7
    assert seen[LABELS == 0].min() >= 2


@pytest.mark.parametrize(
    ("balance", "counts"),
    [
        ("none", (3, 7)),
        ("oversample", (7, 7)),
        ("double", (6, 7)),
        ("undersample", (3, 3)),
        ("class-weight", (3, 7)),
        ("mean", (5, 5)),
    ],
)
@pytest.mark.parametrize("multiply", [1, 3])
def test_counts_of_an_epoch(balance, counts, multiply):
    order = epoch_order(LABELS, Sampling(balance, multiply), seed=0, epoch=4)
    assert np.bincount(LABELS[order]).tolist() == [multiply * count for count in counts]


def test_doubling_shows_each_cell_of_the_smaller_class_twice():
    labels = np.repeat([0, 1], [3389, 7272])  # C-NMC's training set, as the report of EfficientNet-B0 doubled it
    seen = np.bincount(epoch_order(labels, Sampling("double"), 0, 0), minlength=len(labels))
    assert (seen[labels == 0] == 2).all()
    assert (seen[labels == 1] == 1).all()
    assert seen[labels == 0].sum() == 6778
    assert np.bincount(epoch_order(np.array([0, 1]), Sampling("double"), 0, 0)).tolist() == [1, 1]


def test_undersampling_draws_each_epoch_and_mean_once():
    for balance, same in (("undersample", False), ("mean", True)):
        first, later = (set(epoch_order(LABELS, Sampling(balance), 0, epoch)) for epoch in (0, 1))
        assert (first == later) == same


def test_weights_of_classes_and_patients():
    weights = cell_weights(LABELS, PATIENTS, Sampling("class-weight", patient_weight="equal"))
    assert weights[LABELS == 0].sum() == pytest.approx(5)
    assert weights[LABELS == 1].sum() == pytest.approx(5)
    by_patient = {patient: weights[patient == PATIENTS].sum() for patient in "abcde"}
    assert by_patient["a"] == pytest.approx(by_patient["b"])
    assert by_patient["c"] == pytest.approx(by_patient["d"]) == pytest.approx(by_patient["e"])
    root = cell_weights(LABELS, PATIENTS, Sampling("none", patient_weight="sqrt"))
    assert root[-1] / root[3] == pytest.approx(5**0.5)
    np.testing.assert_allclose([root[LABELS == 0].mean(), root[LABELS == 1].mean()], 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"balance": "even"}, "`balance`: .* Received: balance='even'"),
        ({"balance": "main-report"}, "`balance`: choose one of none, .*double, .* class-weight, mean"),
        ({"patient_weight": "log"}, "`patient_weight`: choose one of none, sqrt, equal"),
        ({"multiply": 0}, "Received: multiply=0"),
    ],
)
def test_bad_settings(settings, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        Sampling(**settings)


def epoch_of(cells, sampling, seed=1, number=2, batch=4):
    batches = list(
        training_batches(cell_view(store(cells), sampling.augment), LABELS, ONES, sampling, batch, seed, number)
    )
    return [np.concatenate([part[i] for part in batches]) for i in range(3)]


EVERYTHING = Augmentation(
    **dict.fromkeys(("translation", "zoom", "crop", "brightness", "contrast", "gamma", "stain"), (0.7, 0.2)),
    rotation=(0.7, 30.0),
    blur=(0.7, 1.0),
    mixup=(0.3, 0.4),
    cutmix=(0.3, 1.0),
)


@pytest.mark.parametrize("settings", [Augmentation(), EVERYTHING], ids=["default", "everything"])
def test_draws_depend_on_seed_and_epoch_only(settings):
    cells, sampling = noise(16), Sampling(augment=settings)
    first, labels, _ = epoch_of(cells, sampling)
    for batch in (1, 5, 14):  # whatever the batch, so whatever the order of the work
        again, same_labels, _ = epoch_of(cells, sampling, batch=batch)
        np.testing.assert_array_equal(first, again)
        np.testing.assert_array_equal(labels, same_labels)
    assert (first != epoch_of(cells, sampling, number=3)[0]).any()
    assert (first != epoch_of(cells, sampling, seed=2)[0]).any()
    assert labels.shape == (14, 1)


@pytest.mark.parametrize("balance", BALANCES)
def test_labels_and_weights_stay_with_their_cells(balance):
    cells = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    weights = cell_weights(LABELS, PATIENTS, Sampling(balance, patient_weight="equal"))
    total = 0.0
    view = cell_view(store(cells), Sampling(balance).augment)
    for pictures, labels, batch_weights in training_batches(view, LABELS, weights, Sampling(balance), 4, 0, 0):
        index = pictures[:, 0, 0, 0].numpy()
        np.testing.assert_array_equal(labels[:, 0], LABELS[index])
        assert np.ptp(batch_weights.numpy() / weights[index]) < 1e-6
        total += batch_weights.numpy().sum()
    assert total == pytest.approx(len(epoch_order(LABELS, Sampling(balance), 0, 0)))


def test_an_epoch_can_start_at_any_batch():
    sampling = Sampling(augment=EVERYTHING)
    drawn = (cell_view(store(noise(16)), sampling.augment), LABELS, ONES, sampling, 4, 0, 3)
    for whole, rest in zip(list(training_batches(*drawn))[2:], training_batches(*drawn, 2), strict=True):
        for values, same in zip(whole, rest, strict=True):
            np.testing.assert_array_equal(values, same)


def test_a_view_is_traced_for_the_first_epoch_alone():
    sampling = Sampling(augment=EVERYTHING)
    view = cell_view(store(noise(16)), sampling.augment)
    batches = [list(training_batches(view, LABELS, ONES, sampling, 4, 0, epoch)) for epoch in range(3)]
    assert [len(epoch) for epoch in batches] == [4, 4, 4]
    assert view.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("turned", [True, False])
def test_views_of_an_epoch_are_what_it_is_fed(turned):
    cells, sampling = noise(16), Sampling(augment=Augmentation(dihedral=turned))
    fed, _, _ = epoch_of(cells, sampling)
    draws = fixed_draws([f"{index:064}" for index in range(16)], sampling.augment)
    indices, views = epoch_views(LABELS, sampling, 1, 2, len(draws))
    views = view_batches(cell_view(store(cells), sampling.augment), indices, draws[views, indices], 5)
    np.testing.assert_array_equal(fed, np.concatenate(list(views)))


@pytest.mark.parametrize(("weight", "shares"), [("equal", (20, 20, 20)), ("sqrt", (40, 10, 10))])
def test_patients_are_drawn_as_often_as_they_weigh(weight, shares):
    """By the root, 48 cells weigh four times as much as 3."""
    sizes, labels = (48, 3, 3), np.zeros(54 + 60, int)
    labels[54:] = 1
    patients = np.array([*np.repeat(["a", "b", "c"], sizes), *["d"] * 60])
    sampling = Sampling("oversample", patient_weight=weight)
    seen = np.zeros(114)
    for epoch in range(40):
        order = epoch_order(labels, sampling, 0, epoch, patients)
        assert np.bincount(labels[order]).tolist() == [60, 60]
        drawn = [np.sum(patients[order] == name) for name in "abc"]
        assert np.abs(np.array(drawn) - shares).max() <= 1
        seen += np.bincount(order, minlength=114)
    assert seen.min() > 0  # no cell of a large patient is left out for good
    assert np.ptp(seen[48:51]) <= 40  # nor is one of a patient's preferred
    np.testing.assert_array_equal(
        epoch_order(labels, Sampling(), 0, 3, patients), epoch_order(labels, Sampling(), 0, 3)
    )


def test_copies_differ():
    pictures, _, _ = epoch_of(noise(16), Sampling("none", multiply=4, augment=EVERYTHING))
    assert len({picture.tobytes() for picture in pictures}) > 36


@pytest.mark.parametrize("cache", ["memory", "disk", "none", "auto"])
def test_every_cache_gives_the_same(cache, tiny_cells):
    cells, settings = (
        read_catalog(tiny_cells).cells[:10],
        Preprocessing(40, "fixed:100", stain_normalization="reinhard"),
    )
    opened = open_store(tiny_cells, cells, settings, cache)
    alone = [cell_from_bytes(tf.io.read_file(str(tiny_cells / cell.path)), settings) for cell in cells]
    np.testing.assert_array_equal(np.concatenate(list(prediction_batches(opened, 3))), alone)
    np.testing.assert_array_equal(load_cell_arrays(tiny_cells, cells, settings), alone)
    drawn = (LABELS, ONES, Sampling(), 4, 0, 0)
    batches = training_batches(cell_view(opened, Sampling().augment), *drawn)
    wanted = training_batches(cell_view(store(np.array(alone)), Sampling().augment), *drawn)
    for (got, *_), (same, *_) in zip(batches, wanted, strict=True):
        np.testing.assert_array_equal(got, same)


def test_no_cells_are_an_empty_array(tmp_path):
    assert load_cell_arrays(tmp_path, [], Preprocessing(40)).shape == (0, 40, 40, 3)
    assert not list(prediction_batches(open_store(tmp_path, [], Preprocessing(40), "disk"), 3))


def test_a_store_is_filled_without_a_progress_bar(tiny_cells, monkeypatch):
    cells, settings = read_catalog(tiny_cells).cells[:40], Preprocessing(20)
    shown = load_cell_arrays(tiny_cells, cells, settings)
    monkeypatch.setattr(store_module, "progress_bar", partial(progress_bar, disable=True))
    np.testing.assert_array_equal(load_cell_arrays(tiny_cells, cells, settings), shown)


def test_cache_is_chosen_by_size():
    assert choose_cache(1000) == "memory"
    assert choose_cache(10**18) == "none"
    assert choose_cache(10**18, "disk") == "disk"
    with pytest.raises(ArgumentError, match="`cache`: choose one of auto, memory, disk, none"):
        choose_cache(1, "ram")
