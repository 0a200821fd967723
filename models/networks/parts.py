"""Layers with PyTorch's padding: equal on all sides, or at the end."""

from __future__ import annotations

from keras import KerasTensor, layers


def convolution(
    x: KerasTensor, filters: int, size: int, name: str, stride: int = 1, padding: int | None = None, bias: bool = False
) -> KerasTensor:
    """Convolve, padded by half the kernel's size or by `padding`: float [n, h, w, c] -> [n, h', w', filters]."""
    padding = size // 2 if padding is None else padding
    if padding:
        x = layers.ZeroPadding2D(padding, name=f"{name}_pad")(x)
    return layers.Conv2D(filters, size, stride, use_bias=bias, name=name)(x)


def normalised(x: KerasTensor, name: str, epsilon: float = 1e-5) -> KerasTensor:
    """Normalise the batch, with PyTorch's epsilon."""
    return layers.BatchNormalization(epsilon=epsilon, name=name)(x)


def relu(x: KerasTensor, name: str) -> KerasTensor:
    """Apply ReLU."""
    return layers.Activation("relu", name=name)(x)


def max_pool(x: KerasTensor, size: int, name: str, padding: int = 0, ceil: bool = False) -> KerasTensor:
    """Pool with a stride of 2; `ceil` keeps an incomplete last window.

    Parameters
    ----------
    x : keras.KerasTensor
        float [n, h, w, c], of a known size; 0 or more, because zeros pad it.
    size : int
        Side of the window.
    name : str
        Of the layer.
    padding : int
        Zeros on every side.
    ceil : bool
        PyTorch's `ceil_mode`.
    """
    missing = [(side + 2 * padding - size) % 2 if ceil else 0 for side in x.shape[1:3]]
    if padding or any(missing):
        around = tuple((padding, padding + more) for more in missing)
        x = layers.ZeroPadding2D(around, name=f"{name}_pad")(x)
    return layers.MaxPooling2D(size, 2, name=name)(x)
