"""The search: better than chance on a known hill, never twice the same, and it goes on where it stopped."""

import math

import pytest

from leukemia_tf.errors import UserError
from leukemia_tf.tuning.search import Range, search

SPACE = {"rate": Range(1e-6, 1e-2, log=True), "dropout": Range(0.1, 0.7)}


def hill(values):
    """Highest, 1, at a rate of 1e-3 and a dropout of 0.5."""
    return 1 - ((math.log10(values["rate"]) + 3) / 4) ** 2 - (values["dropout"] - 0.5) ** 2


def run(folder, objective=hill, space=SPACE, **kwargs):
    found = []
    search(objective, space, folder, found.append, **kwargs)
    return found


@pytest.mark.parametrize("method", ["bayesian", "random", "grid"])
def test_trials_stay_in_the_space_and_say_what_they_scored(tmp_path, method):
    found = run(tmp_path, method=method, trials=8)
    assert [tried.number for tried in found] == list(range(8))
    for tried in found:
        assert 1e-6 <= tried.values["rate"] <= 1e-2
        assert 0.1 <= tried.values["dropout"] <= 0.7
        assert tried.score == pytest.approx(hill(tried.values))
    assert found[0].values == run(tmp_path / "again", method=method, trials=1)[0].values


def test_the_gaussian_process_climbs(tmp_path):
    found = run(tmp_path, trials=12)
    assert max(tried.score for tried in found[6:]) > max(tried.score for tried in found[:6])
    assert max(tried.score for tried in found) > 0.97


@pytest.mark.parametrize("method", ["bayesian", "random", "grid"])
def test_no_configuration_is_tried_twice(tmp_path, method):
    space = {"framing": Range(choices=("fixed", "cell", "tight")), "depths": Range(choices=(1, 2))}
    found = run(tmp_path, lambda values: values["depths"], space, method=method, trials=20)
    assert len({tuple(sorted(tried.values.items())) for tried in found}) == len(found) <= 6
    assert len(found) >= 5


def test_a_crash_is_recorded_and_the_search_goes_on(tmp_path):
    calls = []

    def crashing(values):
        calls.append(values)
        if len(calls) in (1, 2, 3, 4):
            raise RuntimeError("no such layer\nand a long trace")
        return math.nan if len(calls) == 5 else hill(values)

    found = run(tmp_path, crashing, trials=8)
    assert [tried.failure for tried in found[:5]] == ["no such layer"] * 4 + ["the score is nan"]
    assert [tried.score is None for tried in found] == [True] * 5 + [False] * 3


def test_a_stopped_search_goes_on(tmp_path):
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
    assert [tried.number for tried in rest] == [7, 8]
    for tried, wanted in zip(rest, whole[7:]):
        assert tried.values == pytest.approx(wanted.values, rel=1e-3)


def test_what_cannot_be_is_refused(tmp_path):
    with pytest.raises(UserError, match="--method bayes: did you mean"):
        run(tmp_path, method="bayes")
