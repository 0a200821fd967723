"""What a run was made with: versions, machine and commit."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from leukemia_tf.core.version import __version__

PACKAGES = ("tensorflow", "keras", "numpy", "scikit-learn", "opencv-python")


def software_environment() -> dict[str, Any]:
    """Return date, versions, machine, commit and command line, for environment.json."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "leukemia_tf": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "packages": {name: _version(name) for name in PACKAGES},
        "command": sys.argv,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    folder = Path(__file__).resolve().parent
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
