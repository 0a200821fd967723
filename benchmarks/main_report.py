"""The main report's table, redone on unseen patients, and beside it by image as the report did.

    python benchmarks/main_report.py --out FOLDER [--rows NAME …] [--results docs/measured/main-report.json]

Cells from LEUKEMIA_TF_DATA, weights from LEUKEMIA_TF_WEIGHTS (else ../shared). Each row is a cross-validation with 3
folds of whole patients; the members of the report's ensemble and its best MobileNetV2 also have 3 folds by image. All
that is outside a fold trains; nothing is validated, so no stage, epoch, temperature or threshold is chosen. The
report's view (the cell cropped, raw colours, both classes brought to their mean size, turns and flips) at
`--image-size` pixels. Every row has the same budget, 15 epochs: 10 of the head on a frozen base (at 1e-3; 5e-5 for
RMSprop), then 5 at 1e-5 of what the report unfroze, BatchNormalization with it; a network from scratch has all 15.
Every stage runs to its end and the last epoch's weights are used. The ensembles are of out-of-fold predictions; a
fold's weights of the genetic algorithm are optimised on the other folds' cells. Pooled out-of-fold scores with 95 %
intervals over patients. An interrupted measurement resumes; a row without weights is reported as such.

The whole table takes hours. So each row's scores go into RESULTS as soon as they are there, and rows that are in it are
not measured again: delete the file to start anew. ONEDNN_DEFAULT_FPMATH_MODE=BF16 makes it up to 1.8 times as fast on a
processor that supports it.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from shared import use_shared

from leukemia_tf.config import Augmentation, CrossvalConfig, EnsembleConfig
from leukemia_tf.core.errors import UserError
from leukemia_tf.core.files import read_json, write_json
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.runs.study_folder import Study
from leukemia_tf.workflows.crossval import crossval
from leukemia_tf.workflows.ensemble_folds import ensemble_studies

HEAD = {"name": "head", "learning": 0, "epochs": 10, "schedule": "constant"}
SCRATCH = [{"name": "whole", "learning": "all", "epochs": 15}]
CUT = {"drop_last_block": True}
RMSPROP = {"optimizer": "rmsprop", "lr": 5e-5, "fine_tune_lr": 1e-5}
NO_DROPOUT = {"head": "linear", "dropout": 0.0}
Unfrozen = Sequence[tuple[object, int]]
BASES: dict[str, tuple[dict, Unfrozen]] = {  # what the report unfroze, with its epochs
    "vgg16": ({"base": "vgg16", "head": "flat256"}, (("last-layers:3", 5),)),
    "vgg16-cut": ({"base": "vgg16", "head": "dense256", **CUT}, ((1, 1), (2, 1), (3, 3))),  # one after the other
    "resnet50": ({"base": "resnet50", **NO_DROPOUT}, (("last-layers:3", 5),)),
    "resnet50-cut-256": ({"base": "resnet50", "head": "dense256", **CUT}, (("all", 5),)),
    "resnet50-cut-512": ({"base": "resnet50", "head": "dense512", **RMSPROP, **CUT}, (("all", 5),)),
    "mobilenetv2": ({"base": "mobilenetv2", "head": "linear"}, ((1, 5),)),
    "mobilenetv2-cut": ({"base": "mobilenetv2", "head": "linear", **CUT}, ((1, 5),)),
}
LAST7 = "mobilenetv2-last7-fine"  # after the same frozen stage as mobilenetv2-fine
SCRATCH_HEADS = ("flat256", "flat256-two-dropouts", "flat128", "flat-two-dense")
MEMBERS = ("scratch-flat256-two-dropouts", "vgg16-cut-fine", "resnet50-cut-256-fine", "resnet50-cut-512-fine")
BY_IMAGE = (*MEMBERS, LAST7)
FOLDS = 3
ENSEMBLES = ("average", "vote", "genetic")
SHOWN = ("auroc_by_patient", "auroc", "weighted_f1")
MINUS_AREA = "auroc_by_patient_minus_area"


def rows() -> dict[str, dict]:
    """Return the settings of each row, by name."""
    settings_of = {
        f"scratch-{head}": {"base": "scratch", "head": head, "stages": json.dumps(SCRATCH)} for head in SCRATCH_HEADS
    }
    for name, (settings, unfrozen) in BASES.items():
        settings_of[f"{name}-frozen"] = {**settings, "stages": json.dumps([HEAD])}
        settings_of[f"{name}-fine"] = fine_tuned(settings, unfrozen)
    settings_of[LAST7] = fine_tuned(BASES["mobilenetv2"][0], (("last-layers:22", 5),))
    return settings_of


def fine_tuned(settings: dict, unfrozen: Unfrozen) -> dict:
    """Return the settings of a row whose frozen stage is followed by stages of `unfrozen` layers, with their epochs."""
    fine = [{"name": f"fine {learning}", "learning": learning, "epochs": epochs} for learning, epochs in unfrozen]
    return {**settings, "train_batchnorm": True, "stages": json.dumps([HEAD, *fine])}


def config_of(name: str, by: str, out: Path, size: int) -> CrossvalConfig:
    """Return a row's cross-validation."""
    return CrossvalConfig(
        **rows()[name],
        split=by,
        folds=FOLDS,
        inner_folds=0,
        out=out / f"{name}-by-{by}",
        image_size=size,
        **{"framing": "cell", "stain_normalization": "none", "balance": "mean", "patient_weight": "none"},
        augment=Augmentation(dihedral=True),
    )


