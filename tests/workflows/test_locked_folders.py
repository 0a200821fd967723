"""Two processes on one folder: the second stops before it writes a file."""

import pytest

from leukemia_tf.config import CrossvalConfig, NoisyStudentConfig, TrainConfig, TuneConfig
from leukemia_tf.core.errors import ArgumentError, UserError
from leukemia_tf.core.locks import locked
from leukemia_tf.workflows.crossval import crossval
from leukemia_tf.workflows.noisy_student import noisy_student
from leukemia_tf.workflows.train import train
from leukemia_tf.workflows.tune import tune

COMMANDS = {crossval: CrossvalConfig, noisy_student: NoisyStudentConfig, train: TrainConfig, tune: TuneConfig}


@pytest.mark.parametrize(("command", "config"), COMMANDS.items(), ids=[command.__name__ for command in COMMANDS])
def test_the_second_is_refused(command, config, tiny_cells, tmp_path):
    out = tmp_path / "out"
    with locked(out), pytest.raises(UserError, match=f"{out}: another process writes this folder"):
        command(config(data=tiny_cells, base="scratch", out=out))
    assert not list(tmp_path.iterdir())


def test_a_refused_setting_leaves_no_folder(tiny_cells, tmp_path):
    with pytest.raises(ArgumentError, match="`folds`"):
        crossval(CrossvalConfig(data=tiny_cells, base="scratch", folds=1, out=tmp_path / "new" / "place" / "out"))
    assert not list(tmp_path.iterdir())


def test_folders_that_are_in_use_by_then_stay(tmp_path):
    with locked(tmp_path / "new" / "place" / "out"):
        (tmp_path / "new" / "result.csv").touch()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["result.csv"]
