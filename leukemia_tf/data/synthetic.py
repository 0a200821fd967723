"""Phantom cells: the embedded set, drawn by code, in C-NMC's file format and naming.

Purple nuclei on black. Size, outline and chromatin go with a patient's latent severity, which overlaps between the
classes: no classifier can separate all patients. Patients also differ in stain, so that a split by image scores too
high.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import cv2
import numpy as np

from leukemia_tf.core.console import progress_bar
from leukemia_tf.data.cnmc import all_names

SIDE = 450  # pixels, as in C-NMC
SEVERITY = 1.1  # mean over leukemic patients, standard deviation 1; normal ones: -1.1. AUROC by patient: 0.94 at most
VERSION = 3  # goes into the folder's name: change it whenever the drawing changes


@dataclass(frozen=True)
class Patient:
    """What the phantom cells of one patient have in common."""

    name: str
    label: str
    radius: float  # pixels, mean over the patient's cells
    stain: np.ndarray  # float [3], RGB, 0-255
    grain: float  # pixels, size of the chromatin's clumps
    clumping: float  # standard deviation of the chromatin's grey levels
    wobble: float  # share of the radius by which the outline departs from a circle
    nucleoli: float  # mean number per cell


def draw_patients(per_class: int, seed: int) -> list[Patient]:
    """Draw patients of each class; what they look like depends on a latent severity, not on the class."""
    rng = np.random.default_rng([seed, 0])
    patients = []
    for label, mean, prefix in (("all", SEVERITY, ""), ("hem", -SEVERITY, "H")):
        for name in islice(_single_names(prefix), per_class):
            severity = rng.normal(mean, 1)
            patients.append(
                Patient(
                    name=name,
                    label=label,
                    radius=84.0 + 4.5 * severity + rng.normal(0, 4.0),
                    stain=np.array([88.0, 36.0, 104.0]) + rng.normal(0, 10.0, 3) + rng.normal(0, 8.0),
                    grain=7.0 * np.exp(-0.35 * severity),
                    clumping=10.0 - 2.0 * severity + rng.normal(0, 0.8),
                    wobble=0.032 * np.exp(0.2 * severity),
                    nucleoli=0.7 * np.exp(0.6 * severity),
                )
            )
    return patients


def _single_names(prefix: str) -> Iterator[str]:
    """Yield names in C-NMC's form of patients that C-NMC files under no other name."""
    return (name for name in (f"{prefix}{number}" for number in count(1)) if len(all_names(name)) == 1)


def draw_cell(patient: Patient, rng: np.random.Generator, side: int = SIDE) -> np.ndarray:
    """Draw one cell of a patient.

    Returns
    -------
    numpy.ndarray
        uint8 [side, side, 3], RGB, 0-255; the background is exactly black.
    """
    scale = side / SIDE
    radius = scale * patient.radius * np.exp(rng.normal(0, 0.11))
    mask = _outline(radius, patient.wobble, rng, side)
    chromatin = _noise(rng, side, scale * patient.grain) * patient.clumping
    chromatin += 22.0 * _nucleoli(mask, radius, rng.poisson(patient.nucleoli), rng, side)
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, 5) / radius
    rim = np.exp(-((depth / 0.08) ** 2))
    tint = patient.stain + rng.normal(0, 2.5, 3)
    pixels = tint + chromatin[..., None] * np.array([1.0, 0.7, 0.9]) - rim[..., None] * np.array([30.0, 12.0, 8.0])
    pixels += rng.normal(0, 2.0, pixels.shape)
    return np.where(mask[..., None] > 0, np.clip(pixels, 12, 255), 0).astype(np.uint8)


def _outline(radius: float, wobble: float, rng: np.random.Generator, side: int) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 256, endpoint=False)
    distance = np.ones_like(angles)
    for waves in range(2, 8):
        distance += rng.normal(0, 2 * wobble / waves) * np.cos(waves * angles + rng.uniform(0, 2 * np.pi))
    centre = side / 2 + rng.normal(0, 0.04 * side, 2)
    points = centre + radius * distance[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    mask = np.zeros((side, side), np.uint8)
    return cv2.fillPoly(mask, [points.round().astype(np.int32)], 255)


def _noise(rng: np.random.Generator, side: int, scale: float) -> np.ndarray:
    field = cv2.GaussianBlur(rng.normal(size=(side, side)).astype(np.float32), (0, 0), scale)
    return field / field.std()


def _nucleoli(mask: np.ndarray, radius: float, count: int, rng: np.random.Generator, side: int) -> np.ndarray:
    spots = np.zeros((side, side), np.float32)
    rows, columns = np.nonzero(mask)
    for _ in range(count):
        pick = rng.integers(len(rows))
        centre = (int(columns[pick]), int(rows[pick]))
        cv2.circle(spots, centre, max(1, round(radius * rng.uniform(0.08, 0.15))), 1.0, -1)
    return cv2.GaussianBlur(spots, (0, 0), max(0.6, 0.03 * radius))


def draw_cells(patients: int, cells: int, seed: int, side: int = SIDE) -> Iterator[tuple[str, np.ndarray]]:
    """Draw `patients` patients per class with about `cells` cells each.

    Yields
    ------
    tuple of (str, numpy.ndarray)
        The path below the data folder, in C-NMC's naming, and the picture (uint8 [side, side, 3], RGB).
    """
    for index, patient in enumerate(draw_patients(patients, seed)):
        rng = np.random.default_rng([seed, 1, index])
        for number in range(1, int(cells * rng.uniform(0.7, 1.3)) + 1):
            name = f"UID_{patient.name}_{number}_1_{patient.label}.bmp"
            yield f"training_data/fold_{index % 3}/{patient.label}/{name}", draw_cell(patient, rng, side)


def write_phantoms(folder: Path, patients: int = 50, cells: int = 4, seed: int = 0, side: int = SIDE) -> Path:
    """Write phantom cells as 24-bit BMPs, unless the folder exists; all of them or none.

    Returns
    -------
    pathlib.Path
        `folder`, in the layout of C-NMC's download.
    """
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        drawn = draw_cells(patients, cells, seed, side)
        for path, pixels in progress_bar(drawn, title="drawing phantom cells", unit="cell"):
            (scratch / path).parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(scratch / path), pixels[..., ::-1])
        scratch.chmod(0o755)
        os.replace(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def embedded_cells() -> Path:
    """Return the folder of the embedded set, in the user's cache; it is drawn at the first call."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return write_phantoms(cache / "leukemia_tf" / f"phantom-cells-{VERSION}")
