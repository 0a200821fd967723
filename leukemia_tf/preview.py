"""`python -m leukemia_tf.preview`: what the network would see of an image."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from leukemia_tf.cli import run_command
from leukemia_tf.config import PreviewConfig
from leukemia_tf.run import explanation

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger("leukemia_tf")

SIZE = 330  # pixels of each picture
VIEWS = 8  # random views a row


def preview(config: PreviewConfig) -> Path:
    """Draw a sheet: an image in every framing and contrast, or random views of it.

    Parameters
    ----------
    config : PreviewConfig
        The image, and what to draw.

    Returns
    -------
    pathlib.Path
        The PNG.

    Raises
    ------
    BadImageError
        If the image cannot be used.
    """
    from leukemia_tf.data.integrity import read_image
    from leukemia_tf.data.settings import Preprocessing

    Preprocessing(SIZE, config.framing, config.contrast)  # a bad flag is told before anything is read
    pixels = read_image(config.image)[1]

    from leukemia_tf.evaluation.plots import contact_sheet, save

    rows = _augmented(pixels, config) if config.augmentations else _prepared(pixels)
    target = config.out or explanation(config.image, "preview")
    save(contact_sheet(rows, config.image.name), target)
    log.info("%s", target)
    return target


def _prepared(pixels: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Return each framing's row of contrasts, the image itself first."""
    import tensorflow as tf

    from leukemia_tf.data.preprocess import preprocess
    from leukemia_tf.data.settings import CONTRASTS, Preprocessing

    framings = ("none", "centre:384", "cell", "tight", "fixed")
    return {
        f"framing {framing}": {
            f"contrast {contrast}": preprocess(tf.constant(pixels), Preprocessing(SIZE, framing, contrast)).numpy()
            for contrast in CONTRASTS
        }
        for framing in framings
    }


def _augmented(pixels: np.ndarray, config: PreviewConfig) -> dict[str, dict[str, np.ndarray]]:
    """Return a row of random views a transform, and one of all that was asked for."""
    import numpy as np
    import tensorflow as tf

    from leukemia_tf.config import Augmentation
    from leukemia_tf.data.augment import TRANSFORMS, augment, epoch_draws
    from leukemia_tf.data.preprocess import preprocess
    from leukemia_tf.data.settings import Preprocessing

    cell = preprocess(tf.constant(pixels), Preprocessing(SIZE, config.framing, config.contrast))
    cells, draws = tf.repeat(cell[None], VIEWS, 0), tf.constant(epoch_draws(VIEWS, config.seed, 0))
    alone = {"dihedral": Augmentation()}
    for name in TRANSFORMS[1:-2]:  # MixUp and CutMix need two cells
        reach = getattr(config.augment, name)[1]
        alone[name] = replace(Augmentation(dihedral=False), **{name: (1.0, reach)})
    rows = {name: augment(cells, draws, settings).numpy() for name, settings in alone.items()}
    rows["as asked"] = augment(cells, draws, config.augment).numpy()
    return {
        name: {"as it is": cell.numpy(), **{f"view {i + 1}": np.asarray(view) for i, view in enumerate(views)}}
        for name, views in rows.items()
    }


if __name__ == "__main__":
    run_command("preview", PreviewConfig, preview)
