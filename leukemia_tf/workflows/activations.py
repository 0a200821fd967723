"""What each layer of the network responds to in a cell."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from leukemia_tf.config import ActivationsConfig
from leukemia_tf.core.errors import BadImageError, UserError
from leukemia_tf.core.files import as_json
from leukemia_tf.evaluation.plots import save
from leukemia_tf.explain.activations import activations as layer_maps
from leukemia_tf.explain.activations import draw_activations, responses
from leukemia_tf.explain.frame import Frame, frame_of
from leukemia_tf.explain.regions import boundary_zones
from leukemia_tf.inference.batches import predict_files
from leukemia_tf.models.member import members_of
from leukemia_tf.models.network import load_network
from leukemia_tf.runs.run_folder import network_file
from leukemia_tf.serving.signatures import prediction_function
from leukemia_tf.workflows.output_names import default_picture

log = logging.getLogger("leukemia_tf")


def activations(config: ActivationsConfig) -> Path:
    """Run the command `activations`; see `leukemia_tf.activations.activations`."""
    model = _load_single(config.run)
    frame = _read_frame(model, config.image)
    maps = layer_maps(model, frame.cells[0])
    zones = boundary_zones(frame.cells[0][0])
    layers = {name: responses(values, zones) for name, values in maps.items()}
    target = config.out or default_picture(config.image, "activations")
    save(draw_activations(frame, maps, layers), target)
    log.info("%s", as_json(layers) if config.json else table(layers))
    if not config.json:
        log.info("\n%s: %d layers -> %s", config.image, len(maps), target)
    return target


def _load_single(run: Path | None) -> keras.Model:
    network = network_file(run)
    model = load_network(network)
    if len(members_of(model)) > 1:
        raise UserError(f"{run or network} is an ensemble: name one of its members as `run`.")
    return model


def _read_frame(model: keras.Model, image: Path) -> Frame:
    (prediction,) = predict_files(prediction_function(model), [image])
    if prediction.probability is None:
        raise BadImageError(image, prediction.reason)
    frame = frame_of(model, image, prediction)
    if not frame.mask.any():
        log.warning("%s: there is no cell in this image; it is all background", image)
    return frame


def table(layers: Mapping[str, Mapping[str, Any]]) -> str:
    """Return where layers are active, one line per layer."""
    zones = ("inside", "edge", "outside")
    width = max(map(len, layers)) + 2
    lines = [
        "mean absolute response inside the cell, on its edge and outside, as a multiple of that over the frame",
        f"{'layer':<{width}}{'filters':>8}{'silent':>8}" + "".join(f"{zone:>9}" for zone in zones),
    ]
    for name, row in layers.items():
        shares = "".join(f"{row[zone]:>9.2f}" for zone in zones)
        lines.append(f"{name:<{width}}{row['filters']:>8}{row['silent']:>8}{shares}")
    return "\n".join(lines)
