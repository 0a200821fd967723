"""C-NMC 2019: the form of its file names, and the patients that it files under several names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import PurePath

from leukemia_tf.core.errors import ArgumentError, nearest

NAME = re.compile(r"UID_(?P<patient>[Hh]?\d+)_.*_(?P<label>all|hem)", re.IGNORECASE)
DOUBLES = (("20", "21"), ("51", "75", "78"), ("H2", "H4", "H5", "H6"), ("H3", "H10"))
"""Names of one patient each: they share byte-identical pictures in the full set. A part of it may lack those."""
PIXEL_SIZE = 0.045  # micrometres: an estimate, as none is published; normal cells of 178 pixels are taken for 8
CHOICES = ("merge", "ignore")
Group = tuple[str, ...]


def parse_cnmc_name(path: PurePath) -> tuple[str, str] | None:
    """Return label and patient of a name in C-NMC's form, such as `UID_h3_4_1_hem.bmp`: (`hem`, `H3`); else None."""
    match = NAME.fullmatch(path.stem)
    return (match["label"].lower(), match["patient"].upper()) if match else None


def known_doubles(patients: Collection[str], cnmc_doubles: str = "merge") -> tuple[Group, ...]:
    """Return the names of one patient each, of those that are present: groups of two or more.

    Parameters
    ----------
    patients : collection of str
        Names that were read from names in C-NMC's form.
    cnmc_doubles : str
        `merge`, or `ignore`: no groups.

    Raises
    ------
    ArgumentError
        If `cnmc_doubles` is neither.
    """
    check_cnmc_doubles(cnmc_doubles)
    if cnmc_doubles == "ignore":
        return ()
    present = (tuple(name for name in group if name in patients) for group in DOUBLES)
    return tuple(group for group in present if len(group) > 1)


def all_names(patient: str) -> frozenset[str]:
    """Return all names under which C-NMC files a patient: those of a patient with one name are itself."""
    return frozenset(next((group for group in DOUBLES if patient in group), (patient,)))


def with_doubles(patients: Iterable[str]) -> set[str]:
    """Return all names under which C-NMC files some patients."""
    return {name for patient in patients for name in all_names(patient)}


def check_cnmc_doubles(cnmc_doubles: str) -> None:
    """Raise an `ArgumentError` at an unknown choice."""
    if cnmc_doubles not in CHOICES:
        raise ArgumentError("cnmc_doubles", cnmc_doubles, nearest(cnmc_doubles, CHOICES))
