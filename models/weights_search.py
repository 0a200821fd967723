"""Where ImageNet weights are looked for. Importing this imports no Keras."""

from __future__ import annotations

import os
from pathlib import Path

from leukemia_tf.models.architecture import Architecture

FOLDER = "LEUKEMIA_TF_WEIGHTS"


def local_weights(architecture: Architecture) -> list[Path]:
    """Return the files of ImageNet weights in the folder LEUKEMIA_TF_WEIGHTS and in Keras's cache."""
    folders = [Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models"]
    if os.environ.get(FOLDER):
        named = Path(os.environ[FOLDER])
        folders = [named, named / "weights", *folders]
    return [path for folder in folders for name in architecture.weights if (path := folder / name).is_file()]
