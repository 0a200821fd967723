"""torchvision's published weights as a file that training takes."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import keras

from leukemia_tf.config import ConvertWeightsConfig
from leukemia_tf.core.errors import ArgumentError, WeightsError
from leukemia_tf.core.files import write_atomically
from leukemia_tf.models.architecture import Architecture
from leukemia_tf.models.base import build_base
from leukemia_tf.models.convert import fill, read_state
from leukemia_tf.models.table import ARCHITECTURES, find_architecture
from leukemia_tf.models.weights_search import FOLDER

log = logging.getLogger("leukemia_tf")


def convert_weights(config: ConvertWeightsConfig) -> Path:
    """Run the command `convert_weights`; see `leukemia_tf.convert_weights.convert_weights`."""
    architecture = find_architecture(config.base)
    if not architecture.converted:
        names = ", ".join(name for name, record in ARCHITECTURES.items() if record.converted)
        raise ArgumentError("base", config.base, f"its weights are not converted; those of {names} are.")
    out = config.out or Path(os.environ.get(FOLDER) or ".") / architecture.weights[0]
    if not out.name.endswith(".weights.h5"):
        raise ArgumentError("out", out, "the name has to end in .weights.h5.")
    base = _filled_base(architecture, config.file)
    write_atomically(out, base.save_weights)
    log.info("%s: %s parameters in %s", architecture.name, f"{base.count_params():,}", out)
    return out


def _filled_base(architecture: Architecture, file: Path) -> keras.Model:
    """Return a base network with torchvision's weights."""
    state = read_state(file)
    base, _ = build_base(architecture, keras.Input((architecture.image_size, architecture.image_size, 3)))
    try:
        fill(base, architecture.name, architecture.scaling, state)
    except WeightsError as error:
        raise WeightsError(f"{file} is not torchvision's {architecture.name}: {error}") from None
    return base
