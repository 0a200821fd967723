"""SqueezeNet 1.1 (Iandola et al. 2016), as in torchvision; the layers are named as in the published file."""

from __future__ import annotations

from keras import KerasTensor, Model, layers

from leukemia_tf.models.networks.parts import convolution, max_pool, relu

FIRES = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128), 6: (48, 192), 7: (48, 192), 8: (64, 256), 9: (64, 256)}


def squeezenet(include_top: bool = False, weights: None = None, input_tensor: KerasTensor | None = None) -> Model:
    """Build the backbone: float [n, 224, 224, 3] -> [n, 13, 13, 512]; the other arguments are `keras.applications`'."""
    x = convolution(input_tensor, 64, 3, "conv1", stride=2, padding=0, bias=True)
    x = max_pool(relu(x, "relu_conv1"), 3, "pool1", ceil=True)
    for number, (squeezed, expanded) in FIRES.items():
        x = _fire(x, squeezed, expanded, f"fire{number}")
        if number in (3, 5):
            x = max_pool(x, 3, f"pool{number}", ceil=True)
    return Model(input_tensor, x, name="squeezenet")


def _fire(x: KerasTensor, squeezed: int, expanded: int, name: str) -> KerasTensor:
    x = relu(convolution(x, squeezed, 1, f"{name}_squeeze1x1", bias=True), f"{name}_relu_squeeze1x1")
    sides = []
    for size in (1, 3):
        side = f"expand{size}x{size}"
        sides.append(relu(convolution(x, expanded, size, f"{name}_{side}", bias=True), f"{name}_relu_{side}"))
    return layers.Concatenate(name=f"{name}_concat")(sides)
