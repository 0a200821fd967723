"""GoogLeNet (Szegedy et al. 2015), as in torchvision: with batch normalisation, 3x3 for 5x5, no auxiliary heads."""

from __future__ import annotations

from keras import KerasTensor, Model, layers

from leukemia_tf.models.networks.parts import convolution, max_pool, normalised, relu

INCEPTIONS = {  # channels of 1x1; of 3x3, reduced and full; of the second 3x3, reduced and full; behind the pool
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def googlenet(include_top: bool = False, weights: None = None, input_tensor: KerasTensor | None = None) -> Model:
    """Build the backbone: float [n, h, w, 3] -> [n, h / 32, w / 32, 1024]; the rest is `keras.applications`'."""
    x = max_pool(_unit(input_tensor, 64, 7, "conv1", stride=2), 3, "maxpool1", ceil=True)
    x = _unit(_unit(x, 64, 1, "conv2"), 192, 3, "conv3")
    x = max_pool(x, 3, "maxpool2", ceil=True)
    for place, channels in INCEPTIONS.items():
        x = _inception(x, channels, f"inception{place}")
        if place in ("3b", "4e"):
            size, number = (3, 3) if place == "3b" else (2, 4)
            x = max_pool(x, size, f"maxpool{number}", ceil=True)
    return Model(input_tensor, x, name="googlenet")


def _unit(x: KerasTensor, filters: int, size: int, name: str, stride: int = 1) -> KerasTensor:
    x = convolution(x, filters, size, f"{name}_conv", stride)
    return relu(normalised(x, f"{name}_bn", epsilon=1e-3), f"{name}_relu")


def _inception(x: KerasTensor, channels: tuple[int, ...], name: str) -> KerasTensor:
    single, reduced, full, reduced_again, full_again, pooled = channels
    pool = layers.MaxPooling2D(3, 1, padding="same", name=f"{name}_branch4_0")(x)
    branches = [
        _unit(x, single, 1, f"{name}_branch1"),
        _unit(_unit(x, reduced, 1, f"{name}_branch2_0"), full, 3, f"{name}_branch2_1"),
        _unit(_unit(x, reduced_again, 1, f"{name}_branch3_0"), full_again, 3, f"{name}_branch3_1"),
        _unit(pool, pooled, 1, f"{name}_branch4_1"),
    ]
    return layers.Concatenate(name=name)(branches)
