"""From cells and a network to predictions: what `evaluate` does with cells of its own and from elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

log = logging.getLogger("leukemia_tf")

if TYPE_CHECKING:
    import keras
    import numpy as np

    from leukemia_tf.data.catalog import Cell
    from leukemia_tf.evaluation.predictions import Prediction
    from leukemia_tf.models.decision import Decision, Likeness


def logits_of(
    model: keras.Model, folder: Path, cells: Sequence[Cell], asked: dict, tta: str, title: str = "preparing cells"
) -> np.ndarray:
    """Return the logit of each cell, the mean over its views: float32 [n]; `asked` is what the run was asked."""
    from leukemia_tf.data.settings import Preprocessing
    from leukemia_tf.data.store import open_store
    from leukemia_tf.evaluation.tta import predict_views
    from leukemia_tf.models.network import preprocessings_of

    wanted = [Preprocessing(**settings) for settings in preprocessings_of(model)]
    stores = {
        settings: open_store(folder, cells, settings, asked["cache"], title) for settings in dict.fromkeys(wanted)
    }
    return predict_views(model, [stores[settings] for settings in wanted], tta, asked["batch_size"])


def answers_of(
    model: keras.Model, folder: Path, cells: Sequence[Cell], logits: np.ndarray, tta: str
) -> list[Prediction]:
    """Return the prediction of each cell by the network's own temperature, threshold and idea of what a cell is."""
    from leukemia_tf.data.traits import traits_of_files
    from leukemia_tf.evaluation.predictions import UNLIKE, UNLIKE_REASON, answer
    from leukemia_tf.models.probability import decision_of, distance

    decision = decision_of(model)
    told = (answer(cell.path, logit, decision, cell.patient, cell.label) for cell, logit in zip(cells, logits))
    told = [replace(prediction, view=tta) for prediction in told]
    if not decision.likeness:
        return told
    away = distance(traits_of_files([folder / cell.path for cell in cells]), decision.likeness)
    unlike = {"status": UNLIKE, "reason": UNLIKE_REASON}
    return [replace(row, **unlike) if far > decision.likeness.limit else row for row, far in zip(told, away)]


def fit_decision(
    validated: Sequence[Cell], logits: np.ndarray | None, threshold: str, likeness: Likeness | None
) -> Decision:
    """Return what turns logits into answers, fitted on the validation cells and their `logits` [n]."""
    from leukemia_tf.data.catalog import LABELS
    from leukemia_tf.data.pipeline import classes
    from leukemia_tf.evaluation.calibration import choose_threshold, fit_temperature
    from leukemia_tf.evaluation.predictions import sigmoid
    from leukemia_tf.models.decision import Decision

    missing = set(LABELS) - {cell.label for cell in validated}
    if missing:
        told = threshold.replace(".", "", 1).isdecimal()
        instead = "" if told else f", and --threshold {threshold} cannot be: it is 0.5"
        log.warning("WARNING: the validation part lacks %s: no temperature%s", " and ".join(sorted(missing)), instead)
        return Decision(1.0, float(threshold) if told else 0.5, likeness)
    labels = classes(validated)
    temperature = fit_temperature(labels, logits)
    return Decision(temperature, choose_threshold(labels, sigmoid(logits / temperature), threshold), likeness)


def likeness_of(folder: Path, trained: Sequence[Cell]) -> Likeness | None:
    """Return which images are like the training cells, which lie in `folder`."""
    import numpy as np

    from leukemia_tf.data.traits import traits_of_files
    from leukemia_tf.evaluation.likeness import fit_likeness

    patients = np.array([cell.patient for cell in trained])
    return fit_likeness(traits_of_files([folder / cell.path for cell in trained]), patients)
