"""A data folder made ready for a run: read, checked, split, and described in the log."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path

from leukemia_tf.config.reading import Reading
from leukemia_tf.core.errors import BadImageError, DataError
from leukemia_tf.data.catalog import LABELS, Catalog, Cell, Rejected, read_cells
from leukemia_tf.data.cnmc import known_doubles
from leukemia_tf.data.fingerprints import Fingerprints, as_fingerprints
from leukemia_tf.data.folds import with_inner_folds
from leukemia_tf.data.outline import SEGMENT_FIRST
from leukemia_tf.data.patient_groups import NearDuplicate, groups_by_patient, list_patient_groups
from leukemia_tf.data.policies import check_policy
from leukemia_tf.data.pseudo_labels import join_pseudo_labelled
from leukemia_tf.data.reading import read_catalog
from leukemia_tf.data.scan import Scan, scan
from leukemia_tf.data.split_protocols import (
    REFIT,
    assign_by_image,
    split_by_image,
    split_by_patient,
    split_official,
    use_all,
)
from leukemia_tf.data.splits import Split, assign, check_split, describe, read_split

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """Cells that are ready for a run.

    Parameters
    ----------
    cells : tuple of Cell
        With hash and part.
    split : Split
        The patients of each part.
    rejected : tuple of Rejected
        Images that cannot be used and were left out.
    patient_groups : tuple of tuple of str
        The groups of two or more patients; see `list_patient_groups`.
    cnmc_patients : frozenset of str
        Whose name is in C-NMC's form, unless its doubles are ignored.
    fingerprints : Fingerprints
        Of all cells.
    doubled : tuple of int
        Identical pictures beyond the first of each, and pairs of one cell photographed twice.
    """

    cells: tuple[Cell, ...]
    split: Split
    rejected: tuple[Rejected, ...]
    patient_groups: tuple[tuple[str, ...], ...] = ()
    cnmc_patients: frozenset[str] = frozenset()
    fingerprints: Fingerprints = field(default_factory=lambda: as_fingerprints(()), compare=False, repr=False)
    doubled: tuple[int, int] = (0, 0)

    def with_inner_folds(self, count: int) -> Prepared:
        """Return the cells with folds of the training and validation patients; see `with_inner_folds`."""
        group_of = groups_by_patient(self.patient_groups)
        cells, split = with_inner_folds(self.cells, self.split, group_of, count)
        return replace(self, cells=cells, split=split)


def prepare_cells(
    folder: Path,
    protocol: str,
    seed: int,
    on_bad_image: str = "fail",
    pseudo_labels: Path | None = None,
    cnmc_doubles: str = "merge",
    reading: Reading | None = None,
) -> Prepared:
    """Read, check and split the labelled cells of a folder, and log what there is.

    Parameters
    ----------
    folder : pathlib.Path
        The data folder.
    protocol : str
        `patient`, `official`, `image`, or the path of a splits.json; `image:` and the path of a cells.csv, whose parts
        are taken; or `refit:` and the path of a splits.json: all patients that it names are for training.
    seed : int
        Of the split.
    on_bad_image : str
        `fail`; with any other, bad images are left out.
    pseudo_labels : pathlib.Path, optional
        Of further training cells; see `join_pseudo_labelled`.
    cnmc_doubles : str
        Whether C-NMC's known doubles are one patient: `merge` or `ignore`.
    reading : Reading, optional
        Labels and patients of a folder that is not laid out as C-NMC's.

    Raises
    ------
    DataError
        If a cell or the split cannot be used, or anything leaks.
    """
    check_policy(on_bad_image)
    catalog, scanned = scan_folder(folder, on_bad_image, reading)
    _check_classes(folder, scanned.cells)
    log_findings(catalog, scanned)
    near_duplicates = scanned.near_duplicates()
    doubles = find_doubles(catalog, scanned, cnmc_doubles)
    groups = list_patient_groups(scanned.cells, near_duplicates, doubles)
    warn_of_joined(groups, {cell.patient for cell in scanned.cells})
    _warn_of_labels(near_duplicates)
    cells, split = _split(catalog, scanned.cells, near_duplicates, doubles, protocol, seed)
    cnmc = catalog.cnmc_patients if cnmc_doubles == "merge" else frozenset()
    fingerprints = scanned.fingerprints()
    if split.protocol == REFIT:
        log.info("all %d cells are for training: none is left for a test", len(cells))
        return Prepared(cells, split, scanned.rejected, groups, cnmc, fingerprints)
    if pseudo_labels:
        cells, fingerprints = join_pseudo_labelled(folder, cells, fingerprints, groups, pseudo_labels, cnmc)
    check_split(cells, split, near_duplicates, doubles)
    doubled = (sum(len(group) - 1 for group in scanned.identical()), len(near_duplicates))
    return Prepared(cells, split, scanned.rejected, groups, cnmc, fingerprints, doubled)


def log_split(prepared: Prepared) -> None:
    """Log the patients and cells of each part, and that nothing is in two of them."""
    if prepared.split.protocol == REFIT:
        return
    log.info("\n%s", describe(prepared.cells, prepared.patient_groups))
    if prepared.split.protocol == "image":
        log.warning("WARNING: `split=image` puts one patient's cells into several parts: every score will be too high.")
        return
    identical, near = prepared.doubled
    log.info("%d identical pictures, %d pairs of one cell photographed twice: none is in two parts", identical, near)
    if prepared.split.folds:
        log.info("validation: %d inner folds of the training patients, out of fold", len(prepared.split.folds))
    elif not prepared.split.val:
        log.warning("WARNING: the split has no patient for validation: each stage is trained to its last epoch")


def find_doubles(catalog: Catalog, scanned: Scan, cnmc_doubles: str) -> tuple[tuple[str, ...], ...]:
    """Return the names that C-NMC is known to give one patient, of those that are here, and log them."""
    patients = catalog.cnmc_patients & {cell.patient for cell in scanned.cells}
    doubles = known_doubles(patients, cnmc_doubles)
    if doubles:
        log.info(
            "C-NMC files %d patients under several names (%s): the names of each count as one patient "
            "(`cnmc_doubles=ignore` keeps them apart)",
            len(doubles),
            "; ".join(" = ".join(group) for group in doubles),
        )
    return doubles


def warn_of_joined(groups: Sequence[Sequence[str]], patients: AbstractSet[str]) -> None:
    """Warn if shared pictures make one patient of more than half of all: then the pictures are odd."""
    largest = max(groups, key=len, default=())
    if len(largest) > max(2, len(patients) / 2):
        log.warning(
            "WARNING: pictures that look alike make one patient of %d of %d (%s, …): look at the pairs that `python -m "
            "leukemia_tf.audit` lists. If they are other cells, the pictures have a background, or are too small.",
            len(largest),
            len(patients),
            ", ".join(largest[:3]),
        )


def _warn_of_labels(near_duplicates: Sequence[NearDuplicate]) -> None:
    for one, other, similarity in near_duplicates:
        if one.label != other.label:
            log.warning(
                "%s and %s look like one cell (similarity %.3f) with two labels", one.path, other.path, similarity
            )


def scan_folder(folder: Path, on_bad_image: str = "fail", reading: Reading | None = None) -> tuple[Catalog, Scan]:
    """Read a folder's catalog, log how it was read, and scan its images.

    Raises
    ------
    BadImageError
        At the first bad image, if `on_bad_image` is `fail`.
    """
    catalog = read_catalog(folder, reading)
    log_notes(catalog)
    scanned = scan(catalog)
    if scanned.rejected and on_bad_image == "fail":
        first = scanned.rejected[0]
        others = f", and {len(scanned.rejected) - 1:,} more like it" if len(scanned.rejected) > 1 else ""
        hint = f"{first.reason} (in training, `on_bad_image=skip` leaves it out{others})"
        raise BadImageError(folder / first.path, hint, first.convertible)
    return catalog, scanned


def log_notes(catalog: Catalog) -> None:
    """Log what was taken for labels and patients, and what was passed over."""
    for note in catalog.notes:
        log.log(logging.WARNING if note.warning else logging.INFO, "%s: %s", note.path, note.reason)


def log_findings(catalog: Catalog, scanned: Scan) -> None:
    """Log what is left out or odd, so that nothing is dropped in silence."""
    photographs = [cell for cell, row in zip(scanned.cells, scanned.statistics) if row.warning == SEGMENT_FIRST]
    odd = sum(bool(statistics.warning) for statistics in scanned.statistics) - len(photographs)
    for count, what in (
        (len(catalog.unlabelled), "images without a label are left for predict"),
        (catalog.rows_without_image, "rows of a labels CSV name images that are not here"),
        (catalog.rows_unread, "rows of a labels CSV have a name that no rule parses"),
        (odd, "cells look odd (at the border, more than one, none): `python -m leukemia_tf.audit` names them"),
    ):
        if count:
            log.info("%s %s", f"{count:,}", what)
    if photographs:
        log.warning("WARNING: %s %s (%s in all)", photographs[0].path, SEGMENT_FIRST, f"{len(photographs):,}")
    for respelt in catalog.respelt:
        log.warning("%s: %s", respelt.path, respelt.reason)
    for row in scanned.rejected:
        log.warning("left out: %s: %s", row.path, row.reason)


def _check_classes(folder: Path, cells: tuple[Cell, ...]) -> None:
    for label in LABELS:
        if not any(cell.label == label for cell in cells):
            raise DataError(
                f"{folder} holds no usable image labelled `{label}` ({len(cells)} labelled images in all): both "
                "classes are needed, in folders named all/ and hem/, as in C-NMC's download, or mapped by `labels` or "
                "the table of `patients`."
            )


def _split(
    catalog: Catalog,
    cells: tuple[Cell, ...],
    near_duplicates: Sequence[NearDuplicate],
    doubles: Sequence[Sequence[str]],
    protocol: str,
    seed: int,
) -> tuple[tuple[Cell, ...], Split]:
    if protocol == "image":
        return split_by_image(cells, seed)
    kind, colon, path = protocol.partition(":")
    if colon and kind == "image":
        return assign_by_image(cells, {cell.path: cell.split for cell in read_cells(Path(path))}, seed)
    if colon and kind == REFIT:
        return use_all(cells, seed, read_split(Path(path)))
    if protocol == "patient":
        split = split_by_patient(cells, seed, near_duplicates, doubles)
    elif protocol == "official":
        split = split_official(cells, catalog.preliminary, seed, near_duplicates, doubles)
    else:
        split = read_split(Path(protocol))
        if split.protocol == "image":
            raise DataError(f"{protocol} is a split by image, which leaks patients: for that, use `split=image`.")
    cells = assign(cells, split, catalog.preliminary)
    unused = sorted({cell.patient for cell in cells if not cell.split})
    if unused:
        count = sum(not cell.split for cell in cells)
        log.info("%d cells of patients %s are left out: the split does not use them", count, ", ".join(unused))
    return cells, split
