"""Figures: one meaning a colour, distinct to everyone; labels that do not overlap; bands by the interval's method."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from leukemia_tf.evaluation import cell_plots, curves
from leukemia_tf.evaluation.audit_plots import draw_leak
from leukemia_tf.evaluation.intervals import pointwise_band, score_with_intervals
from leukemia_tf.evaluation.plots import COLOURS, PALETTE, SERIES, axes, log_where_spiked, log_x, place_labels
from leukemia_tf.evaluation.training_plots import learning_curves
from leukemia_tf.reporting.error_analysis import draw_costs, draw_gallery, draw_histories, draw_scores
from leukemia_tf.tuning.search import Range, Trial
from leukemia_tf.tuning.trials import draw_search

SIGHT = {  # Machado, Oliveira & Fernandes 2009, severity 1: linear RGB -> linear RGB
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colour, sight):
    """Return a colour as CIELAB under D65, as it is seen."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = XYZ @ np.clip(np.array(SIGHT[sight]) @ linear, 0, 1) / (0.9505, 1, 1.089)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHT)
def test_meanings_have_colours_that_everyone_tells_apart(sight):
    shown = {name: colour for name, colour in PALETTE.items() if name != "score"}
    distances = {
        pair: np.linalg.norm(lab(shown[pair[0]], sight) - lab(shown[pair[1]], sight)) for pair in combinations(shown, 2)
    }
    assert min(distances.values()) > 18, min(distances, key=distances.get)
    assert set(COLOURS.values()) <= set(PALETTE.values())
    assert not {look["color"] for look in SERIES} & set(PALETTE.values())


def boxes_of_texts(figure):
    figure.draw_without_rendering()
    for axis in figure.axes:
        for texts in (axis.get_xticklabels(), axis.get_yticklabels(), axis.texts):
            yield [text for text in texts if text.get_text() and text.get_visible()]


def corners(text):
    """Return the corners of a text's letters, turned as it is."""
    angle, turned = text.get_rotation(), text.get_window_extent()
    text.set_rotation(0)
    box = text.get_window_extent()
    text.set_rotation(angle)
    width, height = box.width / 2 - 0.5, box.height / 2 - 0.5
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    middle = np.array([(turned.x0 + turned.x1) / 2, (turned.y0 + turned.y1) / 2])
    around = np.array([[-width, -height], [width, -height], [width, height], [-width, height]])
    return middle + around @ np.array([[cosine, sine], [-sine, cosine]])


def overlap(one, other):
    """Return whether two convex quadrilaterals overlap: no side separates them."""
    for first, second in ((one, other), (other, one)):
        for place in range(4):
            side = first[place] - first[place - 1]
            normal = np.array([-side[1], side[0]])
            if (first @ normal).max() <= (second @ normal).min() or (second @ normal).max() <= (first @ normal).min():
                return False
    return True


def assert_no_overlap(figure):
    for texts in boxes_of_texts(figure):
        for one, other in combinations(texts, 2):
            assert not overlap(corners(one), corners(other)), (one.get_text(), other.get_text())


def history(stages, spike=None):
    rows = []
    for epoch, stage in enumerate(stages, start=1):
        loss = spike if spike and epoch == 2 else 0.5
        row = {"stage": stage, "epoch": epoch, "loss": loss, "val_loss": 0.6, "accuracy": 0.7, "val_accuracy": 0.6}
        rows.append({**row, "val_auroc": 0.8, "val_auroc_by_patient": 0.7, "kept": int(epoch == len(stages))})
    return [{name: str(value) for name, value in row.items()} for row in rows]


def test_stages_of_one_epoch_do_not_overlap():
    names = ["head"] * 20 + [f"unfreeze conv{number}" for number in (4, 3, 2, 1)]
    figure = learning_curves(history(names))
    assert_no_overlap(figure)
    for name in set(names):
        assert name in figure.get_supxlabel().replace("\n", " ")


def test_a_spike_makes_the_axis_logarithmic():
    figure = learning_curves(history(["head"] * 6, spike=900.0))
    assert figure.axes[0].get_yscale() == "log"
    assert "log scale" in figure.axes[0].get_ylabel()
    assert learning_curves(history(["head"] * 6)).axes[0].get_yscale() == "linear"
    _, (axis,) = axes()
    assert not log_where_spiked(axis, [0.0, 1.0, 1.0, 100.0])  # a zero has no logarithm
    assert draw_histories({"a": history(["head"] * 6, spike=900.0)}).axes[0].get_yscale() == "log"


@pytest.mark.parametrize("low_high", [(1e-6, 1e-2), (1e-5, 9e-5), (2e-4, 4e-4), (1e-3, 1.3e-3), (10, 1e9)])
def test_a_log_axis_has_few_labels(low_high):
    figure, (axis,) = axes(3.4, 2.9)
    axis.plot(low_high, (0, 1))
    log_x(axis)
    assert_no_overlap(figure)
    labels = [text.get_text() for text in axis.get_xticklabels() if text.get_text()]
    assert labels


def test_the_figure_of_a_search_has_no_overlap():
    rng = np.random.default_rng(0)
    space = {"lr": Range(1e-6, 1e-2, log=True), "dropout": Range(0.1, 0.7), "weight-decay": Range(0.01, 0.8, log=True)}
    lows = {"lr": 1e-4, "dropout": 0.2, "weight-decay": 0.05}
    trials = [
        Trial(number, {name: low * rng.uniform(1, 3) for name, low in lows.items()}, 0.5, 1.0) for number in range(12)
    ]
    assert_no_overlap(draw_search(trials, space))


