"""Cells ready for a network: images, classes and patients side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.datasets import classes, targets
from leukemia_tf.data.patient_groups import groups_by_patient, patient_group_names
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.store import Store, open_store


@dataclass(frozen=True)
class Examples:
    """Cells ready for a network.

    Parameters
    ----------
    cells : Store
        The n images.
    labels : numpy.ndarray
        int32 [n], 0 or 1.
    targets : numpy.ndarray
        float32 [n], 0-1: what a training fits, the label or a pseudo-label's probability.
    patients : numpy.ndarray
        str [n]: patient groups, one for all names of a person.
    hashes : tuple of str
        sha256 of each image's pixels, [n].
    """

    cells: Store
    labels: np.ndarray
    targets: np.ndarray
    patients: np.ndarray
    hashes: tuple[str, ...]

    def select(self, chosen: np.ndarray) -> Examples:
        """Return some of the cells: bool [n]."""
        hashes = tuple(name for name, one in zip(self.hashes, chosen, strict=True) if one)
        store = self.cells.select(np.flatnonzero(chosen))
        return Examples(store, self.labels[chosen], self.targets[chosen], self.patients[chosen], hashes)


def load_examples(
    folder: Path,
    cells: Sequence[Cell],
    part: str,
    settings: Preprocessing,
    cache: str,
    groups: Sequence[Sequence[str]] = (),
) -> Examples:
    """Read and preprocess the cells of a part (`train`, `val` or `test`), by patient groups; see `open_store`."""
    chosen = [cell for cell in cells if cell.split == part]
    store = open_store(folder, chosen, settings, cache, f"preparing {part}")
    patients = patient_group_names(chosen, groups_by_patient(groups))
    return Examples(store, classes(chosen), targets(chosen), patients, tuple(cell.sha256 for cell in chosen))
