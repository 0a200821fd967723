"""How often 95 % intervals cover the truth: simulated studies with C-NMC's numbers of cells per patient.

    python benchmarks/coverage.py [--repeats 60]

A cell's logit is the class's mean, plus a patient's, plus its own; all normal. Cells per patient are drawn from those
of C-NMC's 22 leukemic and 11 healthy patients in `../shared`; 22 + 11 takes them as they are. True AUROC 0.75, 0.90,
0.97; the share of a logit's variance between patients of a class is 0.2 and 0.6. (Out of fold it is 0.05-0.07 for
healthy and 0.14-0.33 for leukemic patients, for logistic regressions on frozen features and on image statistics.) The
truth of what depends on the share of a class is that at the study's share.

Prints the share of intervals that cover, in per cent, over the six settings, in brackets that in the worst setting, and
the median width. The first rows are of other methods than this package's.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit, ndtri, stdtrit

from leukemia_tf.evaluation.intervals import mean_over_patients, paired_difference, per_patient, score_with_intervals
from leukemia_tf.evaluation.metrics import METRICS, all_metrics
from leukemia_tf.evaluation.weighted_cells import WeightedCells

LEUKEMIC = (157, 150, 150, 150, 145, 113, 112, 84, 61, 19, 11, 4, 3, 3, 2, 2, *[1] * 6)  # cells of each patient
HEALTHY = (411, 385, 10, 5, 3, *[2] * 5, 1)
DESIGNS = ((4, 2), (5, 5), (10, 10), (22, 11), (47, 26))  # leukemic and healthy patients
AREAS, CORRELATIONS = (0.75, 0.90, 0.97), (0.2, 0.6)
RESAMPLES = 500
GRID = ndtri((np.arange(801) + 0.5) / 801)
NORMAL = NormalDist()
SHARED = 0.8  # of the variance of two networks' logits about a cell

Ends = tuple[float, float]


class Study(NamedTuple):
    """A simulated study: class and size of each patient; each cell's patient, class, and logits of two networks."""

    label: np.ndarray
    sizes: np.ndarray
    patients: np.ndarray
    labels: np.ndarray
    logits: np.ndarray
    others: np.ndarray


def separation(area: float) -> float:
    """Return the distance of the classes' means, in standard deviations, at an AUROC."""
    return float(np.sqrt(2) * ndtri(area))


def simulate(rng: np.random.Generator, design: tuple[int, int], area: float, correlation: float) -> Study:
    """Draw a study; the other network's AUROC is halfway to 0.5."""
    counted = design == (len(LEUKEMIC), len(HEALTHY))
    drawn = (LEUKEMIC, HEALTHY) if counted else tuple(map(rng.choice, (LEUKEMIC, HEALTHY), design))
    label, sizes = np.repeat([1, 0], design), np.concatenate(drawn)
    patients = np.repeat(np.arange(len(sizes)), sizes)
    both = []
    common = rng.normal(size=len(sizes)), rng.normal(size=len(patients))
    for truth in (area, (area + 0.5) / 2):
        by_patient, by_cell = (
            np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * rng.normal(size=len(shared)) for shared in common
        )
        noise = np.sqrt(correlation) * by_patient[patients] + np.sqrt(1 - correlation) * by_cell
        both.append(separation(truth) * (label - 0.5)[patients] + noise)
    return Study(label, sizes, patients, label[patients], *both)


def truth_over_cells(area: float, leukemic: float, healthy: float) -> dict[str, float]:
    """Return the metrics of infinitely many cells, with so much weight on either class."""
    labels = np.repeat([1, 0], len(GRID))
    logits = separation(area) * (labels - 0.5) + np.tile(GRID, 2)
    scores = all_metrics(labels, expit(separation(area) * logits), 1 - labels, np.array([[leukemic, healthy]]))
    return {name: float(values[0]) for name, values in scores.items()} | {"auroc": area, "auroc_by_patient": area}


