"""Fields drawn by code: red cells and white cells on glass, with the mask that they were drawn from."""

from dataclasses import dataclass

import cv2
import numpy as np

GLASS, RED_CELL, CYTOPLASM, NUCLEUS = (250, 228, 200), (222, 165, 158), (178, 178, 214), (92, 52, 132)


@dataclass(frozen=True)
class WhiteCell:
    """A cell of a radius at a place, its nucleus's lobes relative to its centre: x, y, radius in cell radii."""

    x: int
    y: int
    radius: int = 30
    lobes: tuple[tuple[float, float, float], ...] = ((0.1, 0.05, 0.72),)


LOBED = ((-0.45, -0.3, 0.3), (0.4, -0.35, 0.32), (0.05, 0.5, 0.3))


def draw_smear(
    cells: list[WhiteCell],
    width: int = 400,
    height: int = 300,
    red_cells: tuple = (),
    scale: float = 1.0,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return a field, uint8 [h, w, 3], and its mask, uint8 [h, w]: 255 nucleus, 128 cytoplasm, 0 else."""
    size = round(height * scale), round(width * scale)
    pixels, mask = np.empty((*size, 3), np.uint8), np.zeros(size, np.uint8)
    pixels[:] = GLASS

    def disc(picture, x, y, radius, value):
        cv2.circle(picture, (round(x * scale), round(y * scale)), round(radius * scale), value, cv2.FILLED)

    for x, y in red_cells:
        disc(pixels, x, y, 22, RED_CELL)
    for cell in cells:
        disc(pixels, cell.x, cell.y, cell.radius, CYTOPLASM)
        disc(mask, cell.x, cell.y, cell.radius, 128)
    for cell in cells:
        for x, y, radius in cell.lobes:
            place = cell.x + x * cell.radius, cell.y + y * cell.radius, radius * cell.radius
            disc(pixels, *place, NUCLEUS)
            disc(mask, *place, 255)
    noise = np.random.default_rng(seed).normal(0, 4, pixels.shape)
    soft = cv2.GaussianBlur(pixels, (0, 0), 0.8)
    return np.clip(soft + noise, 0, 255).astype(np.uint8), mask
