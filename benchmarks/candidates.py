"""Six candidates for the default recipe, compared by the worst of several ways to leave patients and sessions out.

    python benchmarks/candidates.py --features FOLDER [--rows "1 as it is" …]

The candidates and the rule: docs/measured/candidates.md. Cells from LEUKEMIA_TF_DATA, weights from LEUKEMIA_TF_WEIGHTS
(else ../shared), at most 60 cells of a patient. Features of a frozen ResNet50 are cached in FOLDER. Each row: AUROC by
patient of each way, the worst, and, in the folds of seed 0, candidate 4 minus this one with its interval over patients;
then the same networks on cells that are mirrored, stored as JPEG of quality 75, or noisy by 3 grey levels.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from shared import SharedCells, shared_cells
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from leukemia_tf.config import Augmentation
from leukemia_tf.config.settings import mild_augmentation
from leukemia_tf.data.balance import Sampling, cell_weights
from leukemia_tf.data.datasets import cell_view, view_batches
from leukemia_tf.data.draws import TRANSFORMS
from leukemia_tf.data.fixed_views import VARIED, fixed_draws
from leukemia_tf.data.folds import draw_folds
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.store import open_store
from leukemia_tf.evaluation.intervals import paired_difference
from leukemia_tf.evaluation.metrics import all_metrics
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.models.heads import Head
from leukemia_tf.models.pretrained import build_pretrained
from leukemia_tf.models.table import find_architecture

MOST, BATCH, STRENGTH = 60, 32, 20.0  # cells of a patient; cells per batch; C times the number of training cells
CHANNELS = (256, 512, 1024)  # of conv2, conv3 and conv4
OFF = Augmentation(dihedral=False)
ALTERED = {  # always, at the full range
    "mirrored": Augmentation(),
    "JPEG 75": Augmentation(dihedral=False, jpeg=(1.0, 25.0)),
    "noise of 3": Augmentation(dihedral=False, noise=(1.0, 3.0)),
}
Fold = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Candidate:
    """A row of the table.

    Parameters
    ----------
    stains : tuple of str
        Side by side.
    settings : Augmentation
        Of the training views.
    cell_only : bool
        Pooled inside the cell, or over cell and frame.
    dense : bool
        256 units instead of a linear head.
    """

    stains: tuple[str, ...]
    settings: Augmentation
    cell_only: bool
    dense: bool = False


MILD, RAW = mild_augmentation(), ("none",)
CANDIDATES = {
    "1 as it is": Candidate(RAW, OFF, False),
    "2 turns and flips": Candidate(RAW, Augmentation(), False),
    "3 mild alterations": Candidate(RAW, MILD, False),
    "4 inside the cell": Candidate(RAW, MILD, True),
    "5 both colours": Candidate(("none", "reinhard"), MILD, True),
    "6 256 units": Candidate(RAW, MILD, True, dense=True),
}


CHOSEN = "4 inside the cell"


class Features:
    """Pooled features of the chosen cells in one view: float32 [n, 4 * channels], from FOLDER if they are there."""

    def __init__(self, at: SharedCells, folder: Path) -> None:
        chosen, seen = [], Counter()
        for index in np.random.default_rng(0).permutation(len(at.cells)):
            seen[at.groups[index]] += 1
            if seen[at.groups[index]] <= MOST:
                chosen.append(int(index))
        self.chosen = np.array(sorted(chosen))
        self.at, self.folder = at, folder
        self.labels, self.groups = at.labels[self.chosen], at.groups[self.chosen]
        self.cells = [at.cells[index] for index in self.chosen]

    def of(self, stain: str, name: str, draws: np.ndarray, settings: Augmentation) -> np.ndarray:
        """Return the features of a view by its draws: float32 [n, transforms, numbers]."""
        path = self.folder / f"{stain}-{name}.npy"
        if not path.is_file():
            view = Preprocessing(330, "fixed", stain_normalization=stain)
            head = Head(pooling="cell-and-frame", depths=3, units=(), dropout=0.0)
            built = build_pretrained(find_architecture("resnet50"), 1, asdict(view), "imagenet", 0, head=head).model
            forward = tf.function(keras.Model(built.input, built.get_layer("depths").output))
            store = open_store(self.at.folder, self.cells, view)
            batches = view_batches(cell_view(store, settings), np.arange(len(self.cells)), draws, BATCH)
            self.folder.mkdir(parents=True, exist_ok=True)
            np.save(path, np.concatenate([forward(batch, training=False).numpy() for batch in batches]))
        return np.load(path, mmap_mode="r")

    def training_views(self, candidate: Candidate) -> list[np.ndarray]:
        """Return the features of each training view: the cell as it is, and up to three more."""
        draws = fixed_draws([cell.sha256 for cell in self.cells], candidate.settings)
        if candidate.settings == Augmentation():  # four of the eight, as many as with alterations
            draws = _turned(fixed_draws([cell.sha256 for cell in self.cells], MILD), draws)
        name = {OFF: "as-it-is", MILD: "mild"}.get(candidate.settings, "turned")
        views = []
        for number, rows in enumerate(draws[:VARIED]):
            title, settings = (f"{name}-{number}", candidate.settings) if number else ("as-it-is-0", OFF)
            views.append(
                np.hstack([self._part(candidate, self.of(s, title, rows, settings)) for s in candidate.stains])
            )
        return views

    def altered(self, candidate: Candidate, name: str) -> np.ndarray:
        """Return the features of altered cells."""
        draws = np.ones((len(self.cells), len(TRANSFORMS), 4), np.float32)
        draws[:, :, 0] = 0  # below any probability
        draws[:, TRANSFORMS.index("dihedral"), 1] = 1.5 / 8  # flipped left and right
        title = name.replace(" ", "-")
        return np.hstack(
            [self._part(candidate, self.of(stain, title, draws, ALTERED[name])) for stain in candidate.stains]
        )

    def _part(self, candidate: Candidate, values: np.ndarray) -> np.ndarray:
        ends = np.cumsum([0, *(4 * channels for channels in CHANNELS)])
        inside = [np.arange(start, start + 2 * channels) for start, channels in zip(ends, CHANNELS)]
        return values[:, np.concatenate(inside)] if candidate.cell_only else np.asarray(values)


def _turned(varied: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Return draws of turns alone, the same as those of the varied views."""
    still, place = np.repeat(turns[:1], VARIED, axis=0), TRANSFORMS.index("dihedral")
    still[:, :, place] = varied[:, :, place]
    return still


