"""Explanations of single pixels by their gradients: integrated gradients and SmoothGrad."""

from __future__ import annotations

import cv2
import numpy as np
import tensorflow as tf

from leukemia_tf.explain.target import Target

STEPS = 32  # from black to the cell
SAMPLES, NOISE = 16, 0.15  # noisy copies; the noise's deviation as a share of the pixels' range


def integrated_gradients(target: Target, cells: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Return what each pixel adds to the logit between black and the cell, where that is positive.

    Parameters
    ----------
    target : Target
        The network.
    cells : numpy.ndarray
        uint8 [n, size, size, 3].
    signs : numpy.ndarray
        float32 [n]: 1 to explain `all`, -1 to explain `hem`.

    Returns
    -------
    numpy.ndarray
        float32 [n, size, size], 0 and more.

    Notes
    -----
    Sundararajan, Taly & Yan 2017, arXiv:1703.01365; summed over the colours, then smoothed. At each step the network
    gets the mask of the whole cell.
    """
    return _smooth(np.maximum(attributions(target, cells, signs), 0))


def attributions(target: Target, cells: np.ndarray, signs: np.ndarray, steps: int = STEPS) -> np.ndarray:
    """Return signed integrated gradients, which add up to the difference of logits: float32 [n, size, size]."""
    black, pixels = target.scale(tf.zeros_like(cells)), target.scale(tf.constant(cells))
    shares = (np.arange(steps) + 0.5) / steps  # the midpoint rule
    total = sum(target.pixel_gradients(cells, black + share * (pixels - black), signs) for share in shares.tolist())
    return tf.reduce_sum(total * tf.cast(pixels - black, tf.float32), axis=-1).numpy() / steps


def smoothgrad(target: Target, cells: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Return the absolute gradient of the logit at each pixel, averaged over noisy copies of the cell.

    Parameters and result are those of `integrated_gradients`; the noise is the same for every cell and every call.

    Notes
    -----
    Smilkov et al. 2017, arXiv:1706.03825; absolute values, summed over the colours, then smoothed.
    """
    pixels = target.scale(tf.constant(cells))
    axes = [1, 2, 3]
    spread = NOISE * (tf.reduce_max(pixels, axes, keepdims=True) - tf.reduce_min(pixels, axes, keepdims=True))
    noise = [tf.random.stateless_normal(pixels.shape[1:], (0, number), dtype=pixels.dtype) for number in range(SAMPLES)]
    total = sum(target.pixel_gradients(cells, pixels + spread * sample, signs) for sample in noise)
    return _smooth(tf.reduce_sum(tf.abs(total), axis=-1).numpy() / SAMPLES)


def _smooth(heats: np.ndarray) -> np.ndarray:
    """Smooth maps by a Gaussian of a hundredth of their side: single hot pixels cannot be seen."""
    return np.stack([cv2.GaussianBlur(heat, (0, 0), max(0.3, heat.shape[0] / 100)) for heat in heats])
