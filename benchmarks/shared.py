"""Where the benchmarks' cells and weights come from, and what they share."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from leukemia_tf.data.catalog import Cell, read_catalog
from leukemia_tf.data.examine import examine
from leukemia_tf.data.pipeline import classes
from leukemia_tf.data.settings import Preprocessing
from leukemia_tf.data.source import find_source
from leukemia_tf.data.splits import merge_aliases, people

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


def use_shared() -> None:
    """Point LEUKEMIA_TF_DATA and LEUKEMIA_TF_WEIGHTS at `../shared`, where it is and where they are not set."""
    for variable, folder in (("LEUKEMIA_TF_DATA", "C-NMC_Leukemia"), ("LEUKEMIA_TF_WEIGHTS", "weights")):
        if (SHARED / folder).is_dir():
            os.environ.setdefault(variable, str(SHARED / folder))


@dataclass(frozen=True)
class Judged:
    """Labelled cells to judge by folds of whole patients.

    Parameters
    ----------
    folder : pathlib.Path
        Where they lie.
    cells : tuple of Cell
        All sound ones, [n].
    labels, patients, people : numpy.ndarray
        int [n], 1 for `all`; str [n], as the files are named; str [n], one for all names of a person.
    alias : dict
        For each patient all who are the same.
    """

    folder: Path
    cells: tuple[Cell, ...]
    labels: np.ndarray
    patients: np.ndarray
    people: np.ndarray
    alias: dict[str, frozenset[str]]


def shared_cells() -> Judged:
    """Read and check the cells, from where `use_shared` says."""
    use_shared()
    folder = find_source(None).folder
    examination = examine(read_catalog(folder))
    cells, alias = examination.cells, merge_aliases(examination.cells, examination.twins())
    patients = np.array([cell.patient for cell in cells])
    return Judged(folder, cells, classes(cells), patients, people(cells, alias), alias)


def view_features(
    folder: Path, cells: tuple[Cell, ...], base: str, view: tuple, kept: Path, drop_blocks: int = 1
) -> np.ndarray:
    """Return what a frozen base says of one view (size, framing, contrast): float32 [n, features].

    Mean and deviation over space of its last three blocks' outputs; from the folder `kept` if they are there.
    """
    from leukemia_tf.data.pipeline import load_cells, prediction_batches
    from leukemia_tf.models.pretrained import build_pretrained
    from leukemia_tf.models.table import find_architecture
    from leukemia_tf.training.features import frozen_features

    name = base if drop_blocks == 1 else f"{base}-drop{drop_blocks}"
    path = kept / f"{name}-{'-'.join(map(str, view)).replace(':', '')}.npy"
    if not path.is_file():
        settings = Preprocessing(*view)
        network = build_pretrained(find_architecture(base), drop_blocks, asdict(settings), "imagenet", seed=0)
        pictures = load_cells(folder, cells, settings)
        kept.mkdir(parents=True, exist_ok=True)
        np.save(path, frozen_features(network.model, network.blocks[-3:], prediction_batches(pictures, 32)))
    return np.load(path)
