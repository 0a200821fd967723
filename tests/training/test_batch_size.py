"""The batch finder: doubles while that is faster, stops at a lack of memory, and scales the rates."""

import math

import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.config import LrfindConfig, TrainConfig
from leukemia_tf.core.errors import ArgumentError
from leukemia_tf.training.augmented_steps import augmented_steps
from leukemia_tf.training.batch_size import find_batch_size, largest_batch, rate_factor, time_steps
from leukemia_tf.training.checkpoints import network_variables
from leukemia_tf.training.setup import build_setup, read_training_cells
from leukemia_tf.training.stages import Stage
from leukemia_tf.workflows.batch_size import batch_size_of, with_batch_size
from leukemia_tf.workflows.lrfind import lrfind


def device(fits=10**9, fixed=0.01, cell=0.0001, flat=10**9):
    """A device whose step takes a fixed time and some of each cell; from `flat` cells on, time grows as they do."""

    def seconds(size):
        tried.append(size)
        if size > fits:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM")
        return (fixed + cell * min(size, flat)) * max(1, size / flat)

    tried = []
    return seconds, tried


@pytest.mark.parametrize(
    ("limits", "largest", "size", "last"),
    [
        ({"fits": 100}, 1000, 64, 128),  # memory
        ({"flat": 128}, 1000, 128, 256),  # no faster
        ({}, 200, 128, 128),  # an epoch would have too few steps
        ({"fits": 10}, 1000, 8, 8),  # not even the usual number
    ],
)
def test_where_the_finder_stops(limits, largest, size, last):
    seconds, tried = device(**limits)
    assert find_batch_size(seconds, largest) == size
    assert tried[-1] == last


def test_nothing_fits():
    with pytest.raises(tf.errors.ResourceExhaustedError):
        find_batch_size(device(fits=0)[0], 1000)


def test_rates_and_steps():
    assert rate_factor(128, "adam") == pytest.approx(2)
    assert rate_factor(128, "sgd") == pytest.approx(4)
    assert rate_factor(8, "rmsprop") == pytest.approx(0.5)
    assert (largest_batch(100), largest_batch(16 * 300)) == (32, 300)


def test_the_real_step_is_timed_and_the_network_left_as_it_was(tiny_cells, monkeypatch):
    config = TrainConfig(base="scratch", data=tiny_cells, image_size=60, batch_size="auto", weights="none")
    setup = build_setup(config, *read_training_cells(config))
    before = [np.array(variable) for variable in network_variables(setup.network.model)]
    names = tuple(block.name for block in setup.network.blocks)
    assert batch_size_of(config, setup, Stage("all", names, 0.1, 1)) == 32  # of so few cells
    for variable, value in zip(network_variables(setup.network.model), before, strict=True):
        np.testing.assert_array_equal(variable, value)
    trainer = augmented_steps(setup.network.model, config.augment)
    trainer.compile("sgd", "mse")
    assert 0 < time_steps(trainer, 2) < 100
    assert with_batch_size(config, setup).batch_size == 32  # no GPU: as by default
    monkeypatch.setattr("leukemia_tf.workflows.batch_size.has_gpu", lambda: True)
    monkeypatch.setattr("leukemia_tf.workflows.batch_size.batch_size_of", lambda *_: 128)
    larger = with_batch_size(config, setup)
    assert (larger.batch_size, larger.lr, larger.fine_tune_lr) == (128, 2e-3, None)
    assert math.isclose(
        with_batch_size(TrainConfig(**{**vars(config), "fine_tune_lr": 1e-5}), setup).fine_tune_lr, 2e-5
    )


def test_what_cannot_be(tiny_cells):
    with pytest.raises(ArgumentError, match=r"a range test needs the number.*Received: batch_size='auto'"):
        lrfind(LrfindConfig(base="scratch", data=tiny_cells, batch_size="auto"))
    with pytest.raises(ArgumentError, match="`batch_size`: it takes a whole number or 'auto'"):
        TrainConfig(batch_size="large")
