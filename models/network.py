"""Building a network: one flat functional graph from uint8 cells to a probability."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import KerasTensor, layers

from leukemia_tf.errors import RunError, UserError
from leukemia_tf.models.cell_input import CellInput
from leukemia_tf.models.table import Architecture, Block, Head, find_architecture

INPUT, SCALE, LOGIT, PROBABILITY = "cell", "scale", "logit", "probability"
FRESH_MOMENTUM = 0.9  # of BatchNormalization that starts at random: Keras's 0.99 needs hundreds of steps to settle


def network_name(architecture: Architecture, drop_last_block: bool) -> str:
    """Return the name of a network, such as `resnet50-cut`."""
    return f"{architecture.name}-cut" if drop_last_block else architecture.name


def kept_blocks(architecture: Architecture, drop_last_block: bool) -> tuple[Block, ...]:
    """Return the blocks of a base that stay, from input to output."""
    return architecture.blocks[:-1] if drop_last_block else architecture.blocks


def build_network(
    architecture: Architecture,
    drop_last_block: bool = False,
    preprocessing: dict | None = None,
    head: Head | None = None,
) -> keras.Model:
    """Build a network with random weights.

    Parameters
    ----------
    architecture : Architecture
        A record of the table.
    drop_last_block : bool
        Whether the base ends before its last block.
    preprocessing : dict, optional
        Settings that travel with the network; `image_size` (pixels) among them gives the input's side. By default
        the architecture's own size.
    head : Head, optional
        By default the architecture's own, for the whole or the cut base.

    Returns
    -------
    keras.Model
        uint8 [n, size, size, 3] (RGB, 0-255) -> float32 [n, 1], the probability of `all`.

    Raises
    ------
    UserError
        If the size is too small for the base.
    """
    preprocessing = preprocessing or {"image_size": architecture.image_size}
    size = preprocessing["image_size"]
    if size < architecture.smallest_size:
        raise UserError(f"--image-size {size}: {architecture.name} needs {architecture.smallest_size} pixels or more.")
    cell = keras.Input((size, size, 3), dtype="uint8", name=INPUT)
    scaled = CellInput(architecture.scaling, preprocessing, name=SCALE)(cell)
    base = architecture.build_base()(include_top=False, weights=None, input_tensor=scaled)
    features = base.get_layer(kept_blocks(architecture, drop_last_block)[-1].last).output
    logit = _add_head(features, head or (architecture.cut_head if drop_last_block else architecture.head))
    probability = layers.Activation("sigmoid", name=PROBABILITY, dtype="float32")(logit)
    model = keras.Model(cell, probability, name=network_name(architecture, drop_last_block).replace("-", "_"))
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = FRESH_MOMENTUM
    return model


def _add_head(x: KerasTensor, head: Head) -> KerasTensor:
    pool = layers.Flatten if head.pooling == "flatten" else layers.GlobalAveragePooling2D
    x = pool(name="pool")(x)
    if head.dropout_before:
        x = layers.Dropout(head.dropout_before, name="dropout_before")(x)
    for number, units in enumerate(head.units, start=1):
        x = layers.Dense(units, activation="relu", name=f"dense{number}")(x)
    if head.dropout:
        x = layers.Dropout(head.dropout, name="dropout")(x)
    return layers.Dense(1, name=LOGIT, dtype="float32")(x)


def logit_model(model: keras.Model) -> keras.Model:
    """Return the network up to its logit, on the same layers: uint8 [n, size, size, 3] -> float32 [n, 1]."""
    return keras.Model(model.input, model.get_layer(LOGIT).output)


def preprocessing_of(model: keras.Model) -> dict:
    """Return the preprocessing's settings that travel inside a network."""
    return dict(model.get_layer(SCALE).preprocessing)


def load_network(path: Path) -> keras.Model:
    """Load a network from a `.keras` file, in Keras's safe mode.

    Raises
    ------
    RunError
        If the file is no network of this package.
    """
    try:
        model = keras.saving.load_model(path, compile=False)
        preprocessing_of(model)
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
        What `keras.Model.predict` takes: uint8 [n, size, size, 3] in all, or batches of it.

    Returns
    -------
    numpy.ndarray
        float32 [n].
    """
    model = model if model.output_names == [LOGIT] else logit_model(model)
    return model.predict(batches, verbose=0)[:, 0]


def explained_layer(model: keras.Model) -> str:
    """Return the name of the last convolutional layer of a network's base, whose maps Grad-CAM weighs."""
    blocks = find_architecture(model.name.removesuffix("_cut")).blocks
    block = next(block for block in reversed(blocks) if any(layer.name == block.last for layer in model.layers))
    return block.explain or block.last