def ways(features: Features, at: SharedCells) -> dict[str, list[Fold]]:
    """Return the ways to leave patients out: training and test indices of each fold."""
    cells, groups, index = features.cells, features.groups, np.arange(len(features.cells))
    found = {f"folds, seed {seed}": draw_folds(cells, at.group_of, "patient", seed) for seed in range(3)}
    in_fold = {group for group, cell in zip(groups, cells) if "fold_1" in Path(cell.path).parts}
    one = np.isin(groups, list(in_fold))
    found |= {"on fold 1": [(index[one], index[~one])], "on the others": [(index[~one], index[one])]}
    leukemic = np.random.default_rng(0).permutation(sorted(set(groups[features.labels == 1])))
    for name in ("H10", "H14"):
        (healthy,) = {group for group in set(groups) if name in group.split("+")}
        tests = [np.isin(groups, [healthy, *half]) for half in np.array_split(leukemic, 2)]
        found[f"{name} left out"] = [(index[~test], index[test]) for test in tests]
    return found


def fit(candidate: Candidate, views: list[np.ndarray], features: Features, train: np.ndarray) -> Callable:
    """Fit a head on the views of some cells; return features -> logits."""
    values, labels = np.concatenate([view[train] for view in views]), features.labels[train]
    weights = cell_weights(labels, features.groups[train], Sampling("class-weight", patient_weight="equal"))
    scaler, repeats = StandardScaler().fit(values), len(views)
    if candidate.dense:
        return _fit_dense(scaler, scaler.transform(values), np.tile(labels, repeats), np.tile(weights, repeats))
    model = LogisticRegression(C=STRENGTH / len(train), max_iter=300)
    model.fit(scaler.transform(values), np.tile(labels, repeats), sample_weight=np.tile(weights, repeats) / repeats)
    return lambda tested: model.decision_function(scaler.transform(tested))


