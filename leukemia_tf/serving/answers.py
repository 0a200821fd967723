"""Images in, answers out: TensorFlow functions, called by `predict` and stored in the SavedModel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.data.preprocess import cells_from_bytes, cells_from_images
from leukemia_tf.data.settings import Preprocessing
from leukemia_tf.evaluation.predictions import UNLIKE
from leukemia_tf.models.member import as_inputs
from leukemia_tf.models.network import logit_model, preprocessings_of
from leukemia_tf.models.probability import decision_of, distance

UNREADABLE = "unreadable"

Answer = Callable[[tf.Tensor], dict[str, tf.Tensor]]
Logits = Callable[[Sequence[tf.Tensor]], tf.Tensor]


def answer_function(model: keras.Model, logits: Logits | None = None) -> Answer:
    """Return the function that answers for image files.

    Parameters
    ----------
    model : keras.Model
        A network of this package.
    logits : callable, optional
        Cells for each of its inputs -> float32 [n, 1], as from `runtimes.logits_on`; by default the network's own.

    Returns
    -------
    callable
        `image_bytes`, string [n], -> `probability` float32 [n], `logit` float32 [n], `prediction` string [n],
        `status` string [n]: `ok`; `unlike-training`, where the answer is worth nothing; or `unreadable`, where the
        numbers are NaN and the prediction is empty.
    """
    return _answers(model, cells_from_bytes, tf.TensorSpec([None], tf.string, name="image_bytes"), logits)


def tensor_function(model: keras.Model) -> Answer:
    """Return the function that answers for decoded images: `image`, uint8 [n, h, w, 3], RGB -> as `answer_function`."""
    return _answers(model, cells_from_images, tf.TensorSpec([None, None, None, 3], tf.uint8, name="image"))


def _answers(model: keras.Model, prepare: Callable, wants: tf.TensorSpec, logits: Logits | None = None) -> Answer:
    """Return the function that answers for what it wants, once `prepare` has made cells of it."""
    wanted = [Preprocessing(**settings) for settings in preprocessings_of(model)]
    to_logit, decision = logit_model(model), decision_of(model)
    logits = logits or (lambda cells: to_logit(as_inputs(cells), training=False))

    def status(measured: tf.Tensor) -> tf.Tensor:
        if not decision.likeness:
            return tf.fill(tf.shape(measured)[:1], "ok")
        return tf.where(distance(measured, decision.likeness) > decision.likeness.limit, UNLIKE, "ok")

    @tf.function(input_signature=[wants], autograph=False)
    def answer(images: tf.Tensor) -> dict[str, tf.Tensor]:
        made = {settings: prepare(images, settings) for settings in dict.fromkeys(wanted)}
        cells, (_, measured, readable) = [made[settings][0] for settings in wanted], made[wanted[0]]
        logit = tf.where(readable, logits(cells)[:, 0], float("nan"))
        probability = tf.sigmoid(logit / decision.temperature)
        label = tf.where(probability >= decision.threshold, LABELS[1], LABELS[0])
        return {
            "probability": probability,
            "logit": logit,
            "prediction": tf.where(readable, label, ""),
            "status": tf.where(readable, status(measured), UNREADABLE),
        }

    return answer
