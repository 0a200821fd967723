"""95 % intervals over patients: cells of one patient are not independent.

The error of a score is that of leaving out each patient in turn, class by class. Where every patient of a class has as
many cells it is Obuchowski's of a clustered AUROC, and with one cell a patient DeLong's. The interval is a t interval
on the logit scale. `benchmarks/coverage.py` measures how often it covers the truth.

Sources: Obuchowski 1997, Biometrics 53:567-578; DeLong et al. 1988, Biometrics 44:837-845; Efron & Stein 1981, Annals
of Statistics 9:586-596 (jackknife); Satterthwaite 1946, Biometrics Bulletin 2:110-114; Kish 1965, Survey Sampling;
Clopper & Pearson 1934, Biometrika 26:404-413.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, expit, logit, stdtrit

from leukemia_tf.evaluation.metrics import METRICS, Metric, all_metrics
from leukemia_tf.evaluation.weighted_cells import WeightedCells

FEWEST = 5  # patients of a class: with fewer there is no interval
LEVEL = 0.95
UPPER = (1 + LEVEL) / 2
ADDED = 0.15  # of a patient at the largest variance: five patients may all be lucky, and then vary too little

Interval = dict[str, float]  # value, low, high


@dataclass(frozen=True)
class _Class:
    """The patients of one class.

    Parameters
    ----------
    label : int
        1 for `all`, 0 for `hem`.
    members : numpy.ndarray
        int [n], their places in `numpy.unique`.
    cells : numpy.ndarray
        float [n], how many cells each has.
    """

    label: int
    members: np.ndarray
    cells: np.ndarray

    def effective(self, equal: bool) -> float:
        """Return how many patients with the same number of cells would tell as much (Kish)."""
        return len(self.cells) if equal else float(self.cells.sum() ** 2 / (self.cells**2).sum())


def score_with_intervals(
    labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray, threshold: float | np.ndarray = 0.5
) -> dict[str, Interval]:
    """Compute every metric with its 95 % interval over patients.

    Parameters
    ----------
    labels, probabilities, patients : numpy.ndarray
        int [n], float [n] in 0-1, str [n]; a patient belongs to the class of its first cell.
    threshold : float or numpy.ndarray
        A cell is predicted `all` at this probability or more; one for all, or float [n].

    Returns
    -------
    dict
        `{metric: {"value", "low", "high"}}`; `low` and `high` are NaN where the metric is undefined, or with fewer than
        `FEWEST` patients of a class that it needs. Where every patient is one row, shares of patients have the exact
        interval of Clopper and Pearson.
    """
    classes, weights = _leave_one_out(labels, patients)
    cells = WeightedCells(labels, probabilities, patients, weights, threshold)
    one_each = len(cells.labels) == sum(len(one.members) for one in classes)
    scores = {}
    for name, values in _compute(cells).items():
        metric = METRICS[name]
        if one_each and metric.cases:
            scores[name] = _exact(values[0], float(metric.cases(cells)[0]), _needed(metric, classes))
        else:
            needed = _needed(metric, classes) if metric.lowest is not None else []
            scores[name] = _on_the_logit_scale(values, needed, metric.equal_patients, metric.lowest or 0)
    return scores


def paired_difference(
    labels: np.ndarray,
    probabilities: np.ndarray,
    others: np.ndarray,
    patients: np.ndarray,
    thresholds: tuple[float | np.ndarray, float | np.ndarray] = (0.5, 0.5),
) -> dict[str, Interval]:
    """Compute the difference between two sets of probabilities in every metric, on the same patients.

    Parameters
    ----------
    labels, probabilities, others, patients : numpy.ndarray
        int [n], float [n] twice, str [n].
    thresholds : tuple of float or numpy.ndarray
        A cell is predicted `all` at this probability or more, for either; one for all, or float [n].

    Returns
    -------
    dict
        `{metric: {"value", "low", "high"}}`: the first minus the second, with its 95 % t interval; no interval where no
        patient makes a difference, or with fewer than `FEWEST` patients of a class.
    """
    classes, weights = _leave_one_out(labels, patients)
    first = all_metrics(labels, probabilities, patients, weights, thresholds[0])
    second = all_metrics(labels, others, patients, weights, thresholds[1])
    differences = {}
    for name, metric in METRICS.items():
        values = first[name] - second[name]
        if metric.lowest is None:
            values[1:] = np.nan
        score = _on_the_plain_scale(values, _needed(metric, classes), metric.equal_patients)
        most = 1 - (metric.lowest or 0)
        ends = {end: float(np.clip(score[end], -most, most)) for end in ("low", "high")}
        differences[name] = {"value": score["value"], **ends}
    return differences


def mean_over_patients(values: np.ndarray, labels: np.ndarray, patients: np.ndarray) -> Interval:
    """Compute the mean over patients of their cells' mean, with its 95 % t interval over patients.

    Parameters
    ----------
    values, labels, patients : numpy.ndarray
        float [n], where NaN is left out; int [n]; str [n].

    Returns
    -------
    dict
        `{"value", "low", "high"}`; NaN where no value is left; no interval with fewer than `FEWEST` patients of a
        class.
    """
    known = np.isfinite(values)
    if not known.any():
        return _without_interval(np.nan)
    values, labels, patients = values[known], np.asarray(labels)[known], np.asarray(patients)[known]
    classes, weights = _leave_one_out(labels, patients)
    means = per_patient(labels, values, patients)[1]
    with np.errstate(invalid="ignore"):
        return _on_the_plain_scale(weights @ means / weights.sum(1), classes, equal=True)


def pointwise_band(
    curve: Callable[[np.ndarray], np.ndarray], labels: np.ndarray, patients: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute a curve with the 95 % interval of each of its points, as `score_with_intervals` that of a score.

    Parameters
    ----------
    curve : callable
        From the weight of each cell, float [n], to the values of the curve, float [points] of 0-1.
    labels, patients : numpy.ndarray
        int [n], str [n].

    Returns
    -------
    tuple of numpy.ndarray
        The curve and the ends of its band: float [points] each; NaN where a score would have no interval.
    """
    classes, weights = _leave_one_out(labels, patients)
    _, patient = np.unique(patients, return_inverse=True)
    values = [curve(np.ones(len(labels)))]
    if _too_few(classes):
        return values[0], *np.full((2, len(values[0])), np.nan)
    values += [curve(row[patient]) for row in weights[1:]]
    points = [_on_the_logit_scale(column, classes, equal=False, lowest=0) for column in np.array(values).T]
    return values[0], np.array([point["low"] for point in points]), np.array([point["high"] for point in points])


