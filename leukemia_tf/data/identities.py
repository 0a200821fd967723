"""Label and patient of an image, by all that says them: C-NMC's CSV, a table, its name, a pattern, its folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from leukemia_tf.data.cnmc import parse_cnmc_name
from leukemia_tf.data.cnmc_tables import Identity
from leukemia_tf.data.folder_labels import FolderLabels, is_no_patient
from leukemia_tf.data.label_words import NONE, LabelWords
from leukemia_tf.data.origins import Origin
from leukemia_tf.data.patient_pattern import PatientPattern
from leukemia_tf.data.patient_table import PatientTable, TableRow


@dataclass(frozen=True)
class Identities:
    """What says an image's label and patient.

    Parameters
    ----------
    folder : pathlib.Path
        The data folder.
    words : LabelWords
        What stands for a class.
    labels : FolderLabels
        The folders that label.
    pattern : PatientPattern, optional
        Of the patients.
    table : PatientTable, optional
        Of the patients; not one in C-NMC's form.
    rows : mapping
        Its rows of each image.
    named : mapping
        Label and patient, or the reason to reject it, of each image that C-NMC's labels CSVs name.
    origins : mapping
        Where segmented cells come from.
    """

    folder: Path
    words: LabelWords
    labels: FolderLabels
    pattern: PatientPattern | None
    table: PatientTable | None
    rows: Mapping[Path, list[TableRow]]
    named: Mapping[Path, Identity | str]
    origins: Mapping[Path, Origin]

    def of(self, image: Path) -> Identity | str | None:
        """Return an image's label and patient; a reason to reject it; or None without a label."""
        if image in self.named:
            return self.named[image]
        path = image.relative_to(self.folder)
        row = next(iter(self.rows.get(image, ())), None)
        if self._is_left_out(path, row):
            return None
        if self.table and not row:
            return f"it has no row in {self.table.path.name}: add one, with its patient"
        given = self._labels(path, row)
        contradiction = _contradiction(given)
        if contradiction or not given:
            return contradiction or None
        patient = self._patient(path, row)
        return (next(iter(given.values())), patient) if patient else self._unknown_patient(path)

    def is_named_by_cnmc(self, image: Path) -> bool:
        """Return whether an image's patient is known by a name in C-NMC's form."""
        by_name = not self.table and not self.pattern and parse_cnmc_name(image)
        return image in self.named or bool(by_name)

    def _is_left_out(self, path: Path, row: TableRow | None) -> bool:
        """Return whether the user leaves it out; a folder such as `unlabelled` does so if nothing else labels."""
        above = path.parent.parts
        if (row and self.words.of_value(row.label) == NONE) or self.labels.is_left_out(above, self.words):
            return True
        return not row and not parse_cnmc_name(path) and self.labels.label(above) == NONE

    def _labels(self, path: Path, row: TableRow | None) -> dict[str, str]:
        """Return the label by everything that says one."""
        name, by_folder = parse_cnmc_name(path), self.labels.label(path.parent.parts)
        by_row = self.words.of_value(row.label) if row and row.label else None
        given = {
            f"its row {row.number} in {self.table.path.name}" if row and self.table else "": by_row,
            "its name": name[0] if name else None,
            "its folder": None if by_folder == NONE else by_folder,
        }
        return {where: label for where, label in given.items() if label}

    def _patient(self, path: Path, row: TableRow | None) -> str:
        name, below = parse_cnmc_name(path), self.labels.patient(path.parent.parts)
        if row:
            return row.patient
        if self.pattern:
            return self.pattern.patient(path) or self._of_source(path)
        if name:
            return name[1]
        origin = self.origins.get(self.folder / path)
        return (origin.patient if origin else "") or ("" if is_no_patient(below) else below)

    def _of_source(self, path: Path) -> str:
        """Return the patient by the pattern in the name of the picture that a segmented cell was cut out of."""
        origin = self.origins.get(self.folder / path)
        return self.pattern.patient(Path(origin.source.replace("\\", "/"))) if origin and self.pattern else ""

    def _unknown_patient(self, path: Path) -> str:
        if self.pattern:
            return f"its name does not match the patient pattern {self.pattern}: mend the pattern, or rename it"
        above = path.parent.parts
        below = self.labels.patient(above)
        why = f" (`{below}` is a part of a data set, no patient)" if below else ""
        labelling = "/".join(self.labels.folder_of(above) or ())
        return (
            f"its patient is unknown{why}: name it like UID_11_10_1_all{path.suffix}, use one folder per patient, "
            f"{labelling}/PATIENT/{path.name}, or give the patients by `patients` or `patient_pattern`"
        )


def _contradiction(given: Mapping[str, str]) -> str:
    """Return the reason to reject an image that is given two labels, or nothing."""
    if len(set(given.values())) < 2:
        return ""
    first = next(iter(given))
    other = next(where for where in given if given[where] != given[first])
    advice = "move or rename it" if first == "its name" else "mend one of them"
    return f"{first} says `{given[first]}`, {other} `{given[other]}`: {advice}"
