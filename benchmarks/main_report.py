"""The main report's table, redone on patients that no network has seen, and beside it by image as the report did.

    python benchmarks/main_report.py --out FOLDER [--rows NAME …] [--image-size 112]

Cells from LEUKEMIA_TF_DATA, weights from LEUKEMIA_TF_WEIGHTS (else ../shared). Each row is a cross-validation: 5 folds
of whole patients for the rows that the report draws its conclusions from, 3 for the others, and 3 folds by image for
the members of its ensemble; a fifth of a fold's other patients (images) validates. The report's view (the cell cropped,
raw colours, both classes brought to their mean size, turns and flips) at `--image-size` pixels. Every row has the same
budget: at most 10 epochs at 1e-3 on a frozen base, then at most 5 at 1e-5 for the blocks that the report unfroze; a
network from scratch at most 15 in all; a stage stops after 3 epochs without a better validation score. The ensembles
are of out-of-fold predictions, the bred weights of a fold from the other folds' cells. Pooled out-of-fold scores with
95 % intervals from 2,000 resamples of patients. A stopped measurement goes on; a row whose weights are not at hand
says so. ONEDNN_DEFAULT_FPMATH_MODE=BF16 makes it up to 1.8 times as fast on a processor that can.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

from shared import use_shared

from leukemia_tf.config import Augmentation, CrossvalConfig, EnsembleConfig
from leukemia_tf.crossval import crossval
from leukemia_tf.errors import UserError
from leukemia_tf.evaluation.scores import written
from leukemia_tf.files import read_json
from leukemia_tf.fold_ensemble import ensemble_studies
from leukemia_tf.study import Study

HEAD = {"name": "head", "learning": 0, "epochs": 10, "patience": 3, "schedule": "constant"}
SCRATCH = [{"name": "whole", "learning": "all", "epochs": 15, "patience": 3}]
CUT = {"drop_last_block": True}
BASES = {
    "vgg16": ({"base": "vgg16", "head": "flat256"}, 3),  # with the blocks that the report unfroze
    "vgg16-cut": ({"base": "vgg16", "head": "dense256", **CUT}, 3),
    "resnet50": ({"base": "resnet50", "head": "dense256"}, "all"),
    "resnet50-cut-256": ({"base": "resnet50", "head": "dense256", **CUT}, "all"),
    "resnet50-cut-512": ({"base": "resnet50", "head": "dense512", "optimizer": "rmsprop", **CUT}, "all"),
    "mobilenetv2": ({"base": "mobilenetv2", "head": "linear"}, 1),
    "mobilenetv2-cut": ({"base": "mobilenetv2", "head": "linear", **CUT}, 1),
}
SCRATCH_HEADS = ("flat256", "flat256-two-dropouts", "flat128", "flat-two-dense")
MEMBERS = ("scratch-flat256-two-dropouts", "vgg16-cut-fine", "resnet50-cut-256-fine", "mobilenetv2-fine")
FIVE = (*MEMBERS, "resnet50-cut-512-fine", "mobilenetv2-cut-fine")
SHOWN = ("auroc_by_patient", "auroc", "weighted_f1")


def rows() -> dict[str, dict]:
    """Return what each row is trained with, by name."""
    found = {
        f"scratch-{head}": {"base": "scratch", "head": head, "stages": json.dumps(SCRATCH)} for head in SCRATCH_HEADS
    }
    for name, (settings, learning) in BASES.items():
        fine = {"name": "fine", "learning": learning, "epochs": 5, "patience": 3}
        found[f"{name}-frozen"] = {**settings, "stages": json.dumps([HEAD])}
        found[f"{name}-fine"] = {**settings, "stages": json.dumps([HEAD, fine])}
    return found


def config_of(name: str, by: str, out: Path, size: int) -> CrossvalConfig:
    """Return a row's cross-validation."""
    return CrossvalConfig(
        **rows()[name],
        split=by,
        folds=5 if by == "patient" and name in FIVE else 3,
        out=out / f"{name}-by-{by}",
        image_size=size,
        **{"framing": "cell", "contrast": "none", "balance": "main-report", "patient_weight": "none"},
        augment=Augmentation(dihedral=True),
    )


def line(name: str, part: dict, told: str) -> str:
    """Return a row of the table."""
    return f"| {name} | " + " | ".join(written(part["cell"][metric]) for metric in SHOWN) + f" | {told} |"


def main() -> None:
    """Train what is missing, print the table and, as the last line, one JSON object."""
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", nargs="*", default=list(rows()), choices=list(rows()))
    parser.add_argument("--image-size", type=int, default=112)
    asked = parser.parse_args()
    use_shared()
    jobs = [(name, "patient") for name in asked.rows] + [(name, "image") for name in asked.rows if name in MEMBERS]
    print("| network | AUROC by patient | AUROC over cells | weighted F1 | folds |\n|---|---|---|---|---|")
    found: dict[str, dict] = {"patient": {}, "image": {}}
    for name, by in jobs:
        config = config_of(name, by, asked.out, asked.image_size)
        try:
            if not Study(config.out).metrics.is_file():
                crossval(config)
        except UserError as error:
            print(f"| {name}, by {by} | not run: {str(error).split(': ')[0]} | | | |", flush=True)
            continue
        found[by][name] = read_json(Study(config.out).metrics)["parts"]["seed-0"]
        print(line(f"{name}, by {by}", found[by][name], str(config.folds)), flush=True)
    for by, own in found.items():
        if set(MEMBERS) <= set(own):
            study = Study(asked.out / f"ensemble-by-{by}")
            if not study.metrics.is_file():
                paths = tuple(asked.out / f"{name}-by-{by}" for name in MEMBERS)
                ensemble_studies(EnsembleConfig(paths, out=study.path))
            parts = read_json(study.metrics)["parts"]
            for method in ("average", "vote", "genetic"):
                own[method] = parts[method]
                print(
                    line(
                        f"{method} of the four, by {by}",
                        parts[method],
                        str(config_of(MEMBERS[0], by, asked.out, asked.image_size).folds),
                    )
                )
    scores = {by: {name: part["cell"] for name, part in own.items()} for by, own in found.items()}
    print(
        json.dumps(
            {by: {name: {m: cell[m] for m in SHOWN} for name, cell in own.items()} for by, own in scores.items()}
        )
    )


if __name__ == "__main__":
    sys.exit(main())
