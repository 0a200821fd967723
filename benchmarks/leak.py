"""How much a split by image overstates: one recipe, cross-validated by patient and by image.

    python benchmarks/leak.py --out FOLDER [-- FLAGS OF CROSSVAL]

Cells from LEUKEMIA_TF_DATA, weights from LEUKEMIA_TF_WEIGHTS (else ../shared). By default the default recipe's frozen
stage, 5 folds, no validation part. Pooled out-of-fold scores with 95 % intervals over patients. An
interrupted measurement resumes.
"""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import replace
from pathlib import Path

import tyro
from shared import use_shared

from leukemia_tf.config import CrossvalConfig
from leukemia_tf.core.files import read_json
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.workflows.crossval import crossval

FROZEN = CrossvalConfig(base="resnet50", drop_last_block=True, stages="feature-extraction", validation=0)
SHOWN = ("auroc", "auroc_by_patient", "weighted_f1", "accuracy")


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("flags", nargs="*", default=[])
    arguments = parser.parse_args()
    use_shared()
    config = tyro.cli(CrossvalConfig, args=arguments.flags, default=FROZEN, config=(tyro.conf.FlagCreatePairsOff,))
    results = {}
    for by in ("patient", "image"):
        study = crossval(replace(config, out=arguments.out / by, split=by))
        results[by] = read_json(study.metrics)["parts"][f"seed-{config.seed}"]
    patients = sum(results["patient"]["patients"].values())
    print(f"\n{results['patient']['cells']} cells of {patients} patients, {config.folds} folds, seed {config.seed}\n")
    print(f"| folds by | {' | '.join(SHOWN)} |\n|{'---|' * (1 + len(SHOWN))}")
    for by, part in results.items():
        print(f"| {by} | {' | '.join(format_score(part['cell'][metric]) for metric in SHOWN)} |")
    print(json.dumps({by: {metric: part["cell"][metric] for metric in SHOWN} for by, part in results.items()}))


if __name__ == "__main__":
    main()
