"""Figures of the faithfulness of heat-map methods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from leukemia_tf.evaluation import plots
from leukemia_tf.explain.faithfulness import BASELINES, Faithfulness


def draw_curves(results: Mapping[str, Faithfulness], scale: float) -> Figure:
    """Draw the mean deletion and insertion curve of each method, in units of `scale` logits."""
    figure, axes = plots.axes(5.6, columns=2)
    for place, (axis, title) in enumerate(
        zip(axes, ("deletion: the lower the better", "insertion: the higher the better"))
    ):
        for (name, result), style in zip(results.items(), _styles(results)):
            mean = np.mean([one[place] for one in result.curves], axis=0) / scale
            axis.plot(np.linspace(0, 100, len(mean)), mean, label=name, **style)
        axis.set(
            title=title,
            xlabel="% of the squares, the hottest first",
            ylabel="logit of the prediction, in standard deviations",
        )
    axes[1].legend(frameon=False, fontsize=7, ncols=2)
    return figure


def draw_shuffled(results: Mapping[str, Faithfulness]) -> Figure:
    """Draw the rank correlation of maps before and after the network's weights are shuffled, from its head down."""
    figure, (axis,) = plots.axes(6.4)
    methods = {name: result for name, result in results.items() if result.shuffled}
    for (name, result), style in zip(methods.items(), _styles(methods)):
        levels = list(result.shuffled)
        axis.plot(range(len(levels)), [np.mean(result.shuffled[level]) for level in levels], label=name, **style)
    axis.axhline(0, color="#999999", lw=0.8, ls=":")
    axis.set(
        xticks=range(len(levels)), xticklabels=["head", *(f"+ {level}" for level in levels[1:])], ylim=(-0.3, 1.02)
    )
    axis.set(xlabel="shuffled, from the head down", ylabel="rank correlation with the trained network's map")
    axis.legend(frameon=False, fontsize=7, ncols=2)
    return figure


def draw_agreement(agreement: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw the rank correlation of any two methods' maps, by both names."""
    names, correlations = list(agreement), np.array([list(row.values()) for row in agreement.values()])
    figure, (axis,) = plots.axes(6.4, 5.6)
    axis.imshow(correlations, cmap="Purples", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(correlations):
        colour = "white" if value > 0.5 else plots.INK
        axis.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour)
    axis.set(xticks=range(len(names)), yticks=range(len(names)), yticklabels=names)
    axis.set_xticklabels(names, rotation=45, ha="right")
    axis.set_title("rank correlation of two methods' maps, mean over the cells", fontsize=9)
    axis.spines[:].set_visible(False)
    return figure


def _styles(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return a line's style for each method: grey for the baselines."""
    colours = cycle(colormaps["tab10"](range(10)))
    return [
        {"color": "#777777", "ls": "--" if name == "random" else ":"}
        if name in BASELINES
        else {"color": next(colours), "marker": ".", "ms": 4}
        for name in names
    ]
