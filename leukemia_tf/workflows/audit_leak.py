"""How much better folds by image score than folds by patient: the leak of a split by image."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from leukemia_tf.config import AuditConfig
from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.datasets import classes, prediction_batches
from leukemia_tf.data.folds import FOLDS, draw_folds
from leukemia_tf.data.patient_groups import NearDuplicate, find_patient_groups, patient_group_names
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.source import Source
from leukemia_tf.data.store import open_store
from leukemia_tf.evaluation.audit_plots import draw_leak
from leukemia_tf.evaluation.intervals import score_with_intervals
from leukemia_tf.evaluation.linear_probe import out_of_fold
from leukemia_tf.evaluation.plots import save
from leukemia_tf.evaluation.scores import format_score, title_over_cells
from leukemia_tf.models.pretrained import Network, build_pretrained
from leukemia_tf.models.table import find_architecture
from leukemia_tf.training.features import frozen_features

log = logging.getLogger("leukemia_tf")

VIEW = Preprocessing(224, "cell")  # as in the reports whose leak is measured
METRICS = ("auroc", "auroc_by_patient", "weighted_f1")


def measure_leak(
    config: AuditConfig,
    source: Source,
    cells: Sequence[Cell],
    near_duplicates: Sequence[NearDuplicate],
    known: Sequence[Sequence[str]] = (),
) -> tuple[dict[str, Any], Figure]:
    """Score one linear probe on frozen features with folds by image and with folds by patient.

    Parameters
    ----------
    config : AuditConfig
        Weights, seed and folder of the figure.
    source : Source
        Where the cells are.
    cells : sequence of Cell
        Those with a label are used.
    near_duplicates : sequence of NearDuplicate
        Pairs among them.
    known : sequence of sequence of str
        Names that are known to be one patient.

    Returns
    -------
    tuple of dict and matplotlib.figure.Figure
        The classifier, and by `image` and `patient` its scores with intervals; and what is drawn of them.
    """
    labelled = [cell for cell in cells if cell.label]
    pairs = [pair for pair in near_duplicates if pair[0].label and pair[1].label]
    group_of = find_patient_groups(labelled, pairs, known)
    folds = {by: draw_folds(labelled, group_of, by, config.seed) for by in ("image", "patient")}
    network = _frozen_network(config, source)
    features = _features(network, source, labelled)
    patients = patient_group_names(labelled, group_of)
    leak: dict[str, Any] = {
        "classifier": f"logistic regression on pooled features of {network.model.name}",
        "weights": network.loaded.source if network.loaded else "random",
        "folds": FOLDS,
        "seed": config.seed,
        "patients": len(set(patients)),
    }
    labels = classes(labelled)
    for by, drawn in folds.items():
        scores = score_with_intervals(labels, out_of_fold(features, labels, patients, drawn), patients)
        leak[by] = {name: scores[name] for name in METRICS}
    figure = draw_leak(leak)
    save(figure, config.out / "leak.png")
    _log(leak)
    return leak, figure


def _frozen_network(config: AuditConfig, source: Source) -> Network:
    architecture = find_architecture("resnet50")
    return build_pretrained(architecture, 1, asdict(VIEW), config.weights, config.seed, required=not source.embedded)


def _features(network: Network, source: Source, cells: Sequence[Cell]) -> np.ndarray:
    store = open_store(source.folder, cells, VIEW)
    return frozen_features(network.model, network.blocks[-1:], prediction_batches(store, 32))


def _log(leak: Mapping[str, Any]) -> None:
    log.info("\nthe same classifier under %d folds, 95 %% intervals over patients:", FOLDS)
    for by in ("image", "patient"):
        scores = (f"{title_over_cells(name)} {format_score(score)}" for name, score in leak[by].items())
        log.info("  folds by %-8s %s", by, ", ".join(scores))
