"""One cell on its way through an explanation: its pixels, its window, what the network said, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from leukemia_tf.data.decoding import decode
from leukemia_tf.data.framing import window
from leukemia_tf.data.integrity import read_image
from leukemia_tf.data.preprocess import cells_from_bytes
from leukemia_tf.data.settings import Preprocessing
from leukemia_tf.evaluation.predictions import Prediction
from leukemia_tf.explain.regions import cell_of
from leukemia_tf.models.network import preprocessings_of


@dataclass(frozen=True)
class Frame:
    """A cell as its file has it and as the network sees it.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 [height, width, 3], RGB: the original's pixels.
    boxes : tuple of tuple of int
        Top, left, height and width of the original's part that the network sees; it may reach past the image. One, or
        one a member of an ensemble.
    cells : tuple of numpy.ndarray
        uint8 [1, size, size, 3]: what the network, or each member, sees.
    prediction : Prediction
        What the network says.
    """

    image: np.ndarray
    boxes: tuple[tuple[int, int, int, int], ...]
    cells: tuple[np.ndarray, ...]
    prediction: Prediction

    @property
    def mask(self) -> np.ndarray:
        """Where the cell is: bool [height, width]."""
        return cell_of(self.image)

    @property
    def sign(self) -> float:
        """1 where the network said `all`, else -1: what an explanation of the answer multiplies the logit with."""
        return 1.0 if self.prediction.prediction == "all" else -1.0


def frame_of(model: keras.Model, path: Path, prediction: Prediction) -> Frame:
    """Read an image file of which the network's prediction is known.

    Raises
    ------
    BadImageError
        If the file cannot be used.
    """
    content = tf.constant(read_image(path)[0])
    seen = [_seen(Preprocessing(**settings))(content) for settings in preprocessings_of(model)]
    boxes = tuple(tuple(box.numpy().tolist()) for _, box, _ in seen)
    return Frame(seen[0][0].numpy(), boxes, tuple(cell[None].numpy() for *_, cell in seen), prediction)


@lru_cache(maxsize=16)
def _seen(settings: Preprocessing) -> tf.types.experimental.PolymorphicFunction:
    """Return what turns a file's bytes into its pixels, the window on them, and what the network sees of them."""

    @tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
    def seen(content: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        image = decode(content)
        cells, _, _ = cells_from_bytes(content[None], settings)  # as `predict` makes them, to the bit
        return image, window(image, settings.framing), cells[0]

    return seen


@tf.function(input_signature=[tf.TensorSpec([None, None]), tf.TensorSpec([4], tf.int32), tf.TensorSpec([2], tf.int32)])
def to_original(heat: tf.Tensor, box: tf.Tensor, sides: tf.Tensor) -> tf.Tensor:
    """Undo resize, padding and crop: lay a map of the network's square over the original's pixels.

    Parameters
    ----------
    heat : tf.Tensor
        float32 [h, w], over what the network sees.
    box : tf.Tensor
        int32 [4]: top, left, height and width of that in the original.
    sides : tf.Tensor
        int32 [2]: the original's height and width.

    Returns
    -------
    tf.Tensor
        float32 [height, width]; 0 outside what the network sees.
    """
    framed = tf.image.resize(heat[..., None], box[2:])[..., 0]
    first, after = box[:2], box[:2] + box[2:]
    begin, end = tf.maximum(first, 0), tf.minimum(after, sides)
    inside = tf.slice(framed, begin - first, end - begin)
    return tf.pad(inside, tf.stack([begin, sides - end], axis=1))
