"""Pictures of heat maps over cells."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from leukemia_tf.explain.frame import Frame, share_inside

COLOURS = "inferno"  # perceptually uniform


def overlay(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Lay a heat map over an image: cold places show the cell, hot places the heat.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 [h, w, 3].
    heat : numpy.ndarray
        float [h, w], 0-1.

    Returns
    -------
    numpy.ndarray
        float [h, w, 3], 0-1.
    """
    bright = np.clip(0.85 * image / max(1, np.percentile(image, 99.5)), 0, 1)
    alpha = 0.65 * heat[..., None]
    return (1 - alpha) * bright + alpha * colormaps[COLOURS](heat)[..., :3]


def draw_heat_map(
    frame: Frame, heat: np.ndarray, method: str, members: Mapping[str, np.ndarray] | None = None
) -> Figure:
    """Draw the cell, the heat map in the original's pixels, and the overlay; of an ensemble each member's overlay too.

    Parameters
    ----------
    frame : Frame
        The cell.
    heat : numpy.ndarray
        float [height, width], 0 and up, over the original.
    method : str
        What the map is called.
    members : mapping of str to numpy.ndarray, optional
        Each member's map, alike, by its name.
    """
    said = frame.prediction
    share = share_inside(heat, frame.mask)
    scaled = heat / (heat.max() or 1)
    members = members or {}
    rows = 1 + -(-len(members) // 3)
    figure = Figure((11.4, 4.3 * rows), layout="constrained")
    axes = figure.subplots(rows, 3, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, (name, own) in zip(axes[3:], members.items()):
        axis.imshow(overlay(frame.image, own / (own.max() or 1)))
        axis.set_title(name)
    height, width = heat.shape
    axes[0].imshow(frame.image)
    axes[0].set_title(f"the cell, {width} x {height} pixels")
    axes[1].imshow(scaled, cmap=COLOURS, vmin=0, vmax=1)
    axes[1].contour(frame.mask, levels=[0.5], colors="white", linewidths=0.7)
    axes[1].set_title(f"{method}: what speaks for `{said.prediction}`")
    axes[2].imshow(overlay(frame.image, scaled))
    axes[2].set_title("overlay" if np.isnan(share) else f"overlay; {share:.0%} of the heat inside the cell")
    bar = figure.colorbar(ScalarMappable(cmap=COLOURS), ax=axes, shrink=0.85, pad=0.01)
    bar.set_label("share of the map's maximum")
    truth = f", labelled {said.label}" if said.label else ""
    figure.suptitle(
        f"{Path(said.path).name}: {said.prediction}, probability of leukemic {said.probability:.3f}{truth}", fontsize=11
    )
    return figure
