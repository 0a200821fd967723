"""Cells to look at: the surest answers, right and wrong, each with its heat map."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from pathlib import Path

import keras
import numpy as np

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.evaluation.page import picture_source
from leukemia_tf.evaluation.predictions import Prediction, in_turns
from leukemia_tf.explain.frame import frame_of
from leukemia_tf.explain.maps import explainer, mean_map
from leukemia_tf.explain.pictures import overlay, thumb
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
    return in_turns(sorted(rows, key=lambda row: (-abs(row.logit - line), row.path)))[:SHOWN]


def _shown(model: keras.Model, folder: Path, rows: Sequence[Prediction]) -> list[dict]:
    """Return what the page says of each cell: the picture beside the picture with its heat map, and words."""
    frames = [frame_of(model, folder / row.path, row) for row in rows]
    shown = []
    for row, frame, maps in zip(rows, frames, explainer(model)(frames) if frames else ()):
        heat = mean_map(maps)
        pair = [thumb(overlay(frame.image, shade), frame.boxes[0], THUMB) for shade in (0 * heat, heat)]
        told = {"source": picture_source(np.hstack(pair)), "width": 2 * THUMB, "height": THUMB}
        alt = f"Cell of patient {row.patient}, {row.label}, said to be {row.prediction}, and its heat map"
        shown.append({**told, "alt": alt, "caption": f"{Path(row.path).stem}: p = {row.probability:.3f}"})
    return shown
