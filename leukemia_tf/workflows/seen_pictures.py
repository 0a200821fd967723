"""Whether pictures are those that a run was trained or selected on, or near-duplicates of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from leukemia_tf.core.errors import DataError
from leukemia_tf.data.catalog import Catalog, Cell, read_cells
from leukemia_tf.data.cnmc import parse_cnmc_name, with_doubles
from leukemia_tf.data.fingerprints import (
    Fingerprints,
    as_fingerprints,
    compute_fingerprints,
    find_copies,
    name_copies,
    read_fingerprints,
)
from leukemia_tf.runs.open_runs import open_run
from leukemia_tf.runs.run_folder import RunFolder

log = logging.getLogger("leukemia_tf")


def seen_cells(run: RunFolder) -> list[Cell]:
    """Return the cells that a run was trained or selected on."""
    return [cell for cell in read_cells(run.cells) if cell.split in ("train", "val")]


def check_unseen(run: RunFolder, folder: Path, pictures: Sequence[Cell], fingerprints: Fingerprints) -> None:
    """Stop at a picture that a network was trained or selected on, and at a near-duplicate of one.

    Parameters
    ----------
    run : RunFolder
        The network's, with its cells. The run that its training started from counts, too.
    folder : pathlib.Path
        Of the pictures.
    pictures : sequence of Cell
        With their hashes.
    fingerprints : Fingerprints
        Of the pictures.

    Raises
    ------
    DataError
        At the first such picture, with the number of all.
    """
    for ancestor in _lineage(run):
        _check_unseen(ancestor, folder, pictures, fingerprints)


def _lineage(run: RunFolder) -> Iterator[RunFolder]:
    """Yield a run, the run that its training started from, and so on."""
    yield run
    started_from = run.read_config()["train"].get("from_")
    if not started_from:
        return
    if not RunFolder(Path(started_from)).cells.is_file():
        log.warning(
            "WARNING: whether the run that %s started from was trained on these pictures cannot be checked: %s is gone",
            run,
            started_from,
        )
        return
    yield from _lineage(open_run(started_from))


def _check_unseen(run: RunFolder, folder: Path, pictures: Sequence[Cell], fingerprints: Fingerprints) -> None:
    cells = seen_cells(run)
    seen = {cell.sha256: cell for cell in cells}
    known = [cell for cell in pictures if cell.sha256 in seen]
    if known:
        raise DataError(
            f"{folder / known[0].path} is {seen[known[0].sha256].path}, which {run} was trained or selected on "
            f"({len(known):,} in all): leave such pictures out, or every score is too high."
        )
    copies = find_copies(pictures, fingerprints, cells, _fingerprints(run, cells))
    if copies:
        raise DataError(
            f"{len(copies):,} of {len(pictures):,} pictures in {folder} are near-duplicates of cells that {run} "
            f"was trained or selected on, such as {name_copies(copies)}: leave such pictures out, or every score is "
            "too high."
        )


def trained_names(run: RunFolder, catalog: Catalog, cells: Sequence[Cell], cnmc_doubles: str) -> str:
    """Return a sentence on patients with the name of one that a run was trained or selected on; empty if there is none.

    Of C-NMC's patients any of their names counts, unless `cnmc_doubles` is `ignore`.
    """
    trained = seen_cells(run)
    seen = {cell.patient for cell in trained}
    if cnmc_doubles == "merge":
        known = with_doubles(cell.patient for cell in trained if parse_cnmc_name(Path(cell.path)))
        seen |= known & catalog.cnmc_patients
    names = sorted({cell.patient for cell in cells} & seen)
    if not names:
        return ""
    return (
        f"{len(names)} patients here have the names of patients that the run was trained on ({', '.join(names[:5])}): "
        "make sure that they are other people."
    )


def _fingerprints(run: RunFolder, cells: list[Cell]) -> Fingerprints:
    """Return the fingerprints that a run keeps; without them those of its pictures, as far as these are there."""
    found = read_fingerprints(run.fingerprints) or as_fingerprints(())
    stored = set(found.hashes)
    missing = {cell.sha256: cell for cell in cells if cell.sha256 not in stored}
    if not missing:
        return found
    computed = compute_fingerprints(run.data, missing.values())
    if len(computed.hashes) < len(missing):
        log.warning(
            "WARNING: of %d pictures that the run was trained on only the exact hashes were compared: %s has no "
            "fingerprints of them, and they are not in %s any more",
            len(missing) - len(computed.hashes),
            run,
            run.data,
        )
    return found.joined(computed)
