"""What this machine computes on: its graphics cards as the driver names them, and the processor."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil
import tensorflow as tf

DRIVER = Path("/proc/driver/nvidia/gpus")  # a folder of each card
QUERY = ("--query-gpu=name,memory.total", "--format=csv,noheader,nounits")
GIB, MIB = 2**30, 2**20


CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Device:
    """Something that computes.

    Parameters
    ----------
    name : str
        As its driver names it.
    memory : int
        Bytes; 0 where the driver does not say.
    """

    name: str
    memory: int

    def __str__(self) -> str:
        return f"{self.name}, {self.memory / GIB:.0f} GiB" if self.memory else self.name


def nvidia_cards(driver: Path = DRIVER) -> list[Device]:
    """Return the NVIDIA cards that this machine has, whether TensorFlow can use them or not."""
    listed = _query() if shutil.which("nvidia-smi") else []
    return listed or [Device(_model(card), 0) for card in sorted(driver.glob("*/information"))]


def _query() -> list[Device]:
    try:
        done = subprocess.run(["nvidia-smi", *QUERY], capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):  # no driver behind it
        return []
    pairs = (line.rpartition(",") for line in done.stdout.splitlines())
    return [Device(name.strip(), int(memory) * MIB) for name, _, memory in pairs if memory.strip().isdecimal()]


def _model(information: Path) -> str:
    lines = (line.partition(":") for line in information.read_text(errors="replace").splitlines())
    return next((text.strip() for key, _, text in lines if key.strip() == "Model"), "NVIDIA card")


def usable_gpus() -> list[Device]:
    """Return the GPUs that TensorFlow computes on, in its order."""
    names = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    memory = {card.name: card.memory for card in nvidia_cards()} if names else {}
    return [Device(name, memory.get(name, 0)) for name in names]


def unused_card() -> str | None:
    """Return the sentence for a card that TensorFlow cannot use; None where there is none, or where it is hidden."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return None
    cards = nvidia_cards()
    if not cards or tf.config.list_physical_devices("GPU"):
        return None
    return (
        f"WARNING: this machine has a GPU ({cards[0]}), but TensorFlow finds no CUDA libraries for it and computes "
        "on the processor: `pip install 'leukemia_tf[gpu]'`, or set CUDA_VISIBLE_DEVICES=-1 to compute there on purpose"
    )


def multiplies_bfloat16(cpuinfo: Path = CPUINFO) -> bool:
    """Return whether the processor multiplies matrices of bfloat16 (Intel AMX), and TensorFlow may use that.

    Other instructions do not count: with AVX-512 alone convolutions of bfloat16 are slower than of float32.
    """
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0" or "AMX" not in os.environ.get("ONEDNN_MAX_CPU_ISA", "AMX"):
        return False
    try:
        return "amx_bf16" in cpuinfo.read_text(errors="replace").split()
    except OSError:  # not Linux
        return False


def processor(threads: int) -> Device:
    """Return the processor, with the threads that one operation uses."""
    return Device(f"processor, {threads} thread{'s' * (threads != 1)}", psutil.virtual_memory().total)
