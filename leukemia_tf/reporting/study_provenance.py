"""Which study, by which version and command: what identifies the numbers of a study's report."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from leukemia_tf.core.version import __version__
from leukemia_tf.reporting.blocks import Code, Section, Text, section
from leukemia_tf.reporting.provenance import DATE, DIGITS


def study_provenance(path: Path, files: Sequence[Path]) -> dict[str, str]:
    """Return the study's id, the date and the version, by what they are called.

    Parameters
    ----------
    path : pathlib.Path
        The study's folder.
    files : sequence of pathlib.Path
        Whose content identifies it; those that there are.
    """
    content = b"".join(file.read_bytes() for file in files if file.is_file())
    return {
        "Study": f"{path.resolve().name} ({hashlib.sha256(content).hexdigest()[:DIGITS]})",
        "Report written": f"{datetime.now(UTC):{DATE}}",
        "leukemia_tf": __version__,
    }


def reproduce(command: str, files: Sequence[Path]) -> Section:
    """Return the section with the command, and what the study's id is the hash of."""
    names = " ".join(file.name for file in files if file.is_file())
    return section(
        "reproduce",
        "Reproduce this",
        Text("Paths are shown by their last name."),
        Code(command),
        Text(f"The number after the study's name is the start of the SHA-256 of its files: cat {names} | sha256sum."),
    )
