"""Images in, predictions out: TensorFlow functions, called by `predict` and stored in the SavedModel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.data.preprocessing import stored_preprocessing
from leukemia_tf.data.preprocessing_graph import cells_from_bytes, cells_from_images
from leukemia_tf.evaluation.predictions import UNLIKE
from leukemia_tf.models.member import as_inputs
from leukemia_tf.models.network import logit_model, preprocessings_of
from leukemia_tf.models.probability import get_calibration, mahalanobis_distance

UNREADABLE = "unreadable"

PredictFunction = Callable[[tf.Tensor], dict[str, tf.Tensor]]
Logits = Callable[[Sequence[tf.Tensor]], tf.Tensor]


def prediction_function(model: keras.Model, logits: Logits | None = None) -> PredictFunction:
    """Return the function that predicts image files.

    Parameters
    ----------
    model : keras.Model
        A network of this package.
    logits : callable, optional
        Cells for each of its inputs -> float32 [n, 1], as from `runtimes.logits_on`; by default the model itself.

    Returns
    -------
    callable
        `image_bytes`, string [n], -> `probability` float32 [n], `logit` float32 [n], `prediction` string [n],
        `status` string [n]: `ok`; `unlike-training`, where the prediction cannot be relied on; or `unreadable`, where
        the numbers are NaN and the prediction is empty.
    """
    return _predictions(model, cells_from_bytes, tf.TensorSpec([None], tf.string, name="image_bytes"), logits)


def tensor_function(model: keras.Model, logits: Logits | None = None) -> PredictFunction:
    """Return the function that predicts images in memory: `image`, uint8 [n, h, w, 3] -> as `prediction_function`."""
    return _predictions(model, cells_from_images, tf.TensorSpec([None, None, None, 3], tf.uint8, name="image"), logits)


def _predictions(
    model: keras.Model, prepare: Callable, signature: tf.TensorSpec, logits: Logits | None
) -> PredictFunction:
    """Return the function that predicts what `prepare` turns into cells."""
    inputs = [stored_preprocessing(settings) for settings in preprocessings_of(model)]
    to_logit, calibration = logit_model(model), get_calibration(model)
    to_logits = logits or (lambda cells: to_logit(as_inputs(cells), training=False))

    def status(image_statistics: tf.Tensor) -> tf.Tensor:
        if not calibration.out_of_distribution:
            return tf.fill(tf.shape(image_statistics)[:1], "ok")
        distance = mahalanobis_distance(image_statistics, calibration.out_of_distribution)
        return tf.where(distance > calibration.out_of_distribution.limit, UNLIKE, "ok")

    @tf.function(input_signature=[signature], autograph=False)
    def predict(images: tf.Tensor) -> dict[str, tf.Tensor]:
        prepared = {settings: prepare(images, settings) for settings in dict.fromkeys(inputs)}
        cells = [prepared[settings][0] for settings in inputs]
        _, image_statistics, readable = prepared[inputs[0]]
        logit = tf.where(readable, to_logits(cells)[:, 0], float("nan"))
        probability = tf.sigmoid(logit / calibration.temperature)
        label = tf.where(probability >= calibration.threshold, LABELS[1], LABELS[0])
        return {
            "probability": probability,
            "logit": logit,
            "prediction": tf.where(readable, label, ""),
            "status": tf.where(readable, status(image_statistics), UNREADABLE),
        }

    return predict
