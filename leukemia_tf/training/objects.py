"""A caller's own Keras objects in a training: optimizer, loss, metrics, callbacks, head, augmentation."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from leukemia_tf.core.errors import ArgumentError, RunError
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.training.stages import Stage

log = logging.getLogger("leukemia_tf")

HISTORY = (  # columns of history.csv
    *("stage", "epoch", "learning_rate", "image_size", "loss", "val_loss", "val_auroc", "seconds"),
    *("accuracy", "val_accuracy", "kept", "val_auroc_by_patient", "val_f_beta"),
)
INEXACT = ("callbacks", "augmentation")  # what may hold a state, or draw at random, that no checkpoint has


@dataclass(frozen=True)
class TrainingObjects:
    """What a caller gives `train` as objects rather than as settings.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer, optional
        Takes the place of `optimizer`, `weight_decay`, `clip` and `ema`. Each stage starts with a copy of it at the
        stage's learning rate; a LearningRateSchedule of its own is followed instead.
    loss : keras.losses.Loss or callable, optional
        Takes the place of `loss` and `label_smoothing`: of labels, float32 [n, 1] of 0-1, and logits, float32 [n, 1].
    metrics : sequence of keras.metrics.Metric
        Of labels and probabilities, on the validation cells after each epoch: columns `val_NAME` of history.csv.
    callbacks : sequence of keras.callbacks.Callback
        A stage is one `fit` to them; the logs of an epoch are its row of history.csv.
    head : callable, optional
        Function of the pooled features, keras tensor [n, f] -> [n, k]; the logit is put on what it returns.
    augmentation : callable, optional
        Function of cells, uint8 [n, size, size, 3] -> the same; a Keras layer is called with `training=True`.

    Raises
    ------
    ArgumentError
        If one is an object of another kind.
    """

    optimizer: keras.optimizers.Optimizer | None = None
    loss: keras.losses.Loss | Callable | None = None
    metrics: Sequence[keras.metrics.Metric] = ()
    callbacks: Sequence[keras.callbacks.Callback] = ()
    head: Callable | None = None
    augmentation: Callable | None = None

    def __post_init__(self) -> None:
        """Check the kinds."""
        _check("optimizer", self.optimizer, keras.optimizers.Optimizer, "a keras.optimizers.Optimizer")
        for name, kind in (("metrics", keras.metrics.Metric), ("callbacks", keras.callbacks.Callback)):
            values = getattr(self, name)
            if not isinstance(values, (list, tuple)):
                raise ArgumentError(name, values, f"it takes a list of keras.{name}.")
            for value in values:
                _check(name, value, kind, f"a list of keras.{name}")
        for metric in self.metrics:
            if f"val_{metric.name}" in HISTORY:
                raise ArgumentError("metrics", metric.name, "history.csv has a column of this name: rename the metric.")
        for name in ("loss", "head", "augmentation"):
            value = getattr(self, name)
            if value is not None and not callable(value):
                raise ArgumentError(name, value, "it takes a function.")

    def names(self) -> dict[str, list[str]]:
        """Return the given objects by kind, as config.json names them."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        lists = {name: value if isinstance(value, (list, tuple)) else [value] for name, value in given.items()}
        return {name: [_name(one) for one in values] for name, values in lists.items() if values and values != [None]}

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of history.csv that the metrics fill."""
        return tuple(f"val_{metric.name}" for metric in self.metrics)

    def measure(self, labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
        """Return the metrics' values: int [n], float [n] -> by column of history.csv."""
        for metric in self.metrics:
            metric.reset_state()
            metric.update_state(labels[:, None].astype("float32"), probabilities[:, None].astype("float32"))
        return {
            column: float(keras.ops.convert_to_numpy(metric.result()))
            for column, metric in zip(self.columns, self.metrics)
        }

    def stage_optimizer(self, stage: Stage) -> keras.optimizers.Optimizer | None:
        """Return a new copy of the optimizer for a stage; None if none was given.

        Raises
        ------
        ArgumentError
            If the stage wants a rate per block, which Keras's own optimizers do not have.
        """
        if self.optimizer is None:
            return None
        if stage.layer_decay != 1:
            raise ArgumentError("layer_decay", stage.layer_decay, "it needs one of the package's own optimizers.")
        config = self.optimizer.get_config()
        if not self._has_schedule:
            config["learning_rate"] = stage.learning_rate
        return type(self.optimizer).from_config(config)

    @property
    def _has_schedule(self) -> bool:
        return self.optimizer is not None and isinstance(self.optimizer.get_config()["learning_rate"], dict)

    def set_the_rate(self, schedule: str) -> bool:
        """Return whether the objects set the learning rate: by a schedule, or by callbacks where ours is constant."""
        return self._has_schedule or (bool(self.callbacks) and schedule == "constant")

    def warn(self) -> None:
        """Say where a resumed run would not end with the same bits."""
        inexact = [name for name in INEXACT if getattr(self, name)]
        if any(getattr(callback, "restore_best_weights", False) for callback in self.callbacks):
            log.warning("WARNING: restore_best_weights of a callback has no effect: use `keep=best`")
        if inexact:
            log.warning("WARNING: exact resume is off: %s may hold a state that is not saved", " and ".join(inexact))

    def check_resumable(self, run: RunFolder) -> None:
        """Stop if a run that started with objects goes on without them.

        Raises
        ------
        RunError
            That names them.
        """
        wanted, given = run.read_config().get("objects", {}), self.names()
        if wanted != given:
            first, second = (
                ", ".join(f"{name}={'+'.join(some)}" for name, some in of.items()) for of in (wanted, given)
            )
            raise RunError(
                f"{run} was started with {first or 'no objects'} and would resume with {second or 'none'}: pass the "
                "same objects again, from Python."
            )
        self.warn()

    def augment(self, cells: tf.Tensor) -> tf.Tensor:
        """Return a batch through the caller's augmentation: uint8 [n, size, size, 3].

        Raises
        ------
        ArgumentError
            If it returns another shape.
        """
        if self.augmentation is None:
            return cells
        layer = isinstance(self.augmentation, keras.layers.Layer)
        changed = self.augmentation(cells, training=True) if layer else self.augmentation(cells)
        if changed.shape[1:] != cells.shape[1:]:
            raise ArgumentError("augmentation", changed, f"it must return cells of shape {tuple(cells.shape)}.")
        if changed.dtype != tf.uint8:
            changed = tf.cast(tf.round(tf.clip_by_value(changed, 0, 255)), tf.uint8)
        return changed


def _check(name: str, value: Any, kind: type, what: str) -> None:
    if value is not None and not isinstance(value, kind):
        raise ArgumentError(name, value, f"it takes {what}.")


def _name(value: Any) -> str:
    return getattr(value, "__name__", type(value).__name__)
