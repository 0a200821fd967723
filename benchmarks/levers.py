"""What helps on unseen patients: each setting of a recipe's frozen stage changed by itself.

    python benchmarks/levers.py --features FOLDER [--only WORDS …]  # rows that hold one of these words
    python benchmarks/levers.py --features FOLDER --choose depth:   # the row selected by each fold's training patients

Cells from LEUKEMIA_TF_DATA, weights from LEUKEMIA_TF_WEIGHTS (else ../shared). The base is frozen; its pooled outputs
are cached in FOLDER. The head is trained on them as `train --stages feature-extraction` does (Adam 1e-3 along a cosine,
batches of 32), in 5 folds of whole patients, on the cells of the other four. Out-of-fold scores with 95 % intervals
over patients for the folds of seed 0, the paired difference to the first row, and the mean over the
folds of seeds 0 and 1. All rows are tested on the same folds, so the best of them is too optimistic: with `--choose`
each fold selects the row (the first, or one of that word) with the highest AUROC by patient in 4 folds of its training
patients (seed 0).
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
from shared import SharedCells, shared_cells
from views import CELL, FRAME, View, pooled_depths

from leukemia_tf.data.balance import Sampling, cell_weights, epoch_order
from leukemia_tf.data.folds import draw_folds
from leukemia_tf.evaluation.intervals import paired_difference, score_with_intervals
from leukemia_tf.evaluation.metrics import all_metrics
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.models.head_layers import add_classifier
from leukemia_tf.models.heads import HEADS, Head
from leukemia_tf.models.network import predict_logits

SEEDS, BATCH = (0, 1), 32
DEPTHS = {
    "resnet50": ("conv2_block3_out", "conv3_block1_out", "conv3_block4_out", "conv4_block1_out", "conv4_block6_out"),
    "mobilenetv2": ("block_2_add", "block_5_add", "block_9_add", "block_12_add"),
}
ENDS = ("conv2_block3_out", "conv3_block4_out")  # depths of the first row
FEWER = 3  # depths that are cached of views other than the first


def depths_of(view: View) -> tuple[str, ...]:
    """Return the layers that are cached of a view."""
    return DEPTHS[view.base] if view == View() or view.base != "resnet50" else DEPTHS[view.base][:FEWER]


@dataclass(frozen=True)
class Recipe:
    """What a row changes: the head, its epochs and weights, the size of the ensemble, the views."""

    epochs: int = 20
    head: Head = field(default_factory=lambda: HEADS["multi-depth"])
    sampling: Sampling = field(default_factory=lambda: Sampling(patient_weight="equal"))
    weight_decay: float = 0.0
    smoothing: float = 0.0
    members: int = 1
    trains: tuple[int, ...] = (0,)
    predicts: tuple[int, ...] = (0,)


def trained(features: np.ndarray, at: SharedCells, fitted: np.ndarray, recipe: Recipe, seed: int) -> keras.Model:
    """Train a head on some of the cells: float [views, n, features], int [k]."""
    keras.utils.set_random_seed(seed)
    cell = keras.Input((features.shape[-1],))
    model = keras.Model(cell, add_classifier(cell, recipe.head))
    labels, rng = at.labels[fitted], np.random.default_rng(seed)
    orders = [epoch_order(labels, recipe.sampling, seed, epoch) for epoch in range(recipe.epochs)]
    steps = sum(-(-len(order) // BATCH) for order in orders)
    rate = keras.optimizers.schedules.CosineDecay(1e-3, steps)
    optimizer = keras.optimizers.Adam(rate, weight_decay=recipe.weight_decay or None)
    model.compile(optimizer, keras.losses.BinaryCrossentropy(label_smoothing=recipe.smoothing))
    weights = cell_weights(labels, at.groups[fitted], recipe.sampling)
    for order in orders:
        views = rng.choice(recipe.trains, len(order))
        shown = features[views, fitted[order]]
        model.fit(shown, labels[order], BATCH, sample_weight=weights[order], shuffle=False, verbose=0)
    return model


def out_of_fold(features: np.ndarray, at: SharedCells, recipe: Recipe, folds: list, seed: int) -> np.ndarray:
    """Return the out-of-fold probability of each cell: float [n]."""
    logits = np.zeros(len(at.cells))
    for fitted, held in folds:
        for member in range(recipe.members):
            model = trained(features, at, fitted, recipe, seed + 100 * member)
            for view in recipe.predicts:
                logits[held] += predict_logits(model, features[view, held])
    return 1 / (1 + np.exp(-logits / (recipe.members * len(recipe.predicts))))


def chosen(candidates: dict[str, tuple], at: SharedCells, folds: list, seed: int) -> tuple[np.ndarray, list[str]]:
    """Return the probability of each cell where every fold selects its row, and the rows: float [n], [folds]."""
    predicted, selected = np.zeros(len(at.cells)), []
    for fitted, held in folds:
        inner = draw_folds([at.cells[index] for index in fitted], at.group_of, "patient", seed, 4)
        inner = [(fitted[inside], fitted[outside]) for inside, outside in inner]
        scores = {}
        for name, (values, recipe) in candidates.items():
            probabilities = out_of_fold(values, at, recipe, inner, seed)[fitted]
            scores[name] = all_metrics(at.labels[fitted], probabilities, at.groups[fitted])["auroc_by_patient"][0]
        selected.append(max(scores, key=scores.get))
        values, recipe = candidates[selected[-1]]
        predicted[held] = out_of_fold(values, at, recipe, [(fitted, held)], seed)[held]
    return predicted, selected


def rows(load: Callable[[View], dict[str, np.ndarray]]) -> list[tuple[str, Callable[[], np.ndarray], Recipe]]:
    """Return each row's name, its features as a function, and its recipe."""
    plain, heads = Recipe(), Recipe().head
    mobile, turned = View("mobilenetv2"), [View(turned=view) for view in range(4)]
    jittered, raw = [View(), View(jitter=1), View(jitter=2)], View(stain_normalization="none")
    places = {"cell": CELL, "frame": FRAME, "both": slice(None)}

    def at(layers: Sequence[str], views: Sequence[View] = (View(),), place: str = "both") -> Callable[[], np.ndarray]:
        def values(view: View) -> np.ndarray:
            chosen = [load(view)[name][:, places[place]] for name in layers]
            return np.concatenate([part.reshape(len(part), -1) for part in chosen], axis=1)

        return lambda: np.stack([values(view) for view in views])

    def side_by_side(*parts: Callable[[], np.ndarray]) -> Callable[[], np.ndarray]:
        return lambda: np.concatenate([part() for part in parts], axis=-1)

    both, small = at(ENDS), at(("block_2_add", "block_5_add"), [mobile])

    def with_head(**changes: Any) -> Recipe:
        return replace(plain, head=replace(heads, **changes))

    def weighted(**changes: str) -> Recipe:
        return replace(plain, sampling=replace(plain.sampling, **changes))

    return [
        ("the ends of conv2 and conv3, cell and frame", both, plain),
        *((f"depth: {name}", at([name]), plain) for name in DEPTHS["resnet50"]),
        ("depth: conv2, first of conv3 (`--depths 2`)", at(DEPTHS["resnet50"][:2]), plain),
        ("depth: conv2, conv3, conv4", at((*ENDS, "conv4_block6_out")), plain),
        ("inside the cell only", at(ENDS, place="cell"), plain),
        ("over the frame only", at(ENDS, place="frame"), plain),
        ("`--patient-weight sqrt`", both, weighted(patient_weight="sqrt")),
        ("`--patient-weight none`", both, weighted(patient_weight="none")),
        ("`--balance class-weight`", both, weighted(balance="class-weight")),
        ("no units between", both, with_head(units=(), dropout=0.0)),
        ("64 units", both, with_head(units=(64,))),
        ("no dropout", both, with_head(dropout=0.0)),
        ("half of the features dropped too", both, with_head(dropout_before=0.5)),
        ("features not standardised", both, with_head(standardize=False)),
        ("6 epochs", both, replace(plain, epochs=6)),
        ("60 epochs", both, replace(plain, epochs=60)),
        ("weight decay 1", both, replace(plain, weight_decay=1.0)),
        ("label smoothing 0.1", both, replace(plain, smoothing=0.1)),
        ("five heads averaged", both, replace(plain, members=5)),
        ("four of the dihedral views", at(ENDS, turned), replace(plain, trains=(0, 1, 2, 3))),
        (
            "four of the dihedral views, averaged in the test",
            at(ENDS, turned),
            replace(plain, trains=(0, 1, 2, 3), predicts=(0, 1, 2, 3)),
        ),
        ("flipped in the test only", at(ENDS, turned[:2]), replace(plain, predicts=(1,))),
        ("flipped for both", at(ENDS, turned[1:2]), plain),
        ("only what flipping changes", lambda: np.diff(at(ENDS, turned[:2])(), axis=0), plain),
        ("stain, brightness, contrast jittered", at(ENDS, jittered), replace(plain, trains=(0, 1, 2))),
        ("`--stain-normalization none`", at(ENDS, [raw]), plain),
        ("raw and normalised stain side by side", side_by_side(both, at(ENDS, [raw])), plain),
        ("scaled up to 496 pixels", at(ENDS, [View(size=496)]), plain),
        ("MobileNetV2, the same strides", small, plain),
        ("ResNet50 and MobileNetV2 side by side", side_by_side(both, small), plain),
    ]