def truth_over_patients(rng: np.random.Generator, area: float, correlation: float) -> dict[str, float]:
    """Return sensitivity, specificity and AUROC over patients by the mean probability of their cells."""
    study = simulate(rng, (3000, 3000), area, correlation)
    label, mean, _ = per_patient(study.labels, expit(separation(area) * study.logits), study.patients)
    rank = np.empty(len(mean))
    rank[np.argsort(mean)] = np.arange(1, len(mean) + 1)
    above = (rank[label == 1].mean() - 3001 / 2) / 3000
    return {
        "sensitivity": (mean[label == 1] >= 0.5).mean(),
        "specificity": (mean[label == 0] < 0.5).mean(),
        "auroc": above,
    }


def others(study: Study, probabilities: np.ndarray, rng: np.random.Generator) -> dict[str, dict[str, Ends]]:
    """Return the intervals of other methods, for AUROC and AUROC by patient."""
    places = [np.flatnonzero(study.label == value) for value in (1, 0)]
    drawn = np.zeros((RESAMPLES, len(study.sizes)))
    for members in places:
        drawn[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), RESAMPLES)
    weights = np.concatenate([np.ones((1, len(study.sizes))), 1 - np.eye(len(study.sizes)), drawn])
    cells = WeightedCells(study.labels, probabilities, study.patients, weights)
    result: dict[str, dict[str, Ends]] = defaultdict(dict)
    for name in ("auroc", "auroc_by_patient"):
        with np.errstate(divide="ignore", invalid="ignore"):
            values = METRICS[name].compute(cells)
        value, left_out, samples = values[0], values[1 : 1 + len(study.sizes)], values[1 + len(study.sizes) :]
        counts = study.sizes if name == "auroc" else np.ones(len(study.sizes))
        result["bootstrap, BCa (before)"][name] = bca(value, [left_out[members] for members in places], samples)
        result["bootstrap, percentiles"][name] = tuple(np.quantile(samples, (0.025, 0.975)))
        result["Obuchowski, t, logit"][name] = obuchowski_t(value, left_out, counts, places)
        result["jackknife, t, logit"][name] = obuchowski_t(value, left_out, np.ones_like(counts), places)
    return result


def obuchowski_t(value: float, left_out: np.ndarray, counts: np.ndarray, places: list[np.ndarray]) -> Ends:
    """Return the t interval on the logit scale with one degree of freedom less than patients.

    The variance is Obuchowski's from the numbers of cells, and the jackknife's where all are 1.
    """
    variances, freedoms = [], []
    for members in places:
        count, share = len(members), counts[members] / counts[members].sum()
        variances.append(count / (count - 1) * (((left_out[members] - value) * (1 - share)) ** 2).sum())
        freedoms.append(count - 1)
    total = sum(variances)
    if not 0 < value < 1 or total == 0:
        return value, value
    quantile = stdtrit(total**2 / sum(v**2 / n for v, n in zip(variances, freedoms)), 0.975)
    reach = quantile * np.sqrt(total) / (value * (1 - value))
    return float(expit(logit(value) - reach)), float(expit(logit(value) + reach))


def bca(value: float, left_out: list[np.ndarray], samples: np.ndarray) -> Ends:
    """Return the bias-corrected and accelerated interval with the classes as strata (Efron 1987)."""
    below = (np.mean(samples < value) + np.mean(samples <= value)) / 2
    bias = NORMAL.inv_cdf(min(max(below, 1 / len(samples)), 1 - 1 / len(samples)))
    squares = cubes = 0.0
    for values in left_out:
        influence = (values.mean() - values) * (len(values) - 1) / len(values)
        squares, cubes = squares + (influence**2).sum(), cubes + (influence**3).sum()
    acceleration = cubes / (6 * squares**1.5) if squares > 0 else 0.0
    ends = [bias + NORMAL.inv_cdf(share) for share in (0.025, 0.975)]
    shares = [NORMAL.cdf(bias + end / max(1 - acceleration * end, 1e-3)) for end in ends]
    return tuple(np.quantile(samples, shares).tolist())


