"""Figures of the faithfulness of heat-map methods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import cycle
from typing import Any

import numpy as np
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
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", frameon=False, fontsize=7)
    return figure


def draw_shuffled(results: Mapping[str, Faithfulness]) -> Figure:
    """Draw the rank correlation of maps before and after the network's weights are shuffled, from its head down."""
    figure, (axis,) = plots.axes(7.6)
    methods = {name: result for name, result in results.items() if result.shuffled}
    for (name, result), style in zip(methods.items(), _styles(methods)):
        levels = list(result.shuffled)
        axis.plot(range(len(levels)), [np.mean(result.shuffled[level]) for level in levels], label=name, **style)
    axis.axhline(0, color=plots.GREY, lw=0.8, ls=":", label="no correlation")
    names = ["head", *(f"+ {level}" for level in levels[1:])]
    axis.set_xticks(range(len(levels)), names, rotation=35, ha="right", rotation_mode="anchor", fontsize=8)
    axis.set_ylim(-0.3, 1.02)
    axis.set(xlabel="shuffled, from the head down", ylabel="rank correlation with the trained network's map")
    figure.legend(loc="outside right center", frameon=False, fontsize=7)
    return figure


def draw_agreement(agreement: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw the rank correlation of any two methods' maps, by both names."""
    names, correlations = list(agreement), np.array([list(row.values()) for row in agreement.values()])
    figure, (axis,) = plots.axes(6.4, 5.6)
    axis.imshow(correlations, cmap="Greys", vmin=0, vmax=1)
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
    looks = cycle(plots.SERIES)
    baselines = {name: {"color": plots.GREY, "ls": "--" if name == "random" else ":"} for name in BASELINES}
    return [baselines.get(name) or {**next(looks), "ms": 3} for name in names]
