"""What the commands other than `train` can be asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from leukemia_tf.config.settings import Augmentation, EngineConfig, Images, Names, Runs, Settings
from leukemia_tf.config.training import SetupConfig, TrainConfig


@dataclass(frozen=True)
class AuditConfig(Settings):
    """Check a folder of cells: damaged files, duplicates, odd cells, labels, patients; measure the leak.

    Example: python -m leukemia_tf.audit path/to/C-NMC_Leukemia --out audit
    """

    folder: Annotated[Path | None, Positional] = None
    """Folder of cells. Default: LEUKEMIA_TF_DATA, else the embedded phantom cells."""
    out: Path = Path("audit")
    """Folder for audit.json, cells.csv, rejected.csv and the figures."""
    on_bad_image: str = "fail"
    """fail (exit 2 after the report), skip, or quarantine (move bad files out of the data folder)."""
    convert_to: Path | None = None
    """Folder for clean PNGs of files that only OpenCV reads: TIFF, 1-bit, palette, 16-bit."""
    leak: bool = False
    """Measure how much better folds by image look than folds by patient, with frozen ResNet50 features."""
    weights: str = "imagenet"
    """For --leak: imagenet, a file, or none, as in train."""
    seed: int = 0
    """Seed of the folds and of the bootstrap."""
    json: bool = False
    """Print audit.json instead of the table."""


@dataclass(frozen=True)
class PreviewConfig(Settings):
    """Draw what the network would see: an image in every framing and contrast, or under each augmentation of one cell.

    Example: python -m leukemia_tf.preview image.bmp --augmentations
    """

    image: Annotated[Path, Positional]
    """Image file."""
    augmentations: bool = False
    """Draw random views, a row a transform at its range, the last row all that --augment asks for."""
    framing: str = "fixed"
    """For --augmentations: as in train."""
    contrast: str = "stain"
    """For --augmentations: as in train."""
    augment: Augmentation = field(default_factory=Augmentation)
    """Ranges and probabilities."""
    out: Path | None = None
    """PNG to write. Default: beside the image."""
    seed: int = 0
    """Seed of the random views."""


@dataclass(frozen=True)
class ModelsConfig(Settings):
    """List the networks that --base takes, with their blocks, sizes, parameters, and where their weights are.

    Example: python -m leukemia_tf.models
    """

    json: bool = False
    """Print a list of records instead of the table."""


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
    """File to write. Default: BASE.weights.h5 in the folder LEUKEMIA_TF_WEIGHTS, else here."""


@dataclass(frozen=True)
class EvaluateConfig(Settings):
    """Score a run on its validation and test patients, with 95 % intervals over patients.

    Example: python -m leukemia_tf.evaluate runs/2026-11-21T10-15-resnet50-cut
    """

    run: Annotated[Path | None, Positional] = None
    """Run folder. Default: the newest in runs/."""
    data: Path | None = None
    """Where the run's cells lie now, if the folder has moved; or another folder of labelled cells to judge it on."""
    seed: int = 0
    """Seed of the bootstrap."""
    threshold: str | None = None
    """Fit the probability's temperature on the validation part anew, and where `all` begins: a number, youden, or
    sensitivity:0.95 and the like; both are put into the run's network. Default: both as they are."""
    tta: str = "none"
    """Test-time views that a logit is the mean of: none, dihedral, five-crop or ten-crop."""
    json: bool = False
    """Print metrics.json instead of the tables."""


@dataclass(frozen=True)
class CompareConfig(Settings):
    """Compare runs on the test cells that they share: paired differences, who gets what wrong, at what cost.

    Example: python -m leukemia_tf.compare runs/ONE runs/OTHER
    """

    runs: Images
    """Run folders; differences are to the first."""
    out: Path = Path("compare")
    """Folder for compare.json, errors.csv and the figures."""
    seed: int = 0
    """Seed of the bootstrap."""
    json: bool = False
    """Print compare.json instead of the table."""


@dataclass(frozen=True)
class EnsembleConfig(Settings):
    """Put finished runs of one split side by side as one network, and judge it beside each of them.

    Example: python -m leukemia_tf.ensemble runs/ONE runs/OTHER --method genetic
    """

    runs: Images
    """Run folders, judged on the same cells, or folders of crossval with the same folds; two or more."""
    method: str = "average"
    """average (of probabilities), vote, or genetic (a weighted average, bred on the validation patients). Of
    cross-validations all are compared, each fold's weights bred on the other folds' patients."""
    out: Path | None = None
    """Run folder to write. Default: runs/DATE-ensemble."""
    threshold: str = "0.5"
    """As in train."""
    seed: int = 0
    """Seed of the breeding and of the bootstrap."""


