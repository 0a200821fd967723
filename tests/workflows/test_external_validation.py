"""External validation stops at copies of what the run was trained on, however they are stored."""

import shutil

import cv2
import numpy as np
import pytest

from leukemia_tf.config import EvaluateConfig
from leukemia_tf.core.errors import DataError
from leukemia_tf.data.catalog import read_cells
from leukemia_tf.data.fingerprints import read_fingerprints
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.workflows.evaluate import evaluate


def corner_pixel(pixels):
    changed = pixels.copy()
    changed[0, 0] = 200
    return changed


def jpeg(pixels):
    return cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_COLOR)


@pytest.fixture
def copy_part(tiny_run, tmp_path):
    """Write a run's cells of a part into another folder, altered, of patients with other names."""

    def write(part, alter):
        for number, cell in enumerate(cell for cell in read_cells(tiny_run.cells) if cell.split == part):
            target = tmp_path / "other" / cell.label / f"new-{cell.patient}" / f"{number}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(target), alter(cv2.imread(str(tiny_run.data / cell.path))))
        return tmp_path / "other"

    return write


@pytest.mark.parametrize("alter", [corner_pixel, jpeg, lambda pixels: np.ascontiguousarray(pixels[::-1])])
@pytest.mark.parametrize("part", ["train", "val"])
def test_near_duplicates_stop_it(tiny_run, copy_part, part, alter):
    folder = copy_part(part, alter)
    count = sum(cell.split == part for cell in read_cells(tiny_run.cells))
    with pytest.raises(DataError) as stopped:
        evaluate(EvaluateConfig(run=tiny_run.path, data=folder))
    message = str(stopped.value)
    assert f"{count} of {count} pictures in {folder} are near-duplicates of cells that {tiny_run}" in message
    assert message.count("(similarity ") == 3
    assert not tiny_run.external("other").path.exists()


def test_the_command_says_one_sentence(tiny_run, copy_part, run_module, tmp_path):
    done = run_module(".evaluate", tiny_run.path, "--data", copy_part("train", corner_pixel), cwd=tmp_path)
    assert done.returncode == 2
    assert "near-duplicates" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_keeps_the_fingerprints_of_its_cells(tiny_run):
    kept = read_fingerprints(tiny_run.fingerprints)
    assert set(kept.hashes) == {cell.sha256 for cell in read_cells(tiny_run.cells) if cell.split}


def test_an_older_run_reads_its_pictures_again_or_says_that_it_cannot(tiny_run, copy_part, tmp_path, caplog):
    older = RunFolder(tmp_path / "older")
    shutil.copytree(tiny_run.path, older.path)
    older.fingerprints.unlink()
    folder = copy_part("train", corner_pixel)
    with pytest.raises(DataError, match="near-duplicates"):
        evaluate(EvaluateConfig(run=older.path, data=folder))
    text = older.config.read_text().replace(str(tiny_run.data), str(tmp_path / "gone"))
    older.config.write_text(text)
    evaluate(EvaluateConfig(run=older.path, data=folder))
    assert "only the exact hashes were compared" in caplog.text
