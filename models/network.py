"""Building a network: one flat functional graph from uint8 cells to a probability."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import KerasTensor, layers

from leukemia_tf.errors import RunError, UserError, nearest
from leukemia_tf.models.architecture import Architecture, Block, network_name
from leukemia_tf.models.base import build_base
from leukemia_tf.models.cell_input import CellInput
from leukemia_tf.models.head import HEADS, Head
from leukemia_tf.models.member import members_of
from leukemia_tf.models.pooling import looked_at, pool
from leukemia_tf.models.probability import Probability, decision_of
from leukemia_tf.models.table import find_architecture

INPUT, SCALE, LOGIT, PROBABILITY = "cell", "scale", "logit", "probability"
FRESH_MOMENTUM = 0.9  # of BatchNormalization that starts at random: Keras's 0.99 needs hundreds of steps to settle


def build_network(
    architecture: Architecture,
    drop_blocks: int = 0,
    preprocessing: dict | None = None,
    head: Head | None = None,
    cut: str | None = None,
) -> keras.Model:
    """Build a network with random weights.

    Parameters
    ----------
    architecture : Architecture
        A record of the table.
    drop_blocks : int
        How many of the base's last blocks are left out.
    preprocessing : dict, optional
        Settings that travel with the network; `image_size` (pixels) among them gives the input's side. By default
        the architecture's own size.
    head : Head, optional
        By default the architecture's own, for the whole or the cut base.
    cut : str, optional
        A layer of the base, or one of its blocks, that it ends at instead.

    Returns
    -------
    keras.Model
        uint8 [n, size, size, 3] (RGB, 0-255) -> float32 [n, 1], the probability of `all`.

    Raises
    ------
    UserError
        If the size is too small for the base, or if it cannot be cut or pooled so.
    """
    preprocessing = preprocessing or {"image_size": architecture.image_size}
    size = preprocessing["image_size"]
    cell = keras.Input((size, size, 3), dtype="uint8", name=INPUT)
    scaled = CellInput(architecture.scaling, preprocessing, name=SCALE)(cell)
    base, blocks = build_base(architecture, scaled, drop_blocks, cut)
    head = head or HEADS[architecture.cut_head if drop_blocks or cut else architecture.head]
    probability = add_classifier(pool(looked_at(base, blocks, head, cell), head, cell), head)
    name = network_name(architecture, drop_blocks, cut and blocks[-1].last).replace("-", "_")
    model = keras.Model(cell, probability, name=name)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = FRESH_MOMENTUM
    return model


def add_classifier(x: KerasTensor, head: Head) -> KerasTensor:
    """Put a head's layers behind the pooling on features: [n, features] -> float32 [n, 1], the probability."""
    if head.standardize:
        x = layers.BatchNormalization(center=False, scale=False, name="standard")(x)
    if head.dropout_before:
        x = layers.Dropout(head.dropout_before, name="dropout_before")(x)
    for number, units in enumerate(head.units, start=1):
        x = layers.Dense(units, activation="relu", name=f"dense{number}")(x)
    if head.dropout:
        x = layers.Dropout(head.dropout, name="dropout")(x)
    logit = layers.Dense(1, name=LOGIT, dtype="float32")(x)
    return Probability(name=PROBABILITY)(logit)


def logit_model(model: keras.Model) -> keras.Model:
    """Return the network up to its logit, on the same layers: uint8 [n, size, size, 3] -> float32 [n, 1]."""
    return keras.Model(model.input, model.get_layer(LOGIT).output)


def preprocessing_of(model: keras.Model) -> dict:
    """Return the preprocessing's settings that travel inside a network."""
    return dict(model.get_layer(SCALE).preprocessing)


def preprocessings_of(model: keras.Model) -> list[dict]:
    """Return them for each input of a network: one, or one a member of an ensemble."""
    return [preprocessing_of(member) for member in members_of(model)]


def load_network(path: Path) -> keras.Model:
    """Load a network from a `.keras` file, in Keras's safe mode.

    Raises
    ------
    RunError
        If the file is no network of this package.
    """
    try:
        model = keras.saving.load_model(path, compile=False)
        preprocessings_of(model)
        decision_of(model)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise RunError(f"{path} is not a network of this package ({str(error).splitlines()[0]}).") from None
    return model


def predict_logits(model: keras.Model, batches: object) -> np.ndarray:
    """Return the logit of each cell.

    Parameters
    ----------
    model : keras.Model
        A network, or its `logit_model`.
    batches : object
        What `keras.Model.predict` takes: uint8 [n, size, size, 3] in all, or batches of it; a list of them, one a
        member, for an ensemble.

    Returns
    -------
    numpy.ndarray
        float32 [n].
    """
    model = model if model.output_names == [LOGIT] else logit_model(model)
    return model.predict(batches, verbose=0)[:, 0]


def explained_layer(model: keras.Model, asked: str | None = None) -> str:
    """Return the name of the layer whose maps are weighed to explain a network.

    Parameters
    ----------
    model : keras.Model
        A network.
    asked : str, optional
        A layer's or a block's name; by default the last convolutional layer of the base.

    Raises
    ------
    UserError
        If there is no such layer, or one without maps; the nearest names are told.
    """
    ends = {block.name: block.explain or block.last for block in blocks_of(model)}
    name = ends.get(asked, asked) or list(ends.values())[-1]
    with_maps = [layer.name for layer in model.layers[model.layers.index(model.get_layer(SCALE)) :] if has_maps(layer)]
    if name not in with_maps:
        flat = name in {layer.name for layer in model.layers}
        problem = "its output is no stack of maps" if flat else "no such layer"
        raise UserError(f"--layer {asked}: {problem} in {model.name}; {nearest(name, [*ends, *with_maps])}")
    return name


def has_maps(layer: keras.layers.Layer) -> bool:
    """Return whether a layer's output is a stack of maps, [n, h, w, c] with more than one place."""
    shape = getattr(layer.output, "shape", ())
    return len(shape) == 4 and shape[1] * shape[2] > 1


def blocks_of(model: keras.Model) -> tuple[Block, ...]:
    """Return the blocks of a network's base, from input to output, the last one as it was cut."""
    name, _, cut = model.name.partition("_to_")
    blocks, names = find_architecture(name.partition("_")[0]).blocks, {layer.name for layer in model.layers}
    kept = [block for block in blocks if block.last in names]
    inside = names - {block.last for block in kept}
    for block in blocks[len(kept) : len(kept) + 1]:
        kept += [block.ending_at(end) for end in (cut, block.texture) if end in inside][:1]
    return tuple(kept)