Seen = dict[str, list[tuple[bool, float]]]  # by row of the table: covered, width


def watch(seen: Seen, row: str, ends: Mapping[str, float] | Ends, truth: float) -> None:
    """Note whether an interval covers, and its width; nothing where there is none."""
    low, high = (ends["low"], ends["high"]) if isinstance(ends, Mapping) else ends
    if np.isfinite(low):
        seen[row].append((bool(low - 1e-12 <= truth <= high + 1e-12), float(high - low)))


def study_once(
    seen: Seen, study: Study, area: float, by_patient: Mapping[str, float], rng: np.random.Generator
) -> None:
    """Compute every interval of one study."""
    labels, patients, slope = study.labels, study.patients, separation(area)
    probabilities, second = expit(slope * study.logits), expit(slope * study.others)
    counts = (study.sizes * study.label).sum(), (study.sizes * (1 - study.label)).sum()
    truth = truth_over_cells(area, *counts)
    share = study.label.mean()
    truth["macro_accuracy"] = share * truth["sensitivity"] + (1 - share) * truth["specificity"]
    for name, score in score_with_intervals(labels, probabilities, patients).items():
        watch(seen, f"over cells: {METRICS[name].title}", score, truth[name])
    for method, intervals in others(study, probabilities, rng).items():
        for name, ends in intervals.items():
            watch(seen, f"{method}: {METRICS[name].title}", ends, area)
    one_each = score_with_intervals(*per_patient(labels, probabilities, patients))
    for name, value in by_patient.items():
        watch(seen, f"over patients: {METRICS[name].title}", one_each[name], value)
    difference = paired_difference(labels, probabilities, second, patients)
    for name in ("auroc", "auroc_by_patient"):
        watch(seen, f"paired difference: {METRICS[name].title}", difference[name], (area - 0.5) / 2)
    mean = mean_over_patients(study.logits, labels, patients)
    watch(seen, "mean over patients of the logit", mean, slope * (share - 0.5))


def measure(repeats: int, seed: int = 0) -> dict[str, dict[str, dict[str, float]]]:
    """Return by row and design the mean coverage, the lowest of the settings, and the median width."""
    table: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for design in DESIGNS:
        rng, settings = np.random.default_rng(seed), []
        for area in AREAS:
            for correlation in CORRELATIONS:
                seen: Seen = defaultdict(list)
                by_patient = truth_over_patients(rng, area, correlation)
                for _ in range(repeats):
                    study_once(seen, simulate(rng, design, area, correlation), area, by_patient, rng)
                settings.append(seen)
        for row in dict.fromkeys(row for seen in settings for row in seen):
            shares = [np.mean([covered for covered, _ in seen[row]]) for seen in settings if seen[row]]
            widths = [width for seen in settings for _, width in seen[row]]
            summary = {"mean": np.mean(shares), "worst": np.min(shares), "width": np.median(widths)}
            table[row]["+".join(map(str, design))] = {key: float(value) for key, value in summary.items()}
    return table


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=60, help="studies per design and setting (default 60)")
    table = measure(parser.parse_args().repeats)
    designs = ["+".join(map(str, design)) for design in DESIGNS]
    print(f"| interval | {' | '.join(designs)} |\n|---|{'---|' * len(designs)}")
    for row in sorted(table, key=lambda row: row.startswith("over cells")):
        texts = [
            f"{100 * one['mean']:.0f} ({100 * one['worst']:.0f}), {one['width']:.2f}" if one else "none"
            for one in (table[row].get(design) for design in designs)
        ]
        print(f"| {row} | {' | '.join(texts)} |")
    print(json.dumps(table))


if __name__ == "__main__":
    main()
