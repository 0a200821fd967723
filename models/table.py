"""The table of architectures: one record each. Importing it costs nothing; constructors are looked up late."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from dataclasses import dataclass

from leukemia_tf.errors import UserError


@dataclass(frozen=True)
class Block:
    """A named group of a base's layers, the unit of cutting and unfreezing.

    Parameters
    ----------
    name : str
        What users call it.
    last : str
        Its last layer; the block begins after the previous block's last layer.
    explain : str
        The layer whose maps Grad-CAM weighs when the base ends with this block; `last` if empty.
    """

    name: str
    last: str
    explain: str = ""


@dataclass(frozen=True)
class Head:
    """The classifier on a base: pooling, dropout, dense layers with dropout behind, one logit.

    Parameters
    ----------
    pooling : str
        `mean` over space, or `flatten`.
    units : tuple of int
        Width of each dense layer (ReLU).
    dropout : float
        Share of units dropped before the logit, 0-1.
    dropout_before : float
        Share of features dropped before the first dense layer, 0-1.
    """

    pooling: str = "mean"
    units: tuple[int, ...] = (256,)
    dropout: float = 0.5
    dropout_before: float = 0.0


@dataclass(frozen=True)
class Architecture:
    """One network.

    Parameters
    ----------
    name : str
        What users call it.
    constructor : str
        `module:function` that builds the base on `input_tensor`.
    scaling : str
        The input's scale: `unit` [0, 1], `symmetric` [-1, 1], or `caffe` (BGR less the ImageNet mean).
    image_size, smallest_size : int
        Default and smallest side of the input, in pixels.
    blocks : tuple of Block
        From input to output.
    head, cut_head : Head
        The default head of the whole and of the cut base.
    weights : tuple of str
        File names under which ImageNet weights are known; Keras's own first.
    address : str
        Where the weights can be downloaded, without the file's name; empty where nowhere.
    reference : str
        The paper.
    """

    name: str
    constructor: str
    scaling: str
    image_size: int
    smallest_size: int
    blocks: tuple[Block, ...]
    head: Head
    cut_head: Head
    weights: tuple[str, ...]
    address: str
    reference: str

    def build_base(self) -> Callable:
        """Import and return the constructor."""
        module, function = self.constructor.split(":")
        return getattr(importlib.import_module(module), function)


KERAS_WEIGHTS = "https://storage.googleapis.com/tensorflow/keras-applications"
_POOLED = Head()

ARCHITECTURES = {
    record.name: record
    for record in (
        Architecture(
            name="scratch",
            constructor="leukemia_tf.models.scratch:scratch_base",
            scaling="unit",
            image_size=300,
            smallest_size=60,
            blocks=tuple(Block(f"block{i}", f"block{i}_pool", f"block{i}_conv") for i in range(1, 5)),
            head=Head(pooling="flatten", dropout_before=0.5),
            cut_head=_POOLED,  # flattened, the cut base would need 20 million weights in one layer
            weights=(),
            address="",
            reference="Baldi & Cioffo 2022, section 3.2.2",
        ),
        Architecture(
            name="vgg16",
            constructor="keras.applications:VGG16",
            scaling="caffe",
            image_size=224,
            smallest_size=32,
            blocks=tuple(
                Block(f"block{i}", f"block{i}_pool", f"block{i}_conv{convolutions}")
                for i, convolutions in enumerate((2, 2, 3, 3, 3), start=1)
            ),
            head=_POOLED,
            cut_head=_POOLED,
            weights=("vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "vgg16_to_block4_pool.h5"),
            address=f"{KERAS_WEIGHTS}/vgg16",
            reference="Simonyan & Zisserman 2015, arXiv:1409.1556",
        ),
        Architecture(
            name="resnet50",
            constructor="keras.applications:ResNet50",
            scaling="caffe",
            image_size=224,
            smallest_size=32,
            blocks=(
                Block("conv1", "pool1_pool", "conv1_relu"),
                Block("conv2", "conv2_block3_out"),
                Block("conv3", "conv3_block4_out"),
                Block("conv4", "conv4_block6_out"),
                Block("conv5", "conv5_block3_out"),
            ),
            head=_POOLED,
            cut_head=_POOLED,
            weights=("resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5", "resnet50_to_conv4_block6_out.h5"),
            address=f"{KERAS_WEIGHTS}/resnet",
            reference="He, Zhang, Ren & Sun 2016, arXiv:1512.03385",
        ),
        Architecture(
            name="mobilenetv2",
            constructor="keras.applications:MobileNetV2",
            scaling="symmetric",
            image_size=224,
            smallest_size=32,
            blocks=(
                Block("stem", "expanded_conv_project_BN"),
                Block("bottleneck24", "block_2_add"),
                Block("bottleneck32", "block_5_add"),
                Block("bottleneck64", "block_9_add"),
                Block("bottleneck96", "block_12_add"),
                Block("bottleneck160", "block_15_add"),
                Block("bottleneck320", "out_relu"),
            ),
            head=Head(units=()),
            cut_head=Head(units=()),
            weights=(
                "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
                "mobilenetv2_1.0_224_notop.h5",
            ),
            address=f"{KERAS_WEIGHTS}/mobilenet_v2",
            reference="Sandler et al. 2018, arXiv:1801.04381",
        ),
    )
}


def find_architecture(name: str) -> Architecture:
    """Return a record by its name.

    Raises
    ------
    UserError
        If there is none; the nearest names are told.
    """
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]
    near = difflib.get_close_matches(name.lower(), ARCHITECTURES, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(ARCHITECTURES)}."
    raise UserError(f"--base {name}: no such network; {hint}")
