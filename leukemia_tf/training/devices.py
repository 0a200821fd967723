"""What a training computes on, at which precision, and whether its bits are the same each time."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import keras
import tensorflow as tf

from leukemia_tf.core.errors import ArgumentError

BFLOAT16_SINCE = (8, 0)  # CUDA's compute capability


def prepare_devices(
    precision: str = "auto", devices: str = "auto"
) -> tuple[contextlib.AbstractContextManager, dict[str, Any]]:
    """Let Keras compute deterministically, on the devices and at the precision that are requested.

    Without a GPU operations become deterministic, which costs 10-15 % in speed, and the number of threads that one may
    use is fixed, since both decide the bits. On GPUs Keras compiles by XLA, which is no longer deterministic. Call it
    before anything is computed.

    Parameters
    ----------
    precision : str
        `float32`, `mixed`, or `auto`: mixed where there is a GPU.
    devices : str
        How many share a batch, or `auto`: all GPUs. Without a GPU, as many logical devices of the processor.

    Returns
    -------
    tuple
        A context in which to build and train, and what was chosen, for environment.json.

    Raises
    ------
    UserError
        If there are not so many.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        tf.config.experimental.enable_op_determinism()
    pin_threads()
    mixed = precision == "mixed" or (precision == "auto" and bool(gpus))
    policy = _mixed_policy(gpus) if mixed else "float32"
    keras.config.set_dtype_policy(policy)
    count = (len(gpus) or 1) if devices == "auto" else int(devices)
    scope = _strategy(count, gpus).scope() if count > 1 else contextlib.nullcontext()
    return scope, {
        "devices": [device.name for device in gpus] or ["CPU"],
        "sharing_a_batch": count,
        "precision": policy,
        "threads": tf.config.threading.get_intra_op_parallelism_threads(),
        **processor_settings(),
        "deterministic": not gpus,
    }


def pin_threads() -> None:
    """Fix how many threads an operation uses, on which the last bits depend; before anything is computed."""
    with contextlib.suppress(RuntimeError):  # something was computed already: the number can no longer change
        tf.config.threading.set_intra_op_parallelism_threads(usable_cores())


def processor_settings() -> dict[str, str]:
    """Return the environment variables of oneDNN, on which the bits depend as on the threads.

    `ONEDNN_DEFAULT_FPMATH_MODE=BF16` multiplies in bfloat16 and adds in float32: less exact, and up to 1.8 times as
    fast on a processor that has the instructions.
    """
    variables = {"onednn": "TF_ENABLE_ONEDNN_OPTS", "onednn_products": "ONEDNN_DEFAULT_FPMATH_MODE"}
    return {name: os.environ.get(variable, "default") for name, variable in variables.items()}


def usable_cores() -> int:
    """Return how many cores this process may use: OMP_NUM_THREADS, as for other libraries; else all."""
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdecimal() and int(threads):
        return int(threads)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _mixed_policy(gpus: list) -> str:
    """Return bfloat16 where the GPUs have it, which needs no scaling of the loss, else float16."""
    capabilities = [tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0)) for gpu in gpus]
    return "mixed_float16" if capabilities and min(capabilities) < BFLOAT16_SINCE else "mixed_bfloat16"


def _strategy(count: int, gpus: list) -> tf.distribute.Strategy:
    """Return what lets so many devices share a batch."""
    if gpus:
        if count > len(gpus):
            raise ArgumentError("devices", count, f"there are {len(gpus)} GPUs.")
        return tf.distribute.MirroredStrategy([f"GPU:{number}" for number in range(count)])
    (processor,) = tf.config.list_physical_devices("CPU")
    try:
        if len(tf.config.get_logical_device_configuration(processor) or ()) != count:
            tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * count)
    except RuntimeError:
        raise ArgumentError("devices", count, "the processor is in use: train in a process of its own.") from None
    names = [f"CPU:{number}" for number in range(count)]
    return tf.distribute.MirroredStrategy(names, cross_device_ops=tf.distribute.ReductionToOneDevice())
