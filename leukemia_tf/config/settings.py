"""What the settings of all commands share, and the augmentation of training cells."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from numbers import Integral, Real
from pathlib import Path
from typing import Annotated, Any

from leukemia_tf.core.errors import ArgumentError

Positional = "positional"  # an argument without a flag
Append = "append"  # a flag that may be given several times
Images = Annotated[tuple[Path, ...], Positional]
Runs = Annotated[tuple[Path, ...], Append]
Names = Annotated[tuple[str, ...], Append]


@dataclass(frozen=True)
class Settings:
    """Base of all settings: strings become paths, and one image, run or name a tuple, as notebooks write them."""

    def __post_init__(self) -> None:
        """Convert values to the fields' types, and stop at values of another type."""
        for column in fields(self):
            value = _converted(getattr(self, column.name), str(column.type))
            _check_type(column.name, value, str(column.type))
            object.__setattr__(self, column.name, value)


def _converted(value: Any, kind: str) -> Any:
    if getattr(value, "shape", None) == ():  # a number of NumPy's, which JSON does not know
        value = value.item()
    if kind in ("Images", "Runs", "Names"):
        values = (value,) if isinstance(value, (str, os.PathLike)) else value or ()
        return tuple(map(str if kind == "Names" else Path, values))
    if kind == "tuple[str, ...]":
        return _words(value)
    if isinstance(value, (str, os.PathLike)) and "Path" in kind:
        return Path(value)
    return Augmentation(**value) if kind == "Augmentation" and isinstance(value, dict) else value  # from config.json


def _words(value: Any) -> tuple[str, ...]:
    """Return several words as a tuple; a mapping of lists as words such as `all=Early,Pro`."""
    if isinstance(value, Mapping):
        named = {key: [names] if isinstance(names, str) else names for key, names in value.items()}
        return tuple(f"{key}={','.join(map(str, names))}" for key, names in named.items())
    return (value,) if isinstance(value, str) else tuple(value)


def _check_type(name: str, value: Any, kind: str) -> None:
    optional, base = value is None and "None" in kind, kind.removesuffix(" | None").replace('"', "'")
    if isinstance(value, str) and value == "auto" and "auto" in kind:
        return
    if not optional and base in TYPES and (not isinstance(value, TYPES[base][0]) or type(value) in TYPES[base][1]):
        raise ArgumentError(name, value, f"it takes {TYPES[base][2]}.")
    if name == "seed" and value < 0:
        raise ArgumentError("seed", value, "it takes 0 or more.")


@dataclass(frozen=True, kw_only=True)
class EngineConfig(Settings):
    """Where independent tasks run."""

    engine: str = "none"
    """none (one task after the other in this process), or ray (in parallel on a Ray cluster with shared files)."""
    address: str | None = None
    """Address of the Ray cluster. Default: RAY_ADDRESS, else a cluster is started on this machine."""
    cpus: int = 1
    """CPUs and threads per task on the cluster. With OMP_NUM_THREADS as high, results equal those of engine none."""

    def where(self) -> dict[str, Any]:
        """Return the settings that say where the work is done, not what it is."""
        return {column.name: getattr(self, column.name) for column in fields(EngineConfig)}


LARGEST_RANGE = {  # of each augmentation; 1 for all others
    "rotation": 180,
    "zoom": 0.9,
    "crop": 0.9,
    "gamma": 0.9,
    "stain": 0.9,
    "blur": 20,
    "noise": 50,
    "channel_shift": 5,
    "jpeg": 95,
    "mixup": 100,
    "cutmix": 100,
}


@dataclass(frozen=True)
class Augmentation:
    """Augmentation of training cells: the probability and the range of each transform; 0 turns it off."""

    dihedral: bool = True
    """The eight turns and flips, exact to the pixel, with equal probability: a cell has no up."""
    rotation: tuple[float, float] = (0.0, 20.0)
    """By any angle up to this many degrees, either way."""
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
    """Gaussian, with a standard deviation of up to this many pixels."""
    noise: tuple[float, float] = (0.0, 3.0)
    """Gaussian, with a standard deviation of up to this many of 255 grey levels, inside the cell."""
    channel_shift: tuple[float, float] = (0.0, 0.5)
    """Red and blue moved against green by up to this many pixels, inside the cell."""
    jpeg: tuple[float, float] = (0.0, 30.0)
    """Stored as JPEG, at a quality of 100 less up to this."""
    mixup: tuple[float, float] = (0.0, 0.2)
    """Blends two cells and their labels; the second number is alpha."""
    cutmix: tuple[float, float] = (0.0, 1.0)
    """Pastes a rectangle of one cell into another; the second number is alpha."""

    def __post_init__(self) -> None:
        """Check probabilities and ranges."""
        for column in fields(self):
            if column.name == "dihedral":
                continue
            value, largest = tuple(getattr(self, column.name)), LARGEST_RANGE.get(column.name, 1)
            object.__setattr__(self, column.name, value)
            if len(value) != 2 or not 0 <= value[0] <= 1 or not 0 <= value[1] <= largest:
                problem = f"it takes a probability (0 to 1) and a range (0 to {largest:g})."
                raise ArgumentError(f"augment.{column.name}", value, problem)


def flag_word(name: str) -> str:
    """Return a setting's name as on the command line, without the dashes before it.

    Examples
    --------
    >>> flag_word("image_size"), flag_word("from_")
    ('image-size', 'from')
    """
    return name.rstrip("_").replace("_", "-")


def mild_augmentation() -> Augmentation:
    """Return what `train` varies by default: what another camera, file format or stain may do to the same cell."""
    return Augmentation(
        rotation=(0.3, 45.0),
        brightness=(0.3, 0.05),
        stain=(0.3, 0.1),
        channel_shift=(0.3, 0.5),
        blur=(0.3, 1.0),
        noise=(0.3, 3.0),
        jpeg=(0.3, 30.0),
    )


TYPES: dict[str, tuple[Any, tuple[type, ...], str]] = {  # by annotation: what a value must be, and must not be
    "str": (str, (), "text"),
    "int": (Integral, (bool,), "a whole number"),
    "float": (Real, (bool,), "a number"),
    "float | Literal['auto']": (Real, (bool,), "a number or 'auto'"),
    "int | Literal['auto']": (Integral, (bool,), "a whole number or 'auto'"),
    "bool": (bool, (), "True or False"),
    "Path": (Path, (), "a path"),
    "Augmentation": (Augmentation, (), "an Augmentation"),
}
