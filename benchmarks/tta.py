"""Test-time augmentation against none: the gain in a run's test scores, and the cost.

    python benchmarks/tta.py RUN [--views ten-crop …]

Each kind of views in turn on the run's test cells, prepared and in memory; its temperature and threshold stay. Scores
with 95 % intervals over patients, the paired difference to none, and the seconds that the network
took, over those of none.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from pathlib import Path

from leukemia_tf.data.catalog import read_cells
from leukemia_tf.data.datasets import classes, load_cell_arrays
from leukemia_tf.data.patient_groups import groups_by_patient, patient_group_names
from leukemia_tf.data.preprocessing import stored_preprocessing
from leukemia_tf.evaluation.intervals import paired_difference, score_with_intervals
from leukemia_tf.evaluation.predictions import sigmoid
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.evaluation.tta import COUNTS, predict_views
from leukemia_tf.models.network import load_network, logit_model, preprocessing_of
from leukemia_tf.models.probability import get_calibration
from leukemia_tf.runs.open_runs import open_run


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    logging.basicConfig(level=logging.ERROR)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--views", nargs="*", choices=list(COUNTS)[1:], default=list(COUNTS)[1:])
    arguments = parser.parse_args()
    run = open_run(arguments.run)
    network = load_network(run.model)
    model, calibration = logit_model(network), get_calibration(network)
    cells = [cell for cell in read_cells(run.cells) if cell.split == "test"]
    group_of = groups_by_patient(run.read_config()["data"]["same_patients"])
    labels, patients = classes(cells), patient_group_names(cells, group_of)
    prepared = load_cell_arrays(run.data, cells, stored_preprocessing(preprocessing_of(network)))
    predict_views(model, [prepared[:32]], "none")  # the first trace is not timed
    probabilities, result = {}, {}
    print("| views | AUROC by patient | more than none | AUROC over cells | time |\n|---|---|---|---|---|")
    for tta in ("none", *arguments.views):
        began = time.perf_counter()
        logits = predict_views(model, [prepared], tta)
        seconds = time.perf_counter() - began
        probabilities[tta] = sigmoid(logits / calibration.temperature)
        scores = score_with_intervals(labels, probabilities[tta], patients, threshold=calibration.threshold)
        gain = paired_difference(labels, probabilities[tta], probabilities["none"], patients)["auroc_by_patient"]
        result[tta] = {"auroc_by_patient": scores["auroc_by_patient"], "gain": gain, "seconds": seconds}
        columns = [format_score(scores["auroc_by_patient"]), format_score(gain, "+"), format_score(scores["auroc"])]
        print(f"| {tta} | {' | '.join(columns)} | x{seconds / result['none']['seconds']:.1f} |", flush=True)
    print(json.dumps({"cells": len(cells), "patients": len(set(patients)), **result}))


if __name__ == "__main__":
    main()
