"""torchvision's published weights, in the layers of this package's networks."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import keras
import numpy as np
from safetensors.numpy import load_file

from leukemia_tf.core.errors import WeightsError
from leukemia_tf.models.cell_input import CAFFE_MEAN, DEVIATION, MEAN

FIRES = {"3": 2, "4": 3, "6": 4, "7": 5, "9": 6, "10": 7, "11": 8, "12": 9}
ALEXNET = {"0": "conv1", "3": "conv2", "6": "conv3", "8": "conv4", "10": "conv5"}


def read_state(path: Path) -> dict[str, np.ndarray]:
    """Read a state dict: arrays by name.

    Raises
    ------
    WeightsError
        If the file is missing, is no state dict, or torch is not installed to read it.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no such file.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        import torch

        state = torch.load(path, map_location="cpu", weights_only=True)
        return {name: tensor.numpy() for name, tensor in state.items()}
    except ImportError:
        raise WeightsError(f"{path}: reading it needs torch: `pip install torch`.") from None
    except Exception:  # each format's reader has errors of many types
        raise WeightsError(f"{path}: it is no state dict, in safetensors' format or in torch's.") from None


def layer_name(base: str, module: str) -> str:
    """Return the name of the layer for a module of torchvision: `layer1.0.conv1` -> `layer1_0_conv1`."""
    if base == "alexnet":
        return ALEXNET.get(module.removeprefix("features."), module)
    if base == "squeezenet":
        if match := re.fullmatch(r"features\.(\d+)\.(squeeze|expand1x1|expand3x3)", module):
            part = "squeeze1x1" if match[2] == "squeeze" else match[2]
            return f"fire{FIRES[match[1]]}_{part}"
        return "conv1" if module == "features.0" else module
    module = re.sub(r"\.(norm|conv)\.([12])$", r".\1\2", module)  # DenseNet's published files
    return module.replace(".", "_")


def fill(base: keras.Model, name: str, scaling: str, state: dict[str, np.ndarray]) -> None:
    """Copy a state dict into a whole backbone.

    Parameters
    ----------
    base : keras.Model
        Its weights are overwritten.
    name, scaling : str
        The architecture's.
    state : dict
        As from `read_state`; a classifier in it is ignored.

    Raises
    ------
    WeightsError
        If a layer of the backbone is not in it, or has another shape.
    """
    modules: defaultdict[str, dict[str, np.ndarray]] = defaultdict(dict)
    for key, array in state.items():
        module, _, kind = key.rpartition(".")
        modules[layer_name(name, module)][kind] = array
    weighted = [layer for layer in base.layers if layer.weights]
    for layer in weighted:
        if layer.name not in modules:
            raise WeightsError(f"it has no {layer.name}.")
        arrays = _arrays(layer, modules[layer.name])
        if [array.shape for array in arrays] != [tuple(weight.shape) for weight in layer.weights]:
            raise WeightsError(f"its {layer.name} has another shape.")
        layer.set_weights(arrays)
    if scaling == "caffe":
        _rescale_for_caffe(weighted[0])


def _arrays(layer: keras.layers.Layer, module: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return a module's arrays in Keras's order and layout."""
    if isinstance(layer, keras.layers.BatchNormalization):
        return [module[kind] for kind in ("weight", "bias", "running_mean", "running_var") if kind in module]
    kernel = module.get("weight", np.empty(0))
    arrays = [kernel.transpose(2, 3, 1, 0) if kernel.ndim == 4 else kernel]
    return [*arrays, module["bias"]] if "bias" in module else arrays


def _rescale_for_caffe(first: keras.layers.Layer) -> None:
    """Rescale an unpadded first convolution of `torch`'s scaling for the input that `caffe` scales."""
    kernel, bias = first.get_weights()
    kernel = kernel / (255 * np.array(DEVIATION, np.float32))[:, None]
    shift = (np.array(CAFFE_MEAN[::-1]) - 255 * np.array(MEAN)).astype(np.float32)
    first.set_weights([kernel[:, :, ::-1], bias + (kernel * shift[:, None]).sum(axis=(0, 1, 2))])
