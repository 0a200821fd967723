"""Settings of a training: checked, and resolved where they depend on each other; without TensorFlow."""

from __future__ import annotations

from typing import TypeVar

from leukemia_tf.config import SetupConfig
from leukemia_tf.core.errors import ArgumentError, nearest
from leukemia_tf.data.balance import Sampling
from leukemia_tf.data.cnmc import check_cnmc_doubles
from leukemia_tf.data.policies import check_policy
from leukemia_tf.data.preprocessing import EMBEDDED_SIZE, Preprocessing, check_cache, parse_framing
from leukemia_tf.models.architecture import Architecture, remaining_blocks
from leukemia_tf.models.heads import Head, find_head
from leukemia_tf.models.table import find_architecture
from leukemia_tf.training.optimization import OptimizationConfig

Setup = TypeVar("Setup", bound=SetupConfig)
PRECISIONS = ("auto", "float32", "mixed")


def check_setup(config: SetupConfig) -> None:
    """Stop at settings of the network, the cells or a step that cannot be, before anything is read.

    Raises
    ------
    UserError
        That names the setting.
    """
    architecture = find_architecture(config.base)
    check_count("image_size", config.image_size)
    check_count("batch_size", None if config.batch_size == "auto" else config.batch_size)
    _check_depths(config, architecture)
    resolve_head(config, architecture)
    check_policy(config.on_bad_image)
    check_cnmc_doubles(config.cnmc_doubles)
    resolve_sampling(config)
    resolve_optimization(config)
    Preprocessing(1, config.framing, config.contrast, config.stain_normalization, config.register_channels)
    check_cache(config.cache)
    check_devices(config.precision, config.devices)


def _check_depths(config: SetupConfig, architecture: Architecture) -> None:
    blocks = remaining_blocks(architecture, dropped_blocks(config), config.cut)
    check_count("depths", config.depths)
    if (config.depths or 0) > len(blocks):
        raise ArgumentError("depths", config.depths, f"the base has {len(blocks)} blocks.")


def check_count(name: str, value: int | None, least: int = 1) -> None:
    """Stop at a number below the least; None is none."""
    if value is not None and value < least:
        raise ArgumentError(name, value, f"it takes a number of {least} or more.")


def resolved_batch_size(config: SetupConfig) -> int:
    """Return the cells per batch.

    Raises
    ------
    ArgumentError
        If they are `auto`: a range test needs the number that the training will take.
    """
    if isinstance(config.batch_size, str):
        raise ArgumentError(
            "batch_size", config.batch_size, "a range test needs the number that the training will take."
        )
    return config.batch_size


def check_devices(precision: str, devices: str) -> None:
    """Stop at a precision or a number of devices that cannot be.

    Raises
    ------
    ArgumentError
        That says which.
    """
    if precision not in PRECISIONS:
        raise ArgumentError("precision", precision, nearest(precision, PRECISIONS))
    if devices != "auto" and (not devices.isdecimal() or int(devices) < 1):
        raise ArgumentError("devices", devices, "it takes auto, or a number of 1 or more.")


def dropped_blocks(config: SetupConfig) -> int:
    """Return how many of the base's last blocks a run drops."""
    return config.drop_blocks or int(config.drop_last_block)


def resolve_head(config: SetupConfig, architecture: Architecture) -> Head:
    """Return the head that a run puts on its base."""
    return find_head(
        config.head or architecture.default_head(bool(dropped_blocks(config) or config.cut)),
        pooling=config.pooling,
        depths=config.depths,
        units=config.units,
        dropout=config.dropout,
        dropout_before=config.dropout_before,
        l2=config.l2,
    )


def resolve_sampling(config: SetupConfig) -> Sampling:
    """Return how a run draws, weights and augments its training cells."""
    return Sampling(config.balance, config.multiply, config.patient_weight, config.augment)


def resolve_optimization(config: SetupConfig) -> OptimizationConfig:
    """Return loss and optimizer of a run."""
    return OptimizationConfig(
        config.optimizer,
        config.loss,
        config.label_smoothing,
        config.weight_decay,
        config.clip,
        getattr(config, "ema", 0.0),  # one of `train`'s
        config.momentum,
    )


def default_size(architecture: Architecture, head: Head, framing: str, embedded: bool) -> int:
    """Return the input's default side: a fixed frame is not scaled, if base and head take any size.

    The weights of a head that flattens grow with the image, so it has the base's own size.
    """
    if embedded:
        return max(EMBEDDED_SIZE, architecture.blocks[-1].smallest_size)
    kind, side = parse_framing(framing)
    unscaled = kind == "fixed" and architecture.weights and head.pooling != "flatten"
    return side if unscaled else architecture.image_size
