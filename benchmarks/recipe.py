"""A recipe on patients it has never seen: every cell judged by the network of a fold that its patient was not in.

    python benchmarks/recipe.py --out FOLDER [--seed 0] [-- FLAGS OF TRAIN]

Cells from LEUKEMIA_TF_DATA, weights from LEUKEMIA_TF_WEIGHTS (else ../shared). 5 folds of whole patients; of the other
four folds' patients a fifth is for validation. Each fold is an ordinary run below FOLDER; a stopped measurement goes
on. Beside it, on the same folds: the area of the cell alone, and a logistic regression on the frozen base's mean and
deviation of its last three blocks (every patient of a class weighing the same), both fitted on the training and
validation patients. Out-of-fold scores with 95 % intervals from 2,000 resamples of patients, and the paired difference.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import tyro
from shared import shared_cells, view_features
from sklearn.linear_model import LogisticRegression

from leukemia_tf.assemble import drop_blocks_of
from leukemia_tf.config import TrainConfig
from leukemia_tf.data.integrity import read_image
from leukemia_tf.data.pipeline import classes
from leukemia_tf.data.protocols import hold_out
from leukemia_tf.data.settings import BACKGROUND
from leukemia_tf.data.splits import Split, natural, write_split
from leukemia_tf.evaluation.bootstrap import paired_difference, score_with_intervals
from leukemia_tf.evaluation.predictions import read_predictions
from leukemia_tf.evaluation.probe import draw_folds, out_of_fold
from leukemia_tf.recipes import recipe_asked
from leukemia_tf.run import RunFolder
from leukemia_tf.train import train

SHOWN = ("auroc_by_patient", "auroc", "weighted_f1")


def out_of_fold_area(folder: Path, cells: tuple, folds: list) -> np.ndarray:
    """Return the probability by the area of the cell alone: float [n]."""
    areas = np.array([[(read_image(folder / cell.path)[1].max(-1) > BACKGROUND).sum()] for cell in cells], float)
    labels, judged = classes(cells), np.full(len(cells), np.nan)
    areas /= areas.std()
    for fitted, held in folds:
        model = LogisticRegression(class_weight="balanced").fit(areas[fitted], labels[fitted])
        judged[held] = model.predict_proba(areas[held])[:, 1]
    return judged


def run_folds(config: TrainConfig, folder: Path, cells: tuple, folds: list, alias: dict, out: Path) -> np.ndarray:
    """Train a run a fold; return the probability of each cell: float [n]."""
    judged, place = np.full(len(cells), np.nan), {cell.path: index for index, cell in enumerate(cells)}
    for number, (fitted, held) in enumerate(folds):
        run = RunFolder(out / f"fold-{number}")
        test = tuple(sorted({cells[index].patient for index in held}, key=natural))
        split = Split("file", config.seed, *hold_out([cells[index] for index in fitted], config.seed, alias), test)
        path = write_split(out / f"fold-{number}.json", split)
        if not run.metrics.is_file():
            own = replace(config, data=folder, split=str(path), out=run.path, resume=run.config.is_file())
            train(own)
        for row in read_predictions(run.predictions("test")):
            judged[place[row.path]] = row.probability
    return judged


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("flags", nargs="*", default=[])
    asked = parser.parse_args()
    ground = recipe_asked(asked.flags) or TrainConfig(base="resnet50", drop_last_block=True)
    plain = (tyro.conf.FlagCreatePairsOff,)
    config = replace(tyro.cli(TrainConfig, args=asked.flags, default=ground, config=plain), seed=asked.seed)
    at = shared_cells()
    cells, labels, patients = at.cells, at.labels, at.patients
    folds = draw_folds(cells, at.alias, "patient", asked.seed)
    view = (330, config.framing, config.contrast)
    features = view_features(at.folder, cells, config.base, view, asked.out.parent / "features", drop_blocks_of(config))
    judged = {
        "network": run_folds(config, at.folder, cells, folds, at.alias, asked.out),
        "cell area alone": out_of_fold_area(at.folder, cells, folds),
        "frozen features, logistic regression": out_of_fold(features, cells, folds),
    }
    results = {}
    print(
        f"\n{len(cells)} cells of {len(set(patients))} patients, 5 folds, seed {asked.seed}: {' '.join(sys.argv[1:])}\n"
    )
    print(f"| out of fold | {' | '.join(SHOWN)} | network less this, by patient |\n|---|---|---|---|---|")
    for name, probabilities in judged.items():
        scores = score_with_intervals(labels, probabilities, patients, asked.seed)
        difference = paired_difference(labels, judged["network"], probabilities, patients, asked.seed)[
            "auroc_by_patient"
        ]
        told = [
            f"{s['value']:.3f} [{s['low']:.3f}, {s['high']:.3f}]" for s in (*(scores[m] for m in SHOWN), difference)
        ]
        print(f"| {name} | {' | '.join(told)} |")
        results[name] = {**{metric: scores[metric] for metric in SHOWN}, "difference": difference}
    print(json.dumps(results))


if __name__ == "__main__":
    main()
