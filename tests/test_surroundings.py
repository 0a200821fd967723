"""What a shell, a notebook or keras.json has set up for other programs, and a command or an import finds."""

import json
import shutil
from types import SimpleNamespace

import pytest

from leukemia_tf.core.errors import UserError
from leukemia_tf.core.surroundings import check_keras


def test_settings_of_other_programs(tiny_run, tiny_cells, tmp_path, run_module):
    image = tmp_path / "Łódź" / "ó.bmp"
    image.parent.mkdir()
    shutil.copy(next(tiny_cells.rglob("*.bmp")), image)
    (tmp_path / "keras.json").write_text(json.dumps({"image_data_format": "channels_first", "floatx": "float16"}))
    usual = run_module(".predict", image, "--run", tiny_run.path, cwd=tmp_path)
    other = {"KERAS_BACKEND": "torch", "KERAS_HOME": str(tmp_path), "PYTHONIOENCODING": "ascii"}
    again = run_module(".predict", image, "--run", tiny_run.path, cwd=tmp_path, **other)
    assert (usual.returncode, again.returncode) == (0, 0), again.stderr
    (row,), (same,) = ([line for line in one.stdout.splitlines() if "bmp" in line] for one in (usual, again))
    assert same.split(",")[3] == row.split(",")[3]
    assert r"\u0141" in same  # a letter that ASCII lacks
    assert "KERAS_BACKEND=torch is not used" in again.stderr
    assert "image_data_format is set to channels_last" in again.stderr


@pytest.mark.slow
def test_the_window_system_of_a_notebook(tiny_cells, tmp_path, run_module):
    image = next(tiny_cells.rglob("*.bmp"))
    result = run_module(".preview", image, cwd=tmp_path, MPLBACKEND="module://not_installed.here")
    assert result.returncode == 0, result.stderr
    assert list(tmp_path.rglob("*.png"))


def test_another_backend_in_the_same_process():
    """A stand-in for Keras: its other backends need packages that the tests do without."""
    keras = SimpleNamespace(config=SimpleNamespace(backend=lambda: "jax"))
    with pytest.raises(UserError, match="Keras runs on jax in this process"):
        check_keras(keras)
