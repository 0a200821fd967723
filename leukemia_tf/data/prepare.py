"""A data folder made ready for a run: read, checked, split, and said."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from leukemia_tf.data.catalog import LABELS, Catalog, Cell, Rejected, read_catalog, read_cells
from leukemia_tf.data.examine import ON_BAD_IMAGE, Examination, examine
from leukemia_tf.data.protocols import REFIT, assign_by_image, split_by_image, split_by_patient, split_official, use_all
from leukemia_tf.data.pseudo import join_pseudo_labelled
from leukemia_tf.data.splits import Split, Twins, assign, check_split, describe, merge_aliases, natural, read_split
from leukemia_tf.errors import BadImageError, DataError, UserError, nearest

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """Cells that are ready for a run.

    Parameters
    ----------
    cells : tuple of Cell
        With hash and part.
    split : Split
        Who stands where.
    rejected : tuple of Rejected
        Images that were left out because they cannot be used.
    same : tuple of tuple of str
        Patients who are one: those who share a picture, or one cell photographed twice.
    """

    cells: tuple[Cell, ...]
    split: Split
    rejected: tuple[Rejected, ...]
    same: tuple[tuple[str, ...], ...] = ()


def prepare_cells(
    folder: Path, how: str, seed: int, on_bad_image: str = "fail", pseudo_labels: Path | None = None
) -> Prepared:
    """Read, check and split the labelled cells of a folder, and log what there is.

    Parameters
    ----------
    folder : pathlib.Path
        The data folder.
    how : str
        `patient`, `official`, `image`, the path of a splits.json; `image:` and the path of a cells.csv, whose parts are
        taken; or `refit:` and the path of a splits.json: all patients that it names are trained on.
    seed : int
        Of the split.
    on_bad_image : str
        `fail`, or else bad images are left out.
    pseudo_labels : pathlib.Path, optional
        Of further training cells; see `join_pseudo_labelled`.

    Raises
    ------
    DataError
        If a cell or the split cannot be used, or anything leaks.
    """
    check_policy(on_bad_image)
    catalog, examination = read_sound(folder, on_bad_image)
    _check_classes(folder, examination.cells)
    tell(catalog, examination)
    twins = examination.twins()
    same = same_patients(examination.cells, twins)
    for one, other, likeness in twins:
        if one.label != other.label:
            log.warning("%s and %s look like one cell (likeness %.3f) with two labels", one.path, other.path, likeness)
    cells, split = _split(catalog, examination.cells, twins, how, seed)
    if split.protocol == REFIT:
        log.info("all %d cells are trained on: none is left to judge by", len(cells))
        return Prepared(cells, split, examination.rejected, same)
    if pseudo_labels:
        cells = join_pseudo_labelled(folder, cells, same, pseudo_labels)
    check_split(cells, split, twins)
    log.info("\n%s", describe(cells))
    if split.protocol == "image":
        log.warning("WARNING: --split image puts one patient's cells into several parts: every score will be too high.")
    else:
        log.info(
            "%d identical pictures, %d pairs of one cell photographed twice: none stands in two parts",
            sum(len(group) - 1 for group in examination.identical()),
            len(twins),
        )
    return Prepared(cells, split, examination.rejected, same)


def same_patients(cells: Sequence[Cell], twins: Sequence[Twins]) -> tuple[tuple[str, ...], ...]:
    """Return the groups of patients who are one; twins with two labels say nothing of that.

    Raises
    ------
    DataError
        At a picture with both labels.
    """
    alias = merge_aliases(cells, [pair for pair in twins if pair[0].label == pair[1].label])
    return tuple(sorted({tuple(sorted(group, key=natural)) for group in alias.values() if len(group) > 1}))


def read_sound(folder: Path, on_bad_image: str = "fail") -> tuple[Catalog, Examination]:
    """Read what lies in a folder and look at each image; stop at a bad one, unless told to leave it out.

    Raises
    ------
    BadImageError
        At the first bad image.
    """
    catalog = read_catalog(folder)
    examination = examine(catalog)
    if examination.rejected and on_bad_image == "fail":
        first = examination.rejected[0]
        others = f", and {len(examination.rejected) - 1:,} more like it" if len(examination.rejected) > 1 else ""
        hint = f"{first.reason} (in `train`, `--on-bad-image skip` leaves it out{others})"
        raise BadImageError(folder / first.path, hint, first.convertible)
    return catalog, examination


def check_policy(on_bad_image: str) -> None:
    """Stop at an unknown way to deal with bad images."""
    if on_bad_image not in ON_BAD_IMAGE:
        raise UserError(f"--on-bad-image {on_bad_image}: {nearest(on_bad_image, ON_BAD_IMAGE)}")


def tell(catalog: Catalog, examination: Examination) -> None:
    """Log what was found beside the sound cells: nothing is dropped in silence."""
    odd = sum(bool(look.warning) for look in examination.looks)
    for count, what in (
        (len(catalog.unlabelled), "images without a label are left for predict"),
        (catalog.rows_without_image, "rows of a labels CSV name images that are not here"),
        (catalog.rows_unread, "rows of a labels CSV have a name that no rule parses"),
        (odd, "cells look odd (at the border, more than one, none): `python -m leukemia_tf.audit` names them"),
    ):
        if count:
            log.info("%s %s", f"{count:,}", what)
    for row in examination.rejected:
        log.warning("left out: %s: %s", row.path, row.reason)


def _check_classes(folder: Path, cells: tuple[Cell, ...]) -> None:
    for label in LABELS:
        if not any(cell.label == label for cell in cells):
            raise DataError(
                f"{folder} holds no usable image labelled `{label}` ({len(cells)} labelled images in all): both "
                "classes are needed, in folders named all/ and hem/ or as in C-NMC's download."
            )


def _split(
    catalog: Catalog, cells: tuple[Cell, ...], twins: list, how: str, seed: int
) -> tuple[tuple[Cell, ...], Split]:
    if how == "image":
        return split_by_image(cells, seed)
    if how.startswith("image:"):
        return assign_by_image(cells, {cell.path: cell.split for cell in read_cells(Path(how.partition(":")[2]))}, seed)
    if how.startswith(f"{REFIT}:"):
        return use_all(cells, seed, read_split(Path(how.partition(":")[2])))
    if how == "patient":
        split = split_by_patient(cells, seed, twins)
    elif how == "official":
        split = split_official(cells, catalog.preliminary, seed, twins)
    else:
        split = read_split(Path(how))
        if split.protocol == "image":
            raise DataError(f"{how} is a split by image, which leaks patients; for that say `--split image`.")
    cells = assign(cells, split, catalog.preliminary)
    unused = sorted({cell.patient for cell in cells if not cell.split})
    if unused:
        count = sum(not cell.split for cell in cells)
        log.info("%d cells of patients %s are left out: the split does not use them", count, ", ".join(unused))
    return cells, split
