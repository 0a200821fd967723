"""The scratch CNN of the main report: four convolutions of doubling width with growing pools."""

from __future__ import annotations

from keras import KerasTensor, Model, layers


def scratch_base(include_top: bool = False, weights: None = None, input_tensor: KerasTensor | None = None) -> Model:
    """Build the backbone: 3x3 filters 32-64-128-256, padded, each with ReLU and a pool of 2, 2, 3, 5.

    Parameters
    ----------
    include_top, weights
        Unused, for the signature of `keras.applications`.
    input_tensor : keras.KerasTensor
        float [n, h, w, 3], 0-1; sides of at least 60 pixels.

    Returns
    -------
    keras.Model
        From `input_tensor` to float [n, h // 60, w // 60, 256].
    """
    x = input_tensor
    for number, (filters, pool) in enumerate(zip((32, 64, 128, 256), (2, 2, 3, 5), strict=True), start=1):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"block{number}_conv")(x)
        x = layers.MaxPooling2D(pool, name=f"block{number}_pool")(x)
    return Model(input_tensor, x, name="scratch")
