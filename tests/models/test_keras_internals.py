"""What this package takes for granted of Keras beyond its documented API; a failure names the Keras that broke it."""

from itertools import pairwise

import keras
import numpy as np
import pytest

from leukemia_tf.models import keras_internals
from leukemia_tf.training.optimization import OptimizationConfig
from leukemia_tf.training.optimizers import Adam, build_optimizer, moving_averages

BROKEN = f"Keras {keras.version()} breaks leukemia_tf: "


class Recorder(Adam):
    """Records the place of each variable that it updates."""

    def update_step(self, gradient, variable, learning_rate):
        places.append(keras_internals.variable_index(self, variable))
        super().update_step(gradient, variable, learning_rate)


places: list[int] = []


def dense_model(optimizer):
    """Two dense layers with a dropout between, compiled."""
    x = keras.Input((3,))
    hidden = keras.layers.Dense(4, name="first")(x)
    model = keras.Model(x, keras.layers.Dense(1, name="second")(keras.layers.Dropout(0.9)(hidden)))
    model.compile(optimizer, "mse")
    return model


def fit(model, epochs=1):
    model.fit(np.ones((8, 3), "float32"), np.zeros((8, 1), "float32"), batch_size=4, epochs=epochs, verbose=0)


def test_a_variables_place_in_its_optimizer():
    places.clear()
    model = dense_model(Recorder(0.1))
    try:
        fit(model)
        variables = model.trainable_variables
        found = [keras_internals.variable_index(model.optimizer, variable) for variable in variables]
    except (AttributeError, KeyError, TypeError) as error:
        pytest.fail(f"{BROKEN}`Optimizer._get_variable_index` ({error!r}); mend models/keras_internals.py")
    assert found == list(range(len(variables))), f"{BROKEN}`Optimizer._get_variable_index` gives {found}"
    assert set(places) == set(found), f"{BROKEN}`update_step` is called for the places {places}"


@pytest.mark.parametrize("kind", ["adam", "sgd", "rmsprop"])
def test_moving_averages_are_variables_of_their_optimizer(kind):
    model = dense_model(build_optimizer(OptimizationConfig(kind, ema=0.5), 0.1, {}))
    fit(model)
    names = [variable.path for variable in model.optimizer.variables]
    shapes = [average.shape for average in moving_averages(model.optimizer)]
    expected = [variable.shape for variable in model.trainable_variables]
    assert shapes == expected, f"{BROKEN}no averages whose path ends with `_average` among {names}"


def test_fit_leaves_the_weights_beside_their_averages():
    model = dense_model(Adam(0.1, use_ema=True, ema_momentum=0.5))
    fit(model, epochs=2)
    pairs = zip(model.trainable_variables, moving_averages(model.optimizer), strict=True)
    unlike = any((weight.numpy() != average.numpy()).any() for weight, average in pairs)
    assert unlike, f"{BROKEN}`fit` puts averages in place of weights without `finalize_variable_values`"


def test_half_precision_wraps_the_optimizer():
    optimizer = Adam(0.1)
    wrapped = keras.optimizers.LossScaleOptimizer(optimizer)
    assert getattr(wrapped, "inner_optimizer", None) is optimizer, f"{BROKEN}`LossScaleOptimizer.inner_optimizer`"


def test_operations_tell_their_tensors_in_order():
    model = dense_model("sgd")
    operations = keras.Function(model.input, model.output).operations
    names = [operation.name.partition("_")[0] for operation in operations[1:]]
    assert names == ["first", "dropout", "second"], f"{BROKEN}`Function.operations` are {names}"
    for before, after in pairwise(operations):
        assert after.input is before.output, f"{BROKEN}`input` of {after.name} is not `output` of {before.name}"


def test_a_model_from_an_inner_tensor_trains_the_same_layers_and_leaves_the_network_as_it_is():
    model = dense_model("sgd")
    before, features = model.to_json(), np.ones((64, 4), "float32")
    tail = keras.Model([model.get_layer("first").output], model.output)
    assert model.to_json() == before, f"{BROKEN}`keras.Model` from an inner tensor changes the network around it"
    assert tail.get_layer("second") is model.get_layer("second"), f"{BROKEN}`keras.Model` copies layers"
    served, dropped = (keras.ops.convert_to_numpy(tail([features], training=training)) for training in (False, True))
    assert len(np.unique(served)) == 1
    assert len(np.unique(dropped)) > 1, f"{BROKEN}a `keras.Model` from an inner tensor does not pass on `training`"
