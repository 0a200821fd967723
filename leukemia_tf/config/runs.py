"""Settings of the commands that work on finished runs: evaluate, compare, combine, export, serve."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from leukemia_tf.config.reading import Reading
from leukemia_tf.config.settings import Images, Names, Positional, Settings


@dataclass(frozen=True)
class EvaluateConfig(Reading):
    """Score a run on its validation and test patients, with 95 % intervals over patients.

    Example: python -m leukemia_tf.evaluate runs/2026-11-21T10-15-resnet50-cut
    """

    run: Annotated[Path | None, Positional] = None
    """Run folder, or a .keras file with --data; or a folder of crossval, whose report is written anew. Default: the
    newest run in runs/."""
    data: Path | None = None
    """New location of the run's cells; or another folder of labelled cells for external validation."""
    seed: int = 0
    """Seed of the permutation test."""
    threshold: str | None = None
    """Refit temperature and threshold on the validation part, and store both in the run's network: a number, youden,
    or sensitivity:0.95 and the like. The former network is kept in RUN/before-TIME. Default: leave both unchanged."""
    tta: str = "none"
    """Test-time augmentation; the logit is the mean over the views: none, dihedral, five-crop or ten-crop."""
    paper: Path | None = None
    """Folder for a paper: each figure as PDF, SVG and PNG (300 dpi), each table as LaTeX and CSV, and methods.txt."""
    json: bool = False
    """Print metrics.json instead of the tables."""


@dataclass(frozen=True)
class StressConfig(Settings):
    """Test whether a network looks at the cell: its scores on altered test cells, beside the unaltered ones.

    Example: python -m leukemia_tf.stress runs/2026-11-21T10-15-resnet50-cut
    """

    run: Annotated[Path | None, Positional] = None
    """Run folder; or a folder of crossval, whose out-of-fold cells are pooled. Default: the newest in runs/."""
    data: Path | None = None
    """New location of the run's cells."""
    out: Path | None = None
    """Folder for stress.json, figures/stress.png and a report.html of them. Default: the run folder, where all three
    are written in any case."""
    cells: int = 100
    """Number of test cells, spread over the patients; every patient keeps at least one."""
    tta: str = "none"
    """Test-time augmentation of every picture, as in evaluate."""
    seed: int = 0
    """Seed of the choice of cells."""
    json: bool = False
    """Print stress.json instead of the table."""


@dataclass(frozen=True)
class CompareConfig(Settings):
    """Compare runs on the test cells that they share: paired differences, errors by cell and patient, costs.

    Example: python -m leukemia_tf.compare runs/ONE runs/OTHER
    """

    runs: Images
    """Run folders; differences are to the first."""
    out: Path = Path("compare")
    """Folder for report.html, compare.json, errors.csv and the figures."""
    json: bool = False
    """Print compare.json instead of the table."""


@dataclass(frozen=True)
class EnsembleConfig(Settings):
    """Combine finished runs of one split into one network, and compare it with each of them.

    Example: python -m leukemia_tf.ensemble runs/ONE runs/OTHER --method genetic
    """

    runs: Images
    """Two or more run folders with the same test cells, or folders of crossval with the same folds."""
    method: str = "average"
    """average (of probabilities), vote, or genetic (a weighted average; a genetic algorithm optimises the weights on
    the validation patients). For cross-validations all three are compared, with weights from the other folds."""
    out: Path | None = None
    """Run folder to write. Default: runs/DATE-ensemble."""
    threshold: str = "0.5"
    """As in train."""
    seed: int = 0
    """Seed of the genetic algorithm and of the permutation test."""


@dataclass(frozen=True)
class ExportConfig(Settings):
    """Export a network for TensorFlow Serving (NAME/VERSION/saved_model.pb) or another runtime.

    Example: python -m leukemia_tf.export
    """

    run: Annotated[Path | None, Positional] = None
    """Run folder, or a .keras file. Default: the newest in runs/."""
    out: Path = Path("saved_models")
    """Folder of exported models; the version is the next free number."""
    name: str | None = None
    """Name of the served model. Default: the run's network, such as resnet50-cut (resnet50-cut-onnx in that format),
    or the .keras file's name."""
    format: str = "tf_saved_model"
    """tf_saved_model; or onnx, openvino or litert, which take preprocessed cells."""
    method: str = "gradcam"
    """Class-activation map of the SavedModel's signature explain: gradcam, gradcam++, hirescam, layercam, xgradcam or
    eigencam."""


@dataclass(frozen=True)
class ServeConfig(Settings):
    """Serve an exported model: TensorFlow Serving's REST paths, a page to drop images on, metrics.

    Example: python -m leukemia_tf.serve saved_models/resnet50-cut --port 8501
    """

    folder: Annotated[Path, Positional]
    """Model folder with one subfolder per version; a newer version is served as soon as it appears."""
    port: int = 8501
    """Port; 0 takes a free one."""
    host: str = "127.0.0.1"
    """Address to listen at. Beyond this machine, set LEUKEMIA_TF_TOKEN to the bearer token that clients must send."""
    timeout: float = 30.0
    """Seconds after which a request is aborted."""
    cors_origin: Names = ()
    """Origins whose pages may send requests from a browser, as in https://lab.example. Default: none."""
    json_logs: bool = False
    """Log one JSON object a line."""
