"""The search: better than chance on a known hill, no configuration twice, resumable."""

import math

import pytest

from leukemia_tf.core.errors import UserError
from leukemia_tf.tuning.search import Range, search

SPACE = {"rate": Range(1e-6, 1e-2, log=True), "dropout": Range(0.1, 0.7)}


def hill(values):
    """Highest, 1, at a rate of 1e-3 and a dropout of 0.5."""
    return 1 - ((math.log10(values["rate"]) + 3) / 4) ** 2 - (values["dropout"] - 0.5) ** 2


def run(folder, objective=hill, space=SPACE, **kwargs):
    trials = []
    search(objective, space, folder, trials.append, **kwargs)
    return trials


@pytest.mark.parametrize("method", ["bayesian", "random", "grid"])
def test_trials_stay_in_the_space_and_have_their_score(tmp_path, method):
    trials = run(tmp_path, method=method, trials=8)
    assert [trial.number for trial in trials] == list(range(8))
    for trial in trials:
        assert 1e-6 <= trial.values["rate"] <= 1e-2
        assert 0.1 <= trial.values["dropout"] <= 0.7
        assert trial.score == pytest.approx(hill(trial.values))
    assert trials[0].values == run(tmp_path / "again", method=method, trials=1)[0].values


def test_the_gaussian_process_climbs(tmp_path):
    trials = run(tmp_path, trials=12)
    assert max(trial.score for trial in trials[6:]) > max(trial.score for trial in trials[:6])
    assert max(trial.score for trial in trials) > 0.97


@pytest.mark.parametrize("method", ["bayesian", "random", "grid"])
def test_no_configuration_is_tried_twice(tmp_path, method):
    space = {"framing": Range(choices=("fixed", "cell", "tight")), "depths": Range(choices=(1, 2))}
    trials = run(tmp_path, lambda values: values["depths"], space, method=method, trials=20)
    assert len({tuple(sorted(trial.values.items())) for trial in trials}) == len(trials) <= 6
    assert len(trials) >= 5


def test_a_crash_is_recorded_and_the_search_goes_on(tmp_path):
    calls = []

    def crashing(values):
        calls.append(values)
        if len(calls) in (1, 2, 3, 4):
            raise RuntimeError("no such layer\nand a long trace")
        return math.nan if len(calls) == 5 else hill(values)

    trials = run(tmp_path, crashing, trials=8)
    assert [trial.failure for trial in trials[:5]] == ["no such layer"] * 4 + ["the score is nan"]
    assert [trial.score is None for trial in trials] == [True] * 5 + [False] * 3


def test_an_interrupted_search_is_resumed(tmp_path):
    whole = run(tmp_path / "whole", trials=9)
    seen = []

    def stopped(values):
        if len(seen) == 7:
            raise KeyboardInterrupt
        seen.append(values)
        return hill(values)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", stopped, trials=9)
    rest = run(tmp_path / "stopped", trials=9)
    assert [trial.number for trial in rest] == [7, 8]
    for trial, wanted in zip(rest, whole[7:]):
        assert trial.values == pytest.approx(wanted.values, rel=1e-3)


def test_an_unknown_method_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"`method`: no such method; did you mean bayesian.*method='bayes'"):
        run(tmp_path, method="bayes")
