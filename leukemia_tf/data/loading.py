"""Cells for a notebook: read, checked, split by patient, and given as `tf.data.Dataset`, arrays or a table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from leukemia_tf.config.reading import Reading
from leukemia_tf.core.errors import ArgumentError
from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.datasets import classes, load_cell_arrays
from leukemia_tf.data.prepare import Prepared, log_split, prepare_cells
from leukemia_tf.data.preprocessing import EMBEDDED_SIZE, Preprocessing, parse_framing
from leukemia_tf.data.source import find_source
from leukemia_tf.data.splits import PARTS, describe

USUAL_SIZE = 224  # pixels, of framings that scale


@dataclass(frozen=True, eq=False)
class CellSplits:
    """Cells of a data folder in three parts that share no patient.

    Parameters
    ----------
    folder : pathlib.Path
        The data folder.
    prepared : Prepared
        The cells with their parts, and patients that are one person.
    preprocessing : Preprocessing
        How a picture becomes what a network sees.
    """

    folder: Path
    prepared: Prepared
    preprocessing: Preprocessing

    @property
    def table(self) -> list[dict[str, Any]]:
        """One record a cell: `path`, `label`, `patient`, `sha256`, `split` (as `pandas.DataFrame` takes them)."""
        return [{key: value for key, value in asdict(cell).items() if key != "pseudo"} for cell in self.prepared.cells]

    def arrays(self, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the cells of a part in memory; the second call is free.

        Parameters
        ----------
        part : str
            `train`, `val` or `test`.

        Returns
        -------
        tuple of numpy.ndarray
            uint8 [n, size, size, 3] (RGB, 0-255); int32 [n], 1 for `all` and 0 for `hem`; str [n], the patients.
        """
        cells = self._part(part)
        return self._images(part), classes(cells), np.array([cell.patient for cell in cells])

    def dataset(self, part: str, batch_size: int = 32) -> tf.data.Dataset:
        """Return the cells of a part for `keras.Model.fit`, `evaluate` or `predict`.

        Parameters
        ----------
        part : str
            `train` (shuffled anew each epoch), `val` or `test` (in order).
        batch_size : int
            Cells a batch.

        Returns
        -------
        tf.data.Dataset
            Batches of (uint8 [k, size, size, 3], float32 [k, 1]).
        """
        images, labels, _ = self.arrays(part)
        pairs = tf.data.Dataset.from_tensor_slices((images, labels[:, None].astype(np.float32)))
        if part == "train":
            pairs = pairs.shuffle(len(labels), seed=self.prepared.split.seed)
        return pairs.batch(batch_size).prefetch(tf.data.AUTOTUNE)

    @lru_cache(maxsize=3)  # noqa: B019  as long as the cells themselves
    def _images(self, part: str) -> np.ndarray:
        return load_cell_arrays(self.folder, self._part(part), self.preprocessing, f"preparing {part}")

    def _part(self, part: str) -> list[Cell]:
        if part not in PARTS:
            raise ArgumentError("part", part, f"choose one of {', '.join(PARTS)}.")
        return [cell for cell in self.prepared.cells if cell.split == part]

    def __repr__(self) -> str:
        return f"cells in {self.folder}\n{describe(self.prepared.cells, self.prepared.patient_groups)}"


def load_cells(
    data: str | os.PathLike[str] | None = None,
    *,
    split: str = "patient",
    seed: int = 0,
    image_size: int | None = None,
    framing: str = "fixed",
    stain_normalization: str = "reinhard",
    register_channels: bool = False,
    contrast: str = "none",
    on_bad_image: str = "fail",
    labels: Mapping[str, Sequence[str]] | Sequence[str] = (),
    patients: str | os.PathLike[str] | None = None,
    patient_pattern: str | None = None,
) -> CellSplits:
    """Read, check and split the labelled cells of a folder.

    Parameters
    ----------
    data : path-like, optional
        Folder of cells: C-NMC's download, or `all/` and `hem/`. Default: LEUKEMIA_TF_DATA, else phantom cells that are
        drawn by code.
    split : str
        `patient` (60/20/20 of the patients), `official`, `image` (leaks), or the path of a splits.json.
    seed : int
        Of the split and of the shuffling.
    image_size : int, optional
        Side in pixels. Default: the fixed frame's, else 224; 96 for the phantom cells.
    framing, stain_normalization, register_channels, contrast
        As the flags of `train`.
    on_bad_image : str
        `fail`, or `skip`.
    labels, patients, patient_pattern
        As the flags of `train`, for a folder that is not laid out as C-NMC's; `labels` also as
        `{"all": ["Early", "Pro"], "hem": ["Benign"]}`.

    Returns
    -------
    CellSplits
        With `dataset(part)`, `arrays(part)` and `table`.

    Raises
    ------
    DataError
        If a cell or the split cannot be used, or if a patient would stand in two parts.

    Examples
    --------
    >>> cells = load_cells(image_size=32)
    >>> cells.table[0]["label"], cells.table[0]["split"] in ("train", "val", "test")
    ('all', True)
    >>> images, labels, patients = cells.arrays("val")
    >>> images.shape[1:], images.dtype, sorted(set(labels.tolist()))
    ((32, 32, 3), dtype('uint8'), [0, 1])
    >>> cells.dataset("test", batch_size=8).element_spec[0].shape
    TensorShape([None, 32, 32, 3])
    """
    source = find_source(Path(data) if data is not None else None)
    kind, side = parse_framing(framing)
    usual = EMBEDDED_SIZE if source.embedded else side if kind == "fixed" else USUAL_SIZE
    preprocessing = Preprocessing(image_size or usual, framing, contrast, stain_normalization, register_channels)
    reading = Reading(labels=labels, patients=patients, patient_pattern=patient_pattern)  # type: ignore[arg-type]
    prepared = prepare_cells(source.folder, split, seed, on_bad_image, reading=reading)
    log_split(prepared)
    return CellSplits(source.folder, prepared, preprocessing)
