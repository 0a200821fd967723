"""Where the cells come from: the `data` argument, the environment, or the embedded phantom cells."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from leukemia_tf.data.synthetic import embedded_cells

VARIABLE = "LEUKEMIA_TF_DATA"


@dataclass(frozen=True)
class Source:
    """A data folder, and who named it.

    Parameters
    ----------
    folder : pathlib.Path
        Absolute.
    origin : str
        `data` (the argument), `LEUKEMIA_TF_DATA` or `embedded`.
    """

    folder: Path
    origin: str

    @property
    def embedded(self) -> bool:
        """Whether these are the phantom cells that the package draws."""
        return self.origin == "embedded"

    @property
    def name(self) -> str:
        """The name of the cells in reports."""
        return self.origin if self.embedded else self.folder.name

    def doubles(self, cnmc_doubles: str) -> str:
        """Return what to do with C-NMC's known doubles: phantom cells have its names, and are nobody's."""
        return "ignore" if self.embedded else cnmc_doubles

    def __str__(self) -> str:
        if self.embedded:
            return f"cells: the embedded phantom cells, drawn by code, not real ones ({self.folder})"
        return f"cells: {self.folder} (`{self.origin}`)"


def find_source(data: Path | None) -> Source:
    """Return the named folder, else that of LEUKEMIA_TF_DATA, else the embedded phantom cells."""
    if data is not None:
        return Source(Path(data).resolve(), "data")
    if os.environ.get(VARIABLE):
        return Source(Path(os.environ[VARIABLE]).resolve(), VARIABLE)
    return Source(embedded_cells(), "embedded")
