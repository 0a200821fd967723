"""What a training is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from leukemia_tf.data.balance import Sampling
from leukemia_tf.models.pretrained import Network
from leukemia_tf.training.examples import Examples
from leukemia_tf.training.steps import Step

HISTORY = (
    *("stage", "epoch", "learning_rate", "image_size", "loss", "val_loss", "val_auroc", "seconds"),
    *("val_auroc_by_patient", "val_accuracy", "val_f_beta", "val_standard_error", "best"),
)


@dataclass(frozen=True)
class Task:
    """What is trained, on what, and where its state goes.

    Parameters
    ----------
    network : Network
        Trained in place.
    examples : callable
        (`train` or `val`, image size) -> Examples of disjoint patients.
    resized : callable
        Image size -> the same network for cells of that size, with weights of its own.
    sampling : Sampling
        How training cells are drawn, weighed and varied.
    step : Step
        Loss and optimizer.
    score : callable
        (labels, probabilities, patients) -> the validation's columns of history.csv: `val_auroc_by_patient` with its
        `val_standard_error`, and others.
    batch_size, seed : int
        Cells a step; what every random draw depends on.
    history_path, state_folder : pathlib.Path
        history.csv, and the folder of the states that an interrupted training goes on from.
    keep_features : bool
        Whether outputs of what is frozen may be kept.
    note : callable
        Told each epoch's row of history.csv and the losses of its batches.
    """

    network: Network
    examples: Callable[[str, int], Examples]
    resized: Callable[[int], keras.Model]
    sampling: Sampling
    step: Step
    score: Callable[[np.ndarray, np.ndarray, np.ndarray], dict[str, float]]
    batch_size: int
    seed: int
    history_path: Path
    state_folder: Path
    keep_features: bool = True
    note: Callable[[dict, Sequence[float]], object] = lambda row, losses: None
