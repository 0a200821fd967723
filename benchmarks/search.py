"""Is a Gaussian process worth it? Bayesian against random search, at equal trials, over several seeds.

    python benchmarks/search.py --features FOLDER [--trials 20] [--seeds 5]

Cells from LEUKEMIA_TF_DATA, weights from LEUKEMIA_TF_WEIGHTS (else ../shared). A head on the frozen features that the
default recipe reads (`conv3_block1` of ResNet50 at 330 pixels; cached in FOLDER) is trained for 10 epochs (AdamW,
batches of 256) with what `tune` varies by default: dropout, rate, weight decay, over its ranges. A fifth of the
patients is held out; a trial's score is the mean AUROC by patient over 3 folds of the others, as in `tune`. Prints for
each seed the best score of either search, and the AUROC by patient of a head with its settings on the held-out
patients.
"""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
from levers import DEPTHS
from shared import SharedCells, shared_cells
from views import View, pooled_depths

from leukemia_tf.data.balance import Sampling, cell_weights
from leukemia_tf.data.folds import draw_folds
from leukemia_tf.data.split_protocols import hold_out
from leukemia_tf.evaluation.metrics import all_metrics
from leukemia_tf.models.head_layers import add_classifier
from leukemia_tf.models.heads import HEADS
from leukemia_tf.tuning.search import Trial, search
from leukemia_tf.tuning.space import space_of

METHODS, EPOCHS, BATCH, FOLDS = ("bayesian", "random"), 10, 256, 3


def score(features: np.ndarray, at: SharedCells, fitted: np.ndarray, tested: np.ndarray, values: dict) -> float:
    """Train a head on some of the cells; return its AUROC by patient on others."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    cell = keras.Input((features.shape[-1],))
    model = keras.Model(cell, add_classifier(cell, replace(HEADS["multi-depth"], dropout=values["dropout"])))
    model.compile(keras.optimizers.AdamW(values["lr"], weight_decay=values["weight-decay"]), "binary_crossentropy")
    labels, groups = at.labels[fitted], at.groups[fitted]
    weights = cell_weights(labels, groups, Sampling(balance="class-weight", patient_weight="equal"))
    model.fit(features[fitted], labels, BATCH, EPOCHS, sample_weight=weights, verbose=0)
    probabilities = model.predict(features[tested], 1024, verbose=0)[:, 0]
    return float(all_metrics(at.labels[tested], probabilities, at.groups[tested])["auroc_by_patient"][0])


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    at = shared_cells()
    features = pooled_depths(at, View(), DEPTHS[View().base], arguments.features)["conv3_block1_out"].reshape(
        len(at.cells), -1
    )
    held_out = set(hold_out(at.cells, 0, at.group_of)[1])
    held = np.array([cell.patient in held_out for cell in at.cells])
    inside, outside = np.flatnonzero(~held), np.flatnonzero(held)
    folds = [
        (inside[fitted], inside[tested])
        for fitted, tested in draw_folds([at.cells[place] for place in inside], at.group_of, "patient", 0, FOLDS)
    ]
    results: dict[str, list] = {method: [] for method in METHODS}
    half = arguments.trials // 2
    print(f"| seed | search | best of {half} | best of {arguments.trials} | held out | dropout | rate | weight decay |")
    print("|---|---|---|---|---|---|---|---|")
    for seed in range(arguments.seeds):
        for method in METHODS:
            tried: list[Trial] = []
            with TemporaryDirectory() as folder:
                search(
                    lambda values: float(np.mean([score(features, at, *fold, values) for fold in folds])),
                    space_of(("dropout", "lr", "weight-decay")),
                    *(Path(folder), tried.append, method, arguments.trials, seed),
                )
            best = max(tried, key=lambda trial: trial.score)
            early = max(trial.score for trial in tried[:half])
            row = [early, best.score, score(features, at, inside, outside, best.values)]
            results[method].append([*row, best.values])
            values = " | ".join(f"{best.values[name]:.2g}" for name in ("dropout", "lr", "weight-decay"))
            print(
                f"| {seed} | {method} | " + " | ".join(f"{value:.3f}" for value in row) + f" | {values} |", flush=True
            )
    means = {method: np.mean([row[:3] for row in rows], 0).tolist() for method, rows in results.items()}
    for method, mean in means.items():
        print(f"| mean | {method} | " + " | ".join(f"{value:.3f}" for value in mean) + " | | | |")
    gains = np.array([one[1] - other[1] for one, other in zip(*results.values())])
    standard_error = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else np.nan
    print(f"\nbest score, bayesian minus random: {gains.mean():+.4f}, standard error over seeds {standard_error:.4f}")
    print(json.dumps({"gain": gains.tolist(), "means": means}))


if __name__ == "__main__":
    main()
