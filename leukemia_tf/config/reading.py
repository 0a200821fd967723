"""How a folder of cells is read: what its labels and its patients are, wherever cells are read from a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from leukemia_tf.config.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Reading(Settings):
    """Labels and patients of a folder that is not laid out as C-NMC's; the defaults read that, and all/ and hem/."""

    labels: tuple[str, ...] = ()
    """Names of folders, or labels in the table of --patients, for each class: all=Early,Pre,Pro hem=Benign; none=NAMES
    leaves images out. Common names such as leukemia, blast, normal and benign need no entry."""
    patients: Path | None = None
    """Table (CSV or .xlsx) with a row for each image: columns image and patient, and label if the folders do not say.
    Default: the patient is in the file name or a folder, as in docs/data.md."""
    patient_pattern: str | None = None
    """Regular expression that a whole file name matches, with the patient as a group: '(?P<patient>[0-9]+)_.*'. With a
    slash in it, it is matched against the path below the data folder."""
