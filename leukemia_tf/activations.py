"""`python -m leukemia_tf.activations IMAGE`: what each layer of a network responds to in a cell."""

from __future__ import annotations

from leukemia_tf.cli import loading, run_command
from leukemia_tf.config import ActivationsConfig
from leukemia_tf.core.pictures import Picture


def activations(config: ActivationsConfig) -> Picture:
    """Draw the most active feature maps of each convolutional and pooling layer, and log where each layer is active.

    Parameters
    ----------
    config : ActivationsConfig
        The image; the newest run by default.

    Returns
    -------
    Picture
        The path of the PNG, which a notebook shows, by default in the working directory.

    Raises
    ------
    UserError
        If the image or the run cannot be used, or the run is an ensemble.

    Examples
    --------
    >>> activations(ActivationsConfig("cell.bmp"))  # doctest: +SKIP
    Picture('cell-activations.png')
    """
    with loading():
        from leukemia_tf.workflows.activations import activations as run
    return Picture(run(config))


if __name__ == "__main__":
    run_command("activations", ActivationsConfig, activations)
