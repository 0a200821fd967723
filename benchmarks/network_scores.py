"""A linear probe of every frozen base on unseen patients, against its time: bases with ImageNet weights at hand.

    python benchmarks/network_scores.py --features FOLDER [--picture docs/pictures/network-scores.png]

Cells from LEUKEMIA_TF_DATA, weights from LEUKEMIA_TF_WEIGHTS (else ../shared), in the default view (a fixed frame of
330 pixels, stain normalised). Mean and deviation over space of the last three blocks' outputs go to a logistic
regression under 5 folds of whole patients (seed 0), with equal weight for all patients; out-of-fold scores with 95 %
intervals over patients. Time is forward, in batches of 32, the median of five. Features are cached
in FOLDER.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from pathlib import Path

import numpy as np
from shared import shared_cells, view_features

from leukemia_tf.core.errors import WeightsError
from leukemia_tf.data.folds import draw_folds
from leukemia_tf.evaluation.intervals import score_with_intervals
from leukemia_tf.evaluation.linear_probe import out_of_fold
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.models.architecture import network_name
from leukemia_tf.models.table import ARCHITECTURES, find_architecture
from leukemia_tf.models.weights_search import local_weights

VIEW = (330, "fixed", "none", "reinhard")
ALONG = 25  # places of an interval's line that no name covers


def milliseconds(name: str, drop_blocks: int) -> float:
    """Return the time of one image, forward."""
    import tensorflow as tf

    from leukemia_tf.models.network import build_network

    model = build_network(find_architecture(name), drop_blocks, {"image_size": VIEW[0]})
    forward = tf.function(lambda x: model(x, training=False))
    batch = tf.zeros([32, VIEW[0], VIEW[0], 3], tf.uint8)
    forward(batch)
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        forward(batch).numpy()
        seconds.append(time.perf_counter() - began)
    return 1000 * float(np.median(seconds)) / 32


def draw(rows: list[dict], path: Path) -> None:
    """Draw AUROC by patient against the time of an image."""
    from leukemia_tf.evaluation.plots import SERIES, axes, log_x, place_labels, save

    whole, cut = (look["color"] for look in SERIES[:2])
    figure, (axis,) = axes(8.4, 4.6)
    for row in rows:
        score, colour = row["auroc_by_patient"], cut if row["network"].endswith("-cut") else whole
        error = [[score["value"] - score["low"]], [score["high"] - score["value"]]]
        axis.errorbar(row["milliseconds"], score["value"], error, fmt="o", color=colour, capsize=3)
    axis.margins(x=0.22)  # room for the names
    log_x(axis)
    axis.set(xlabel="milliseconds per image, forward", ylabel="AUROC by patient, out of fold")
    axis.plot([], [], "o", color=whole, label="whole")
    axis.plot([], [], "o", color=cut, label="without the last block")
    figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=8)
    points = [(row["milliseconds"], row["auroc_by_patient"]["value"]) for row in rows]
    bars = [
        (row["milliseconds"], height)
        for row in rows
        for height in np.linspace(row["auroc_by_patient"]["low"], row["auroc_by_patient"]["high"], ALONG)
    ]
    place_labels(axis, points, [row["network"] for row in rows], others=bars)
    save(figure, path)


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, default=Path("features"))
    parser.add_argument("--picture", type=Path, default=Path("docs/pictures/network-scores.png"))
    arguments = parser.parse_args()
    at = shared_cells()
    cells, labels, patients = at.cells, at.labels, at.groups
    folds = draw_folds(cells, at.group_of, "patient", 0)
    rows = []
    print("| network | features | AUROC by patient | over cells | ms per image |\n|---|---|---|---|---|")
    for name, architecture in ARCHITECTURES.items():
        for drop_blocks in (0, 1) if local_weights(architecture) else ():
            try:
                features = view_features(at.folder, cells, name, VIEW, arguments.features, drop_blocks)
            except WeightsError:
                continue  # the file at hand covers only the truncated base
            scores = score_with_intervals(labels, out_of_fold(features, labels, patients, folds), patients)
            row = {"network": network_name(architecture, drop_blocks), "features": features.shape[1]}
            row |= {key: scores[key] for key in ("auroc_by_patient", "auroc")}
            row["milliseconds"] = round(milliseconds(name, drop_blocks), 1)
            rows.append(row)
            texts = map(format_score, (row["auroc_by_patient"], row["auroc"]))
            print(f"| {row['network']} | {row['features']} | {' | '.join(texts)} | {row['milliseconds']} |", flush=True)
    draw(rows, arguments.picture)
    print(json.dumps({"cells": len(cells), "patients": len(set(patients)), "networks": rows}))


if __name__ == "__main__":
    main()
