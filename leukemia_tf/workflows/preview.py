"""What the network would see of an image."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from leukemia_tf.config import Augmentation, PreviewConfig
from leukemia_tf.data.augmentation import COLOURS, FILES, GEOMETRIC, augment
from leukemia_tf.data.draws import epoch_draws
from leukemia_tf.data.integrity import read_image
from leukemia_tf.data.preprocessing import CONTRASTS, Preprocessing
from leukemia_tf.data.preprocessing_graph import preprocess
from leukemia_tf.evaluation.plots import save
from leukemia_tf.evaluation.training_plots import contact_sheet
from leukemia_tf.workflows.output_names import default_picture

log = logging.getLogger("leukemia_tf")

SIZE = 330  # pixels
VIEWS = 8  # random views per row


def preview(config: PreviewConfig) -> Path:
    """Run the command `preview`; see `leukemia_tf.preview.preview`."""
    settings = Preprocessing(
        SIZE, config.framing, config.contrast, config.stain_normalization, config.register_channels
    )
    pixels = read_image(config.image)[1]
    rows = _augmented(preprocess(tf.constant(pixels), settings), config) if config.augmentations else _prepared(pixels)
    target = config.out or default_picture(config.image, "preview")
    save(contact_sheet(rows, config.image.name), target)
    log.info("%s", target)
    return target


def _prepared(pixels: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Return a row per framing, with a column per contrast and one for stain normalisation."""
    framings = ("none", "centre:384", "cell", "tight", "fixed")
    columns: dict[str, dict[str, Any]] = {f"contrast {contrast}": {"contrast": contrast} for contrast in CONTRASTS}
    columns["stain normalisation"] = {"stain_normalization": "reinhard"}
    columns["channels registered"] = {"register_channels": True}
    return {
        f"framing {framing}": {
            title: preprocess(tf.constant(pixels), Preprocessing(SIZE, framing, **changes)).numpy()
            for title, changes in columns.items()
        }
        for framing in framings
    }


def _augmented(cell: tf.Tensor, config: PreviewConfig) -> dict[str, dict[str, np.ndarray]]:
    """Return a row of random views per transform, and one of the requested augmentation."""
    cells, draws = tf.repeat(cell[None], VIEWS, 0), tf.constant(epoch_draws(VIEWS, config.seed, 0))
    alone = {"dihedral": Augmentation()}
    for name in (*GEOMETRIC, *COLOURS, *FILES):
        always: dict[str, Any] = {name: (1.0, getattr(config.augment, name)[1])}
        alone[name] = replace(Augmentation(dihedral=False), **always)
    rows = {name: augment(cells, draws, settings).numpy() for name, settings in alone.items()}
    rows["as requested"] = augment(cells, draws, config.augment).numpy()
    return {
        name: {"original": cell.numpy(), **{f"view {i + 1}": np.asarray(view) for i, view in enumerate(views)}}
        for name, views in rows.items()
    }
