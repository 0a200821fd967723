"""Many steps in one call: the history and the weights of single steps, and the same after an interruption."""

import numpy as np
import pytest

from leukemia_tf.models.heads import Head
from leukemia_tf.training import many_steps, trainer
from leukemia_tf.training.checkpoints import network_variables
from leukemia_tf.training.stages import Stage
from leukemia_tf.training.trainer import train_stages

STAGES = [Stage("head", (), 1e-2, 3, schedule="one-cycle"), Stage("again", (), 1e-3, 2)]
HEAD = Head(pooling="mean-std", depths=2, units=(8,), dropout=0.4)
NUMBERS = ("loss", "val_loss", "learning_rate", "accuracy")


def trained(make_job, folder, **changes):
    job = make_job(folder, head=HEAD, count=(38, 8), **changes)
    history = train_stages(job, STAGES)
    return history, [np.array(variable) for variable in network_variables(job.network.model)]


@pytest.fixture
def many(monkeypatch):
    monkeypatch.setattr(trainer, "takes_many_steps", lambda *_: True)
    monkeypatch.setattr(many_steps, "MOST", 4)


def numbers(history):
    return [[row[name] for name in NUMBERS] for row in history]


def test_the_history_is_that_of_single_steps(make_job, monkeypatch):
    history, variables = trained(make_job, "single")
    monkeypatch.setattr(trainer, "takes_many_steps", lambda *_: True)
    again, others = trained(make_job, "many")
    np.testing.assert_allclose(numbers(again), numbers(history), rtol=1e-5)
    assert len({row["learning_rate"] for row in history}) > 3
    for one, other in zip(variables, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_it_resumes_with_the_same_bits(make_job, many):
    history, variables = trained(make_job, "whole")
    calls = []

    class Interrupted(many_steps.ManySteps):
        def train(self, batches, steps, schedule, losses, accuracies, bar, stop, save):
            calls.append(0)

            class Bar:
                def update(self, count):
                    stop.requested = len(calls) == 3  # in the middle of the third epoch

            super().train(batches, steps, schedule, losses, accuracies, Bar(), stop, save)

    plain, trainer.ManySteps = trainer.ManySteps, Interrupted
    try:
        with pytest.raises(KeyboardInterrupt):
            trained(make_job, "stopped")
    finally:
        trainer.ManySteps = plain
    again, others = trained(make_job, "stopped")
    assert len(calls) == 3
    np.testing.assert_array_equal(numbers(again), numbers(history))
    for one, other in zip(variables, others, strict=True):
        np.testing.assert_array_equal(one, other)


def test_no_such_steps_here(make_job):
    job = make_job()
    assert not trainer.takes_many_steps(job, job.network.model)
