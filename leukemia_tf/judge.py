"""From cells and a network to predictions: what `evaluate` does with cells of its own and from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras
    import numpy as np

    from leukemia_tf.data.catalog import Cell
    from leukemia_tf.evaluation.predictions import Prediction


def logits_of(
    model: keras.Model, folder: Path, cells: Sequence[Cell], asked: dict, tta: str, title: str = "preparing cells"
) -> np.ndarray:
    """Return the logit of each cell, the mean over its views: float32 [n]; `asked` is what the run was asked."""
    from leukemia_tf.data.pipeline import prediction_batches
    from leukemia_tf.data.settings import Preprocessing
    from leukemia_tf.data.store import open_store
    from leukemia_tf.evaluation.tta import predict_views
    from leukemia_tf.models.network import preprocessing_of

    store = open_store(folder, cells, Preprocessing(**preprocessing_of(model)), asked["cache"], title)
    return predict_views(model, prediction_batches(store, asked["batch_size"]), tta)


def answers_of(model: keras.Model, cells: Sequence[Cell], logits: np.ndarray, tta: str) -> list[Prediction]:
    """Return the prediction of each cell by the network's own temperature and threshold."""
    from leukemia_tf.evaluation.predictions import answer
    from leukemia_tf.models.probability import decision_of

    decision = decision_of(model)
    told = (answer(cell.path, logit, decision, cell.patient, cell.label) for cell, logit in zip(cells, logits))
    return [replace(prediction, view=tta) for prediction in told]
