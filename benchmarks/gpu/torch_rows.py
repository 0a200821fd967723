"""The same networks in PyTorch: channels_last, `torch.compile`, bfloat16 by autocast or float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MIDDLE, SCALE = 116.0, 57.0  # of 255: any scale costs the same


def torch_row(base: str, size: int, precision: str, batch: int, timed: Callable[..., float]) -> dict[str, Any]:
    """Return cells a second of `forward` and `train`, or the sentence that says why there are none.

    Parameters
    ----------
    base, precision : str
        As `throughput.jax_row` takes them.
    size, batch : int
        Side of the cells; cells of a call.
    timed : callable
        Call -> seconds of it; calls wait for the device themselves.
    """
    try:
        import torch
        import torchvision
    except ImportError as error:
        return {"skipped": f"no PyTorch here to compare with ({error})."}
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if base not in NETWORKS:
        return {"skipped": f"{base} has no twin in torchvision."}
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True  # as JAX multiplies float32
    torch.backends.cudnn.benchmark = True
    backbone = NETWORKS[base](torchvision.models)
    try:
        return _times(torch, backbone, device, size, precision, batch, timed)
    except Exception as error:  # whatever a compiler raises: the other rows go on
        return {"skipped": f"PyTorch stopped ({type(error).__name__}: {str(error).splitlines()[0][:200]})."}


def _times(
    torch: Any, backbone: Any, device: str, size: int, precision: str, batch: int, timed: Callable[..., float]
) -> dict[str, Any]:
    with torch.no_grad():
        channels = backbone(torch.zeros(1, 3, size, size)).shape[1]
    pool = (torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(channels, 1))
    model = torch.nn.Sequential(backbone, *pool).to(device, memory_format=torch.channels_last)
    torch.compiler.reset()  # it compiles eight rows, and would run the others without compiling
    compiled = torch.compile(model)
    cells = torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8, device=device)
    cells = cells.to(memory_format=torch.channels_last)
    targets = (torch.arange(batch, device=device) % 2).float()[:, None]
    half = torch.autocast(device, torch.bfloat16, enabled=precision == "mixed_bfloat16")
    optimizer = torch.optim.Adam(model.parameters(), 1e-6, fused=device == "cuda")
    wait = torch.cuda.synchronize if device == "cuda" else (lambda: None)

    def logits() -> Any:
        return compiled((cells.float() - MIDDLE) / SCALE)

    def forward() -> None:
        with torch.no_grad(), half:
            logits()
        wait()

    def train() -> None:
        optimizer.zero_grad(set_to_none=True)
        with half:
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits().float(), targets)
        loss.backward()
        optimizer.step()
        wait()

    model.eval()  # BatchNormalization is fixed in training too
    return {"forward": batch / timed(forward), "train": batch / timed(train), "torch": torch.__version__}


def _resnet50(models: Any) -> Any:
    """Return ResNet50 to the end of conv4, with the strides where Keras has them: in a unit's first convolution."""
    import torch

    whole = models.resnet50(weights=None)
    for layer in (whole.layer2, whole.layer3):
        layer[0].conv1.stride, layer[0].conv2.stride = (2, 2), (1, 1)
    parts = (whole.conv1, whole.bn1, whole.relu, whole.maxpool, whole.layer1, whole.layer2, whole.layer3)
    return torch.nn.Sequential(*parts)


NETWORKS: dict[str, Callable[[Any], Any]] = {
    "resnet50": _resnet50,
    "vgg16": lambda models: models.vgg16(weights=None).features[:24],  # to block4_pool
    "mobilenetv2": lambda models: models.mobilenet_v2(weights=None).features[:17],  # to block_15_add
}
