"""`python -m leukemia_tf.train`: from cells to a trained network, evaluated on patients that it has never seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from leukemia_tf.cli import loading, run_command
from leukemia_tf.config import TrainConfig
from leukemia_tf.runs.run import Run

if TYPE_CHECKING:
    import keras


def train(
    config: TrainConfig | None = None,
    *,
    optimizer: keras.optimizers.Optimizer | None = None,
    loss: keras.losses.Loss | Callable | None = None,
    metrics: Sequence[keras.metrics.Metric] = (),
    callbacks: Sequence[keras.callbacks.Callback] = (),
    head: Callable | None = None,
    augmentation: Callable | None = None,
) -> Run:
    """Train a network and evaluate it on its test patients.

    Parameters
    ----------
    config : TrainConfig, optional
        ResNet50 on the embedded cells by default.
    optimizer : keras.optimizers.Optimizer, optional
        Takes the place of the settings `optimizer`, `weight_decay`, `clip` and `ema`. Each stage starts with a copy of
        it at the stage's learning rate; a LearningRateSchedule of its own is followed instead.
    loss : keras.losses.Loss or callable, optional
        Takes the place of `loss` and `label_smoothing`: of labels, float32 [n, 1] of 0-1, and logits, float32 [n, 1].
    metrics : sequence of keras.metrics.Metric
        Of labels and probabilities, on the validation cells after each epoch: columns `val_NAME` of history.csv.
    callbacks : sequence of keras.callbacks.Callback
        To them each stage is one `fit`, and an epoch's logs are its row of history.csv. They may set the learning
        rate where the stage's schedule is `constant`, and may stop a stage.
    head : callable, optional
        Function of the pooled features, a Keras tensor [n, f] -> [n, k]; the logit is put on what it returns.
    augmentation : callable, optional
        Function of cells, uint8 [n, size, size, 3] -> the same, behind the config's random views; a Keras layer is
        called with `training=True`.

    Returns
    -------
    Run
        With `path`, `metrics`, `history`, `predictions(part)` and `figures`.

    Raises
    ------
    UserError
        If settings, objects, cells or weights cannot be used; nothing is written then.

    Notes
    -----
    A run with callbacks or an augmentation of your own says that exact resume is off: what they hold is not saved.

    Examples
    --------
    >>> run = train(TrainConfig(base="scratch", epochs=2))  # doctest: +SKIP
    >>> run.metrics["parts"]["test"]["cell"]["auroc_by_patient"]["value"]  # doctest: +SKIP
    1.0
    """
    from leukemia_tf.workflows.resolve import resolve

    config = config or TrainConfig()
    resolve(config)  # a wrong setting is named before TensorFlow is imported
    with loading():
        from leukemia_tf.workflows.train import train as run
    trained = run(
        config,
        optimizer=optimizer,
        loss=loss,
        metrics=metrics,
        callbacks=callbacks,
        head=head,
        augmentation=augmentation,
    )
    return Run(trained.path)


if __name__ == "__main__":
    run_command("train", TrainConfig, train)
