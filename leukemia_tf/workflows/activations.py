"""What each layer of one or several networks responds to in a cell."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from leukemia_tf.config import ActivationsConfig
from leukemia_tf.core.errors import ArgumentError, BadImageError, UserError
from leukemia_tf.core.files import as_json, write_csv
from leukemia_tf.evaluation.plots import save
from leukemia_tf.explain.activation_pictures import NetworkActivations, draw_activations
from leukemia_tf.explain.activations import ZONES, filter_responses, responses
from leukemia_tf.explain.activations import activations as layer_maps
from leukemia_tf.explain.frame import Frame, frame_of
from leukemia_tf.explain.regions import boundary_zones
from leukemia_tf.inference.batches import predict_files
from leukemia_tf.models.member import members_of
from leukemia_tf.models.network import load_network
from leukemia_tf.reporting.finished_runs import named_networks
from leukemia_tf.serving.signatures import prediction_function
from leukemia_tf.workflows.output_names import OutputNames, with_ending

log = logging.getLogger("leukemia_tf")

Filters = Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]  # by network and layer


def activations(config: ActivationsConfig) -> Path:
    """Run the command `activations`; see `leukemia_tf.activations.activations`."""
    count = _count(config.filters)
    networks = [_respond(name, file, config) for name, file in named_networks(config.run).items()]
    filters = {} if count else {network.name: _filters(network) for network in networks}
    endings = ["-activations.png", *([] if count else ["-activations.csv"])]
    target = config.out or with_ending(OutputNames(None, endings).stem(config.image.stem), endings[0])
    save(draw_activations(networks, count), target)
    written = [target, *([_write_filters(target.with_suffix(".csv"), filters)] if filters else [])]
    _log(config, networks, filters, written)
    return target


def _count(filters: str) -> int | None:
    """Return how many filters are drawn; None: all."""
    if filters == "all":
        return None
    if not filters.isdecimal() or int(filters) < 1:
        raise ArgumentError("filters", filters, "it takes a number of 1 or more, or all.")
    return int(filters)


def _respond(name: str, network: Path, config: ActivationsConfig) -> NetworkActivations:
    model = load_network(network)
    if len(members_of(model)) > 1:
        raise UserError(f"{name} is an ensemble: name one of its members as `run`.")
    frame = _read_frame(model, config.image)
    maps, zones = layer_maps(model, frame.cells[0], config.layer), boundary_zones(frame.cells[0][0])
    return NetworkActivations(name, frame, maps, {layer: responses(values, zones) for layer, values in maps.items()})


def _read_frame(model: keras.Model, image: Path) -> Frame:
    (prediction,) = predict_files(prediction_function(model), [image])
    if prediction.probability is None:
        raise BadImageError(image, prediction.reason)
    frame = frame_of(model, image, prediction)
    if not frame.mask.any():
        log.warning("%s: there is no cell in this image; it is all background", image)
    return frame


def _filters(network: NetworkActivations) -> dict[str, list[dict[str, float]]]:
    zones = boundary_zones(network.frame.cells[0][0])
    return {layer: filter_responses(maps, zones) for layer, maps in network.maps.items()}


def _write_filters(path: Path, filters: Filters) -> Path:
    """Write where each filter is active: a row for each."""
    rows = [
        {"run": run, "layer": layer, **row}
        for run, layers in filters.items()
        for layer, layer_rows in layers.items()
        for row in layer_rows
    ]
    return write_csv(path, list(rows[0]), rows)


def _log(
    config: ActivationsConfig, networks: Sequence[NetworkActivations], filters: Filters, written: Sequence[Path]
) -> None:
    if config.json:
        layers = {
            network.name: {
                layer: {**row, **({"by_filter": filters[network.name][layer]} if filters else {})}
                for layer, row in network.responses.items()
            }
            for network in networks
        }
        log.info("%s", as_json(layers if len(networks) > 1 else layers[networks[0].name]))
        return
    for network in networks:
        log.info("%s%s", f"{network.name}: " if len(networks) > 1 else "", table(network.responses))
        log.info("\n%s: %d layers -> %s", config.image, len(network.maps), ", ".join(map(str, written)))


def table(layers: Mapping[str, Mapping[str, Any]]) -> str:
    """Return where layers are active, one line per layer."""
    width = max(map(len, layers)) + 2
    lines = [
        "mean absolute response inside the cell, on its edge and outside, as a multiple of that over the frame",
        f"{'layer':<{width}}{'filters':>8}{'silent':>8}" + "".join(f"{zone:>9}" for zone in ZONES),
    ]
    for name, row in layers.items():
        shares = "".join(f"{row[zone]:>9.2f}" for zone in ZONES)
        lines.append(f"{name:<{width}}{row['filters']:>8}{row['silent']:>8}{shares}")
    return "\n".join(lines)
