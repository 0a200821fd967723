"""Records of the networks that `leukemia_tf.models.networks` defines."""

from __future__ import annotations

from leukemia_tf.models.architecture import Architecture, Block

NETWORKS = "leukemia_tf.models.networks"


def _torchvision(
    name: str,
    module: str,
    scaling: str,
    blocks: tuple[Block, ...],
    parameters: int,
    truncated: int,
    reference: str,
    *more: str,
    head: str = "dense256",
) -> Architecture:
    """Return the record of a network whose weights are converted from torchvision's; `more` are other files' names."""
    return Architecture(
        name=name,
        constructor=f"{NETWORKS}.{module}:{name}",
        scaling=scaling,
        image_size=224,
        blocks=blocks,
        parameters=parameters,
        parameters_truncated=truncated,
        reference=reference,
        head=head,
        weights=(f"{name}.weights.h5", *more),
        converted=True,
    )


def _resnet(depth: int, counts: tuple[int, ...], parameters: int, truncated: int) -> Architecture:
    stages = (Block(f"conv{i + 1}", f"layer{i}_{count - 1}_relu", 2 ** (i + 1)) for i, count in enumerate(counts, 1))
    return _torchvision(
        f"resnet{depth}",
        "resnet",
        "torch",
        (Block("conv1", "maxpool", 4, "relu"), *stages),
        parameters,
        truncated,
        "He, Zhang, Ren & Sun 2016, arXiv:1512.03385",
        head="linear-no-dropout",
    )


PACKAGE_RECORDS = (
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
        cut_head="dense256",  # flattened, the truncated backbone would need 20 million weights in one layer
    ),
    _resnet(18, (2, 2, 2, 2), 11_186_112, 2_787_264),
    _resnet(34, (3, 4, 6, 3), 21_301_696, 8_180_160),
    _torchvision(
        "densenet161",
        "densenet",
        "torch",
        (
            Block("conv1", "features_pool0", 4, "features_relu0"),
            *(
                Block(f"conv{i + 1}", f"features_transition{i}_pool", 4 * 2**i, f"features_transition{i}_conv")
                for i in (1, 2, 3)
            ),
            Block("conv5", "features_relu5", 32),
        ),
        26_691_936,
        17_109_984,
        "Huang, Liu, van der Maaten & Weinberger 2017, arXiv:1608.06993",
    ),
    _torchvision(
        "googlenet",
        "googlenet",
        "symmetric",
        (
            Block("stem", "maxpool2", 32, "conv3_relu"),
            Block("inception3", "maxpool3", 32, "inception3b"),
            Block("inception4", "maxpool4", 32, "inception4e"),
            Block("inception5", "inception5b", 32),
        ),
        5_614_464,
        3_283_904,
        "Szegedy et al. 2015, arXiv:1409.4842",
    ),
    _torchvision(
        "alexnet",
        "alexnet",
        "torch",
        (
            Block("conv1", "pool1", 15, "relu1"),
            Block("conv2", "pool2", 31, "relu2"),
            Block("conv3", "relu3", 31),
            Block("conv4", "relu4", 31),
            Block("conv5", "pool5", 63, "relu5"),
        ),
        2_469_696,
        1_879_616,
        "Krizhevsky 2014, arXiv:1404.5997",
    ),
    _torchvision(
        "squeezenet",
        "squeezenet",
        "caffe",
        (
            Block("conv1", "pool1", 17, "relu_conv1"),
            Block("fire3", "pool3", 17, "fire3_concat"),
            Block("fire5", "pool5", 17, "fire5_concat"),
            Block("fire7", "fire7_concat", 17),
            Block("fire9", "fire9_concat", 17),
        ),
        722_496,
        336_320,
        "Iandola et al. 2016, arXiv:1602.07360 (version 1.1)",
        "squeezenet1.1_notop.h5",
    ),
)
