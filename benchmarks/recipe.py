"""A recipe on patients it has never seen: every cell judged by the network of a fold that its patient was not in.

    python benchmarks/recipe.py --out FOLDER [--seed 0] [--no-validation] [--plain EPOCHS] [-- FLAGS OF TRAIN]

Cells from LEUKEMIA_TF_DATA, weights from LEUKEMIA_TF_WEIGHTS (else ../shared). 5 folds of whole patients; of the other
four folds' patients a fifth is for validation, or with `--no-validation` none: then each stage is trained to its end,
on all of them. Each fold is an ordinary run below FOLDER; a stopped measurement goes on. Beside it, on the same folds,
fitted on the training and validation patients: the area of the cell alone; a logistic regression on the frozen base's
mean and deviation of its last three blocks (every patient of a class weighing the same); and with `--plain EPOCHS`
plain Keras fine-tuning of all layers of ResNet50 without its last block (`plain.py`, Adam 1e-4, classes of equal
weight, the default view scaled to `--plain-size`), kept beside FOLDER. Out-of-fold scores with 95 % intervals from
2,000 resamples of patients, and the paired difference.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import tyro
from plain import plain_fit
from shared import Judged, shared_cells, view_features
from sklearn.linear_model import LogisticRegression

from leukemia_tf.assemble import drop_blocks_of
from leukemia_tf.config import TrainConfig
from leukemia_tf.data.balance import Sampling, cell_weights
from leukemia_tf.data.integrity import read_image
from leukemia_tf.data.pipeline import classes, load_cells
from leukemia_tf.data.protocols import hold_out
from leukemia_tf.data.settings import BACKGROUND, Preprocessing
from leukemia_tf.data.splits import Split, natural, write_split
from leukemia_tf.evaluation.bootstrap import paired_difference, score_with_intervals
from leukemia_tf.evaluation.predictions import read_predictions
from leukemia_tf.evaluation.probe import draw_folds, out_of_fold
from leukemia_tf.evaluation.scores import written
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


def run_folds(config: TrainConfig, at: Judged, folds: list, out: Path, validate: bool) -> np.ndarray:
    """Train a run a fold; return the probability of each cell: float [n]."""
    cells = at.cells
    judged, place = np.full(len(cells), np.nan), {cell.path: index for index, cell in enumerate(cells)}
    for number, (fitted, held) in enumerate(folds):
        run = RunFolder(out / f"fold-{number}")
        test = tuple(sorted({cells[index].patient for index in held}, key=natural))
        others = [cells[index] for index in fitted]
        everyone = tuple(sorted({cell.patient for cell in others}, key=natural))
        parts = hold_out(others, config.seed, at.alias) if validate else (everyone, ())
        split = Split("file", config.seed, *parts, test)
        path = write_split(out / f"fold-{number}.json", split)
        if not run.metrics.is_file():
            own = replace(config, data=at.folder, split=str(path), out=run.path, resume=run.config.is_file())
            train(own)
        for row in read_predictions(run.predictions("test")):
            judged[place[row.path]] = row.probability
    return judged


def out_of_fold_plain(at: Judged, folds: list, view: Preprocessing, epochs: int, kept: Path) -> np.ndarray:
    """Return the probability by plain Keras fine-tuning: float [n]."""
    judged = np.full(len(at.cells), np.nan)
    pictures = load_cells(at.folder, at.cells, view)
    for number, (fitted, held) in enumerate(folds):
        path, began = kept / f"plain-{view.image_size}-{epochs}-fold-{number}.npy", time.perf_counter()
        if not path.is_file():
            weights = cell_weights(at.labels[fitted], at.patients[fitted], Sampling("class-weight"))
            model = plain_fit(pictures[fitted], at.labels[fitted], weights, True, 1e-4, epochs)
            print(f"plain Keras, fold {number}: {time.perf_counter() - began:.0f} s", flush=True)
            kept.mkdir(parents=True, exist_ok=True)
            np.save(path, model.predict(pictures[held], verbose=0)[:, 0])
        judged[held] = np.load(path)
    return judged


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-validation", action="store_true")
    parser.add_argument("--plain", type=int, default=0)
    parser.add_argument("--plain-size", type=int, default=160)
    parser.add_argument("flags", nargs="*", default=[])
    asked = parser.parse_args()
    ground = recipe_asked(asked.flags) or TrainConfig(base="resnet50", drop_last_block=True)
    plain = (tyro.conf.FlagCreatePairsOff,)
    config = replace(tyro.cli(TrainConfig, args=asked.flags, default=ground, config=plain), seed=asked.seed)
    at = shared_cells()
    cells, labels, patients = at.cells, at.labels, at.people
    folds = draw_folds(cells, at.alias, "patient", asked.seed)
    view = (330, config.framing, config.contrast)
    features = view_features(at.folder, cells, config.base, view, asked.out.parent / "features", drop_blocks_of(config))
    judged = {
        "network": run_folds(config, at, folds, asked.out, not asked.no_validation),
        "cell area alone": out_of_fold_area(at.folder, cells, folds),
        "frozen features, logistic regression": out_of_fold(features, cells, folds),
    }
    if asked.plain:
        kept = asked.out.parent / f"plain-seed{asked.seed}"
        shown = Preprocessing(asked.plain_size, config.framing, config.contrast)
        judged["plain Keras fine-tuning"] = out_of_fold_plain(at, folds, shown, asked.plain, kept)
    results = {}
    print(
        f"\n{len(cells)} cells of {len(set(patients))} patients, 5 folds, seed {asked.seed}: {' '.join(sys.argv[1:])}\n"
    )
    print(f"| out of fold | {' | '.join(SHOWN)} | network less this, by patient |\n|---|---|---|---|---|")
    for name, probabilities in judged.items():
        scores = score_with_intervals(labels, probabilities, patients, asked.seed)
        differences = paired_difference(labels, judged["network"], probabilities, patients, asked.seed)
        difference = differences["auroc_by_patient"]
        told = [*(written(scores[metric]) for metric in SHOWN), written(difference, "+")]
        print(f"| {name} | {' | '.join(told)} |")
        results[name] = {**{metric: scores[metric] for metric in SHOWN}, "difference": difference}
    print(json.dumps(results))


if __name__ == "__main__":
    main()
