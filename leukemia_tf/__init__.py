"""leukemia_tf: tell leukemic B-lymphoblasts from normal cells, with Keras.

>>> import leukemia_tf
>>> from leukemia_tf.train import train
>>> run = train(leukemia_tf.TrainConfig(base="scratch", epochs=2))  # doctest: +SKIP
>>> model = leukemia_tf.load_model(run.path / "model.keras")  # doctest: +SKIP
>>> leukemia_tf.Predictor(model).predict("cell.bmp")  # doctest: +SKIP

Importing this package imports neither TensorFlow nor Keras. Afterwards Keras itself can load its networks, too:
`keras.saving.load_model("model.keras")`. Each command is a function of the module of its name, as `train` above.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from leukemia_tf.core.registration import register_layers
from leukemia_tf.core.version import __version__

__all__ = [
    "ActivationsConfig",
    "AuditConfig",
    "Augmentation",
    "CompareConfig",
    "ConvertWeightsConfig",
    "CrossvalConfig",
    "EnsembleConfig",
    "EvaluateConfig",
    "ExplainCheckConfig",
    "ExportConfig",
    "GradcamConfig",
    "LrfindConfig",
    "ModelsConfig",
    "NoisyStudentConfig",
    "PredictConfig",
    "Predictor",
    "PreviewConfig",
    "RecipesConfig",
    "Run",
    "SegmentConfig",
    "ServeConfig",
    "StressConfig",
    "TrainConfig",
    "TuneConfig",
    "__version__",
    "build_model",
    "heat_map",
    "load_cells",
    "load_model",
    "register_architecture",
]

_HOMES = {  # where each name of the public door lives, if not in leukemia_tf.config
    "Predictor": "leukemia_tf.inference.predictor",
    "Run": "leukemia_tf.runs.run",
    "build_model": "leukemia_tf.training.build",
    "heat_map": "leukemia_tf.inference.predictor",
    "load_cells": "leukemia_tf.data.loading",
    "load_model": "leukemia_tf.models.network:load_network",
    "register_architecture": "leukemia_tf.models.table",
}

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(4096 * 4096))  # read once, when cv2 is first imported

_root = Path(__file__).resolve().parent.parent
if (_root / "setup.cfg").is_file():  # a source tree: models/, tuning/ and explain/ lie beside this folder
    __path__.append(str(_root))

register_layers()


def __getattr__(name: str) -> Any:
    """Import what the public door names when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module 'leukemia_tf' has no attribute {name!r}")
    module, _, own = _HOMES.get(name, "leukemia_tf.config").partition(":")
    from leukemia_tf.core.console import loading  # with packages that a bare clone lacks

    with loading():
        value = getattr(import_module(module), own or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
