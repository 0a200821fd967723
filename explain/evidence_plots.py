"""Pictures of what speaks for and against methods of explanation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from leukemia_tf.evaluation import plots
from leukemia_tf.explain.evidence import BASELINES, Evidence


def draw_curves(found: Mapping[str, Evidence], scale: float) -> Figure:
    """Draw the mean deletion and insertion curve of each method, in units of `scale` logits."""
    figure, axes = plots.axes(5.6, columns=2)
    for place, (axis, title) in enumerate(
        zip(axes, ("deletion: the lower the better", "insertion: the higher the better"))
    ):
        for (name, evidence), style in zip(found.items(), _styles(found)):
            mean = np.mean([one[place] for one in evidence.curves], axis=0) / scale
            axis.plot(np.linspace(0, 100, len(mean)), mean, label=name, **style)
        axis.set(title=title, xlabel="% of the squares, the hottest first", ylabel="logit of the answer, in deviations")
    axes[1].legend(frameon=False, fontsize=7, ncols=2)
    return figure


def draw_shuffled(found: Mapping[str, Evidence]) -> Figure:
    """Draw how alike maps stay when the network's weights are shuffled from its head down."""
    figure, (axis,) = plots.axes(6.4)
    own = {name: evidence for name, evidence in found.items() if evidence.shuffled}
    for (name, evidence), style in zip(own.items(), _styles(own)):
        levels = list(evidence.shuffled)
        axis.plot(range(len(levels)), [np.mean(evidence.shuffled[level]) for level in levels], label=name, **style)
    axis.axhline(0, color="#999999", lw=0.8, ls=":")
    axis.set(
        xticks=range(len(levels)), xticklabels=["head", *(f"+ {level}" for level in levels[1:])], ylim=(-0.3, 1.02)
    )
    axis.set(xlabel="shuffled, from the head down", ylabel="rank correlation with the trained network's map")
    axis.legend(frameon=False, fontsize=7, ncols=2)
    return figure


def draw_agreement(found: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw how alike the maps of any two methods are, by both names."""
    names, alike = list(found), np.array([list(row.values()) for row in found.values()])
    figure, (axis,) = plots.axes(6.4, 5.6)
    axis.imshow(alike, cmap="Purples", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(alike):
        colour = "white" if value > 0.5 else plots.INK
        axis.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour)
    axis.set(xticks=range(len(names)), yticks=range(len(names)), yticklabels=names)
    axis.set_xticklabels(names, rotation=45, ha="right")
    axis.set_title("rank correlation of two methods' maps, mean over the cells", fontsize=9)
    axis.spines[:].set_visible(False)
    return figure


def _styles(found: Mapping[str, Evidence]) -> list[dict[str, object]]:
    """Return a line's style for each: grey for what is to be beaten."""
    colours = iter(colormaps["tab10"].colors)
    return [
        {"color": "#777777", "ls": "--" if name == "random" else ":"}
        if name in BASELINES
        else {"color": next(colours), "marker": ".", "ms": 4}
        for name in found
    ]
