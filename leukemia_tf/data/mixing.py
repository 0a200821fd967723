"""MixUp and CutMix: two cells and their labels mixed, drawn without state like the other views."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from leukemia_tf.config import Augmentation
from leukemia_tf.data.draws import draws_of, generator


def epoch_mixing(count: int, settings: Augmentation, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the partner of each position of an epoch, and the share of its own cell in the mixture.

    Returns
    -------
    tuple of numpy.ndarray
        int32 [count]: the partner's position; float32 [count]: the cell's share, 1 where nothing is mixed; negative
        where CutMix pastes a rectangle instead of MixUp blending.
    """
    partner = generator(seed, epoch, "mixing-partner").integers(0, count, count).astype(np.int32)
    share = np.ones(count, np.float32)
    for name, sign in (("mixup", 1), ("cutmix", -1)):
        (probability, alpha), rng = getattr(settings, name), generator(seed, epoch, f"{name}-share")
        on, drawn = rng.random(count) < probability, rng.beta(max(alpha, 1e-3), max(alpha, 1e-3), count)
        share = np.where(on, sign * np.clip(drawn, 1e-3, 1), share)
    return partner, share.astype(np.float32)


def mix(
    cells: tf.Tensor, others: tf.Tensor, labels: tf.Tensor, other_labels: tf.Tensor, share: tf.Tensor, draws: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mix cells and labels with their partners'.

    Parameters
    ----------
    cells, others : tf.Tensor
        uint8 [n, size, size, 3].
    labels, other_labels : tf.Tensor
        float32 [n, 1], 0-1.
    share : tf.Tensor
        float32 [n], as from `epoch_mixing`.
    draws : tf.Tensor
        float32 [n, transforms, NUMBERS]: where CutMix pastes.

    Returns
    -------
    tuple of tf.Tensor
        uint8 [n, size, size, 3] and float32 [n, 1]; the label is mixed as the pixels are.

    Notes
    -----
    Zhang et al. 2018, arXiv:1710.09412; Yun et al. 2019, arXiv:1905.04899.
    """
    size = cells.shape[1]
    weight = tf.abs(share)[:, None, None, None]
    blended = tf.cast(cells, tf.float32) * weight + tf.cast(others, tf.float32) * (1 - weight)
    half = tf.sqrt(1 - tf.abs(share)) * size / 2
    place, centres = tf.range(size, dtype=tf.float32) + 0.5, draws_of(draws, "cutmix")[:, 1:3] * size
    rows, columns = (tf.abs(place - centres[:, axis, None]) < half[:, None] for axis in (0, 1))
    pasted = (rows[:, :, None] & columns[:, None, :])[..., None]
    cut = share < 0
    mixed = tf.where(cut[:, None, None, None], tf.where(pasted, others, cells), tf.cast(tf.round(blended), tf.uint8))
    cut_share = 1 - tf.reduce_mean(tf.cast(pasted, tf.float32), axis=[1, 2, 3])
    label_share = tf.where(cut, cut_share, tf.abs(share))[:, None]
    return mixed, labels * label_share + other_labels * (1 - label_share)
