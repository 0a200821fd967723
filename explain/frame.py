"""A cell prepared for an explanation: its pixels, the network's window on them, the prediction, and the way back."""

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
from leukemia_tf.data.outline import is_bright
from leukemia_tf.data.preprocessing import Preprocessing, stored_preprocessing
from leukemia_tf.data.preprocessing_graph import cells_from_bytes, cells_from_images
from leukemia_tf.evaluation.predictions import Prediction
from leukemia_tf.explain.regions import heat_parts
from leukemia_tf.models.network import preprocessings_of


@dataclass(frozen=True)
class Frame:
    """A cell as photographed and as the network sees it.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 [height, width, 3], RGB: the original's pixels.
    boxes : tuple of tuple of int
        Top, left, height and width of the original's part that the network sees; it may reach past the image. One, or
        one per member of an ensemble.
    cells : tuple of numpy.ndarray
        uint8 [1, size, size, 3]: the input of the network, or of each member.
    prediction : Prediction
        The network's.
    """

    image: np.ndarray
    boxes: tuple[tuple[int, int, int, int], ...]
    cells: tuple[np.ndarray, ...]
    prediction: Prediction

    @property
    def mask(self) -> np.ndarray:
        """Where the cell is: bool [height, width]."""
        return is_bright(self.image)

    @property
    def parts(self) -> dict[str, np.ndarray]:
        """As from `heat_parts`, by what the network, or an ensemble's first member, sees: bool [height, width] each."""
        return heat_parts(self.image, self.boxes[0])

    @property
    def sign(self) -> float:
        """1 where the prediction is `all`, else -1: the factor of the logit that is explained."""
        return 1.0 if self.prediction.prediction == "all" else -1.0


def frame_of(model: keras.Model, image: Path | np.ndarray, prediction: Prediction) -> Frame:
    """Prepare an image for an explanation.

    Parameters
    ----------
    model : keras.Model
        A network of this package, or an ensemble.
    image : pathlib.Path or numpy.ndarray
        A file, or its pixels: uint8 [height, width, 3], RGB.
    prediction : Prediction
        The network's for this image.

    Raises
    ------
    BadImageError
        If the file cannot be used.
    """
    content = tf.constant(image if isinstance(image, np.ndarray) else read_image(image)[0])
    in_memory = content.dtype == tf.uint8
    framed = [_framing(stored_preprocessing(settings), in_memory)(content) for settings in preprocessings_of(model)]
    boxes = tuple(tuple(box.numpy().tolist()) for _, box, _ in framed)
    return Frame(framed[0][0].numpy(), boxes, tuple(cell[None].numpy() for *_, cell in framed), prediction)


@lru_cache(maxsize=16)
def _framing(settings: Preprocessing, in_memory: bool) -> tf.types.experimental.PolymorphicFunction:
    """Return the function from a file's bytes, or from pixels, to the pixels, the window, and the network's input."""
    files, images = tf.TensorSpec([], tf.string), tf.TensorSpec([None, None, 3], tf.uint8)
    prepare = cells_from_images if in_memory else cells_from_bytes  # as for predictions, to the bit

    @tf.function(input_signature=[images if in_memory else files], autograph=False)
    def framed(content: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        image = content if in_memory else decode(content)
        return image, window(image, settings.framing), prepare(content[None], settings)[0][0]

    return framed


@tf.function(
    input_signature=[tf.TensorSpec([None, None]), tf.TensorSpec([4], tf.int32), tf.TensorSpec([2], tf.int32)],
    autograph=False,
)
def to_original(heat: tf.Tensor, box: tf.Tensor, sides: tf.Tensor) -> tf.Tensor:
    """Undo resize, padding and crop: lay a map of the network's square over the original's pixels.

    Parameters
    ----------
    heat : tf.Tensor
        float32 [h, w], over the network's input.
    box : tf.Tensor
        int32 [4]: top, left, height and width of that in the original.
    sides : tf.Tensor
        int32 [2]: the original's height and width.

    Returns
    -------
    tf.Tensor
        float32 [height, width]; 0 outside the network's window.
    """
    framed = tf.image.resize(heat[..., None], box[2:])[..., 0]
    first, after = box[:2], box[:2] + box[2:]
    begin, end = tf.maximum(first, 0), tf.minimum(after, sides)
    inside = tf.slice(framed, begin - first, end - begin)
    return tf.pad(inside, tf.stack([begin, sides - end], axis=1))
