"""What each command can be asked: frozen dataclasses, from which the flags and config.json follow."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from leukemia_tf.errors import UserError

Images = Annotated[tuple[Path, ...], Positional]


class Settings:
    """Takes paths as strings too, as a notebook or config.json gives them, and one image for several."""

    def __post_init__(self) -> None:
        """Turn strings into paths where paths belong."""
        for column in fields(self):
            value = getattr(self, column.name)
            if column.name == "seed" and value < 0:
                raise UserError(f"--seed {value}: it takes 0 or more.")
            if column.type == "Images":
                value = (value,) if isinstance(value, (str, Path)) else value
                object.__setattr__(self, column.name, tuple(map(Path, value)))
            elif isinstance(value, str) and "Path" in column.type:
                object.__setattr__(self, column.name, Path(value))
            elif isinstance(value, dict):  # from config.json
                object.__setattr__(self, column.name, Augmentation(**value))


LARGEST = {  # range of each augmentation; 1 where nothing is said
    **{"rotation": 180, "zoom": 0.9, "crop": 0.9, "gamma": 0.9, "stain": 0.9, "blur": 20, "mixup": 100, "cutmix": 100}
}


@dataclass(frozen=True)
class Augmentation:
    """Random views of a training cell: the probability and the range of each transform; 0 turns it off."""

    dihedral: bool = True
    """The eight turns and flips, exact to the pixel, each as likely."""
    rotation: tuple[float, float] = (0.0, 20.0)
    """By any angle up to so many degrees, either way."""
    translation: tuple[float, float] = (0.0, 0.1)
    """By up to this share of the side."""
    zoom: tuple[float, float] = (0.0, 0.1)
    """In or out, by up to this share."""
    crop: tuple[float, float] = (0.0, 0.2)
    """Up to this share of the side is cut off, the rest enlarged."""
    brightness: tuple[float, float] = (0.0, 0.1)
    """By up to this share of 255, inside the cell."""
    contrast: tuple[float, float] = (0.0, 0.2)
    """Distance to the cell's mean colour, by up to this share."""
    gamma: tuple[float, float] = (0.0, 0.2)
    """Exponent 1 plus or minus up to this."""
    stain: tuple[float, float] = (0.0, 0.1)
    """Amount of each of three stains, by up to this share."""
    blur: tuple[float, float] = (0.0, 1.5)
    """By a Gaussian of up to so many pixels."""
    mixup: tuple[float, float] = (0.0, 0.2)
    """Blends two cells and their labels; the second number is alpha."""
    cutmix: tuple[float, float] = (0.0, 1.0)
    """Pastes a rectangle of one cell into another; the second number is alpha."""

    def __post_init__(self) -> None:
        """Check probabilities and ranges."""
        for column in fields(self):
            value = getattr(self, column.name)
            if column.name == "dihedral":
                continue
            object.__setattr__(self, column.name, tuple(value))
            if len(value) != 2 or not 0 <= value[0] <= 1 or not 0 <= value[1] <= LARGEST.get(column.name, 1):
                raise UserError(
                    f"--augment.{column.name} {' '.join(map(str, value))}: it takes a probability (0 to 1) and a range "
                    f"(0 to {LARGEST.get(column.name, 1):g})."
                )


