"""Search over settings with keras-tuner's oracles: no configuration twice, failures on record, resumable."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import keras_tuner
import numpy as np
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial
from keras_tuner.errors import FailedTrialError
from keras_tuner.oracles import BayesianOptimizationOracle, GridSearchOracle, RandomSearchOracle

from leukemia_tf.errors import UserError, nearest

Value = float | int | str
SCORE = "score"


@dataclass(frozen=True)
class Range:
    """The values that a setting may take.

    Parameters
    ----------
    least, most : float
        Ends of an interval; sampled evenly, or by its logarithm.
    log : bool
        Whether by its logarithm.
    choices : tuple
        Or one of these.
    """

    least: float = 0.0
    most: float = 0.0
    log: bool = False
    choices: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Tried:
    """A configuration and what came of it.

    Parameters
    ----------
    number : int
        From 0, in the order of the trials.
    values : dict
        By the settings' names.
    score : float or None
        Higher is better; None if it failed.
    seconds : float
        How long it took.
    failure : str
        Why it failed; empty if it did not.
    """

    number: int
    values: dict[str, Value]
    score: float | None
    seconds: float
    failure: str = ""


class _Bayesian(BayesianOptimizationOracle):
    """Draws at random where the Gaussian process asks for what was tried before."""

    def populate_space(self, trial_id: str) -> dict:
        """Return the next values; they depend on the trials so far and the seed alone, after a stop too."""
        self._random_state = np.random.RandomState(self.seed + len(self.trials))
        found = super().populate_space(trial_id)
        tried = found["values"] is not None and self._duplicate(found["values"])
        return self._random_populate_space() if tried else found


METHODS = {"bayesian": _Bayesian, "random": RandomSearchOracle, "grid": GridSearchOracle}


class _Search(BaseTuner):
    """Asks the objective for each trial's score, and tells what came of it."""

    def __init__(
        self, objective: Callable[[dict[str, Value]], float], note: Callable[[Tried], object], **kwargs: object
    ) -> None:
        self.ask, self.note = objective, note
        super().__init__(**kwargs)

    def run_trial(self, trial: Trial) -> dict[str, float]:
        """Score a trial; whatever goes wrong is its failure, and the search goes on."""
        began, number, values = time.perf_counter(), int(trial.trial_id), dict(trial.hyperparameters.values)
        score, failure = None, ""
        try:
            score = float(self.ask(values))
            failure = "" if math.isfinite(score) else f"the score is {score}"
        except Exception as error:  # a trial may fail in any way
            failure = (str(error).splitlines() or [""])[0] or type(error).__name__
        self.note(Tried(number, values, None if failure else score, time.perf_counter() - began, failure))
        if failure:
            raise FailedTrialError(failure)
        return {SCORE: score}


def search(
    objective: Callable[[dict[str, Value]], float],
    space: Mapping[str, Range],
    folder: Path,
    note: Callable[[Tried], object],
    method: str = "bayesian",
    trials: int = 20,
    seed: int = 0,
) -> None:
    """Try configurations until there have been so many, or no other is left; a stopped search goes on.

    Parameters
    ----------
    objective : callable
        Values by name -> a score; higher is better. What it raises is the trial's failure.
    space : mapping of str to Range
        What may be varied; 1 or more.
    folder : pathlib.Path
        Where the state is kept after each trial.
    note : callable
        Told each trial when it has ended.
    method : str
        `bayesian` (a Gaussian process, after three random trials a setting), `random` or `grid`.
    trials : int
        In all, those before a stop too.
    seed : int
        Of the draws.

    Raises
    ------
    UserError
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
        tuner = _Search(objective, note, oracle=oracle, directory=str(folder), project_name=method)
    tuner.oracle.max_trials = trials  # what was reloaded may have been asked for fewer
    tuner.oracle.verbose = 0
    tuner.search()


def check_method(method: str) -> None:
    """Stop at an unknown method."""
    if method not in METHODS:
        raise UserError(f"--method {method}: {nearest(method, METHODS)}")


def _hyperparameters(space: Mapping[str, Range]) -> keras_tuner.HyperParameters:
    found = keras_tuner.HyperParameters()
    for name, values in space.items():
        if values.choices:
            found.Choice(name, list(values.choices), ordered=False)
        else:
            found.Float(name, values.least, values.most, sampling="log" if values.log else "linear")
    return found
