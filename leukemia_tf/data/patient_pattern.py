"""Patients by a regular expression of the file names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from leukemia_tf.core.errors import ArgumentError

GROUP = "patient"
EXAMPLE = "'(?P<patient>[0-9]+)_.*'"


@dataclass(frozen=True)
class PatientPattern:
    """A regular expression with the group `patient`."""

    expression: re.Pattern[str]

    def patient(self, path: Path) -> str:
        """Return the patient of an image by its path below the data folder; empty if the pattern does not match.

        The pattern must match the whole file name, or the whole path if it has a slash; the ending may be left out.
        """
        whole = "/" in self.expression.pattern
        for text in (path.as_posix(), path.with_suffix("").as_posix()) if whole else (path.name, path.stem):
            match = self.expression.fullmatch(text)
            if match:
                return (match[GROUP] or "").strip()
        return ""

    def __str__(self) -> str:
        return repr(self.expression.pattern)


def parse_pattern(pattern: str | None) -> PatientPattern | None:
    """Return the pattern of `patient_pattern`.

    Raises
    ------
    ArgumentError
        If it is no regular expression, or has no group `patient`.
    """
    if pattern is None:
        return None
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise ArgumentError("patient_pattern", pattern, f"it is no regular expression ({error}).") from None
    if GROUP not in expression.groupindex:
        raise ArgumentError("patient_pattern", pattern, f"it has no group named patient, as in {EXAMPLE}.")
    return PatientPattern(expression)
