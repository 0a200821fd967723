"""One cell on its way through an explanation: its pixels, its window, what the network said, and the way back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import keras
import numpy as np
import tensorflow as tf

from leukemia_tf.data.catalog import told_by_name
from leukemia_tf.data.decoding import decode
from leukemia_tf.data.framing import window
from leukemia_tf.data.integrity import read_image
from leukemia_tf.data.preprocess import preprocess
from leukemia_tf.data.settings import BACKGROUND, Preprocessing
from leukemia_tf.evaluation.predictions import Prediction, answer
from leukemia_tf.models.member import as_inputs
from leukemia_tf.models.network import predict_logits, preprocessings_of
from leukemia_tf.models.probability import decision_of


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
        return self.image.max(-1) > BACKGROUND


def read_frame(model: keras.Model, path: Path) -> Frame:
    """Read an image file and ask the network.

    Raises
    ------
    BadImageError
        If the file cannot be used.
    """
    label, patient = told_by_name(path) or ("", "")
    frame = frame_of(model, path, Prediction(str(path), patient, label))
    logit = predict_logits(model, as_inputs(frame.cells))[0]
    return replace(frame, prediction=answer(str(path), logit, decision_of(model), patient, label))


def frame_of(model: keras.Model, path: Path, prediction: Prediction) -> Frame:
    """Read an image file of which the network's prediction is known."""
    image = decode(tf.constant(read_image(path)[0]))
    wanted = [Preprocessing(**settings) for settings in preprocessings_of(model)]
    boxes = tuple(tuple(int(value) for value in window(image, settings.framing)) for settings in wanted)
    cells = tuple(preprocess(image, settings)[None].numpy() for settings in wanted)
    return Frame(image.numpy(), boxes, cells, prediction)


def to_original(heat: np.ndarray, frame: Frame, member: int = 0) -> np.ndarray:
    """Undo resize, padding and crop: lay a map of the network's square over the original's pixels.

    Parameters
    ----------
    heat : numpy.ndarray
        float32 [h, w], over what the network sees.
    frame : Frame
        The cell.
    member : int
        Whose view of it.

    Returns
    -------
    numpy.ndarray
        float32 [height, width]; 0 outside what the network sees.
    """
    top, left, box_height, box_width = frame.boxes[member]
    height, width = frame.image.shape[:2]
    framed = cv2.resize(heat.astype(np.float32), (box_width, box_height), interpolation=cv2.INTER_LINEAR)
    full = np.zeros((height, width), np.float32)
    rows, columns = slice(max(top, 0), min(top + box_height, height)), slice(max(left, 0), min(left + box_width, width))
    full[rows, columns] = framed[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return full


def share_inside(heat: np.ndarray, mask: np.ndarray) -> float:
    """Return the share of a map's heat that lies inside the cell, 0-1; NaN for a map without heat."""
    total = float(heat.sum())
    return float(heat[mask].sum()) / total if total > 0 else float("nan")
