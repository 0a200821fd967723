"""Schedules against Keras's own and against numbers by hand."""

import keras
import numpy as np
import pytest

from leukemia_tf.core.errors import ArgumentError
from leukemia_tf.training.schedules import Plateau, check_schedule, parse_schedule, schedule_value


def rates(schedule, epochs=10, steps=4):
    return [schedule_value(schedule, step / steps, epochs).rate for step in range(epochs * steps)]


def test_constant_and_step():
    assert set(rates("constant")) == {1.0}
    np.testing.assert_allclose(rates("step", 21, 1), np.repeat([1, 0.1, 0.01], 7))
    np.testing.assert_allclose(rates("step:2:0.5", 6, 2), np.repeat([1, 0.5, 0.25], 4))


def test_cosine_is_kerass():
    theirs = keras.optimizers.schedules.CosineDecay(1.0, 40)
    np.testing.assert_allclose(rates("cosine"), [float(theirs(step)) for step in range(40)], atol=1e-6)


def test_one_cycle_rises_and_falls_and_momentum_goes_the_other_way():
    values = [schedule_value("one-cycle", done, 10) for done in np.linspace(0, 10, 101)]
    rate, momentum = np.array([(value.rate, value.momentum) for value in values]).T
    assert rate[0] == pytest.approx(1 / 25)
    assert rate.argmax() == momentum.argmin() == 30
    assert (rate[30], momentum[30]) == (pytest.approx(1), pytest.approx(0.85))
    assert (np.diff(rate[:31]) > 0).all()
    assert (np.diff(rate[30:]) < 0).all()
    assert rate[-1] == pytest.approx(1e-5)
    assert (momentum[0], momentum[-1]) == (pytest.approx(0.95), pytest.approx(0.95))
    assert rate[15] == pytest.approx((1 + 1 / 25) / 2)  # half of the way up a cosine


@pytest.mark.parametrize(("patience", "factor"), [(0, 0.5), (1, 0.5), (2, 0.1), (3, 0.5)])
def test_plateau_is_kerass(patience, factor):
    losses = [1.0, 0.9, 0.95, 0.9, 0.91, 0.8, 0.85, 0.83, 0.82, 0.81, 0.9, 0.7, 0.75, 0.74, 0.73, 0.72]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    theirs = keras.callbacks.ReduceLROnPlateau(factor=factor, patience=patience, min_delta=0)
    theirs.set_model(model)
    theirs.on_train_begin()
    ours, schedule = Plateau(), f"plateau:{factor}:{patience}"
    for epoch, loss in enumerate(losses):
        theirs.on_epoch_end(epoch, {"val_loss": loss})
        ours.update(loss, schedule)
        rate = schedule_value(schedule, epoch, 20, ours.reductions).rate
        assert rate == pytest.approx(float(model.optimizer.learning_rate))


def test_parsing():
    assert parse_schedule("step") == ("step", (7, 0.1))
    assert parse_schedule("step:3") == ("step", (3, 0.1))
    assert parse_schedule("plateau:0.2:0") == ("plateau", (0.2, 0))


@pytest.mark.parametrize(
    "text",
    [
        "steps",
        "step:x",
        "step:1:2",
        "step:0",
        "cosine:1",
        "plateau:1",
        "one-cycle:1",
        "step:-1",
        "step:1:0.1:3",
        "step:nan",
    ],
)
def test_bad_schedules(text):
    with pytest.raises(ArgumentError, match=f"^`schedule`: .* Received: schedule='{text}'$"):
        check_schedule(text)
