"""Where the benchmarks' cells and weights come from, and what they share."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.datasets import classes
from leukemia_tf.data.patient_groups import find_patient_groups, patient_group_names
from leukemia_tf.data.prepare import find_doubles
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.reading import read_catalog
from leukemia_tf.data.scan import scan
from leukemia_tf.data.source import find_source

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


def use_shared() -> None:
    """Point LEUKEMIA_TF_DATA and LEUKEMIA_TF_WEIGHTS at `../shared`, where it is and where they are not set."""
    for variable, folder in (("LEUKEMIA_TF_DATA", "C-NMC_Leukemia"), ("LEUKEMIA_TF_WEIGHTS", "weights")):
        if (SHARED / folder).is_dir():
            os.environ.setdefault(variable, str(SHARED / folder))


@dataclass(frozen=True)
class SharedCells:
    """Labelled cells for folds of whole patients.

    Parameters
    ----------
    folder : pathlib.Path
        Where they are.
    cells : tuple of Cell
        All sound ones, [n].
    labels, groups : numpy.ndarray
        int [n], 1 for `all`; str [n], the patient group of each cell, one for all names of a patient.
    group_of : dict
        All names of each patient.
    """

    folder: Path
    cells: tuple[Cell, ...]
    labels: np.ndarray
    groups: np.ndarray
    group_of: dict[str, frozenset[str]]


def shared_cells() -> SharedCells:
    """Read and check the cells, from where `use_shared` says."""
    use_shared()
    folder = find_source(None).folder
    catalog = read_catalog(folder)
    scanned = scan(catalog)
    doubles = find_doubles(catalog, scanned, "merge")
    cells, group_of = scanned.cells, find_patient_groups(scanned.cells, scanned.near_duplicates(), doubles)
    return SharedCells(folder, cells, classes(cells), patient_group_names(cells, group_of), group_of)


def view_features(
    folder: Path, cells: tuple[Cell, ...], base: str, view: tuple, cache: Path, drop_blocks: int = 1
) -> np.ndarray:
    """Return a frozen base's features of one view (the fields of `Preprocessing`): float32 [n, features].

    Mean and deviation over space of its last three blocks' outputs; from the folder `cache` if they are there.
    """
    from leukemia_tf.data.datasets import load_cell_arrays, prediction_batches
    from leukemia_tf.models.pretrained import build_pretrained
    from leukemia_tf.models.table import find_architecture
    from leukemia_tf.training.features import frozen_features

    name = base if drop_blocks == 1 else f"{base}-drop{drop_blocks}"
    path = cache / f"{name}-{'-'.join(map(str, view)).replace(':', '')}.npy"
    if not path.is_file():
        settings = Preprocessing(*view)
        network = build_pretrained(find_architecture(base), drop_blocks, asdict(settings), "imagenet", seed=0)
        pictures = load_cell_arrays(folder, cells, settings)
        cache.mkdir(parents=True, exist_ok=True)
        np.save(path, frozen_features(network.model, network.blocks[-3:], prediction_batches(pictures, 32)))
    return np.load(path)
