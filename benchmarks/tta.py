"""Test-time views against none: what a run's test scores gain, and what the views cost.

    python benchmarks/tta.py RUN [--views ten-crop …]

Each kind of views in turn on the run's test cells, prepared and in memory; its temperature and threshold stay. Scores
with 95 % intervals from 2,000 resamples of patients, the paired difference to none, and the seconds that the network
took, over those of none.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from pathlib import Path

from leukemia_tf.data.catalog import read_cells
from leukemia_tf.data.pipeline import classes, load_cells
from leukemia_tf.data.settings import Preprocessing
from leukemia_tf.data.splits import aliases, people
from leukemia_tf.evaluation.bootstrap import paired_difference, score_with_intervals
from leukemia_tf.evaluation.predictions import sigmoid
from leukemia_tf.evaluation.scores import written
from leukemia_tf.evaluation.tta import COUNTS, predict_views
from leukemia_tf.models.network import load_network, logit_model, preprocessing_of
from leukemia_tf.models.probability import decision_of
from leukemia_tf.run import open_run


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    logging.basicConfig(level=logging.ERROR)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--views", nargs="*", choices=list(COUNTS)[1:], default=list(COUNTS)[1:])
    asked = parser.parse_args()
    run = open_run(asked.run)
    network = load_network(run.model)
    model, decision = logit_model(network), decision_of(network)
    cells = [cell for cell in read_cells(run.cells) if cell.split == "test"]
    labels, patients = classes(cells), people(cells, aliases(run.read_config()["data"]["same_patients"]))
    prepared = load_cells(run.data, cells, Preprocessing(**preprocessing_of(network)))
    predict_views(model, [prepared[:32]], "none")  # so that nobody pays for the first trace
    found, result = {}, {}
    print("| views | AUROC by patient | more than none | AUROC over cells | time |\n|---|---|---|---|---|")
    for tta in ("none", *asked.views):
        began = time.perf_counter()
        logits = predict_views(model, [prepared], tta)
        seconds = time.perf_counter() - began
        found[tta] = sigmoid(logits / decision.temperature)
        scores = score_with_intervals(labels, found[tta], patients, threshold=decision.threshold)
        gain = paired_difference(labels, found[tta], found["none"], patients)["auroc_by_patient"]
        result[tta] = {"auroc_by_patient": scores["auroc_by_patient"], "gain": gain, "seconds": seconds}
        told = [written(scores["auroc_by_patient"]), written(gain, "+"), written(scores["auroc"])]
        print(f"| {tta} | {' | '.join(told)} | x{seconds / result['none']['seconds']:.1f} |", flush=True)
    print(json.dumps({"cells": len(cells), "patients": len(set(patients)), **result}))


if __name__ == "__main__":
    main()
