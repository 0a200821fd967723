"""`python -m leukemia_tf.convert_weights FILE`: torchvision's published weights as a file that training takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leukemia_tf.cli import loading, run_command
from leukemia_tf.config import ConvertWeightsConfig

if TYPE_CHECKING:
    from pathlib import Path


def convert_weights(config: ConvertWeightsConfig) -> Path:
    """Write the weights of a base network as `.weights.h5`.

    Parameters
    ----------
    config : ConvertWeightsConfig
        torchvision's file, the network, and the file to write.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    UserError
        If the network's weights need no conversion, or the file does not fit it; nothing is written then.

    Examples
    --------
    >>> convert_weights(ConvertWeightsConfig("resnet18-f37072fd.pth", base="resnet18"))  # doctest: +SKIP
    PosixPath('resnet18.weights.h5')
    """
    with loading():
        from leukemia_tf.workflows.convert_weights import convert_weights as run
    return run(config)


if __name__ == "__main__":
    run_command("convert_weights", ConvertWeightsConfig, convert_weights)
