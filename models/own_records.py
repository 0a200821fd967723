"""Records of the networks that stand in `leukemia_tf.models.networks`."""

from __future__ import annotations

from leukemia_tf.models.architecture import Architecture, Block

NETWORKS = "leukemia_tf.models.networks"


def _torchvision(name: str, module: str, scaling: str, *more: str, **said: object) -> Architecture:
    """Return the record of a network whose weights are converted from torchvision's; `more` are other files' names."""
    return Architecture(
        name=name,
        constructor=f"{NETWORKS}.{module}:{name}",
        scaling=scaling,
        image_size=224,
        weights=(f"{name}.weights.h5", *more),
        converted=True,
        **said,
    )


def _resnet(depth: int, counts: tuple[int, ...], parameters: int, truncated: int) -> Architecture:
    stages = (
        Block(f"conv{i + 1}", f"layer{i}_{count - 1}_relu", 2 ** (i + 1), "", f"layer{i}_0_relu")
        for i, count in enumerate(counts, 1)
    )
    return _torchvision(
        f"resnet{depth}",
        "resnet",
        "torch",
        blocks=(Block("conv1", "maxpool", 4, "relu"), *stages),
        parameters=parameters,
        parameters_truncated=truncated,
        reference="He, Zhang, Ren & Sun 2016, arXiv:1512.03385",
    )


OWN_RECORDS = (
    Architecture(
        name="scratch",
        constructor=f"{NETWORKS}.scratch:scratch_base",
        scaling="unit",
        image_size=300,
        blocks=tuple(
            Block(f"block{i}", f"block{i}_pool", side, f"block{i}_conv")
            for i, side in enumerate((2, 4, 12, 60), start=1)
        ),
        parameters=388_416,
        parameters_truncated=93_248,
        reference="Baldi & Cioffo 2022, section 3.2.2",
        head="flat256-two-dropouts",
        cut_head="dense256",  # flattened, the cut base would need 20 million weights in one layer
    ),
    _resnet(18, (2, 2, 2, 2), 11_186_112, 2_787_264),
    _resnet(34, (3, 4, 6, 3), 21_301_696, 8_180_160),
    _torchvision(
        "densenet161",
        "densenet",
        "torch",
        blocks=(
            Block("conv1", "features_pool0", 4, "features_relu0"),
            *(
                Block(f"conv{i + 1}", f"features_transition{i}_pool", 4 * 2**i, f"features_transition{i}_conv")
                for i in (1, 2, 3)
            ),
            Block("conv5", "features_relu5", 32),
        ),
        parameters=26_691_936,
        parameters_truncated=17_109_984,
        reference="Huang, Liu, van der Maaten & Weinberger 2017, arXiv:1608.06993",
    ),
    _torchvision(
        "googlenet",
        "googlenet",
        "symmetric",
        blocks=(
            Block("stem", "maxpool2", 32, "conv3_relu"),
            Block("inception3", "maxpool3", 32, "inception3b"),
            Block("inception4", "maxpool4", 32, "inception4e"),
            Block("inception5", "inception5b", 32),
        ),
        parameters=5_614_464,
        parameters_truncated=3_283_904,
        reference="Szegedy et al. 2015, arXiv:1409.4842",
    ),
    _torchvision(
        "alexnet",
        "alexnet",
        "torch",
        blocks=(
            Block("conv1", "pool1", 15, "relu1"),
            Block("conv2", "pool2", 31, "relu2"),
            Block("conv3", "relu3", 31),
            Block("conv4", "relu4", 31),
            Block("conv5", "pool5", 63, "relu5"),
        ),
        parameters=2_469_696,
        parameters_truncated=1_879_616,
        reference="Krizhevsky 2014, arXiv:1404.5997",
    ),
    _torchvision(
        "squeezenet",
        "squeezenet",
        "caffe",
        "squeezenet1.1_notop.h5",
        blocks=(
            Block("conv1", "pool1", 17, "relu_conv1"),
            Block("fire3", "pool3", 17, "fire3_concat"),
            Block("fire5", "pool5", 17, "fire5_concat"),
            Block("fire7", "fire7_concat", 17),
            Block("fire9", "fire9_concat", 17),
        ),
        parameters=722_496,
        parameters_truncated=336_320,
        reference="Iandola et al. 2016, arXiv:1602.07360 (version 1.1)",
    ),
)