def _fit_dense(scaler: StandardScaler, values: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Callable:
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    epochs = 5  # of four views each
    layers = [keras.layers.Dense(256, "relu"), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((values.shape[1],)), *layers])
    rate = keras.optimizers.schedules.CosineDecay(1e-3, epochs * -(-len(values) // BATCH))
    model.compile(keras.optimizers.Adam(rate), keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(values, labels.astype(np.float32)[:, None], BATCH, epochs, sample_weight=weights, verbose=0)
    return lambda tested: model.predict(scaler.transform(tested), verbose=0)[:, 0]


def by_patient(labels: np.ndarray, logits: np.ndarray, groups: np.ndarray) -> float:
    """Return the AUROC in which every patient of a class has the same weight."""
    return float(all_metrics(labels, 1 / (1 + np.exp(-logits)), groups)["auroc_by_patient"][0])


def evaluate(name: str, features: Features, folds: dict[str, list[Fold]]) -> dict:
    """Return a candidate's scores by way, on altered cells, and its logits in the folds of seed 0."""
    candidate = CANDIDATES[name]
    views, scores, logits = features.training_views(candidate), {}, {}
    for way, parts in folds.items():
        each = []
        for train, test in parts:
            head = fit(candidate, views, features, train)
            tested = {"": views[0], **({n: features.altered(candidate, n) for n in ALTERED} if "seed 0" in way else {})}
            for alteration, values in tested.items():
                logits.setdefault((way, alteration), np.zeros(len(features.labels)))[test] = head(values[test])
            each.append(by_patient(features.labels[test], logits[way, ""][test], features.groups[test]))
        whole = sum(len(test) for _, test in parts) == len(features.labels) and len(parts) > 2
        scores[way] = by_patient(features.labels, logits[way, ""], features.groups) if whole else float(np.mean(each))
    drawn = [score for way, score in scores.items() if way.startswith("folds")]
    scores = {"folds": float(np.mean(drawn)), **{w: s for w, s in scores.items() if not w.startswith("folds")}}
    altered = {n: by_patient(features.labels, logits["folds, seed 0", n], features.groups) for n in ALTERED}
    first = logits["folds, seed 0", ""]
    return {
        "scores": scores,
        "worst": min(scores.values()),
        "unaltered": by_patient(features.labels, first, features.groups),
        "altered": altered,
        "logits": first,
    }


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, default=Path("features"))
    parser.add_argument("--rows", nargs="*", default=list(CANDIDATES), choices=list(CANDIDATES))
    arguments = parser.parse_args()
    at = shared_cells()
    features = Features(at, arguments.features)
    folds = ways(features, at)
    rows = {name: evaluate(name, features, folds) for name in dict.fromkeys([*arguments.rows, CHOSEN])}
    chosen = 1 / (1 + np.exp(-rows[CHOSEN]["logits"]))
    print(f"{len(features.cells)} cells of {len(set(features.groups))} patients, AUROC by patient")
    titles = list(rows[CHOSEN]["scores"])
    print(f"| candidate | {' | '.join([*titles, 'worst', 'seed 0', *ALTERED])} | candidate 4 minus this, seed 0 |")
    for name, row in rows.items():
        other = 1 / (1 + np.exp(-row.pop("logits")))
        difference = paired_difference(features.labels, chosen, other, features.groups)["auroc_by_patient"]
        row["difference"] = difference
        numbers = [*row["scores"].values(), row["worst"], row["unaltered"], *row["altered"].values()]
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in numbers)} | {format_score(difference, '+')} |")
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
