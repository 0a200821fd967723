"""Cells to look at: the surest answers, right and wrong, each with its heat map."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from pathlib import Path

import cv2
import keras
import numpy as np

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.evaluation.page import picture_source
from leukemia_tf.evaluation.predictions import Prediction
from leukemia_tf.explain.frame import frame_of
from leukemia_tf.explain.gradcam import original_maps
from leukemia_tf.explain.pictures import overlay
from leukemia_tf.models.decision import Decision

SHOWN = 5  # cells of a gallery
THUMB = 170  # pixels


def galleries(model: keras.Model, folder: Path, predictions: Sequence[Prediction], decision: Decision) -> list[dict]:
    """Return the surest right and the surest wrong cells of either class, one patient's no more than it must."""
    groups = {}
    for label in LABELS[::-1]:
        for right, word in ((True, "right"), (False, "wrong")):
            found = [row for row in predictions if row.label == label and (row.prediction == label) == right]
            if found:
                groups[f"{label}, {word}: the surest of {len(found):,}"] = _spread(found, decision)
    shown = iter(_shown(model, folder, [row for rows in groups.values() for row in rows]))
    return [{"title": title, "cells": [next(shown) for _ in rows]} for title, rows in groups.items()]


def _spread(rows: Sequence[Prediction], decision: Decision) -> list[Prediction]:
    """Return the rows farthest from the threshold, each patient's first, then each one's second, and so on."""
    line = decision.temperature * log(decision.threshold / (1 - decision.threshold))
    turns: dict[str, int] = {}
    ranked = []
    for row in sorted(rows, key=lambda row: -abs(row.logit - line)):
        turns[row.patient] = turns.get(row.patient, 0) + 1
        ranked.append((turns[row.patient], -abs(row.logit - line), row.path, row))
    return [row for *_, row in sorted(ranked)[:SHOWN]]


def _shown(model: keras.Model, folder: Path, rows: Sequence[Prediction]) -> list[dict]:
    """Return what the page says of each cell: the picture beside the picture with its heat map, and words."""
    frames = [frame_of(model, folder / row.path, row) for row in rows]
    shown = []
    for row, frame, maps in zip(rows, frames, original_maps(model, frames)):
        heat = np.mean(maps, axis=0)
        pair = [_thumb(overlay(frame.image, shade), frame.boxes[0]) for shade in (0 * heat, heat / (heat.max() or 1))]
        told = {"source": picture_source(np.hstack(pair)), "width": 2 * THUMB, "height": THUMB}
        alt = f"Cell of patient {row.patient}, {row.label}, said to be {row.prediction}, and Grad-CAM over it"
        shown.append({**told, "alt": alt, "caption": f"{Path(row.path).stem}: p = {row.probability:.3f}"})
    return shown


def _thumb(picture: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Return what the network saw of a picture, float [h, w, 3] of 0-1, as uint8 [THUMB, THUMB, 3]."""
    top, left, height, width = box
    framed = picture[max(top, 0) : top + height, max(left, 0) : left + width].astype("float32")
    return (255 * cv2.resize(framed, (THUMB, THUMB), interpolation=cv2.INTER_AREA)).astype("uint8")