def test_placed_labels_cover_no_other():
    rng = np.random.default_rng(1)
    figure, (axis,) = axes(6.4, 5.2)
    points = rng.uniform(1, 3, (25, 2))
    axis.plot(*points.T, "o")
    axis.set(xlim=(0, 4), ylim=(0, 4))
    place_labels(axis, points.tolist(), [f"network-{number}" for number in range(25)])
    texts = [text for text in axis.texts if text.get_text()]
    assert [text.get_text() for text in texts] == [f"network-{number}" for number in range(25)]
    assert_no_overlap(figure)


def test_the_band_is_by_the_method_of_the_interval():
    rng = np.random.default_rng(2)
    patients = np.repeat([f"p{number}" for number in range(16)], 8)
    labels = np.repeat(np.arange(16) % 2, 8)
    probabilities = np.clip(0.5 + 0.15 * (2 * labels - 1) + 0.2 * rng.standard_normal(len(labels)), 0, 1)
    score = score_with_intervals(labels, probabilities, patients, 0.5)["sensitivity"]

    def sensitivity(weight):
        inside = weight * (labels == 1)
        return np.array([(inside * (probabilities >= 0.5)).sum() / inside.sum()])

    values, low, high = pointwise_band(sensitivity, labels, patients)
    assert values[0] == pytest.approx(score["value"])
    # a score of one class takes the degrees of freedom of that class, a curve those of both: almost the same
    assert (low[0], high[0]) == pytest.approx((score["low"], score["high"]), abs=0.02)
    assert low[0] < values[0] < high[0]
    few = patients < "p12"
    _, low, _ = pointwise_band(lambda weight: np.array([0.5]), labels[few][:32], patients[few][:32])
    assert np.isnan(low).all()


def drawn(kind):
    rng = np.random.default_rng(3)
    patients = np.repeat([f"p{number}" for number in range(12)], 5)
    labels = np.repeat(np.arange(12) % 2, 5)
    probabilities = np.clip(0.5 + 0.2 * (2 * labels - 1) + 0.2 * rng.standard_normal(60), 0.01, 0.99)
    score = {"value": 0.8, "low": 0.7, "high": 0.9}
    leak = {by: dict.fromkeys(("auroc", "auroc_by_patient", "weighted_f1"), score) for by in ("image", "patient")}
    names = dict.fromkeys(("resnet50-cut", "vgg16", "mobilenetv2"), score)
    sizes, wrong = rng.uniform(100, 900, 60), rng.uniform(size=60) < 0.3
    parameters, seconds = ({name: scale * place for place, name in enumerate(names, 2)} for scale in (1e6, 50))
    sets = {"uncalibrated": probabilities, "temperature 2": probabilities}
    return {
        "roc": lambda: curves.roc(labels, probabilities, patients, score),
        "precision-recall": lambda: curves.precision_recall(labels, probabilities, patients, score),
        "reliability": lambda: curves.reliability(labels, sets),
        "confusion": lambda: curves.confusion_matrix(labels, probabilities, 0.5),
        "strip": lambda: cell_plots.patient_strip(labels, probabilities, patients, 0.5),
        "histogram": lambda: cell_plots.probability_histogram(labels, probabilities, 0.5),
        "size": lambda: cell_plots.errors_by_size(labels, sizes, wrong),
        "leak": lambda: draw_leak(leak),
        "scores": lambda: draw_scores(names),
        "costs": lambda: draw_costs(names, parameters, seconds),
    }[kind]()


@pytest.mark.parametrize(
    "kind",
    [*("roc", "precision-recall", "reliability", "confusion", "strip", "histogram", "size", "leak", "scores", "costs")],
)
def test_no_figure_has_labels_that_overlap(kind):
    assert_no_overlap(drawn(kind))


def test_every_line_of_a_curve_has_its_name():
    for kind in ("roc", "precision-recall"):
        (axis,) = drawn(kind).axes
        named = set(axis.get_legend_handles_labels()[1])
        assert len(named) == len(axis.lines) + len(axis.collections) == 3


def test_a_single_cell_is_large_and_dark():
    labels = np.array([1] * 200 + [1] + [0])
    patients = np.array(["many"] * 200 + ["one"] + ["other"])
    (axis,) = cell_plots.patient_strip(labels, np.linspace(0, 1, 202), patients, 0.5).axes
    sizes = {len(dots.get_offsets()): (dots.get_sizes()[0], dots.get_alpha()) for dots in axis.collections}
    assert sizes[1][0] > 4 * sizes[200][0]
    assert sizes[1][1] > 2 * sizes[200][1]
    (place,) = {float(dots.get_offsets()[0][1]) % 1 for dots in axis.collections if len(dots.get_offsets()) == 1}
    assert place == 0
    assert "one (1 cell)" in [text.get_text() for text in axis.get_yticklabels()]


def test_a_score_without_an_interval_is_an_open_circle():
    open_one = {"value": 0.6, "low": np.nan, "high": np.nan}
    (axis,) = draw_scores({"one": open_one, "other": {"value": 0.8, "low": 0.7, "high": 0.9}}).axes
    first = next(line for line in axis.lines if line.get_marker() == "o")
    assert first.get_markerfacecolor() == "none"
    cheap = draw_costs({"one": open_one}, {"one": 10}, {"one": 20})
    assert "one (no interval)" in cheap.axes[0].get_legend_handles_labels()[1]


def test_wrong_cells_of_a_sheet_have_a_red_frame():
    cell = np.full((20, 20, 3), 90, np.uint8)
    wrong, right = draw_gallery([("a", cell, True), ("b", cell, False)], "cells").axes
    assert wrong.axison
    assert not right.axison
    assert {wrong.spines[side].get_edgecolor() for side in ("top", "left")} == {(*to_rgb(PALETTE["wrong"]), 1.0)}