Results = dict[str, dict[str, dict]]  # by kind of folds and by row: pooled scores


def scores(part: dict[str, dict]) -> dict[str, dict]:
    """Return what the table shows of a part of metrics.json; an ensemble of studies is not compared with cell area."""
    area = part.get("compared_with_area")
    return {metric: part["cell"][metric] for metric in SHOWN} | (
        {MINUS_AREA: area["network_minus_area"][SHOWN[0]]} if area else {}
    )


def cross_validate(by: str, names: Sequence[str], arguments: argparse.Namespace, results: Results) -> None:
    """Add the pooled scores of each network under one kind of folds, training what is missing and can be."""
    for name in names:
        if name in results[by]:
            continue
        config = config_of(name, by, arguments.out, arguments.image_size)
        try:
            if not Study(config.out).metrics.is_file():
                crossval(config)
        except UserError as error:
            print(f"{name}, by {by}: not run: {error}", file=sys.stderr, flush=True)
            continue
        results[by][name] = scores(read_json(Study(config.out).metrics)["parts"]["seed-0"])
        write_json(arguments.results, results)
        print(f"{name}, by {by}: {format_score(results[by][name][SHOWN[0]])}", file=sys.stderr, flush=True)


def combine(by: str, arguments: argparse.Namespace, results: Results) -> None:
    """Add the pooled scores of the members' ensembles, if FOLDER has all members."""
    members = tuple(arguments.out / f"{name}-by-{by}" for name in MEMBERS)
    if set(ENSEMBLES) <= set(results[by]) or not all(Study(member).metrics.is_file() for member in members):
        return
    study = Study(arguments.out / f"ensemble-by-{by}")
    if not study.metrics.is_file():
        ensemble_studies(EnsembleConfig(members, out=study.path))
    parts = read_json(study.metrics)["parts"]
    for method in ENSEMBLES:
        results[by][method] = scores(parts[method])
    write_json(arguments.results, results)


def table(results: Results) -> str:
    """Return one line per network and ensemble: folds by patient, and beside them folds by image."""
    head = (
        "AUROC by patient | minus cell area | AUROC over cells | weighted F1 | by image: AUROC over cells | weighted F1"
    )
    lines = [f"| | {head} |", "|---" * 7 + "|"]
    for name in [*rows(), *ENSEMBLES]:
        clean, leaky = (results[by].get(name) for by in ("patient", "image"))
        title = f"{name} of the four" if name in ENSEMBLES else name
        by_patient = [format_score(clean[metric]) for metric in SHOWN] if clean else ["not run", "", ""]
        by_patient.insert(1, format_score(clean[MINUS_AREA], "+") if clean and MINUS_AREA in clean else "")
        by_image = [format_score(leaky[metric]) for metric in SHOWN[1:]] if leaky else ["", ""]
        lines.append(f"| {' | '.join([title, *by_patient, *by_image])} |")
    return "\n".join(lines)


def main() -> None:
    """Train what is missing, print the table and, as the last line, one JSON object."""
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", nargs="*", default=list(rows()), choices=list(rows()))
    parser.add_argument("--image-size", type=int, default=112)
    parser.add_argument("--results", type=Path, default=Path("docs/measured/main-report.json"))
    arguments = parser.parse_args()
    use_shared()
    results: Results = {"patient": {}, "image": {}}
    results |= read_json(arguments.results) if arguments.results.is_file() else {}
    by_image = [name for name in arguments.rows if name in BY_IMAGE]
    for by, names in (("patient", arguments.rows), ("image", by_image)):
        cross_validate(by, names, arguments, results)
        combine(by, arguments, results)
    print(table(results))
    print(json.dumps(results))


if __name__ == "__main__":
    sys.exit(main())
