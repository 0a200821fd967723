"""A data folder made ready for a run: read, checked, split, and said."""

from __future__ import annotations

import logging
from pathlib import Path

from leukemia_tf.data.catalog import Cell, hash_cells, read_catalog
from leukemia_tf.data.splits import Split, assign, check_split, describe, read_split, split_by_patient

log = logging.getLogger(__name__)


def prepare_cells(folder: Path, how: str, seed: int) -> tuple[tuple[Cell, ...], Split]:
    """Read, check and split the labelled cells of a folder, and log what there is.

    Parameters
    ----------
    folder : pathlib.Path
        The data folder.
    how : str
        `patient`, or the path of a splits.json.
    seed : int
        Of the split.

    Returns
    -------
    tuple
        The cells with hash and part, and the split.

    Raises
    ------
    DataError
        If a cell or the split cannot be used, or anything leaks.
    """
    catalog = read_catalog(folder)
    cells = hash_cells(catalog)
    if catalog.unlabelled:
        log.info("%d images without a label are left for predict", len(catalog.unlabelled))
    if catalog.rows_without_image:
        log.info("%s rows of a labels CSV name images that are not here", f"{catalog.rows_without_image:,}")
    split = split_by_patient(cells, seed) if how == "patient" else read_split(Path(how))
    cells = assign(cells, split)
    check_split(cells, split)
    unused = sorted({cell.patient for cell in cells if not cell.split})
    if unused:
        log.info("%d patients that the split does not name are left out: %s", len(unused), ", ".join(unused))
    log.info("\n%s", describe(cells))
    return cells, split
