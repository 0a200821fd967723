"""Two simple baselines on the same cells as a run: cell area alone, and logistic regression on frozen features.

    python benchmarks/baselines.py runs/RUN

Both are fitted on the run's training patients and scored on its test patients, with the same metrics and intervals. The
features are the mean over space of the frozen, pretrained base of the run.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from leukemia_tf.config import TrainConfig
from leukemia_tf.data.catalog import Cell, read_cells
from leukemia_tf.data.datasets import classes, load_cell_arrays, prediction_batches
from leukemia_tf.data.integrity import read_image
from leukemia_tf.data.preprocessing import BACKGROUND, stored_preprocessing
from leukemia_tf.data.splits import read_split
from leukemia_tf.evaluation.predictions import by_patient_group, make_prediction
from leukemia_tf.evaluation.scores import LEAK_WARNING, format_score, score_part
from leukemia_tf.models.calibration import Calibration
from leukemia_tf.models.network import load_network, preprocessing_of
from leukemia_tf.models.pretrained import build_pretrained
from leukemia_tf.models.table import find_architecture
from leukemia_tf.runs.open_runs import open_run
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.training.settings import dropped_blocks

SHOWN = ("auroc", "auroc_by_patient", "weighted_f1", "balanced_accuracy")


def areas(folder: Path, cells: list[Cell]) -> np.ndarray:
    """Return each cell's area in pixels: float [n, 1]."""
    return np.array([[(read_image(folder / cell.path)[1].max(-1) > BACKGROUND).sum()] for cell in cells], float)


def frozen_features(run: RunFolder, folder: Path, cells: list[Cell]) -> np.ndarray:
    """Return the pooled features of the pretrained base: float [n, channels]."""
    config = TrainConfig(**run.read_config()["train"])
    settings = preprocessing_of(load_network(run.model))
    wanted = (find_architecture(config.base), dropped_blocks(config), settings, config.weights, config.seed)
    network = build_pretrained(*wanted, cut=config.cut)
    last = network.model.get_layer(network.blocks[-1].last).output
    base = keras.Model(network.model.input, keras.layers.GlobalAveragePooling2D()(last))
    pictures = load_cell_arrays(folder, cells, stored_preprocessing(settings))
    return base.predict(prediction_batches(pictures, 32), verbose=1)


def score(train: tuple[np.ndarray, list[Cell]], test: tuple[np.ndarray, list[Cell]], c: float, same: list) -> dict:
    """Fit a standardised, class-balanced logistic regression on one part and score it on another."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=c, class_weight="balanced", max_iter=5000))
    logits = model.fit(train[0], classes(train[1])).decision_function(test[0])
    rows = [
        make_prediction(cell.path, logit, Calibration(), cell.patient, cell.label)
        for cell, logit in zip(test[1], logits)
    ]
    return score_part(by_patient_group(rows, same))["cell"]


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    run = open_run(parser.parse_args().run)
    folder = run.data
    parts = {part: [cell for cell in read_cells(run.cells) if cell.split == part] for part in ("train", "test")}
    if read_split(run.splits).protocol == "image":
        print(LEAK_WARNING)
    same = run.read_config()["data"]["same_patients"]
    joined = parts["train"] + parts["test"]
    results = {"network": json.loads(run.metrics.read_text())["parts"]["test"]["cell"]}
    for name, values, c in (
        ("cell area alone", areas(folder, joined), 1.0),
        ("frozen features, logistic regression", frozen_features(run, folder, joined), 1e-3),
    ):
        cut = len(parts["train"])
        results[name] = score((values[:cut], parts["train"]), (values[cut:], parts["test"]), c, same)
    print(f"{'test patients':<38}" + "".join(f"{name:>24}" for name in SHOWN))
    for name, scores in results.items():
        print(f"{name:<38}" + "".join(f"{format_score(scores[metric]):>24}" for metric in SHOWN))
    print(json.dumps({name: {m: scores[m] for m in SHOWN} for name, scores in results.items()}))


if __name__ == "__main__":
    main()
