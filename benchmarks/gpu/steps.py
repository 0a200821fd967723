"""Training and prediction on JAX: the product's stages, freezing, schedules, losses and optimizers in compiled steps.

TensorFlow's part of the product is replaced: `fit` by these steps, `tf.data` by arrays that stay on the device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from leukemia_tf.config import Augmentation
from leukemia_tf.data.balance import Sampling, epoch_order
from leukemia_tf.data.draws import draws_of, epoch_draws
from leukemia_tf.data.fixed_views import fixed_draws
from leukemia_tf.data.step_augmentation import augment_in_step
from leukemia_tf.models.freezing import learning_rate_multipliers, set_trainable
from leukemia_tf.models.network import logit_model
from leukemia_tf.models.pretrained import Network
from leukemia_tf.training.frozen_boundary import frozen_boundary, trainable_tail
from leukemia_tf.training.optimization import OptimizationConfig
from leukemia_tf.training.optimizers import build_loss, build_optimizer
from leukemia_tf.training.schedules import schedule_value
from leukemia_tf.training.stages import Stage

BATCH = 32  # the product's
Take = Callable[[Any, Any, Any], Any]  # arrays on the device, indices of cells, their draws -> a step's input


class StageSteps:
    """The steps of one stage of one network, compiled once for all folds and seeds.

    Parameters
    ----------
    network : Network
        Its variables hold the weights between stages.
    stage : Stage
        What learns, at which rate.
    take : callable
        See `Take`.
    cached : bool
        Whether the step takes cached features of the frozen layers, not cells.
    """

    def __init__(self, network: Network, stage: Stage, take: Take, cached: bool) -> None:
        self.network, self.stage, self.take, self.cached = network, stage, take, cached
        self.freeze()
        model = network.model
        self.trainer = trainable_tail(model, frozen_boundary(model)) if cached else logit_model(model)
        multipliers = learning_rate_multipliers(model, network.blocks, stage.layer_decay)
        self.optimizer = build_optimizer(OptimizationConfig(), stage.learning_rate, multipliers)
        self.optimizer.build(self.trainer.trainable_variables)
        self.rate_at = [variable.path for variable in self.optimizer.variables].index(self.optimizer.learning_rate.path)
        self.fresh = [np.array(variable) for variable in self.optimizer.variables]
        self.loss = build_loss(OptimizationConfig())
        self.compiled = jax.jit(self._step, donate_argnums=0)

    def freeze(self) -> None:
        """Set the flags of the network's layers to this stage's."""
        network, stage = self.network, self.stage
        set_trainable(network.model, network.blocks, stage.learning, network.pretrained, stage.train_batchnorm)

    def start(self) -> tuple:
        """Return what a step changes, copied, since a step gives its own away: weights, fixed values, moments."""
        parts = (self.trainer.trainable_variables, self.trainer.non_trainable_variables)
        trained, fixed = ([jnp.array(variable.value) for variable in part] for part in parts)
        return trained, fixed, list(map(jnp.array, self.fresh))

    def _step(self, state: tuple, rate: Any, source: Any, batch: tuple) -> tuple[tuple, Any]:
        trainable, fixed, moments = state
        index, draws, targets, weights = batch

        def objective(trainable: list) -> tuple[Any, list]:
            inputs = self.take(source, index, draws)
            logits, after, losses = self.trainer.stateless_call(
                trainable, fixed, inputs, training=True, return_losses=True
            )
            return self.loss(targets, logits, weights) + sum(losses), after

        (value, fixed), gradients = jax.value_and_grad(objective, has_aux=True)(trainable)
        moments = [*moments[: self.rate_at], rate, *moments[self.rate_at + 1 :]]
        trainable, moments = self.optimizer.stateless_apply(moments, gradients, trainable)
        return (trainable, fixed, moments), value

    def train(
        self, source: Any, labels: np.ndarray, patients: np.ndarray, chosen: np.ndarray, seed: int
    ) -> list[float]:
        """Train the stage on the chosen cells, int [k], from the network's weights on; return each epoch's loss."""
        self.freeze()
        trained = (self.trainer.trainable_variables, self.trainer.non_trainable_variables)
        state = (
            *([jnp.array(variable.value) for variable in part] for part in trained),
            list(map(jnp.array, self.fresh)),
        )
        sampling, losses = Sampling(patient_weight="equal"), []
        for epoch in range(self.stage.epochs):
            order = epoch_order(labels[chosen], sampling, seed, epoch, patients[chosen])
            draws, values = epoch_draws(len(order), seed, epoch), []
            for start in range(0, len(order), BATCH):
                share = schedule_value(self.stage.schedule, epoch + start / len(order), self.stage.epochs).rate
                rate = jnp.float32(self.stage.learning_rate * share)
                batch = padded(chosen[order[start : start + BATCH]], draws[start : start + BATCH], labels)
                state, value = self.compiled(state, rate, source, batch)
                values.append(value)
            losses.append(float(np.mean(jax.device_get(values))))
        for part, values in zip(trained, state):
            for variable, value in zip(part, values, strict=True):
                variable.assign(value)
        return losses


def padded(index: np.ndarray, draws: np.ndarray, labels: np.ndarray) -> tuple:
    """Return a batch of one shape: a short one repeats its cells without weight, so that nothing compiles anew."""
    rows = np.resize(np.arange(len(index)), BATCH)
    weights = np.where(np.arange(BATCH) < len(index), BATCH / len(index), 0).astype(np.float32)
    return index[rows], draws[rows], labels[index[rows], None].astype(np.float32), weights


def take_cells(settings: Augmentation) -> Take:
    """Return what takes random views of cells: uint8 [n, size, size, 3] on the device."""
    return lambda cells, index, draws: augment_in_step(jnp.take(cells, index, axis=0), draws, settings)


def take_features(views: int) -> Take:
    """Return what takes cached features of fixed views of cells: a list of float32 [views, n, …] on the device."""

    def take(features: Sequence[Any], index: Any, draws: Any) -> list:
        view = (draws_of(draws, "dihedral")[:, 1] * views).astype("int32")
        return [values[view, index] for values in features]

    return take


class Forward:
    """A network's outputs for cells, compiled once; its variables' values are read at each call.

    Parameters
    ----------
    model : keras.Model
        From cells to its outputs.
    settings : Augmentation, optional
        Of the views; by default cells as they are.
    """

    def __init__(self, model: keras.Model, settings: Augmentation | None = None) -> None:
        self.model, self.settings = model, settings
        self.compiled = jax.jit(self._forward)

    def _forward(self, state: tuple, cells: Any, index: Any, draws: Any) -> list:
        taken = jnp.take(cells, index, axis=0)
        taken = augment_in_step(taken, draws, self.settings) if self.settings else taken
        outputs, _ = self.model.stateless_call(*state, taken, training=False)
        return [jnp.asarray(values, jnp.float32) for values in keras.tree.flatten(outputs)]

    def __call__(self, cells: Any, batch: int, draws: np.ndarray | None = None) -> list[Any]:
        """Return the outputs for cells, uint8 [n, size, size, 3] on the device: a list of float32 [n, …]."""
        parts, outputs = (self.model.trainable_variables, self.model.non_trainable_variables), []
        state = tuple([variable.value for variable in part] for part in parts)
        for start in range(0, len(cells), batch):
            index = np.resize(np.arange(start, min(start + batch, len(cells))), batch)
            outputs.append(self.compiled(state, cells, index, None if draws is None else draws[index]))
        return [jnp.concatenate(values)[: len(cells)] for values in zip(*outputs)]


def cache_features(network: Network, cells: Any, hashes: Sequence[str], settings: Augmentation, batch: int) -> list:
    """Return the outputs of the frozen layers for each fixed view of each cell: a list of float32 [views, n, …]."""
    set_trainable(network.model, network.blocks, (), network.pretrained)
    forward = Forward(keras.Model(network.model.input, list(frozen_boundary(network.model))), settings)
    views = [forward(cells, batch, rows) for rows in fixed_draws(list(hashes), settings)]
    return [jnp.stack(parts) for parts in zip(*views)]
