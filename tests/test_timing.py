"""Where the time of a command goes: named blocks, those inside another subtracted from it."""

import time

import pytest

from leukemia_tf.core.files import read_json
from leukemia_tf.core.timing import collecting_time, seconds_so_far, timed


def test_blocks_inside_another_are_subtracted_from_it_and_names_add_up():
    with collecting_time() as seconds:
        for _ in range(2):
            with timed("outer"):
                time.sleep(0.02)
                with timed("inner"):
                    time.sleep(0.05)
                with timed("outer"):
                    time.sleep(0.02)
    assert list(seconds) == ["outer", "inner"]
    assert 0.08 <= seconds["outer"] < 0.1 + 0.08
    assert seconds["inner"] >= 0.1


def test_a_failing_block_is_counted_and_nothing_is_collected_outside():
    with pytest.raises(ZeroDivisionError), collecting_time() as seconds, timed("fails"):
        1 / 0  # noqa: B018
    assert list(seconds) == ["fails"]
    with timed("later"):
        pass
    assert seconds_so_far() == {}


def test_a_run_says_where_its_time_went(tiny_run):
    seconds = read_json(tiny_run.seconds)
    stages = [stage["name"] for stage in tiny_run.read_config()["stages"]]
    assert {"reading the cells", "evaluation", *(f"stage {name}" for name in stages)} <= set(seconds)
    assert "time, without this report" in tiny_run.report.read_text()
