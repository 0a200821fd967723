"""Records of Keras's networks for small machines.

They pad strided layers by the size that comes in, so a cut one needs as large an image as the whole.
"""

from __future__ import annotations

import math

from leukemia_tf.models.architecture import Architecture, Block
from leukemia_tf.models.keras_records import WEIGHTS, blocks

EFFICIENTNET_WEIGHTS = "https://storage.googleapis.com/keras-applications"


def _stages(depth: float, counts: tuple[int, ...], alone: str) -> tuple[Block, ...]:
    """Return EfficientNet's blocks: stages of `counts` layers by `depth`, one ending with `alone`, then the top's."""
    lengths = [math.ceil(depth * count) for count in counts]
    lasts = [f"block{i}{chr(96 + n)}_{'add' if n > 1 else alone}" for i, n in enumerate(lengths, start=1)]
    return blocks(*((f"block{i}", last, 32) for i, last in enumerate([*lasts, "top_activation"], start=1)))


def _efficientnet(number: int, size: int, depth: float, parameters: int, truncated: int) -> Architecture:
    return Architecture(
        name=f"efficientnetb{number}",
        constructor=f"keras.applications:EfficientNetB{number}",
        scaling="efficientnet",
        image_size=size,
        blocks=_stages(depth, (1, 2, 2, 3, 3, 4), "project_bn"),
        parameters=parameters,
        parameters_truncated=truncated,
        weights=(f"efficientnetb{number}_notop.h5",),
        url=EFFICIENTNET_WEIGHTS,
        reference="Tan & Le 2019, arXiv:1905.11946",
    )


def _efficientnetv2(number: int, size: int, depth: float, parameters: int, truncated: int) -> Architecture:
    return Architecture(
        name=f"efficientnetv2b{number}",
        constructor=f"keras.applications:EfficientNetV2B{number}",
        scaling="inside",
        image_size=size,
        blocks=_stages(depth, (1, 2, 2, 3, 5), "project_activation"),
        parameters=parameters,
        parameters_truncated=truncated,
        weights=(f"efficientnetv2-b{number}_notop.h5",),
        url=f"{WEIGHTS}/efficientnet_v2",
        reference="Tan & Le 2021, arXiv:2104.00298",
    )


def _mobilenetv3(size: str, lasts: tuple[tuple, ...], parameters: int, truncated: int) -> Architecture:
    return Architecture(
        name=f"mobilenetv3{size}",
        constructor=f"keras.applications:MobileNetV3{size.capitalize()}",
        scaling="inside",
        image_size=224,
        blocks=blocks(*lasts),
        parameters=parameters,
        parameters_truncated=truncated,
        weights=(f"weights_mobilenet_v3_{size}_224_1.0_float_no_top_v2.h5",),
        url=f"{WEIGHTS}/mobilenet_v3",
        reference="Howard et al. 2019, arXiv:1905.02244",
        head="linear",
        cut_head="linear",
    )


MOBILE_RECORDS = (
    Architecture(
        name="mobilenetv2",
        constructor="keras.applications:MobileNetV2",
        scaling="symmetric",
        image_size=224,
        blocks=blocks(
            ("stem", "expanded_conv_project_BN", 32),
            ("bottleneck24", "block_2_add", 32),
            ("bottleneck32", "block_5_add", 32),
            ("bottleneck64", "block_9_add", 32),
            ("bottleneck96", "block_12_add", 32),
            ("bottleneck160", "block_15_add", 32),
            ("bottleneck320", "out_relu", 32),
        ),
        parameters=2_257_984,
        parameters_truncated=1_364_864,
        weights=("mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5", "mobilenetv2_1.0_224_notop.h5"),
        url=f"{WEIGHTS}/mobilenet_v2",
        reference="Sandler et al. 2018, arXiv:1801.04381",
        head="linear",
        cut_head="linear",
    ),
    _mobilenetv3(
        "small",
        (
            ("stem", "activation", 32),
            ("bottleneck16", "expanded_conv_project_bn", 32),
            ("bottleneck24", "expanded_conv_2_add", 32),
            ("bottleneck40", "expanded_conv_5_add", 32),
            ("bottleneck48", "expanded_conv_7_add", 32),
            ("bottleneck96", "activation_17", 32),
        ),
        939_120,
        195_144,
    ),
    _mobilenetv3(
        "large",
        (
            ("stem", "expanded_conv_add", 32),
            ("bottleneck24", "expanded_conv_2_add", 32),
            ("bottleneck40", "expanded_conv_5_add", 32),
            ("bottleneck80", "expanded_conv_9_add", 32),
            ("bottleneck112", "expanded_conv_11_add", 32),
            ("bottleneck160", "activation_19", 32),
        ),
        2_996_352,
        803_640,
    ),
    _efficientnet(0, 224, 1.0, 4_049_571, 2_912_371),
    _efficientnet(1, 240, 1.1, 6_575_239, 3_866_119),
    _efficientnet(2, 260, 1.2, 7_768_569, 4_516_653),
    _efficientnet(3, 300, 1.4, 10_783_535, 6_887_029),
    _efficientnet(4, 380, 1.8, 17_673_823, 12_374_763),
    _efficientnet(5, 456, 2.2, 28_513_527, 17_676_907),
    _efficientnet(6, 528, 2.6, 40_960_143, 27_247_801),
    _efficientnet(7, 600, 3.1, 64_097_687, 40_955_735),
    _efficientnetv2(0, 224, 1.0, 5_919_312, 1_392_036),
    _efficientnetv2(1, 240, 1.1, 6_931_124, 1_829_336),
    _efficientnetv2(2, 260, 1.2, 8_769_374, 2_126_924),
    _efficientnetv2(3, 300, 1.4, 12_930_622, 3_029_278),
)
