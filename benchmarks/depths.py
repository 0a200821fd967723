"""At which depth to cut: each depth of a frozen base on unseen patients, over the frame and inside the cell.

    python benchmarks/depths.py --features FOLDER [--base resnet50]

Cells from LEUKEMIA_TF_DATA, weights from LEUKEMIA_TF_WEIGHTS (else ../shared), in the default view (a fixed frame of
330 pixels, stain normalised). Mean and deviation of each residual stage's outputs, over the whole frame or over the
cell's pixels only, go to a logistic regression (C 0.01) under 5 folds of whole patients; all patients weigh the same.
Out-of-fold scores with 95 % intervals over patients for seed 0, and the mean over seeds 0 and 1.

The best of so many rows is too optimistic. So the last row selects anew in each fold, by `auroc_by_patient` in 4 folds
of its training patients. Features are cached in FOLDER.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import numpy as np
from shared import SharedCells, shared_cells
from views import CELL, FRAME, View, pooled_depths

from leukemia_tf.data.folds import draw_folds
from leukemia_tf.evaluation.intervals import score_with_intervals
from leukemia_tf.evaluation.linear_probe import out_of_fold
from leukemia_tf.evaluation.metrics import all_metrics
from leukemia_tf.evaluation.scores import format_score

DEPTHS = {
    "resnet50": (
        *("pool1_pool", "conv2_block1_out", "conv2_block2_out", "conv2_block3_out", "conv3_block1_out"),
        *("conv3_block2_out", "conv3_block4_out", "conv4_block1_out", "conv4_block3_out", "conv4_block6_out"),
    ),
    "mobilenetv2": ("block_2_add", "block_5_add", "block_9_add", "block_12_add", "block_15_add"),
}


def depth_features(at: SharedCells, base: str, cache: Path) -> dict[tuple[str, str], np.ndarray]:
    """Return the features of each depth and place: float32 [n, 2 * channels] by (layer, `frame` or `cell`)."""
    pooled = pooled_depths(at, View(base), DEPTHS[base], cache / "depths")
    places = {"frame": FRAME, "cell": CELL}
    return {
        (name, place): values[:, part].reshape(len(values), -1)
        for name, values in pooled.items()
        for place, part in places.items()
    }


def by_patient(labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray) -> float:
    """Return the AUROC in which every patient of a class has the same weight."""
    return float(all_metrics(labels, probabilities, patients)["auroc_by_patient"][0])


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, default=Path("features"))
    parser.add_argument("--base", choices=DEPTHS, default="resnet50")
    arguments = parser.parse_args()
    at = shared_cells()
    cells, labels, patients, group_of = at.cells, at.labels, at.groups, at.group_of
    folds = {seed: draw_folds(cells, group_of, "patient", seed) for seed in (0, 1)}
    features, results = depth_features(at, arguments.base, arguments.features), {}
    print("| depth | over | AUROC by patient | over cells | by patient, seeds 0 and 1 |\n|---|---|---|---|---|")

    def show(name: str, place: str, predicted: dict[int, np.ndarray]) -> None:
        scores = score_with_intervals(labels, predicted[0], patients)
        shown = [scores[metric] for metric in ("auroc_by_patient", "auroc")]
        both = np.mean([by_patient(labels, probabilities, patients) for probabilities in predicted.values()])
        print(f"| {name} | {place} | {' | '.join(map(format_score, shown))} | {both:.3f} |", flush=True)
        results[f"{name} {place}"] = {"auroc_by_patient": shown[0], "auroc": shown[1], "both_seeds": both}

    for (name, place), values in features.items():
        show(name, place, {seed: out_of_fold(values, labels, patients, drawn) for seed, drawn in folds.items()})
    nested, selected = np.full(len(cells), np.nan), []
    for train, test in folds[0]:
        inner = draw_folds([cells[index] for index in train], group_of, "patient", 0, 4)
        label, patient = labels[train], patients[train]
        scores = {
            key: by_patient(label, out_of_fold(values[train], label, patient, inner), patient)
            for key, values in features.items()
        }
        selected.append(max(scores, key=scores.get))
        nested[test] = out_of_fold(features[selected[-1]], labels, patients, [(train, test)])[test]
    show("selected in each fold", ", ".join(" ".join(key) for key in selected), {0: nested})
    print(json.dumps({"cells": len(cells), "patients": len(set(patients)), "rows": results}))


if __name__ == "__main__":
    main()
