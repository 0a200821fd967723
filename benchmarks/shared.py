"""Where the benchmarks' cells and weights come from, when the environment does not say."""

from __future__ import annotations

import os
from pathlib import Path

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


def use_shared() -> None:
    """Point LEUKEMIA_TF_DATA and LEUKEMIA_TF_WEIGHTS at `../shared`, where it is and where they are not set."""
    for variable, folder in (("LEUKEMIA_TF_DATA", "C-NMC_Leukemia"), ("LEUKEMIA_TF_WEIGHTS", "weights")):
        if (SHARED / folder).is_dir():
            os.environ.setdefault(variable, str(SHARED / folder))
