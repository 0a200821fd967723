"""`python -m leukemia_tf.gradcam IMAGE …`: where in the cell the network looked."""

from __future__ import annotations

from leukemia_tf.cli import loading, run_command
from leukemia_tf.config import GradcamConfig
from leukemia_tf.core.pictures import Picture, Pictures


def gradcam(config: GradcamConfig) -> Pictures:
    """Draw heat maps of the regions that support each image's prediction.

    One image gets a figure: the cell, the map in the original's pixels, the overlay. Several images get one overlay
    each, in the original's pixels, and contact sheets. Several methods or networks are drawn side by side, one row per
    image.

    Parameters
    ----------
    config : GradcamConfig
        The images; the newest run and the default method by default.

    Returns
    -------
    Pictures
        Paths of the PNGs, by default in the working directory: of the images in the order given, then of the sheets. A
        notebook shows them.

    Raises
    ------
    UserError
        If the network, the method or the layer cannot be used, or no image can; a bad image among others is logged.

    Examples
    --------
    >>> gradcam(GradcamConfig("cell.bmp", method="layercam"))  # doctest: +SKIP
    [Picture('cell-layercam.png')]
    """
    with loading():
        from leukemia_tf.workflows.gradcam import gradcam as run
    return Pictures(map(Picture, run(config)))


def _command(config: GradcamConfig) -> int:
    with loading():
        from leukemia_tf.workflows.gradcam import gradcam_command
    return gradcam_command(config)


if __name__ == "__main__":
    run_command("gradcam", GradcamConfig, _command)
