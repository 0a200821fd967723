"""Hyperparameter search with keras-tuner's oracles: no configuration twice, failures recorded, resumable."""

from __future__ import annotations

import errno
import math
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.errors import FailedTrialError, FatalError
from keras_tuner.oracles import BayesianOptimizationOracle, GridSearchOracle, RandomSearchOracle

from leukemia_tf.core.errors import ArgumentError, nearest

Value = float | int | str
SCORE = "score"
FULL = (errno.ENOSPC, errno.EDQUOT)  # a full disk, or a used-up quota


@dataclass(frozen=True)
class Range:
    """The values that a setting may take: an interval, or choices.

    Parameters
    ----------
    low, high : float
        Ends of the interval.
    log : bool
        Whether it is sampled on a logarithmic scale.
    choices : tuple
        The values, if it is no interval.
    """

    low: float = 0.0
    high: float = 0.0
    log: bool = False
    choices: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Trial:
    """A configuration and its score.

    Parameters
    ----------
    number : int
        From 0, in the order of the trials.
    values : dict
        The configuration, by the settings' names.
    score : float or None
        Higher is better; None if it failed.
    seconds : float
        Its duration.
    failure : str
        Why it failed; empty if it did not.
    """

    number: int
    values: dict[str, Value]
    score: float | None
    seconds: float
    failure: str = ""


class _Bayesian(BayesianOptimizationOracle):
    """Draws a random configuration if the Gaussian process proposes an earlier one.

    keras-tuner has no public API for its random state, its test for duplicates and its random draw.
    """

    def populate_space(self, trial_id: str) -> dict:
        """Return the next values; they depend on the trials so far and the seed alone, in a resumed search too."""
        self._random_state = np.random.RandomState(self.seed + len(self.trials))
        proposed = super().populate_space(trial_id)
        duplicate = proposed["values"] is not None and self._duplicate(proposed["values"])
        return self._random_populate_space() if duplicate else proposed


Objective = Callable[[dict[str, Value]], float]
Callback = Callable[[Trial], Any]
METHODS = {"bayesian": _Bayesian, "random": RandomSearchOracle, "grid": GridSearchOracle}


class _Search(keras_tuner.Tuner):
    """Calls the objective for each trial, and the callback with its result."""

    def __init__(self, objective: Objective, on_trial_end: Callback, **kwargs: Any) -> None:
        self.compute_score, self.callback = objective, on_trial_end
        super().__init__(**kwargs)

    def run_trial(self, trial: Any) -> dict[str, float]:
        """Score one of keras-tuner's trials; any exception is its failure, and the search goes on."""
        started, number, values = time.perf_counter(), int(trial.trial_id), dict(trial.hyperparameters.values)
        score, failure = math.nan, ""
        try:
            score = float(self.compute_score(values))
            failure = "" if math.isfinite(score) else f"the score is {score}"
        except OSError as error:
            if error.errno in FULL:  # no fault of its settings: the search goes on once there is room
                raise FatalError(str(error)) from error
            failure = str(error)
        except Exception as error:  # a trial may fail in any way
            failure = (str(error).splitlines() or [""])[0] or type(error).__name__
        self.callback(Trial(number, values, None if failure else score, time.perf_counter() - started, failure))
        if failure:
            raise FailedTrialError(failure)
        return {SCORE: score}


def search(
    objective: Objective,
    space: Mapping[str, Range],
    folder: Path,
    on_trial_end: Callback,
    method: str = "bayesian",
    trials: int = 20,
    seed: int = 0,
) -> None:
    """Try up to `trials` configurations; an interrupted search in the same folder is resumed.

    Parameters
    ----------
    objective : callable
        Values by name -> a score; higher is better. An exception is the trial's failure.
    space : mapping of str to Range
        The settings that vary; 1 or more.
    folder : pathlib.Path
        The state is written into it after each trial.
    on_trial_end : callable
        Called with each finished `Trial`.
    method : str
        `bayesian` (a Gaussian process, after three random trials per setting), `random` or `grid`.
    trials : int
        In all, those before an interruption included.
    seed : int
        Of the random configurations.

    Raises
    ------
    ArgumentError
        If the method is unknown.
    """
    check_method(method)
    oracle = METHODS[method](
        objective=keras_tuner.Objective(SCORE, "max"),
        max_trials=trials,
        hyperparameters=_hyperparameters(space),
        seed=seed + 1,  # keras-tuner takes 0 for no seed
        max_consecutive_failed_trials=trials + 1,
        **({} if method == "grid" else {"tune_new_entries": False}),
    )
    with redirect_stdout(StringIO()):  # "Reloading Tuner from …"
        tuner = _Search(objective, on_trial_end, oracle=oracle, directory=str(folder), project_name=method)
    tuner.oracle.max_trials = trials  # a resumed search may have been started with fewer
    tuner.oracle.verbose = 0
    try:
        tuner.search()
    except FatalError as error:
        raise (error.__cause__ or error) from None


def check_method(method: str) -> None:
    """Stop at an unknown method."""
    if method not in METHODS:
        raise ArgumentError("method", method, f"no such method; {nearest(method, METHODS)}")


def _hyperparameters(space: Mapping[str, Range]) -> keras_tuner.HyperParameters:
    parameters = keras_tuner.HyperParameters()
    for name, values in space.items():
        if values.choices:
            parameters.Choice(name, list(values.choices), ordered=False)
        else:
            parameters.Float(name, values.low, values.high, sampling="log" if values.log else "linear")
    return parameters
