"""Which framing, size, contrast and stain generalise to unseen patients, by a linear probe on frozen features.

    python benchmarks/preprocessing.py --features FOLDER

Cells from LEUKEMIA_TF_DATA (else ../shared), ImageNet weights from LEUKEMIA_TF_WEIGHTS (else ../shared). Each view of
the cells goes through a frozen, truncated base; mean and deviation over space of the last three blocks' outputs go to a
logistic regression under 5 folds of whole patients, repeated with 2 seeds. Scores are out-of-fold, with 95 % intervals
over patients (of the first seed's predictions). Features are cached in FOLDER, so an interrupted measurement
resumes.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import numpy as np
from shared import shared_cells, view_features

from leukemia_tf.data.balance import PATIENT_WEIGHTS
from leukemia_tf.data.folds import draw_folds
from leukemia_tf.evaluation.intervals import score_with_intervals
from leukemia_tf.evaluation.linear_probe import out_of_fold
from leukemia_tf.evaluation.metrics import all_metrics
from leukemia_tf.evaluation.scores import format_score

SEEDS = (0, 1)
VIEWS = (
    *((224, framing, "none", "none") for framing in ("cell", "tight", "centre:300", "none", "fixed")),
    (224, "cell", "none", "reinhard"),
    (224, "cell", "clahe", "none"),
    (330, "fixed", "none", "none"),
    (330, "fixed", "none", "reinhard"),
    *((330, "fixed", contrast, "none") for contrast in ("clahe", "equalize", "grey-equalize")),
)
DEFAULT = (330, "fixed", "none", "reinhard")
BASES = ("mobilenetv2", "resnet50")


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, default=Path("features"))
    cache = parser.parse_args().features
    at = shared_cells()
    cells, labels, patients, group_of = at.cells, at.labels, at.groups, at.group_of

    def evaluate(features: np.ndarray, patient_weight: str = "equal") -> tuple[dict, dict, list[float]]:
        by_seed = [out_of_fold(features, labels, patients, folds, patient_weight) for folds in drawn]
        first = score_with_intervals(labels, by_seed[0], patients)
        values = [float(all_metrics(labels, p, patients)["auroc_by_patient"][0]) for p in by_seed]
        return first["auroc_by_patient"], first["auroc"], values

    def columns(score: tuple[dict, dict, list[float]]) -> str:
        return " | ".join([*map(format_score, score[:2]), " ".join(f"{value:.3f}" for value in score[2])])

    drawn = [draw_folds(cells, group_of, "patient", seed) for seed in SEEDS]
    results, by_weight = [], []
    print("| base | size | framing | contrast | stain | AUROC by patient | over cells | by patient, seeds 0, 1 |")
    print("|---|---|---|---|---|---|---|---|")
    for base in BASES:
        for view in VIEWS:
            score = evaluate(view_features(at.folder, cells, base, view, cache))
            print(f"| {base} | {' | '.join(map(str, view))} | {columns(score)} |", flush=True)
            row = dict(zip(("image_size", "framing", "contrast", "stain_normalization"), view))
            results.append({"base": base, **row, "auroc_by_patient": score[0], "auroc": score[1], "seeds": score[2]})
    print("\n| base | patient weight | AUROC by patient | over cells | by patient, seeds 0, 1 |\n|---|---|---|---|---|")
    for base in BASES:
        for weight in PATIENT_WEIGHTS:
            score = evaluate(view_features(at.folder, cells, base, DEFAULT, cache), weight)
            print(f"| {base} | {weight} | {columns(score)} |", flush=True)
            by_weight.append({"base": base, "patient_weight": weight, "auroc_by_patient": score[0], "seeds": score[2]})
    print(json.dumps({"cells": len(cells), "patients": len(set(patients)), "views": results, "weights": by_weight}))


if __name__ == "__main__":
    main()
