"""What each augmentation does for unseen patients, by a linear probe on frozen features of augmented copies.

    python benchmarks/augmentation.py

Cells from LEUKEMIA_TF_DATA (else ../shared), ImageNet weights from LEUKEMIA_TF_WEIGHTS (else ../shared). A frozen,
truncated MobileNetV2 sees each cell (fixed frame, stain normalised, 160 pixels) as it is, and twice under one transform
at its default range. Logistic regression is fitted on originals and copies of four folds of whole patients and tested
on the originals of the fifth; MixUp and CutMix mix cells of one fold only. Scores are out-of-fold (seed 0), with 95 %
intervals over patients; the gain is paired with the row `nothing` over the same patients.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace

import keras
import numpy as np
import tensorflow as tf
from shared import shared_cells
from tqdm import tqdm

from leukemia_tf.config import Augmentation
from leukemia_tf.data.augmentation import augment
from leukemia_tf.data.balance import Sampling, cell_weights
from leukemia_tf.data.datasets import load_cell_arrays
from leukemia_tf.data.draws import TRANSFORMS, epoch_draws
from leukemia_tf.data.folds import draw_folds
from leukemia_tf.data.mixing import epoch_mixing, mix
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.evaluation.intervals import paired_difference, score_with_intervals
from leukemia_tf.evaluation.linear_probe import fit_probe
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.models.pretrained import build_pretrained
from leukemia_tf.models.table import find_architecture
from leukemia_tf.training.features import frozen_features

COPIES = 2
SETTINGS = Preprocessing(160, "fixed", stain_normalization="reinhard")


def settings_of(name: str) -> Augmentation:
    """Return the augmentation that applies one transform to every copy, at its default range."""
    if name == "dihedral":
        return Augmentation()
    nothing = Augmentation(dihedral=False)
    return replace(nothing, **{name: (1.0, getattr(nothing, name)[1])})


def copies(pictures: np.ndarray, labels: np.ndarray, fold: np.ndarray, name: str, epoch: int) -> tuple:
    """Return an augmented copy of every cell, and its label: uint8 [n, size, size, 3], float [n]."""
    settings = settings_of(name)
    draws = epoch_draws(len(pictures), 0, epoch)
    partner, share = epoch_mixing(len(pictures), settings, 0, epoch)
    rng = np.random.default_rng(epoch)
    for number in np.unique(fold):  # so that no cell of a test patient is seen
        members = np.flatnonzero(fold == number)
        partner[members] = rng.permutation(members)
    out, mixed = np.empty_like(pictures), np.empty(len(pictures))
    for start in range(0, len(pictures), 64):
        part = slice(start, start + 64)
        cells, numbers = tf.constant(pictures[part]), tf.constant(draws[part])
        seen = augment(cells, numbers, settings)
        label, other = (tf.constant(labels[index][:, None], tf.float32) for index in (part, partner[part]))
        seen, label = mix(seen, tf.constant(pictures[partner[part]]), label, other, tf.constant(share[part]), numbers)
        out[part], mixed[part] = seen.numpy(), label.numpy()[:, 0]
    return out, mixed


def probe(
    features: np.ndarray, extra: list[tuple], labels: np.ndarray, patients: np.ndarray, folds: list
) -> np.ndarray:
    """Return the out-of-fold probabilities of the originals; `extra` holds the copies' features and labels."""
    probabilities = np.empty(len(labels))
    for train, test in folds:
        weights = cell_weights(labels[train], patients[train], Sampling("class-weight", patient_weight="equal"))
        rows, targets, weigh = [features[train]], [labels[train]], [weights]
        for copy, mixed in extra:  # a mixed label counts as both, each with its share
            for label in (0, 1):
                share = mixed[train] if label else 1 - mixed[train]
                rows.append(copy[train][share > 0])
                targets.append(np.full(int((share > 0).sum()), label))
                weigh.append((weights * share)[share > 0])
        scale = 1 / (1 + len(extra))  # as much penalty as without copies
        model = fit_probe(np.concatenate(rows), np.concatenate(targets), np.concatenate(weigh) * scale)
        probabilities[test] = model.predict_proba(features[test])[:, 1]
    return probabilities


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    at = shared_cells()
    cells, labels, patients = at.cells, at.labels, at.groups
    folds = draw_folds(cells, at.group_of, "patient", 0)
    fold = np.empty(len(cells), int)
    for number, (_, test) in enumerate(folds):
        fold[test] = number
    pictures = load_cell_arrays(at.folder, cells, SETTINGS)
    network = build_pretrained(find_architecture("mobilenetv2"), 1, asdict(SETTINGS), "imagenet", 0)

    def features_of(values: np.ndarray) -> np.ndarray:
        return frozen_features(network.model, network.blocks[-3:], tf.data.Dataset.from_tensor_slices(values).batch(64))

    features = features_of(pictures)
    predicted = {}
    for name in tqdm(("nothing", *TRANSFORMS)):
        made = [copies(pictures, labels, fold, name, epoch) for epoch in range(COPIES)] if name != "nothing" else []
        extra = [(features_of(seen), mixed) for seen, mixed in made]
        predicted[name] = probe(features, extra, labels, patients, folds)
    print("| transform | range | AUROC by patient | gain over nothing | AUROC over cells |\n|---|---|---|---|---|")
    result = {}
    for name, probabilities in predicted.items():
        scores = score_with_intervals(labels, probabilities, patients)
        gain = paired_difference(labels, probabilities, predicted["nothing"], patients)["auroc_by_patient"]
        row = {"auroc_by_patient": scores["auroc_by_patient"], "gain": gain, "auroc": scores["auroc"]}
        reach = "" if name in ("nothing", "dihedral") else getattr(Augmentation(), name)[1]
        texts = map(format_score, row.values(), ("", "+", ""))
        print(f"| {name} | {reach} | {' | '.join(texts)} |")
        result[name] = row
    print(json.dumps({"cells": len(cells), "patients": len(set(patients)), "keras": keras.__version__, **result}))


if __name__ == "__main__":
    main()
