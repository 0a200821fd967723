"""A tiny network with tiny random cells, ready to be trained."""

import hashlib

import numpy as np
import pytest

from leukemia_tf.data.balance import Sampling
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.store import Store
from leukemia_tf.models.architecture import remaining_blocks
from leukemia_tf.models.heads import Head
from leukemia_tf.models.network import build_network
from leukemia_tf.models.pretrained import Network
from leukemia_tf.models.table import find_architecture
from leukemia_tf.models.weights import LoadedWeights
from leukemia_tf.training.examples import Examples
from leukemia_tf.training.job import TrainingJob
from leukemia_tf.training.optimization import OptimizationConfig

POOLED = Head(pooling="mean-std", depths=2, units=(8,), dropout=0.4)


def examples(part, size, count):
    """Cells whose class shows: the leukemic ones are brighter."""
    rng = np.random.default_rng([len(part), size])
    labels = np.arange(count, dtype=np.int32) % 2
    cells = (
        rng.integers(0, 200, (count, size, size, 3)).astype(np.uint8)
        + (labels * 40).astype(np.uint8)[:, None, None, None]
    )
    names = np.array([f"{part}{i % 6}" for i in range(count)])
    hashes = tuple(hashlib.sha256(f"{part}{i}".encode()).hexdigest() for i in range(count))
    store = Store(("",) * count, Preprocessing(size), cells)
    return Examples(store, labels, labels.astype(np.float32), names, hashes)


def mean_scores(labels, probabilities, patients):
    """Stand-ins that depend on every probability."""
    score = float(np.mean(probabilities[labels == 1]) - np.mean(probabilities[labels == 0]))
    return dict.fromkeys(("val_auroc", "val_auroc_by_patient", "val_accuracy", "val_f_beta"), score)


@pytest.fixture
def make_job(tmp_path, monkeypatch):
    """Return a function that makes a TrainingJob on a fresh scratch CNN."""
    monkeypatch.setenv("LEUKEMIA_TF_CACHE", str(tmp_path / "cache"))

    def make(folder="run", head=None, size=60, pretrained=True, count=(22, 8), base="scratch", drop=1, **changes):
        import keras

        keras.utils.set_random_seed(0)
        architecture = find_architecture(base)
        blocks = remaining_blocks(architecture, drop)

        def built(side):
            return build_network(architecture, drop, {"image_size": side}, head)

        names = tuple(block.name for block in blocks)
        loaded = LoadedWeights("", names, layers=3, random=(), parameters=0) if pretrained else None
        counts = dict(zip(("train", "val"), count))
        settings = {
            "sampling": Sampling(),
            "optimization": OptimizationConfig(),
            "score": mean_scores,
            "batch_size": 4,
            "seed": 0,
            **changes,
        }
        return TrainingJob(
            Network(built(size), blocks, loaded),
            lambda part, side: examples(part, side, counts[part]),
            built,
            history_path=tmp_path / folder / "history.csv",
            state_folder=tmp_path / folder / "states",
            **settings,
        )

    return make
