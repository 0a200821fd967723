"""`python -m leukemia_tf.activations`: what each layer of the network sees in a cell."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from leukemia_tf.cli import run_command
from leukemia_tf.config import ActivationsConfig
from leukemia_tf.errors import BadImageError, UserError
from leukemia_tf.files import as_json
from leukemia_tf.run import explanation, network_file

log = logging.getLogger("leukemia_tf")


def activations(config: ActivationsConfig) -> Path:
    """Draw the most active feature maps of each convolutional and pooling layer for one image, and say where they are.

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
    network = network_file(config.run)
    from leukemia_tf.evaluation.plots import save
    from leukemia_tf.explain.activations import activations as layer_maps
    from leukemia_tf.explain.activations import draw_activations, responses
    from leukemia_tf.explain.frame import frame_of
    from leukemia_tf.explain.regions import belt_of
    from leukemia_tf.models.member import members_of
    from leukemia_tf.models.network import load_network
    from leukemia_tf.scoring import answered
    from leukemia_tf.serving.answers import answer_function

    model = load_network(network)
    if len(members_of(model)) > 1:
        raise UserError(f"{config.run or network} is an ensemble: name the run of one of its members with --run.")
    (row,) = answered(answer_function(model), [config.image])
    if row.probability is None:
        raise BadImageError(config.image, row.reason)
    frame = frame_of(model, config.image, row)
    maps = layer_maps(model, frame.cells[0])
    belt = belt_of(frame.cells[0][0])
    told = {name: responses(values, belt) for name, values in maps.items()}
    target = config.out or explanation(config.image, "activations")
    save(draw_activations(frame, maps, told), target)
    if not frame.mask.any():
        log.warning("%s: there is no cell in this image; it is all background", config.image)
    log.info("%s", as_json(told) if config.json else table(told))
    if not config.json:
        log.info("\n%s: %d layers -> %s", config.image, len(maps), target)
    return target


def table(told: Mapping[str, Mapping[str, float]]) -> str:
    """Return where layers are active, a line a layer."""
    parts = ("inside", "edge", "outside")
    wide = max(map(len, told)) + 2
    lines = [
        "mean absolute response inside the cell, on its edge and outside, as a multiple of that over the frame",
        f"{'layer':<{wide}}{'filters':>8}{'silent':>8}" + "".join(f"{part:>9}" for part in parts),
    ]
    for name, row in told.items():
        lines.append(
            f"{name:<{wide}}{row['filters']:>8}{row['silent']:>8}" + "".join(f"{row[part]:>9.2f}" for part in parts)
        )
    return "\n".join(lines)


if __name__ == "__main__":
    run_command("activations", ActivationsConfig, activations)
