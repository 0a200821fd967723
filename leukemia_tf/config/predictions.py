"""Settings of the commands that predict and explain images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from leukemia_tf.config.settings import EngineConfig, Images, Names, Positional, Runs, Settings


@dataclass(frozen=True)
class PredictConfig(EngineConfig):
    """Predict leukemic or normal for each image; one row per image, in the order given.

    Example: python -m leukemia_tf.predict cell-1.bmp cell-2.bmp --out predictions.csv
    """

    images: Images
    """Image files, folders of them, or patterns such as 'cells/*.bmp'."""
    run: Path | None = None
    """Run folder, or a .keras file. Default: the newest in runs/."""
    out: Path | None = None
    """CSV to write, or JSON lines if it ends in .jsonl; a table of the patients is printed. Default: print the CSV."""
    batch_size: int = 32
    """Images per batch."""
    submission: Path | None = None
    """File to write in the C-NMC challenge's format: one line per image, 0 or 1, in the order of their numbers."""
    json: bool = False
    """Print JSON lines instead of the CSV."""
    runtime: str = "tensorflow"
    """Runtime of the network: tensorflow, or onnx, openvino or litert (pip install 'leukemia_tf[onnx]', …)."""


@dataclass(frozen=True)
class GradcamConfig(Settings):
    """Show where in the cell the network looked: cell, heat map and overlay in one picture.

    Example: python -m leukemia_tf.gradcam image.bmp
    """

    images: Images
    """Image files, or folders of them. Several images get one overlay each, and contact sheets."""
    run: Runs = ()
    """Run folder, or a .keras file; --run ONE --run OTHER draws them side by side. Default: the newest in runs/."""
    out: Path | None = None
    """PNG to write; of several images, a folder. Default: NAME-METHOD.png in the working directory, numbered if that
    exists."""
    method: Names = ()
    """gradcam, gradcam++, hirescam, layercam, xgradcam, eigencam, scorecam, occlusion, integrated-gradients or
    smoothgrad; several are drawn side by side. Default: gradcam; a line names a method that
    explain_check found more faithful."""
    layer: str | None = None
    """Layer or block to explain at. Default: all depths that the head reads, their maps added; for a head of one depth
    the last convolutional layer of the base."""
    inside: bool = False
    """Set the heat outside the cell to zero."""
    save_arrays: bool = False
    """Write NAME-RUN-METHOD.npz for each map: heat in the original's pixels, its shares, the members' maps, their
    windows, and the prediction."""


@dataclass(frozen=True)
class ExplainCheckConfig(Settings):
    """Measure the faithfulness of heat maps on a run's test cells, in a table beside a random map.

    Example: python -m leukemia_tf.explain_check runs/2026-11-21T10-15-resnet50-cut
    """

    run: Annotated[Path | None, Positional] = None
    """Run folder. Default: the newest in runs/."""
    data: Path | None = None
    """New location of the run's cells."""
    out: Path | None = None
    """Folder for report.html, explain-check.json, the figures and contact sheets of correctly and wrongly classified
    cells. Default: explain-check in the run folder, where explain-check.json is written in any case."""
    method: Names = ()
    """As in gradcam. Default: all."""
    layer: str | None = None
    """As in gradcam."""
    cells: int = 60
    """Number of test cells, spread over the patients; a tenth of them is used for the weight-randomisation test."""
    seed: int = 0
    """Seed of the cells, the random map and the shuffled weights."""
    json: bool = False
    """Print explain-check.json instead of the tables."""


@dataclass(frozen=True)
class ActivationsConfig(Settings):
    """Draw the feature maps of each convolutional and pooling layer, and print where each layer is active.

    Example: python -m leukemia_tf.activations image.bmp
    """

    image: Annotated[Path, Positional]
    """Image file."""
    run: Runs = ()
    """Run folder, or a .keras file; --run ONE --run OTHER draws them side by side. Default: the newest in runs/."""
    out: Path | None = None
    """PNG to write. Default: NAME-activations.png in the working directory, numbered if that exists."""
    layer: Names = ()
    """Layer or block to draw; several by --layer ONE --layer OTHER. Default: all convolutional and pooling layers."""
    filters: str = "16"
    """Number of each layer's most active filters that are drawn; or all, in their order, with a CSV of where each one
    is active beside the picture."""
    json: bool = False
    """Print the layers' numbers as JSON instead of the table; with --filters all, each filter's too."""
