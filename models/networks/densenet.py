"""DenseNet161 (Huang et al. 2017), as in torchvision; Keras lacks it."""

from __future__ import annotations

from keras import KerasTensor, Model, layers

from leukemia_tf.models.networks.parts import convolution, max_pool, normalised, relu

GROWTH = 48


def densenet161(include_top: bool = False, weights: None = None, input_tensor: KerasTensor | None = None) -> Model:
    """Build the backbone: float [n, h, w, 3] -> [n, h // 32, w // 32, 2208]; the rest is `keras.applications`'."""
    x = convolution(input_tensor, 2 * GROWTH, 7, "features_conv0", stride=2)
    x = relu(normalised(x, "features_norm0"), "features_relu0")
    x = max_pool(x, 3, "features_pool0", padding=1)
    for number, count in enumerate((6, 12, 36, 24), start=1):
        for layer in range(1, count + 1):
            x = _dense(x, f"features_denseblock{number}_denselayer{layer}")
        if number < 4:
            x = _transition(x, f"features_transition{number}")
    x = relu(normalised(x, "features_norm5"), "features_relu5")
    return Model(input_tensor, x, name="densenet161")


def _dense(x: KerasTensor, name: str) -> KerasTensor:
    new = convolution(relu(normalised(x, f"{name}_norm1"), f"{name}_relu1"), 4 * GROWTH, 1, f"{name}_conv1")
    new = convolution(relu(normalised(new, f"{name}_norm2"), f"{name}_relu2"), GROWTH, 3, f"{name}_conv2")
    return layers.Concatenate(name=f"{name}_concat")([x, new])


def _transition(x: KerasTensor, name: str) -> KerasTensor:
    channels = x.shape[-1] // 2
    x = convolution(relu(normalised(x, f"{name}_norm"), f"{name}_relu"), channels, 1, f"{name}_conv")
    return layers.AveragePooling2D(2, name=f"{name}_pool")(x)
