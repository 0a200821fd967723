"""The folder for what can be computed again."""

from __future__ import annotations

import os
from pathlib import Path

CACHE = "LEUKEMIA_TF_CACHE"


def cache_folder() -> Path:
    """Return the folder named by LEUKEMIA_TF_CACHE, else `leukemia_tf` in the user's cache."""
    if CACHE in os.environ:
        return Path(os.environ[CACHE])
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "leukemia_tf"
