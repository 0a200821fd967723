"""A picture along rays from a centre, and the cheapest closed curve around that centre."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

ANGLES, RADII = 96, 72
STEP = 3  # radii: the largest change from one angle to the next


@dataclass(frozen=True)
class Rays:
    """Where rays from a centre go through a picture.

    Parameters
    ----------
    centre : tuple of float
        x and y.
    spacing : float
        Pixels from one radius to the next.
    """

    centre: tuple[float, float]
    spacing: float

    @classmethod
    def around(cls, mask: np.ndarray, within: np.ndarray, reach: float) -> Rays:
        """Return the rays from a mask's centroid that reach so many pixels, and well past what must lie within.

        Parameters
        ----------
        mask, within : numpy.ndarray
            uint8 [h, w], 0 or 1.
        reach : float
            In pixels.
        """
        moments = cv2.moments(mask, binaryImage=True)
        x, y = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
        rows, columns = np.nonzero(within)
        return cls((x, y), max(reach, 1.5 * float(np.hypot(columns - x, rows - y).max())) / RADII)

    @property
    def areas(self) -> np.ndarray:
        """How the area of a sample grows along a ray, at most 1: float [RADII]."""
        return (np.arange(RADII) + 0.5) / RADII

    def sample(self, picture: np.ndarray, beyond: float = 0.0) -> np.ndarray:
        """Return a picture's nearest pixels along the rays, outside of it `beyond`: [h, w] -> [ANGLES, RADII]."""
        return cv2.remap(picture, *self._places(), cv2.INTER_NEAREST, None, cv2.BORDER_CONSTANT, (beyond,) * 4)

    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the columns and rows of the samples: float32 [ANGLES, RADII] each."""
        angles = (2 * np.pi * np.arange(ANGLES) / ANGLES)[:, None]
        radii = self.spacing * np.arange(RADII)
        columns = self.centre[0] + radii * np.cos(angles)
        rows = self.centre[1] + radii * np.sin(angles)
        return columns.astype(np.float32), rows.astype(np.float32)

    def last_of(self, mask: np.ndarray) -> np.ndarray:
        """Return the last radius of each ray inside a mask, 0 where there is none: uint8 [h, w] -> int [ANGLES]."""
        inside = self.sample(mask) > 0
        return np.where(inside.any(1), RADII - 1 - inside[:, ::-1].argmax(1), 0)

    def edges(self, light: np.ndarray) -> np.ndarray:
        """Return the change of optical density along the rays, 0-1: uint8 [h, w, 3] -> float32 [ANGLES, RADII]."""
        rays = cv2.remap(light, *self._places(), cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
        density = -np.log(np.maximum(rays, 1).astype(np.float32) / 255)
        change = np.zeros((ANGLES, RADII), np.float32)
        change[:, 1:-1] = np.minimum(np.linalg.norm(density[:, 2:] - density[:, :-2], axis=-1), 1)
        return change

    def points(self, path: np.ndarray, more: float = 0.0) -> np.ndarray:
        """Return a path's points in the picture, `more` pixels farther out: [ANGLES] -> float [ANGLES, 2], x and y."""
        angles = 2 * np.pi * np.arange(ANGLES) / ANGLES
        radii = (path + 1) * self.spacing + more
        return np.stack([self.centre[0] + radii * np.cos(angles), self.centre[1] + radii * np.sin(angles)], axis=1)


def closed_path(cost: np.ndarray, bend: float) -> np.ndarray:
    """Return the radius at each angle whose sum of costs is least, by dynamic programming.

    The angles are gone through once and a quarter more at both ends, and the lap between is taken: there it closes.

    Parameters
    ----------
    cost : numpy.ndarray
        float [angles, radii].
    bend : float
        Cost of a change of the radius from one angle to the next, times its square; at most by STEP.

    Returns
    -------
    numpy.ndarray
        int [angles], the index of the radius.
    """
    angles, radii = cost.shape
    more = max(1, angles // 4)
    laps = np.concatenate([cost[-more:], cost, cost[:more]])
    steps, rows = np.arange(-STEP, STEP + 1), np.arange(radii)
    bends = bend * steps.astype(float) ** 2
    padded = np.full(radii + 2 * STEP, np.inf)
    reached = np.lib.stride_tricks.sliding_window_view(padded, len(steps))
    total, choices = laps[0], np.empty((len(laps) - 1, radii), np.int64)
    for number, row in enumerate(laps[1:]):
        padded[STEP : STEP + radii] = total
        candidates = reached + bends
        best = candidates.argmin(1)
        choices[number] = rows + steps[best]
        total = candidates[rows, best] + row
    path = [int(total.argmin())]
    for choice in choices[::-1]:
        path.append(int(choice[path[-1]]))
    return np.array(path[::-1])[more : more + angles]
