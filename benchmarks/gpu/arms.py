"""The three trainings that are compared on each fold of patients, and what they score out of fold."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from cells import Cells
from device_views import Forward, cache_features, take_cells, take_features
from steps import Steps

from leukemia_tf.config import Augmentation
from leukemia_tf.config.settings import mild_augmentation
from leukemia_tf.evaluation.intervals import paired_difference, score_with_intervals
from leukemia_tf.models.network import logit_model
from leukemia_tf.models.pretrained import Network
from leukemia_tf.training.stage_plans import plan_stages
from leukemia_tf.training.stages import Plan, Stage

ARMS = ("unfrozen", "frozen", "default")
SCORES = ("auroc_by_patient", "auroc")
JITTER = Augmentation(stain=(0.5, 0.1), brightness=(0.5, 0.05), contrast=(0.5, 0.1))  # and all turns and flips
UNFREEZING = [  # of the arm `unfrozen`, behind the frozen head: conv4, conv3, conv2, to a fixed end
    {"learning": 1, "epochs": 3, "learning_rate": 5e-5, "layer_decay": 0.5},
    {"learning": 2, "epochs": 3, "learning_rate": 5e-5, "layer_decay": 0.5},
    {"learning": 3, "epochs": 6, "learning_rate": 5e-5, "layer_decay": 0.5, "schedule": "cosine"},
]


class Arms:
    """The trainings of all folds and seeds on one network, whose steps are compiled once.

    Parameters
    ----------
    network : Network
        With the head `multi-depth`.
    cells : Cells
        All of them; they stay on the device.
    batch : int
        Cells of a forward pass.
    epochs : int, optional
        The most of a stage, for a trial.
    """

    def __init__(self, network: Network, cells: Cells, batch: int, epochs: int | None = None) -> None:
        self.network, self.cells, self.batch = network, cells, batch
        self.pixels = jnp.asarray(cells.pixels)
        names = [block.name for block in network.blocks]
        default = plan_stages(Plan("progressive", 1e-3, 1e-6), names, network.pretrained)
        unfreezing = plan_stages(Plan(json.dumps(UNFREEZING), 1e-3, 1e-5), names, network.pretrained)
        cut = (lambda stage: replace(stage, epochs=min(stage.epochs, epochs))) if epochs else (lambda stage: stage)
        self.stages = {
            "head": cut(default[0]),
            "frozen": [],
            "unfrozen": [cut(stage) for stage in unfreezing],
            "default": [cut(stage) for stage in default[1:]],
        }
        self.views: dict[str, tuple] = {}  # features of the frozen layers, steps of the head, steps of all blocks
        for name, settings in (("jitter", JITTER), ("mild", mild_augmentation())):
            features = cache_features(network, self.pixels, cells.hashes, settings, batch)
            head = Steps(network, (), take_features(len(features[0])))
            self.views[name] = features, head, Steps(network, names, take_cells(settings))
        self.logits = Forward(logit_model(network.model))

    def run(self, seed: int, fold: int, first: list[np.ndarray]) -> dict[str, Any]:
        """Train all arms on a fold from the network's first values on; return logits of its cells, and the losses."""
        test = self.cells.folds[seed] == fold
        train, results, losses = np.flatnonzero(~test), {}, {}
        for name, arms in (("jitter", ("frozen", "unfrozen")), ("mild", ("default",))):
            features, head, whole = self.views[name]
            for variable, value in zip(self.network.model.variables, first, strict=True):
                variable.assign(value)
            losses[f"head {name}"] = self._train(head, self.stages["head"], features, train, seed, 0)
            for arm in arms:
                epoch, losses[arm] = self.stages["head"].epochs, []
                for stage in self.stages[arm]:
                    losses[arm] += self._train(whole, stage, self.pixels, train, seed, epoch)
                    epoch += stage.epochs
                results[arm] = self._predict(test)
        return {"cells": np.flatnonzero(test).tolist(), "logits": results, "losses": losses}

    def _train(
        self, steps: Steps, stage: Stage, source: Any, train: np.ndarray, seed: int, first_epoch: int
    ) -> list[float]:
        return steps.train(stage, source, self.cells.labels, self.cells.patients, train, seed, first_epoch)

    def _predict(self, test: np.ndarray) -> list[float]:
        (logits,) = self.logits(self.pixels[np.flatnonzero(test)], self.batch)
        return [round(float(value), 5) for value in np.asarray(logits)[:, 0]]


def scores(cells: Cells, folds: dict[str, dict]) -> dict[str, Any]:
    """Return each arm's scores out of fold, with intervals over patients, and its paired differences to `unfrozen`.

    Seeds of which all folds are done count; a cell's probability is that of its mean logit over them.

    Parameters
    ----------
    cells : Cells
        All of them.
    folds : dict
        `SEED-FOLD` -> what `Arms.run` returned.
    """
    seeds, count = [], cells.folds.max() + 1
    for seed in range(len(cells.folds)):
        if all(f"{seed}-{fold}" in folds for fold in range(count)):
            seeds.append(seed)
    if not seeds:
        return {}
    logits = {arm: np.zeros((len(seeds), len(cells.labels))) for arm in ARMS}
    for row, seed in enumerate(seeds):
        for fold in range(count):
            done = folds[f"{seed}-{fold}"]
            for arm in ARMS:
                logits[arm][row, done["cells"]] = done["logits"][arm]
    means = {arm: _probability(values.mean(axis=0)) for arm, values in logits.items()}
    result: dict[str, Any] = {"seeds": seeds, "arms": {}, "differences": {}}
    for arm in ARMS:
        of_all = score_with_intervals(cells.labels, means[arm], cells.patients)
        each = [score_with_intervals(cells.labels, _probability(row), cells.patients) for row in logits[arm]]
        result["arms"][arm] = {
            name: {**of_all[name], "by_seed": [one[name]["value"] for one in each]} for name in SCORES
        }
        if arm != ARMS[0]:
            paired = paired_difference(cells.labels, means[ARMS[0]], means[arm], cells.patients)
            result["differences"][arm] = {name: paired[name] for name in SCORES}
    return result


def _probability(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))
