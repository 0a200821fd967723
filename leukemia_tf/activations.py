"""`python -m leukemia_tf.activations`: what each layer of the network sees in a cell."""

from __future__ import annotations

import logging
from pathlib import Path

from leukemia_tf.cli import run_command
from leukemia_tf.config import ActivationsConfig
from leukemia_tf.errors import UserError
from leukemia_tf.run import explanation, run_or_newest

log = logging.getLogger("leukemia_tf")


def activations(config: ActivationsConfig) -> Path:
    """Draw the feature maps of each convolutional and pooling layer for one image.

    Parameters
    ----------
    config : ActivationsConfig
        The image; the newest run by default.

    Returns
    -------
    pathlib.Path
        The PNG.

    Raises
    ------
    BadImageError
        If the image cannot be used.
    """
    run = run_or_newest(config.run)
    from leukemia_tf.evaluation.plots import save
    from leukemia_tf.explain.activations import activations as layer_maps
    from leukemia_tf.explain.activations import draw_activations
    from leukemia_tf.explain.frame import read_frame
    from leukemia_tf.models.member import members_of
    from leukemia_tf.models.network import load_network

    model = load_network(run.model)
    if len(members_of(model)) > 1:
        raise UserError(f"{run} is an ensemble: name the run of one of its members with --run.")
    frame = read_frame(model, config.image)
    maps = layer_maps(model, frame.cells[0])
    target = config.out or explanation(config.image, "activations")
    save(draw_activations(frame, maps), target)
    log.info("%s: %d layers -> %s", config.image, len(maps), target)
    return target


if __name__ == "__main__":
    run_command("activations", ActivationsConfig, activations)