def per_patient(
    labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each patient's label, mean probability over cells, and name: int [p], float [p], str [p]."""
    names, first, index = np.unique(patients, return_index=True, return_inverse=True)
    mean = np.bincount(index, probabilities) / np.bincount(index)
    return np.asarray(labels)[first], mean, names


def t_interval(
    values: np.ndarray, classes: Sequence[tuple[np.ndarray, float]], added: float = 0.0
) -> tuple[float, float]:
    """Return a value's standard error and the t quantile to multiply it with.

    Parameters
    ----------
    values : numpy.ndarray
        float [1 + p]: the value, then the value without each patient.
    classes : sequence of tuple
        Of each class the places of its patients (int [n]), and how many patients they count as.
    added : float
        Variance added to that of each patient of each class, once.

    Returns
    -------
    tuple of float
        Standard error; quantile, at Satterthwaite's degrees of freedom. NaN where the value is undefined without one of
        the patients.
    """
    variances, freedoms = [], []
    for members, effective in classes:
        left_out, count = values[1 + members], len(members)
        spread = (count - 1) / count * ((left_out - left_out.mean()) ** 2).sum()
        variances.append(spread + added / (count**2 * len(classes)))
        freedoms.append(max(effective - 1, 0.1))
    total = sum(variances)
    if not total > 0:
        return float(total), np.nan
    freedom = total**2 / sum(variance**2 / degrees for variance, degrees in zip(variances, freedoms))
    return float(np.sqrt(total)), float(stdtrit(freedom, UPPER))


def clopper_pearson(share: float, count: float) -> tuple[float, float]:
    """Return the exact 95 % interval of a share of so many independent cases."""
    hits, misses = share * count, (1 - share) * count
    low = betaincinv(hits, misses + 1, 1 - UPPER) if hits > 1e-9 else 0.0
    high = betaincinv(hits + 1, misses, UPPER) if misses > 1e-9 else 1.0
    return float(low), float(high)


def _compute(cells: WeightedCells) -> dict[str, np.ndarray]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: metric.compute(cells) for name, metric in METRICS.items()}


def _leave_one_out(labels: np.ndarray, patients: np.ndarray) -> tuple[list[_Class], np.ndarray]:
    """Return the classes, and how often each patient counts, float [1 + p, p]: all once; all but one, for each."""
    _, first, cells = np.unique(patients, return_index=True, return_counts=True)
    label_of = np.asarray(labels)[first]
    places = {int(label): np.flatnonzero(label_of == label) for label in np.unique(label_of)}
    classes = [_Class(label, members, cells[members].astype(float)) for label, members in places.items()]
    return classes, np.concatenate([np.ones((1, len(first))), 1 - np.eye(len(first))])


def _needed(metric: Metric, classes: Sequence[_Class]) -> list[_Class]:
    return [one for one in classes if metric.label in (None, one.label)]


def _too_few(classes: Sequence[_Class]) -> bool:
    return not classes or min(len(one.members) for one in classes) < FEWEST


def _without_interval(value: float) -> Interval:
    return {"value": float(value), "low": np.nan, "high": np.nan}


def _exact(value: float, cases: float, classes: Sequence[_Class]) -> Interval:
    if _too_few(classes) or not np.isfinite(value):
        return _without_interval(value)
    low, high = clopper_pearson(value, cases)
    return {"value": float(value), "low": low, "high": high}


def _on_the_logit_scale(values: np.ndarray, classes: Sequence[_Class], equal: bool, lowest: float) -> Interval:
    """Return a metric's interval from its values for all patients and without each; its largest value is 1.

    It is never wider than if each patient were all right or all wrong: then Clopper and Pearson's is exact. That is
    also the interval at a bound, such as an AUROC of 1.
    """
    value = values[0]
    if _too_few(classes) or not np.isfinite(values).all():
        return _without_interval(value)
    spread = 1 - lowest
    shares = np.clip((values - lowest) / spread, 0, 1)
    share = float(shares[0])
    sizes = [one.effective(equal) for one in classes]
    low, high = clopper_pearson(share, min(sizes))
    largest = share * (1 - share)  # variance of a value between 0 and 1
    if largest > 1e-12:
        parts = [(one.members, size) for one, size in zip(classes, sizes)]
        error, quantile = t_interval(shares, parts, ADDED * largest)
        reach = quantile * error / largest
        low, high = max(low, float(expit(logit(share) - reach))), min(high, float(expit(logit(share) + reach)))
    return {"value": float(value), "low": lowest + spread * low, "high": lowest + spread * high}


def _on_the_plain_scale(values: np.ndarray, classes: Sequence[_Class], equal: bool) -> Interval:
    if _too_few(classes) or not np.isfinite(values).all():
        return _without_interval(values[0])
    error, quantile = t_interval(values, [(one.members, one.effective(equal)) for one in classes])
    value = float(values[0])
    return {"value": value, "low": value - quantile * error, "high": value + quantile * error}
