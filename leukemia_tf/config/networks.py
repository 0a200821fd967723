"""Settings of the commands about networks, weights, recipes and the learning rate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from leukemia_tf.config.settings import Positional, Settings
from leukemia_tf.config.training import SetupConfig


@dataclass(frozen=True)
class ModelsConfig(Settings):
    """List the networks that --base takes, with their blocks, sizes, parameters, and where their weights are.

    Example: python -m leukemia_tf.models
    """

    json: bool = False
    """Print a list of records instead of the table."""


@dataclass(frozen=True)
class RecipesConfig(Settings):
    """List the recipes that train --recipe takes, with what each reproduces; or one, setting by setting.

    Example: python -m leukemia_tf.recipes resnet50-cut
    """

    name: Annotated[str | None, Positional] = None
    """Recipe (or a .json file of settings) whose settings are shown with what the report states and what is assumed."""
    json: bool = False
    """Print a list of records instead of text; with a name, one record."""


@dataclass(frozen=True)
class ConvertWeightsConfig(Settings):
    """Turn torchvision's published weights into a file that train --weights takes.

    Example: python -m leukemia_tf.convert_weights resnet18-f37072fd.pth --base resnet18
    """

    file: Annotated[Path, Positional]
    """State dict: .safetensors, or .pth where torch is installed."""
    base: str
    """Network, as in train."""
    out: Path | None = None
    """File to write. Default: BASE.weights.h5 in the folder LEUKEMIA_TF_WEIGHTS, else in the working directory."""


@dataclass(frozen=True)
class LrfindConfig(SetupConfig):
    """Find a learning rate: raise it step by step, draw the loss, mark where it falls fastest. No model is saved.

    Example: python -m leukemia_tf.lrfind --base resnet50 --drop-last-block
    """

    out: Path = Path("lrfind.png")
    """PNG to write."""
    steps: int = 100
    """Number of learning rates, from 1e-7 to 1."""
    json: bool = False
    """Print the suggestions as JSON."""