@dataclass(frozen=True)
class CrossvalConfig(EngineConfig, TrainConfig):
    """Train a network a fold and judge every patient by one that has not seen the patient; all of train's flags.

    Example: python -m leukemia_tf.crossval --base resnet50 --drop-last-block --folds 5
    """

    out: Path | None = None
    """Folder to write, a run a fold in it. Default: runs/DATE-BASE-crossval."""
    split: str = "patient"
    """Folds of whole patients, or of single images (leaks; to show by how much)."""
    resume: bool = False
    """Go on where the folds in --out stopped; other flags then come from there."""
    folds: int = 5
    """How many; each needs a patient of either class to judge."""
    repeats: int = 1
    """Draws of the folds, by --seed and the seeds after it."""
    validation: float = 0.2
    """Share of a fold's other patients that validate; 0: each stage is trained to its end, on all of them."""
    holdout: float = 0.0
    """Share of the patients set aside before the folds are drawn; every fold's network, their vote and their mean are
    scored on them."""
    json: bool = False
    """Print metrics.json instead of the table."""


@dataclass(frozen=True)
class TuneConfig(EngineConfig, TrainConfig):
    """Search for settings that carry over to patients not trained on, then train the best; all of train's flags.

    Example: python -m leukemia_tf.tune --base resnet50 --drop-last-block --stages feature-extraction --trials 20
    """

    out: Path | None = None
    """Folder to write. Default: runs/DATE-BASE-tune."""
    resume: bool = False
    """Go on where the search in --out stopped; other flags then come from there."""
    trials: int = 20
    """How many configurations are tried."""
    method: str = "bayesian"
    """bayesian (a Gaussian process), random, or grid."""
    over: tuple[str, ...] = ("dropout", "lr", "weight-decay")
    """What is varied: dropout (0.1-0.7), lr (1e-6-1e-2), weight-decay (0.01-0.8), head, unfreeze (0-3 blocks), augment,
    framing."""
    folds: int = 3
    """Folds of the training and validation patients, whose mean AUROC by patient counts; 0: the validation part alone.
    The test part has no say."""


@dataclass(frozen=True)
class NoisyStudentConfig(TrainConfig):
    """Train students on labels that a teacher told of cells without any, round by round; all of train's flags.

    Example: python -m leukemia_tf.noisy_student --base resnet50 --drop-last-block --unlabelled cells/
    """

    out: Path | None = None
    """Folder to write, a run a round in it. Default: runs/DATE-BASE-noisy_student."""
    resume: bool = False
    """Go on where the rounds in --out stopped; other flags then come from there."""
    rounds: int = 3
    """The most students one after the other; they end when one is worse than its teacher on the validation patients."""
    unlabelled: Path | None = None
    """Folder of cells without a label. Default: the labels of --masked are not looked at."""
    masked: float = 0.5
    """Share of the patients neither validating nor judging whose labels are not looked at."""
    folds: int = 5
    """Of the patients who do not judge, one to validate: with half of the rest masked, 2:2:1 as in the report."""
    every_fold: bool = False
    """Each fold validates once, with a teacher and students of its own; the folds' networks then vote."""
    labels: str = "soft"
    """soft (the probability that was told), or hard (the likelier label)."""
    confidence: float = 0.7
    """Probability of the likelier label from which a cell is learnt from."""
    balanced: bool = True
    """As many of either label, the surest first."""
    alone: bool = False
    """Students learn from told labels alone, not from the labelled cells beside them."""
    student_base: str | None = None
    """Network that the students start from. Default: the teacher's."""
    student_dropout: float = 0.5
    """Share dropped before a student's logit; the eight turns and flips are on as well."""
    json: bool = False
    """Print metrics.json instead of the table."""


@dataclass(frozen=True)
class PredictConfig(EngineConfig):
    """Tell leukemic from normal for each image; one row an image, in the order asked.

    Example: python -m leukemia_tf.predict cell-1.bmp cell-2.bmp --out answers.csv
    """

    images: Images
    """Image files, folders of them, or patterns such as 'cells/*.bmp'."""
    run: Path | None = None
    """Run folder, or a .keras file. Default: the newest in runs/."""
    out: Path | None = None
    """CSV to write, or JSON lines if it ends in .jsonl; a table of the patients is printed. Default: print the CSV."""
    batch_size: int = 32
    """Cells a step."""
    submission: Path | None = None
    """File to write as the C-NMC challenge takes it: a line of 0 or 1 an image, in the order of their numbers."""
    json: bool = False
    """Print JSON lines instead of the CSV."""
    runtime: str = "tensorflow"
    """What computes the network: tensorflow, or onnx, openvino or litert (pip install 'leukemia_tf[onnx]', …)."""