def main() -> None:
    """Print the table, a row at a time, and, as the last line, one JSON object."""
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, default=Path("features"))
    parser.add_argument("--only", nargs="+", default=[""])
    parser.add_argument("--choose")
    arguments = parser.parse_args()
    at, cache_folder, results, first = shared_cells(), arguments.features, {}, {}
    first_row, *others = rows(cache(lambda view: pooled_depths(at, view, depths_of(view), cache_folder)))
    wanted = [arguments.choose] if arguments.choose else arguments.only
    seeds = SEEDS[:1] if arguments.choose else SEEDS
    table = [first_row, *(row for row in others if any(word in row[0] for word in wanted))]

    def show(name: str, predicted: dict[int, np.ndarray]) -> None:
        first.update(predicted if not first else {})
        scores = [score_with_intervals(at.labels, predicted[seed], at.groups) for seed in seeds]
        metrics = ("auroc_by_patient", "auroc")
        both = [float(np.mean([score[metric]["value"] for score in scores])) for metric in metrics]
        more = paired_difference(at.labels, predicted[0], first[0], at.groups)["auroc_by_patient"]
        columns = [*(format_score(scores[0][metric]) for metric in metrics), format_score(more, "+")]
        print(f"| {name} | {' | '.join(columns)} | {both[0]:.3f} / {both[1]:.3f} |", flush=True)
        results[name] = {metric: scores[0][metric] for metric in metrics} | {"difference": more, "both": both}

    folds = {seed: draw_folds(at.cells, at.group_of, "patient", seed) for seed in seeds}
    print("| changed | AUROC by patient | over cells | more than the first row, by patient | both, mean over seeds |")
    print("|---|---|---|---|---|")
    for name, features, recipe in table[:1] if arguments.choose else table:
        values = features()
        show(name, {seed: out_of_fold(values, at, recipe, folds[seed], seed) for seed in seeds})
    if arguments.choose:
        candidates = {name: (features(), recipe) for name, features, recipe in table}
        predicted, selected = chosen(candidates, at, folds[0], 0)
        show(f"selected in each fold: {'; '.join(selected)}", {0: predicted})
    print(json.dumps({"cells": len(at.cells), "patients": len(set(at.groups)), "rows": results}))


if __name__ == "__main__":
    main()
