"""Blur, noise and shifted colour channels inside a training step, on any Keras backend.

Pixels are float32 [n, size, size, 3], 0-255; numbers float32 [n, 3], -1 to 1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from keras import ops

CUBIC = -0.75  # OpenCV's; Keys 1981
_ODD = (0x9E3779B1, 0x85EBCA6B, 0xC2B2AE35)  # large odd numbers, one for each of a cell's draws


def gaussian_blur(values: Any, numbers: Any, reach: float) -> Any:
    """Blur by a Gaussian with a standard deviation of 0 to `reach` pixels."""
    radius = min(max(1, math.ceil(3 * reach)), values.shape[1] - 1)
    offsets = np.arange(-radius, radius + 1, dtype=np.float32)
    sigma = ops.maximum(ops.abs(numbers[:, :1]) * reach, 0.05)
    kernels = ops.softmax(-0.5 * (offsets / sigma) ** 2, axis=-1)[..., None]
    return _filtered(values, kernels, kernels)


def channel_shift(values: Any, numbers: Any, reach: float) -> Any:
    """Move red and blue against green by up to `reach` pixels (bicubic), as lenses and cameras do."""
    radius = min(math.ceil(reach) + 2, values.shape[1] - 1)
    offsets = np.arange(-radius, radius + 1, dtype=np.float32)[:, None]
    red, blue, down = (numbers[:, index] * reach for index in range(3))
    still = ops.zeros_like(red)
    across, along = (ops.stack(moves, axis=-1)[:, None, :] for moves in ((red, still, blue), (down, still, -down)))
    return _filtered(values, _cubic(offsets + along), _cubic(offsets + across))


def _cubic(distance: Any) -> Any:
    """Return the weight of a pixel at such a distance in a bicubic interpolation."""
    x = ops.abs(distance)
    near = ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1
    far = ((CUBIC * x - 5 * CUBIC) * x + 8 * CUBIC) * x - 4 * CUBIC
    return ops.where(x < 1, near, ops.where(x < 2, far, 0.0))


def _filtered(values: Any, down: Any, across: Any) -> Any:
    """Filter columns, then rows, by kernels of each cell: float32 [n, taps, 3 or 1] each."""
    taps, size = down.shape[1], values.shape[1]
    margin = (taps // 2, taps // 2)
    padded = ops.pad(values, ((0, 0), margin, margin, (0, 0)), mode="reflect")
    rows = sum(padded[:, tap : tap + size] * down[:, tap, None, None, :] for tap in range(taps))
    return sum(rows[:, :, tap : tap + size] * across[:, tap, None, None, :] for tap in range(taps))


def gaussian_noise(values: Any, numbers: Any, reach: float) -> Any:
    """Add Gaussian noise with a standard deviation of 0 to `reach` grey levels; it follows from the numbers alone."""
    size, channels = values.shape[1], values.shape[-1]
    place = np.arange(size * size * channels, dtype=np.uint32)[None]
    key = sum(ops.cast((numbers[:, i] + 1) * 2**22, "uint32") * np.uint32(_ODD[i]) for i in range(3))
    first, second = (_uniform(place * np.uint32(2) + np.uint32(part), key) for part in (0, 1))
    normal = ops.sqrt(-2 * ops.log(first)) * ops.cos(2 * math.pi * second)  # Box & Muller 1958
    amount = ops.abs(numbers[:, 0]) * reach
    return values + amount[:, None, None, None] * ops.reshape(normal, (-1, size, size, channels))


def _uniform(place: Any, key: Any) -> Any:
    """Return a number above 0 up to 1 of each place and key: uint32 [1, k], [n] -> float32 [n, k]."""
    bits = _scrambled(ops.convert_to_tensor(place) + _scrambled(key)[:, None])
    return (ops.cast(ops.right_shift(bits, np.uint32(8)), "float32") + 1) / 2**24


def _scrambled(bits: Any) -> Any:
    """Return other bits in which each depends on all: uint32; Wellons' `lowbias32`."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        bits = ops.bitwise_xor(bits, ops.right_shift(bits, np.uint32(shift))) * np.uint32(factor)
    return ops.bitwise_xor(bits, ops.right_shift(bits, np.uint32(16)))
