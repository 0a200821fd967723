"""A recipe beside simpler ones, on the folds of its cross-validation.

    python -m leukemia_tf.crossval --out STUDY [--validation 0] …
    python benchmarks/recipe.py STUDY [--plain EPOCHS]

Weights from LEUKEMIA_TF_WEIGHTS (else ../shared). On the folds of the study's first seed, fitted on a fold's training
patients: the area of the cell alone; a logistic regression on the frozen base's mean and deviation of its last three
blocks (equal weight for every patient of a class); and with `--plain EPOCHS` plain Keras fine-tuning of all layers of
ResNet50 without its last block (`plain.py`, Adam 1e-4, classes of equal weight, the study's view scaled to
`--plain-size`), cached beside STUDY. Out-of-fold scores with 95 % intervals over patients, and the
paired difference.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from pathlib import Path

import numpy as np
from plain import plain_fit
from shared import SharedCells, use_shared, view_features
from sklearn.linear_model import LogisticRegression

from leukemia_tf.config import CrossvalConfig
from leukemia_tf.data.balance import Sampling, cell_weights
from leukemia_tf.data.datasets import classes, load_cell_arrays
from leukemia_tf.data.folds import read_folds
from leukemia_tf.data.integrity import read_image
from leukemia_tf.data.patient_groups import groups_by_patient, patient_group_names
from leukemia_tf.data.preprocessing import BACKGROUND, Preprocessing
from leukemia_tf.evaluation.intervals import paired_difference, score_with_intervals
from leukemia_tf.evaluation.linear_probe import out_of_fold
from leukemia_tf.evaluation.predictions import read_predictions
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.runs.study_folder import open_study
from leukemia_tf.training.settings import dropped_blocks

SHOWN = ("auroc_by_patient", "auroc", "weighted_f1")


def out_of_fold_area(folder: Path, cells: tuple, folds: list) -> np.ndarray:
    """Return the probability by the area of the cell alone: float [n]."""
    areas = np.array([[(read_image(folder / cell.path)[1].max(-1) > BACKGROUND).sum()] for cell in cells], float)
    labels, probabilities = classes(cells), np.full(len(cells), np.nan)
    areas /= areas.std()
    for fitted, held in folds:
        model = LogisticRegression(class_weight="balanced").fit(areas[fitted], labels[fitted])
        probabilities[held] = model.predict_proba(areas[held])[:, 1]
    return probabilities


def out_of_fold_plain(at: SharedCells, folds: list, view: Preprocessing, epochs: int, cache: Path) -> np.ndarray:
    """Return the probability by plain Keras fine-tuning: float [n]."""
    probabilities = np.full(len(at.cells), np.nan)
    pictures = load_cell_arrays(at.folder, at.cells, view)
    for number, (fitted, held) in enumerate(folds):
        path, began = cache / f"plain-{view.image_size}-{epochs}-fold-{number}.npy", time.perf_counter()
        if not path.is_file():
            weights = cell_weights(at.labels[fitted], at.groups[fitted], Sampling("class-weight"))
            model = plain_fit(pictures[fitted], at.labels[fitted], weights, True, 1e-4, epochs)
            print(f"plain Keras, fold {number}: {time.perf_counter() - began:.0f} s", flush=True)
            cache.mkdir(parents=True, exist_ok=True)
            np.save(path, model.predict(pictures[held], verbose=0)[:, 0])
        probabilities[held] = np.load(path)
    return probabilities


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("--plain", type=int, default=0)
    parser.add_argument("--plain-size", type=int, default=160)
    arguments = parser.parse_args()
    use_shared()
    study = open_study(arguments.study, "crossval")
    settings = study.read_config()
    config, table = CrossvalConfig(**settings["asked"]), read_folds(study.folds)
    (seed, fold_of), *_ = table.by_seed.items()
    inside = [place for place, by in enumerate(fold_of) if by is not None]
    cells, by = tuple(table.cells[place] for place in inside), np.array([fold_of[place] for place in inside])
    folds = [(np.flatnonzero(by != fold), np.flatnonzero(by == fold)) for fold in range(config.folds)]
    group_of = groups_by_patient(settings["data"]["same_patients"])
    groups = patient_group_names(cells, group_of)
    at = SharedCells(Path(settings["data"]["folder"]), cells, classes(cells), groups, group_of)
    size = config.image_size or 330
    folder = study.path.resolve().parent
    view = (size, config.framing, config.contrast, config.stain_normalization)
    features = view_features(at.folder, cells, config.base, view, folder / "features", dropped_blocks(config))
    probability_of = {row.path: row.probability for row in read_predictions(study.predictions(f"seed-{seed}"))}
    predicted = {
        "network": np.array([probability_of[cell.path] for cell in cells]),
        "cell area alone": out_of_fold_area(at.folder, cells, folds),
        "frozen features, logistic regression": out_of_fold(features, at.labels, at.groups, folds),
    }
    if arguments.plain:
        shown = Preprocessing(arguments.plain_size, *view[1:])
        cache = folder / f"plain-seed{seed}"
        predicted["plain Keras fine-tuning"] = out_of_fold_plain(at, folds, shown, arguments.plain, cache)
    results = {}
    print(f"\n{len(cells)} cells of {len(set(at.groups))} patients, {config.folds} folds, seed {seed}\n")
    print(f"| out of fold | {' | '.join(SHOWN)} | network minus this, by patient |\n|---|---|---|---|---|")
    for name, probabilities in predicted.items():
        scores = score_with_intervals(at.labels, probabilities, at.groups)
        difference = paired_difference(at.labels, predicted["network"], probabilities, at.groups)["auroc_by_patient"]
        columns = [*(format_score(scores[metric]) for metric in SHOWN), format_score(difference, "+")]
        print(f"| {name} | {' | '.join(columns)} |")
        results[name] = {**{metric: scores[metric] for metric in SHOWN}, "difference": difference}
    print(json.dumps(results))


if __name__ == "__main__":
    main()
