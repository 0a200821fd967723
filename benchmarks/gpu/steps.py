"""Training and prediction on JAX: the product's stages, freezing, schedules, losses and optimizers in compiled steps.

TensorFlow's part of the product is replaced: `fit` by these steps, `tf.data` by arrays that stay on the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from device_views import Take

from leukemia_tf.data.balance import Sampling, epoch_order
from leukemia_tf.data.draws import epoch_draws
from leukemia_tf.models.freezing import learning_rate_multipliers, set_trainable
from leukemia_tf.models.network import logit_model
from leukemia_tf.models.pretrained import Network
from leukemia_tf.training.frozen_boundary import frozen_boundary, trainable_tail
from leukemia_tf.training.optimization import OptimizationConfig
from leukemia_tf.training.optimizers import build_loss, build_optimizer
from leukemia_tf.training.schedules import schedule_value
from leukemia_tf.training.stages import Stage

BATCH = 32  # the product's
SAMPLING = Sampling(patient_weight="equal")  # likewise


class Steps:
    """The training steps of one network on one kind of input, compiled once for all stages, folds and seeds.

    Whatever learns in any stage is in the step; what a stage freezes has the rate 0 there, which leaves it as it is.

    Parameters
    ----------
    network : Network
        Its variables hold the weights between stages.
    learning : sequence of str
        Blocks that learn in some stage; none where the step takes cached features of the frozen layers.
    take : callable
        See `Take`.
    """

    def __init__(self, network: Network, learning: Sequence[str], take: Take) -> None:
        self.network, self.learning, self.take = network, tuple(learning), take
        self.freeze(self.learning)
        model = network.model
        self.trainer = logit_model(model) if learning else trainable_tail(model, frozen_boundary(model))
        self.optimizer, self.loss = build_optimizer(OptimizationConfig(), 1e-3, {}), build_loss(OptimizationConfig())
        self.optimizer.build(self.trainer.trainable_variables)
        self.rate_at = [variable.path for variable in self.optimizer.variables].index(self.optimizer.learning_rate.path)
        self.fresh = [as_array(variable) for variable in self.optimizer.variables]
        self.compiled = jax.jit(self._step, donate_argnums=0)

    def freeze(self, learning: Sequence[str]) -> None:
        """Set the flags of the network's layers."""
        network = self.network
        set_trainable(network.model, network.blocks, learning, network.pretrained)

    def multipliers(self, stage: Stage) -> list[np.ndarray]:
        """Return each trainable variable's share of a stage's rate: 0 where the stage freezes it."""
        self.freeze(stage.learning)
        learning = {variable.path for variable in self.network.model.trainable_variables}
        self.freeze(self.learning)
        by_block = learning_rate_multipliers(self.network.model, self.network.blocks, stage.layer_decay)
        paths = [variable.path for variable in self.trainer.trainable_variables]
        return [np.float32(by_block.get(path, 1.0) if path in learning else 0.0) for path in paths]

    def start(self) -> tuple:
        """Return what a step changes, copied, since a step gives what it takes away: weights, fixed values, moments."""
        parts = (self.trainer.trainable_variables, self.trainer.non_trainable_variables)
        trained, fixed = ([jnp.array(variable.value) for variable in part] for part in parts)
        return trained, fixed, list(map(jnp.array, self.fresh))

    def _step(self, state: tuple, rate: Any, multipliers: list, source: Any, batch: tuple) -> tuple[tuple, Any]:
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
        self.optimizer.multiplier_list = multipliers
        trainable, moments = self.optimizer.stateless_apply(moments, gradients, trainable)
        return (trainable, fixed, moments), value

    def train(
        self,
        stage: Stage,
        source: Any,
        labels: np.ndarray,
        patients: np.ndarray,
        chosen: np.ndarray,
        seed: int,
        first_epoch: int = 0,
        batch_size: int = BATCH,
    ) -> list[float]:
        """Train a stage on the chosen cells, int [k], from the network's weights on; return each epoch's loss."""
        multipliers, state, losses = self.multipliers(stage), self.start(), []
        for epoch in range(stage.epochs):
            order = epoch_order(labels[chosen], SAMPLING, seed, first_epoch + epoch, patients[chosen])
            draws, values = epoch_draws(len(order), seed, first_epoch + epoch), []
            steps = -(-len(order) // batch_size)
            for step in range(steps):
                share = schedule_value(stage.schedule, epoch + step / steps, stage.epochs).rate
                rows = slice(step * batch_size, (step + 1) * batch_size)
                batch = padded(chosen[order[rows]], draws[rows], labels, batch_size)
                state, value = self.compiled(state, np.float32(stage.learning_rate * share), multipliers, source, batch)
                values.append(value)
            losses.append(float(np.mean(jax.device_get(values))))
        parts = (self.trainer.trainable_variables, self.trainer.non_trainable_variables)
        for part, values in zip(parts, state):
            for variable, value in zip(part, values, strict=True):
                variable.assign(value)
        return losses


def as_array(variable: keras.Variable) -> np.ndarray:
    """Return a variable's value."""
    return np.asarray(variable.value)


def padded(index: np.ndarray, draws: np.ndarray, labels: np.ndarray, size: int) -> tuple:
    """Return a batch of one shape: a short one repeats its cells without weight, so that nothing compiles anew."""
    rows = np.resize(np.arange(len(index)), size)
    weights = np.where(np.arange(size) < len(index), size / len(index), 0).astype(np.float32)
    return index[rows], draws[rows], labels[index[rows], None].astype(np.float32), weights
