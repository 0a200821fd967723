"""Records of the networks that `keras.applications` brings."""

from __future__ import annotations

from leukemia_tf.models.architecture import Architecture, Block

WEIGHTS = "https://storage.googleapis.com/tensorflow/keras-applications"
NOTOP = "weights_tf_dim_ordering_tf_kernels_notop.h5"


def blocks(*rows: tuple) -> tuple[Block, ...]:
    """Return blocks from their fields."""
    return tuple(Block(*row) for row in rows)


def _vgg(depth: int, convolutions: tuple[int, ...], parameters: int, truncated: int, *more: str) -> Architecture:
    return Architecture(
        name=f"vgg{depth}",
        constructor=f"keras.applications:VGG{depth}",
        scaling="caffe",
        image_size=224,
        blocks=blocks(
            *(
                (f"block{i}", f"block{i}_pool", 2**i, f"block{i}_conv{count}")
                for i, count in enumerate(convolutions, start=1)
            )
        ),
        parameters=parameters,
        parameters_truncated=truncated,
        weights=(f"vgg{depth}_{NOTOP}", *more),
        url=f"{WEIGHTS}/vgg{depth}",
        reference="Simonyan & Zisserman 2015, arXiv:1409.1556",
        head="flat256",
    )


def _resnet(depth: int, counts: tuple[int, ...], parameters: int, truncated: int, *more: str) -> Architecture:
    stages = ((f"conv{i}", f"conv{i}_block{count}_out", 2**i) for i, count in enumerate(counts, start=2))
    return Architecture(
        name=f"resnet{depth}",
        constructor=f"keras.applications:ResNet{depth}",
        scaling="caffe",
        image_size=224,
        blocks=blocks(("conv1", "pool1_pool", 4, "conv1_relu"), *stages),
        parameters=parameters,
        parameters_truncated=truncated,
        weights=(f"resnet{depth}_{NOTOP}", *more),
        url=f"{WEIGHTS}/resnet",
        reference="He, Zhang, Ren & Sun 2016, arXiv:1512.03385",
        head="linear-no-dropout",
    )


def _densenet(depth: int, parameters: int, truncated: int) -> Architecture:
    return Architecture(
        name=f"densenet{depth}",
        constructor=f"keras.applications:DenseNet{depth}",
        scaling="torch",
        image_size=224,
        blocks=blocks(
            ("conv1", "pool1", 4, "conv1_relu"),
            *((f"conv{i}", f"pool{i}_pool", 2 ** (i + 1), f"pool{i}_conv") for i in (2, 3, 4)),
            ("conv5", "relu", 32),
        ),
        parameters=parameters,
        parameters_truncated=truncated,
        weights=(f"densenet{depth}_{NOTOP}",),
        url=f"{WEIGHTS}/densenet",
        reference="Huang, Liu, van der Maaten & Weinberger 2017, arXiv:1608.06993",
    )


KERAS_RECORDS = (
    _vgg(16, (2, 2, 3, 3, 3), 14_714_688, 7_635_264, "vgg16_to_block4_pool.h5"),
    _vgg(19, (2, 2, 4, 4, 4), 20_024_384, 10_585_152),
    _resnet(50, (3, 4, 6, 3), 23_587_712, 8_589_184, "resnet50_to_conv4_block6_out.h5"),
    _resnet(101, (3, 4, 23, 3), 42_658_176, 27_659_648),
    _resnet(152, (3, 8, 36, 3), 58_370_944, 43_372_416),
    _densenet(121, 7_037_504, 4_847_168),
    _densenet(169, 12_642_880, 6_641_728),
    _densenet(201, 18_321_984, 11_238_464),
    Architecture(
        name="convnexttiny",
        constructor="keras.applications:ConvNeXtTiny",
        scaling="inside",
        image_size=224,
        blocks=blocks(
            *((f"stage{i}", f"convnext_tiny_downsampling_block_{i}", 8 * 2**i) for i in range(3)),
            ("stage3", "layer_normalization", 32),
        ),
        parameters=27_820_128,
        parameters_truncated=13_529_184,
        weights=("convnext_tiny_notop.h5",),
        url=f"{WEIGHTS}/convnext",
        reference="Liu et al. 2022, arXiv:2201.03545",
    ),
    Architecture(
        name="xception",
        constructor="keras.applications:Xception",
        scaling="symmetric",
        image_size=299,
        blocks=blocks(
            ("block1", "block1_conv2_act", 7),
            ("block2", "add", 7),
            ("block3", "add_1", 8),
            ("block4", "add_2", 16),
            ("middle", "add_10", 16),
            ("exit", "block14_sepconv2_act", 32),
        ),
        parameters=20_861_480,
        parameters_truncated=14_060_376,
        weights=(f"xception_{NOTOP}",),
        url=f"{WEIGHTS}/xception",
        reference="Chollet 2017, arXiv:1610.02357",
    ),
)
