"""Settings of the commands that look at cells before any training: `segment`, `audit` and `preview`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from leukemia_tf.config.reading import Reading
from leukemia_tf.config.settings import Augmentation, Images, Positional, Settings, mild_augmentation


@dataclass(frozen=True)
class SegmentConfig(Settings):
    """Cut single white blood cells out of photographs of smears, each on black; whole fields or crops of one cell.

    Example: python -m leukemia_tf.segment fields/ --out cells --pixel-size 0.07
    """

    images: Images
    """Pictures with their background, folders of them, or patterns such as 'fields/*.png'."""
    out: Path = Path("segmented")
    """New folder for the cells, cells.csv, left-out.csv and overlays/, a picture of each field with its outlines."""
    save_masks: bool = False
    """Write masks/SOURCE.png too: 255 nucleus, 128 cytoplasm, 0 else."""
    pixel_size: float | None = None
    """Micrometres per pixel of the pictures: cells are scaled to the size of C-NMC's. Default: drawn as they are."""


@dataclass(frozen=True)
class AuditConfig(Reading):
    """Check a folder of cells: damaged files, duplicates, odd cells, labels, patients, acquisition; measure the leak.

    Example: python -m leukemia_tf.audit path/to/C-NMC_Leukemia --out audit
    """

    folder: Annotated[Path | None, Positional] = None
    """Folder of cells. Default: LEUKEMIA_TF_DATA, else the embedded phantom cells."""
    out: Path = Path("audit")
    """Folder for audit.json, acquisition.csv, cells.csv, rejected.csv and the figures."""
    on_bad_image: str = "fail"
    """fail (exit 2 after the report), skip, or quarantine (move bad files out of the data folder)."""
    cnmc_doubles: str = "merge"
    """Patients whom C-NMC files under several names: merge (one patient each), or ignore (as they are named)."""
    convert_to: Path | None = None
    """Folder for clean PNGs of files that only OpenCV reads: TIFF (the first page), WebP, GIF, 1-bit, palette, 16-bit,
    and pictures stored turned."""
    leak: bool = False
    """Measure how much better folds by image score than folds by patient, with frozen ResNet50 features."""
    weights: str = "imagenet"
    """For --leak: imagenet, a file, or none, as in train."""
    seed: int = 0
    """Seed of the folds."""
    json: bool = False
    """Print audit.json instead of the table."""


@dataclass(frozen=True)
class PreviewConfig(Settings):
    """Draw what the network would see: an image in every framing and contrast, or under each augmentation.

    Example: python -m leukemia_tf.preview image.bmp --augmentations
    """

    image: Annotated[Path, Positional]
    """Image file."""
    augmentations: bool = False
    """Draw random views: one row per transform at its full range, and a last row with the --augment settings."""
    framing: str = "fixed"
    """For --augmentations: as in train."""
    stain_normalization: str = "none"
    """For --augmentations: as in train."""
    register_channels: bool = False
    """For --augmentations: as in train."""
    contrast: str = "none"
    """For --augmentations: as in train."""
    augment: Augmentation = field(default_factory=mild_augmentation)
    """Ranges and probabilities."""
    out: Path | None = None
    """PNG to write. Default: NAME-preview.png in the working directory, numbered if that exists."""
    seed: int = 0
    """Seed of the random views."""
