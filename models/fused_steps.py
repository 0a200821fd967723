"""A network for training steps at another dtype of its maps, on the float32 variables of the network itself."""

from __future__ import annotations

from typing import Any

import keras
from keras import KerasTensor, layers, ops

from leukemia_tf.models.fused_batchnorm import clone_without, computes_maps, norms_behind

CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D)


def fuse_for_steps(model: keras.Model, map_dtype: str) -> keras.Model:
    """Return a copy of a network with maps of another dtype, whose variables are those of the network.

    A frozen BatchNormalization is fused into the convolution before it: its statistics and scale are applied to the
    kernel, through which the gradient passes. One that learns, pooled features and the logit stay float32.

    Parameters
    ----------
    model : keras.Model
        A network of float32, or a part of one. It is not changed.
    map_dtype : str
        The dtype policy of the layers whose outputs are maps, such as `mixed_bfloat16`.

    Returns
    -------
    keras.Model
        With the same inputs, outputs and variables. For training and for predictions, not to be saved.
    """
    norms = {name: norm for name, norm in norms_behind(model).items() if not norm.trainable}
    maps = keras.DTypePolicy(map_dtype).compute_dtype

    def copy(layer: layers.Layer) -> layers.Layer:
        if type(layer) in CONVOLUTIONS and computes_maps(layer):
            return NormalizedConvolution(layer, norms.get(layer.name), maps, name=layer.name)
        config = layer.get_config()
        if isinstance(layer, layers.InputLayer):
            return type(layer).from_config(config)
        if "dtype" in config and computes_maps(layer) and not layer.variables:
            return type(layer).from_config(config | {"dtype": map_dtype})
        return layer

    return clone_without({norm.name for norm in norms.values()}, model, copy)


class NormalizedConvolution(layers.Layer):
    """A convolution of another network, with the frozen BatchNormalization behind it.

    Parameters
    ----------
    convolution : keras.layers.Conv2D or keras.layers.DepthwiseConv2D
        Built; its variables are used.
    norm : keras.layers.BatchNormalization, optional
        Built and frozen.
    map_dtype : str
        In which it convolves.
    name : str
        Of this layer.
    """

    def __init__(
        self, convolution: layers.Layer, norm: layers.BatchNormalization | None, map_dtype: str, name: str
    ) -> None:
        super().__init__(name=name, autocast=False)
        self.convolution, self.norm, self.map_dtype = convolution, norm, map_dtype
        self.built = True

    def call(self, maps: Any) -> Any:
        """Return [n, h, w, c] of `map_dtype`, of maps of any float dtype."""
        layer, kernel = self.convolution, ops.convert_to_tensor(self.convolution.kernel)
        shift = ops.convert_to_tensor(layer.bias) if layer.use_bias else None
        depthwise = isinstance(layer, layers.DepthwiseConv2D)
        if self.norm is not None:
            scale, offset = _scale_and_offset(self.norm)
            kernel = kernel * (ops.reshape(scale, kernel.shape[-2:]) if depthwise else scale)
            shift = offset if shift is None else offset + shift * scale
        convolve = ops.depthwise_conv if depthwise else ops.conv
        settings = (layer.strides, layer.padding, layer.data_format, layer.dilation_rate)
        outputs = convolve(ops.cast(maps, self.map_dtype), ops.cast(kernel, self.map_dtype), *settings)
        return layer.activation(outputs if shift is None else ops.add(outputs, ops.cast(shift, self.map_dtype)))

    def compute_output_spec(self, maps: KerasTensor) -> KerasTensor:
        """Return the shape of the convolution's outputs."""
        return KerasTensor(self.convolution.compute_output_shape(maps.shape), dtype=self.map_dtype)


def _scale_and_offset(norm: layers.BatchNormalization) -> tuple[Any, Any]:
    """Return what a frozen BatchNormalization multiplies each channel by, and what it adds: float32 [c]."""
    scale = ops.rsqrt(norm.moving_variance + norm.epsilon)
    scale = scale * norm.gamma if norm.scale else scale
    offset = -norm.moving_mean * scale
    return scale, offset + norm.beta if norm.center else offset
