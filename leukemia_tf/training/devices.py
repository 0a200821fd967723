"""What a training computes on, at which precision, and whether its bits are the same each time."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from leukemia_tf.core.errors import ArgumentError, RunError
from leukemia_tf.training.hardware import Device, multiplies_bfloat16, processor, unused_card, usable_gpus

log = logging.getLogger("leukemia_tf")

BFLOAT16_SINCE = (8, 0)  # CUDA's compute capability


def prepare_devices(
    precision: str = "auto", devices: str = "auto"
) -> tuple[contextlib.AbstractContextManager, dict[str, Any]]:
    """Let Keras compute on the devices and at the precision that are requested; log which.

    Without a GPU operations become deterministic, which costs 10-15 % in speed, and the number of threads that one may
    use is fixed, since both decide the bits. On one GPU Keras compiles by XLA, which is not deterministic; where
    several share a batch it does not compile. Call it before anything is computed.

    Parameters
    ----------
    precision : str
        `float32`, `mixed`, or `auto`: mixed where there is a GPU.
    devices : str
        How many share a batch, or `auto`: one. Without a GPU, logical devices of the processor.

    Returns
    -------
    tuple
        A context in which to build and train, and what was chosen, for environment.json.

    Raises
    ------
    UserError
        If there are not so many, or for mixed precision on a processor without AMX.
    """
    gpus = tf.config.list_physical_devices("GPU")
    count = count_devices(devices, len(gpus))
    if precision == "mixed" and not gpus and not multiplies_bfloat16():
        problem = "there is no GPU, and this processor has no AMX, without which it is slower: say `precision=float32`"
        raise ArgumentError("precision", precision, f"{problem}, or auto.")
    if not gpus:
        tf.config.experimental.enable_op_determinism()
    pin_threads()
    policy = _mixed_policy(gpus) if gpus and precision != "float32" else "float32"
    keras.config.set_dtype_policy(policy)
    scope = _strategy(count, gpus).scope() if count > 1 else contextlib.nullcontext()
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    names = usable_gpus()[:count] or [processor(threads)]
    computed = policy if gpus else map_dtype(precision)
    _log_devices(names, computed)
    return scope, {
        "devices": [str(device) for device in names],
        "sharing_a_batch": count,
        "precision": computed,
        "xla": bool(gpus) and count == 1,
        "threads": threads,
        **processor_settings(),
        "deterministic": not gpus,
    }


def map_dtype(precision: str) -> str:
    """Return the dtype policy of layers that make maps in training, where the network's own is float32.

    At mixed precision a processor computes maps in bfloat16; weights, pooled features and the logit stay float32, as
    does Keras's own policy, and all that is saved and scored.
    """
    return "mixed_bfloat16" if precision == "mixed" and not has_gpu() else "float32"


def count_devices(devices: str, gpus: int) -> int:
    """Return how many devices share a batch, of so many GPUs.

    Raises
    ------
    ArgumentError
        If there are fewer.
    """
    count = 1 if devices == "auto" else int(devices)
    if gpus and count > gpus:
        there = "there is one GPU" if gpus == 1 else f"there are {gpus} GPUs"
        raise ArgumentError("devices", devices, f"{there}: say `devices={gpus}`, or auto.")
    return count


def has_gpu() -> bool:
    """Return whether steps are computed on a GPU."""
    return bool(tf.config.list_physical_devices("GPU"))


def on_device(batches: tf.data.Dataset, device: str | None = None) -> tf.data.Dataset:
    """Return batches that are copied to the device while the step before them is computed.

    Parameters
    ----------
    batches : tf.data.Dataset
        What a training takes.
    device : str, optional
        Such as `/GPU:0`. Default: that of a training on one GPU; else the batches stay as they are.
    """
    if device is None:
        if not has_gpu() or tf.distribute.has_strategy():
            return batches
        device = "/GPU:0"
    return batches.apply(tf.data.experimental.prefetch_to_device(device, buffer_size=2))


def _log_devices(devices: Sequence[Device], policy: str) -> None:
    sentence = unused_card()
    if sentence:
        log.warning("%s", sentence)
    log.info("computes on: %s; %s", " and ".join(map(str, devices)), policy.replace("_", " "))


@contextlib.contextmanager
def explain_lack_of_memory(batch_size: int, size: int) -> Iterator[None]:
    """Turn TensorFlow's lack of memory into a sentence.

    Parameters
    ----------
    batch_size, size : int
        Cells of a step; their side in pixels.

    Raises
    ------
    RunError
        At a lack of memory.
    """
    try:
        yield
    except tf.errors.ResourceExhaustedError:
        smaller = f"`batch_size={batch_size // 2}`, or " if batch_size > 1 else ""
        raise RunError(
            f"the memory of the device does not hold a step of {batch_size} cells of {size} pixels: train again with "
            f"{smaller}a smaller `image_size`."
        ) from None


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
        return tf.distribute.MirroredStrategy([f"GPU:{number}" for number in range(count)])
    (processor,) = tf.config.list_physical_devices("CPU")
    try:
        if len(tf.config.get_logical_device_configuration(processor) or ()) != count:
            tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * count)
    except RuntimeError:
        raise ArgumentError("devices", count, "the processor is in use: train in a process of its own.") from None
    names = [f"CPU:{number}" for number in range(count)]
    return tf.distribute.MirroredStrategy(names, cross_device_ops=tf.distribute.ReductionToOneDevice())
