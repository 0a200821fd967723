"""`python -m leukemia_tf.preview IMAGE`: what the network would see of an image."""

from __future__ import annotations

from leukemia_tf.cli import loading, run_command
from leukemia_tf.config import PreviewConfig
from leukemia_tf.core.pictures import Picture


def preview(config: PreviewConfig) -> Picture:
    """Draw a sheet: an image in every framing and contrast, or its augmented views.

    Parameters
    ----------
    config : PreviewConfig
        The image, and what to draw.

    Returns
    -------
    Picture
        The path of the PNG, which a notebook shows, by default in the working directory.

    Raises
    ------
    UserError
        If the image or a setting cannot be used.

    Examples
    --------
    >>> preview(PreviewConfig("cell.bmp", augmentations=True))  # doctest: +SKIP
    Picture('cell-preview.png')
    """
    with loading():
        from leukemia_tf.workflows.preview import preview as run
    return Picture(run(config))


if __name__ == "__main__":
    run_command("preview", PreviewConfig, preview)
