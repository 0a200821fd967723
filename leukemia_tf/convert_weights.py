"""`python -m leukemia_tf.convert_weights`: from torchvision's published weights to a file that training takes."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from leukemia_tf.cli import run_command
from leukemia_tf.config import ConvertWeightsConfig
from leukemia_tf.errors import WeightsError

log = logging.getLogger("leukemia_tf")


def convert_weights(config: ConvertWeightsConfig) -> Path:
    """Write a base's weights as `.weights.h5`.

    Parameters
    ----------
    config : ConvertWeightsConfig
        torchvision's file, the network, and where to write.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    WeightsError
        If the network's weights need no conversion, or the file does not fit it; nothing is written then.
    """
    from leukemia_tf.models.search import FOLDER
    from leukemia_tf.models.table import ARCHITECTURES, find_architecture

    architecture = find_architecture(config.base)
    if not architecture.converted:
        names = ", ".join(name for name, record in ARCHITECTURES.items() if record.converted)
        raise WeightsError(f"--base {config.base}: its weights are not converted; those of {names} are.")
    out = config.out or Path(os.environ.get(FOLDER) or ".") / architecture.weights[0]
    if not out.name.endswith(".weights.h5"):
        raise WeightsError(f"--out {out}: the name has to end in .weights.h5.")

    import keras

    from leukemia_tf.files import write_atomically
    from leukemia_tf.models.base import build_base
    from leukemia_tf.models.convert import fill, read_state

    state = read_state(config.file)
    base, _ = build_base(architecture, keras.Input((architecture.image_size, architecture.image_size, 3)))
    try:
        fill(base, architecture.name, architecture.scaling, state)
    except WeightsError as error:
        raise WeightsError(f"{config.file} is not torchvision's {architecture.name}: {error}") from None
    write_atomically(out, base.save_weights)
    log.info("%s: %s parameters in %s", architecture.name, f"{base.count_params():,}", out)
    return out


if __name__ == "__main__":
    run_command("convert_weights", ConvertWeightsConfig, convert_weights)
