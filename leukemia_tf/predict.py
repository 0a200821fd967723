"""`python -m leukemia_tf.predict IMAGE …`: leukemic or normal, for each image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leukemia_tf.cli import loading, run_command
from leukemia_tf.config import PredictConfig

if TYPE_CHECKING:
    from leukemia_tf.evaluation.predictions import Prediction


def predict(config: PredictConfig) -> list[Prediction]:
    """Predict image files; for arrays and loaded models see `leukemia_tf.Predictor`.

    Parameters
    ----------
    config : PredictConfig
        The images; the newest run by default.

    Returns
    -------
    list of Prediction
        One per image, in the order given; one that cannot be read has `status` `unreadable` and a `reason`.

    Raises
    ------
    UserError
        If there are no images, or the network or the runtime cannot be used.

    Examples
    --------
    >>> (prediction,) = predict(PredictConfig("cell.bmp"))  # doctest: +SKIP
    >>> prediction.prediction, prediction.probability  # doctest: +SKIP
    ('all', 0.93)
    """
    with loading():
        from leukemia_tf.workflows.predict import predict as run
    return run(config)


def _command(config: PredictConfig) -> int:
    with loading():
        from leukemia_tf.workflows.predict import predict_command
    return predict_command(config)


if __name__ == "__main__":
    run_command("predict", PredictConfig, _command)
