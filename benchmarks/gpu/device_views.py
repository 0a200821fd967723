"""What steps and forward passes take on JAX, from arrays that stay on the device: cells, views, cached features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from leukemia_tf.config import Augmentation
from leukemia_tf.data.draws import draws_of
from leukemia_tf.data.fixed_views import fixed_draws
from leukemia_tf.data.step_augmentation import augment_in_step
from leukemia_tf.models.freezing import set_trainable
from leukemia_tf.models.pretrained import Network
from leukemia_tf.training.frozen_boundary import frozen_boundary

Take = Callable[[Any, Any, Any], Any]  # arrays on the device, indices of cells, their draws -> a step's input


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
