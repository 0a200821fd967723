"""What every command's settings share, and the random views of a training cell."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, UseAppendAction

from leukemia_tf.errors import UserError

Images = Annotated[tuple[Path, ...], Positional]
Runs = Annotated[tuple[Path, ...], UseAppendAction]
Names = Annotated[tuple[str, ...], UseAppendAction]


class Settings:
    """Takes paths as strings too, as a notebook or config.json gives them, and one image, run or name for several."""

    def __post_init__(self) -> None:
        """Turn strings into paths where paths belong."""
        for column in fields(self):
            value = getattr(self, column.name)
            if column.name == "seed" and value < 0:
                raise UserError(f"--seed {value}: it takes 0 or more.")
            if column.type in ("Images", "Runs", "Names"):
                value = (value,) if isinstance(value, (str, Path)) else value or ()
                object.__setattr__(self, column.name, tuple(map(str if column.type == "Names" else Path, value)))
            elif isinstance(value, str) and "Path" in column.type:
                object.__setattr__(self, column.name, Path(value))
            elif isinstance(value, dict):  # from config.json
                object.__setattr__(self, column.name, Augmentation(**value))


@dataclass(frozen=True, kw_only=True)
class EngineConfig(Settings):
    """Where independent pieces of work are done."""

    engine: str = "none"
    """none (one after the other, here), or ray (side by side on a Ray cluster, whose machines see the same files)."""
    address: str | None = None
    """Of the Ray cluster. Default: RAY_ADDRESS, else one is started on this machine."""
    cpus: int = 1
    """Processors a piece takes on the cluster, and threads; with OMP_NUM_THREADS as high, the same bits come out here.
    """

    def where(self) -> dict[str, object]:
        """Return the settings that say where work is done, and not what."""
        return {column.name: getattr(self, column.name) for column in fields(EngineConfig)}


LARGEST = {  # range of each augmentation; 1 where nothing is said
    **{"rotation": 180, "zoom": 0.9, "crop": 0.9, "gamma": 0.9, "stain": 0.9, "blur": 20, "mixup": 100, "cutmix": 100}
}


@dataclass(frozen=True)
class Augmentation:
    """Random views of a training cell: the probability and the range of each transform; 0 turns it off."""

    dihedral: bool | None = None
    """The eight turns and flips, exact to the pixel, each as likely. Default: if no layer starts from ImageNet."""
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