@dataclass(frozen=True)
class TrainConfig(Settings):
    """Train a network on cells and judge it on patients it has never seen.

    Example: python -m leukemia_tf.train --base resnet50 --drop-last-block
    """

    base: str = "resnet50"
    """Network to start from, one of `python -m leukemia_tf.models`."""
    drop_last_block: bool = False
    """Leave out the last block of the base's layers."""
    drop_blocks: int = 0
    """Leave out so many of its last blocks."""
    cut: str | None = None
    """Or let the base end at this layer or block."""
    head: str | None = None
    """Classifier on the base: dense256, dense512, linear, flat256, flat256-two-dropouts, flat128, flat-two-dense or
    three-depths. Default: the base's."""
    pooling: str | None = None
    """Change the head: mean, max, mean-std or flatten."""
    depths: int | None = None
    """Change the head: how many of the last blocks are pooled side by side."""
    units: tuple[int, ...] | None = None
    """Change the head: width of each dense layer, 0 to 2 of them."""
    dropout: float | None = None
    """Change the head: share dropped before the logit."""
    dropout_before: float | None = None
    """Change the head: share dropped before the first dense layer."""
    weights: str = "imagenet"
    """imagenet (from the folder LEUKEMIA_TF_WEIGHTS, Keras's cache, or a download), a file, or none."""
    data: Path | None = None
    """Folder of cells: C-NMC's download, or all/ and hem/. Default: LEUKEMIA_TF_DATA, else embedded phantom cells."""
    out: Path | None = None
    """Run folder to write. Default: runs/DATE-NAME."""
    seed: int = 0
    """Seed of the split, the weights, the shuffling and the augmentation."""
    image_size: int | None = None
    """Side of what the network sees, in pixels. Default: a fixed frame's, else the base's; 96 on the embedded cells."""
    epochs: int | None = None
    """The most epochs that any one stage may take. Default: 6; 16 when every layer trains from the start."""
    batch_size: int = 32
    """Cells a step."""
    split: str = "patient"
    """patient (60/20/20 of the patients), official (C-NMC's test set), image (leaks!), or a splits.json of your own."""
    on_bad_image: str = "fail"
    """fail, skip (leave it out), or quarantine (move it out of the data folder); both list each with its reason."""
    framing: str = "fixed"
    """fixed[:N] (N pixels around the cell; 330), cell (crop, pad to a square), tight (crop), centre:N, or none."""
    contrast: str = "stain"
    """stain (normalised inside the cell), none, clahe, equalize, or grey-equalize."""
    balance: str = "oversample"
    """none, oversample, undersample, class-weight, or main-report (both classes to their mean size)."""
    multiply: int = 1
    """Differently augmented copies of each training cell in an epoch."""
    patient_weight: str = "sqrt"
    """sqrt, equal, or none: keeps a patient with many cells from dominating the loss."""
    augment: Augmentation = field(default_factory=Augmentation)
    """Random views of the training cells."""
    cache: str = "auto"
    """Where prepared cells wait between epochs: memory, disk, none, or auto (by their size)."""
    resume: bool = False
    """Go on where the run in --out stopped; other flags then come from that run."""


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
    """Where the run's cells lie now, if the folder has moved."""
    seed: int = 0
    """Seed of the bootstrap."""
    json: bool = False
    """Print metrics.json instead of the tables."""


@dataclass(frozen=True)
class PredictConfig(Settings):
    """Tell leukemic from normal for each image; one row an image, in the order asked.

    Example: python -m leukemia_tf.predict cell-1.bmp cell-2.bmp --out answers.csv
    """

    images: Images
    """Image files, or folders of them."""
    run: Path | None = None
    """Run folder. Default: the newest in runs/."""
    out: Path | None = None
    """CSV to write. Default: print it."""
    batch_size: int = 32
    """Cells a step."""


@dataclass(frozen=True)
class GradcamConfig(Settings):
    """Show where in the cell the network looked: cell, heat map and overlay in one picture.

    Example: python -m leukemia_tf.gradcam image.bmp
    """

    images: Images
    """Image files, or folders of them."""
    run: Path | None = None
    """Run folder. Default: the newest in runs/."""
    out: Path | None = None
    """PNG to write (a folder, if there are several images). Default: beside each image."""


@dataclass(frozen=True)
class ActivationsConfig(Settings):
    """Draw what each convolutional and pooling layer sees: a grid of feature maps a layer.

    Example: python -m leukemia_tf.activations image.bmp
    """

    image: Annotated[Path, Positional]
    """Image file."""
    run: Path | None = None
    """Run folder. Default: the newest in runs/."""
    out: Path | None = None
    """PNG to write. Default: beside the image."""


@dataclass(frozen=True)
class ExportConfig(Settings):
    """Export a run's model for TensorFlow Serving: NAME/VERSION/saved_model.pb.

    Example: python -m leukemia_tf.export
    """

    run: Annotated[Path | None, Positional] = None
    """Run folder. Default: the newest in runs/."""
    out: Path = Path("saved_models")
    """Folder of exported models; the version is the next free number."""
    name: str | None = None
    """Model's name to the server. Default: the network's, such as resnet50-cut."""
