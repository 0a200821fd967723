"""MixUp and CutMix: two cells and their labels mixed, drawn without state like the other views."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from leukemia_tf.config import Augmentation
from leukemia_tf.data.augment import TRANSFORMS


def epoch_mixing(count: int, settings: Augmentation, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw with whom each position of an epoch is mixed, and how much of its own it keeps.

    Returns
    -------
    tuple of numpy.ndarray
        int32 [count]: the partner's position; float32 [count]: the share kept, 1 where nothing is mixed; negative
        where CutMix pastes a rectangle instead of MixUp blending.
    """
    rng = np.random.default_rng([seed, epoch, 3])
    partner = rng.integers(0, count, count).astype(np.int32)
    share = np.ones(count, np.float32)
    for sign, (probability, alpha) in ((1, settings.mixup), (-1, settings.cutmix)):
        kept, on = rng.beta(max(alpha, 1e-3), max(alpha, 1e-3), count), rng.random(count) < probability
        share = np.where(on, sign * np.clip(kept, 1e-3, 1), share)
    return partner, share.astype(np.float32)


def mix(
    cells: tf.Tensor, others: tf.Tensor, labels: tf.Tensor, other_labels: tf.Tensor, share: tf.Tensor, draws: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mix pictures and labels with their partners'.

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
    kept = tf.abs(share)[:, None, None, None]
    blended = tf.cast(cells, tf.float32) * kept + tf.cast(others, tf.float32) * (1 - kept)
    half = tf.sqrt(1 - tf.abs(share)) * size / 2
    place = tf.range(size, dtype=tf.float32) + 0.5
    rows, columns = (
        tf.abs(place - draws[:, TRANSFORMS.index("cutmix"), number, None] * size) < half[:, None] for number in (1, 2)
    )
    pasted = (rows[:, :, None] & columns[:, None, :])[..., None]
    cut = share < 0
    mixed = tf.where(cut[:, None, None, None], tf.where(pasted, others, cells), tf.cast(tf.round(blended), tf.uint8))
    own = tf.where(cut, 1 - tf.reduce_mean(tf.cast(pasted, tf.float32), axis=[1, 2, 3]), tf.abs(share))[:, None]
    return mixed, labels * own + other_labels * (1 - own)
