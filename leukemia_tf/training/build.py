"""A network by name, for a notebook: what `train` would start from."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import keras

from leukemia_tf.config import SetupConfig
from leukemia_tf.core.errors import ArgumentError, nearest
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.models.heads import Head, HeadFunction, as_head
from leukemia_tf.models.pretrained import build_pretrained
from leukemia_tf.models.table import find_architecture
from leukemia_tf.training.settings import default_size, dropped_blocks, resolve_head

SETTINGS = (
    *("drop_last_block", "drop_blocks", "cut", "pooling", "depths", "units", "dropout", "dropout_before"),
    *("weights", "seed", "image_size", "framing", "stain_normalization", "register_channels", "contrast"),
)


def build_model(
    base: str = "resnet50", *, head: str | Head | HeadFunction | None = None, **settings: Any
) -> keras.Model:
    """Build a network of the table, with its weights.

    Parameters
    ----------
    base : str
        Name of the backbone, as `python -m leukemia_tf.models` lists them.
    head : str, Head or callable, optional
        Name of a head, a `leukemia_tf.models.heads.Head`, or a function of the pooled features, a Keras tensor
        [n, f] -> [n, k], on which the logit is put. Default: the network's own.
    **settings
        As the flags of `train`: `drop_last_block`, `drop_blocks`, `cut`, `pooling`, `depths`, `units`,
        `dropout`, `dropout_before`, `weights` (`imagenet`, a file, or `none`), `seed`, `image_size`, `framing`,
        `stain_normalization`, `register_channels`, `contrast`. The last four travel with the network; they are applied
        to its input by `Predictor`, `export` and `load_cells`.

    Returns
    -------
    keras.Model
        uint8 [n, size, size, 3] (RGB, 0-255) -> float32 [n, 1], the probability of `all`; flat, so that every layer of
        the backbone is a layer of the model.

    Raises
    ------
    UserError
        If there is no such network or setting, or if the weights cannot be had.

    Examples
    --------
    >>> model = build_model("mobilenetv2", drop_last_block=True, weights="none", image_size=64, head="linear")
    >>> model.input_shape, model.output_shape
    ((None, 64, 64, 3), (None, 1))
    >>> model.get_layer("block_15_add").output.shape
    (None, 2, 2, 160)
    """
    for name, value in settings.items():
        if name not in SETTINGS:
            raise ArgumentError(name, value, f"no such setting of a network; {nearest(name, SETTINGS)}")
    config = SetupConfig(base=base, head=head if isinstance(head, str) else None, **settings)
    architecture = find_architecture(base)
    chosen = resolve_head(config, architecture) if head is None or isinstance(head, str) else as_head(head)
    size = config.image_size or default_size(architecture, chosen, config.framing, embedded=False)
    preprocessing = Preprocessing(
        size, config.framing, config.contrast, config.stain_normalization, config.register_channels
    )
    return build_pretrained(
        architecture,
        dropped_blocks(config),
        asdict(preprocessing),
        config.weights,
        config.seed,
        head=chosen,
        cut=config.cut,
    ).model
