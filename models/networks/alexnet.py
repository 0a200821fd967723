"""AlexNet (Krizhevsky 2014, "One weird trick"), as in torchvision."""

from __future__ import annotations

from keras import KerasTensor, Model

from leukemia_tf.models.networks.parts import convolution, max_pool, relu


def alexnet(include_top: bool = False, weights: None = None, input_tensor: KerasTensor | None = None) -> Model:
    """Build the backbone: float [n, 224, 224, 3] -> [n, 6, 6, 256]; the other arguments are `keras.applications`'."""
    x = convolution(input_tensor, 64, 11, "conv1", stride=4, padding=2, bias=True)
    x = max_pool(relu(x, "relu1"), 3, "pool1")
    x = max_pool(relu(convolution(x, 192, 5, "conv2", bias=True), "relu2"), 3, "pool2")
    x = relu(convolution(x, 384, 3, "conv3", bias=True), "relu3")
    x = relu(convolution(x, 256, 3, "conv4", bias=True), "relu4")
    x = max_pool(relu(convolution(x, 256, 3, "conv5", bias=True), "relu5"), 3, "pool5")
    return Model(input_tensor, x, name="alexnet")
