"""The PyTorch side of peers.py: requests and answers are lines of JSON. It needs torch and torchvision alone."""

from __future__ import annotations

import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from peers_child import SIDE, seconds, serve
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent / "gpu"))
from torch_rows import MIDDLE, NETWORKS, SCALE

LAST = {"resnet50": "6.", "vgg16": ("17.", "19.", "21."), "mobilenetv2": ("14.", "15.", "16.")}  # the last block
torch._dynamo.config.recompile_limit = 64  # beyond its 8 it would run without compiling


class Files(torch.utils.data.Dataset):
    """Pictures: decoded, and the middle of each."""

    def __init__(self, paths: list[str], side: int) -> None:
        self.paths, self.side = paths, side

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        with Image.open(self.paths[index]) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        top, left = ((length - self.side) // 2 for length in pixels.shape[:2])
        return torch.from_numpy(pixels[top : top + self.side, left : left + self.side].copy()).permute(2, 0, 1)


@cache
def network(name: str, variant: str) -> tuple[Any, Any]:
    """Return a truncated network with a logit, and the same as it is called."""
    backbone = NETWORKS[name](torchvision.models)
    with torch.no_grad():
        channels = backbone(torch.zeros(1, 3, 64, 64)).shape[1]
    layers = (torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(channels, 1))
    model = torch.nn.Sequential(backbone, *layers).eval()  # BatchNormalization is fixed in training too
    for key, parameter in backbone.named_parameters():
        parameter.requires_grad = key.startswith(LAST[name])
    if variant != "eager":
        model = model.to(memory_format=torch.channels_last)
    return model, torch.compile(model) if variant == "compile" else model


def answer(request: dict[str, Any]) -> float:
    """Return the seconds of a row: `peak`, `forward`, `extract` or `train`."""
    half = torch.autocast("cpu", torch.bfloat16, enabled=request["precision"] == "bfloat16")
    if request["row"] == "peak":
        matrix = torch.ones(SIDE, SIDE, dtype=getattr(torch, request["precision"]))
        return seconds(lambda: matrix @ matrix)
    model, called = network(request["network"], request["variant"])
    layout = torch.contiguous_format if request["variant"] == "eager" else torch.channels_last

    def logits(cells: torch.Tensor) -> torch.Tensor:
        return called(((cells.float() - MIDDLE) / SCALE).to(memory_format=layout))

    if request["row"] == "extract":
        loader = torch.utils.data.DataLoader(Files(request["files"], request["size"]), 32, num_workers=1)
        began = time.perf_counter()
        with torch.no_grad(), half:
            for cells in loader:
                logits(cells)
        return time.perf_counter() - began
    side, batch = request["size"], request["batch"]
    cells = torch.randint(0, 256, (batch, 3, side, side), dtype=torch.uint8)
    if request["row"] == "forward":
        with torch.no_grad(), half:
            return seconds(lambda: logits(cells))
    optimizer = torch.optim.Adam([each for each in model.parameters() if each.requires_grad], 1e-6)
    targets = (torch.arange(batch) % 2).float()[:, None]

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with half:
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits(cells).float(), targets)
        loss.backward()
        optimizer.step()

    return seconds(step)


if __name__ == "__main__":
    serve(answer)