@dataclass(frozen=True)
class GradcamConfig(Settings):
    """Show where in the cell the network looked: cell, heat map and overlay in one picture.

    Example: python -m leukemia_tf.gradcam image.bmp
    """

    images: Images
    """Image files, or folders of them; several get an overlay each, and contact sheets."""
    run: Runs = ()
    """Run folder, or a .keras file; --run ONE --run OTHER draws them side by side. Default: the newest in runs/."""
    out: Path | None = None
    """PNG to write (a folder, if there are several images). Default: beside each image."""
    method: Names = ()
    """gradcam, gradcam++, hirescam, layercam, xgradcam, eigencam, scorecam, occlusion, integrated-gradients or
    smoothgrad; several draw them side by side. Default: hirescam, which told the truth where gradcam did not."""
    layer: str | None = None
    """Layer or block whose maps are weighed. Default: the last convolutional layer of the base."""
    inside: bool = False
    """Leave out the heat beside the cell."""
    save_arrays: bool = False
    """Write an .npz for each map: heat in the original's pixels, each member's, their windows, and the answer."""


@dataclass(frozen=True)
class ExplainCheckConfig(Settings):
    """Check whether heat maps tell the truth, on a run's test cells; a table of the methods beside a random map.

    Example: python -m leukemia_tf.explain_check runs/2026-11-21T10-15-resnet50-cut
    """

    run: Annotated[Path | None, Positional] = None
    """Run folder. Default: the newest in runs/."""
    data: Path | None = None
    """Where the run's cells lie now, if the folder has moved."""
    out: Path = Path("explain-check")
    """Folder for explain-check.json, the figures and contact sheets of right and wrong cells."""
    method: Names = ()
    """As in gradcam. Default: all."""
    layer: str | None = None
    """As in gradcam."""
    cells: int = 60
    """How many test cells, spread over the patients; a tenth of them see the network's weights shuffled."""
    seed: int = 0
    """Of the cells, the random map, the shuffled weights and the bootstrap."""
    json: bool = False
    """Print explain-check.json instead of the tables."""


@dataclass(frozen=True)
class ActivationsConfig(Settings):
    """Draw what each convolutional and pooling layer sees, a grid of feature maps a layer, and say where it is active.

    Example: python -m leukemia_tf.activations image.bmp
    """

    image: Annotated[Path, Positional]
    """Image file."""
    run: Path | None = None
    """Run folder, or a .keras file. Default: the newest in runs/."""
    out: Path | None = None
    """PNG to write. Default: beside the image."""
    json: bool = False
    """Print the layers' numbers as JSON instead of the table."""


@dataclass(frozen=True)
class ExportConfig(Settings):
    """Export a run's model for TensorFlow Serving (NAME/VERSION/saved_model.pb) or another runtime.

    Example: python -m leukemia_tf.export
    """

    run: Annotated[Path | None, Positional] = None
    """Run folder. Default: the newest in runs/."""
    out: Path = Path("saved_models")
    """Folder of exported models; the version is the next free number."""
    name: str | None = None
    """Model's name to the server. Default: the network's, such as resnet50-cut (resnet50-cut-onnx for that format)."""
    format: str = "tf_saved_model"
    """tf_saved_model; or onnx, openvino or litert, which take cells that are framed already."""


@dataclass(frozen=True)
class ServeConfig(Settings):
    """Serve an exported model: TensorFlow Serving's REST paths, a page to drop images on, metrics.

    Example: python -m leukemia_tf.serve saved_models/resnet50-cut --port 8501
    """

    folder: Annotated[Path, Positional]
    """Model's folder, a version a folder in it; a newer one that appears is served from then on."""
    port: int = 8501
    """Port; 0 takes a free one."""
    host: str = "127.0.0.1"
    """Address to listen at. Beyond this machine, set LEUKEMIA_TF_TOKEN to what a bearer token must be."""
    timeout: float = 30.0
    """Seconds after which a request is given up."""


@dataclass(frozen=True)
class LrfindConfig(SetupConfig):
    """Find a learning rate: raise it step by step, draw the loss, mark where it falls fastest. Nothing is trained.

    Example: python -m leukemia_tf.lrfind --base resnet50 --drop-last-block
    """

    out: Path = Path("lrfind.png")
    """PNG to write."""
    steps: int = 100
    """Rates to try, from 1e-7 to 1."""
    json: bool = False
    """Print the suggestions as JSON."""


@dataclass(frozen=True)
class RecipesConfig(Settings):
    """List the recipes that train --recipe takes, with what each reproduces.

    Example: python -m leukemia_tf.recipes
    """

    json: bool = False
    """Print a list of records instead."""
