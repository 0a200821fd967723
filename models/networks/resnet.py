"""ResNet18 and ResNet34 (He et al. 2016), as in torchvision."""

from __future__ import annotations

from keras import KerasTensor, Model, layers

from leukemia_tf.models.networks.parts import convolution, max_pool, normalised, relu


def resnet18(include_top: bool = False, weights: None = None, input_tensor: KerasTensor | None = None) -> Model:
    """Build the backbone: float [n, h, w, 3] -> [n, h / 32, w / 32, 512]; the rest is `keras.applications`'."""
    return _resnet(input_tensor, (2, 2, 2, 2), "resnet18")


def resnet34(include_top: bool = False, weights: None = None, input_tensor: KerasTensor | None = None) -> Model:
    """Build the backbone: float [n, h, w, 3] -> [n, h / 32, w / 32, 512]; the rest is `keras.applications`'."""
    return _resnet(input_tensor, (3, 4, 6, 3), "resnet34")


def _resnet(cells: KerasTensor, counts: tuple[int, ...], name: str) -> Model:
    x = relu(normalised(convolution(cells, 64, 7, "conv1", stride=2), "bn1"), "relu")
    x = max_pool(x, 3, "maxpool", padding=1)
    for stage, count in enumerate(counts, start=1):
        for number in range(count):
            stride = 2 if stage > 1 and number == 0 else 1
            x = _residual(x, 32 * 2**stage, stride, f"layer{stage}_{number}")
    return Model(cells, x, name=name)


def _residual(x: KerasTensor, filters: int, stride: int, name: str) -> KerasTensor:
    shortcut = x
    if stride > 1:
        shortcut = convolution(x, filters, 1, f"{name}_downsample_0", stride)
        shortcut = normalised(shortcut, f"{name}_downsample_1")
    x = relu(normalised(convolution(x, filters, 3, f"{name}_conv1", stride), f"{name}_bn1"), f"{name}_relu1")
    x = normalised(convolution(x, filters, 3, f"{name}_conv2"), f"{name}_bn2")
    return relu(layers.Add(name=f"{name}_add")([shortcut, x]), f"{name}_relu")
