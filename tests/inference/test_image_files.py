"""Many images predicted piece by piece: one row each, resumable, in bounded memory."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from leukemia_tf.config import PredictConfig
from leukemia_tf.core.errors import ArgumentError
from leukemia_tf.data.catalog import find_images
from leukemia_tf.evaluation.predictions import read_predictions
from leukemia_tf.inference import image_files
from leukemia_tf.workflows.predict import predict


@pytest.fixture(scope="module")
def many(tiny_cells, tmp_path_factory):
    """300 images in one folder, links to the tiny cells; one of them is none."""
    folder = tmp_path_factory.mktemp("many")
    cells = find_images([tiny_cells])
    for number in range(300):
        (folder / f"{number:03}{cells[0].suffix}").symlink_to(cells[number % len(cells)])
    (folder / "150-broken.bmp").write_bytes(b"BM nothing")
    return folder


def test_one_row_an_image_in_order_the_same_as_one_by_one(many, tiny_run, tmp_path):
    out = tmp_path / "predictions.csv"
    rows = predict(PredictConfig(images=many, run=tiny_run.path, out=out))
    assert [row.path for row in rows] == [str(path) for path in find_images([many])]
    assert read_predictions(out) == rows
    assert [row.status for row in rows].count("unreadable") == 1
    for number in (0, 127, 128, 300):
        (alone,) = predict(PredictConfig(images=rows[number].path, run=tiny_run.path))
        assert alone.probability == pytest.approx(rows[number].probability, abs=1e-5)
    assert not list(tmp_path.glob("*.parts"))


@pytest.mark.slow
def test_killed_it_resumes_to_the_same_predictions(many, tiny_run, run_module, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    whole, out = tmp_path / "whole.csv", tmp_path / "predictions.csv"
    arguments = (".predict", many, "--run", tiny_run.path, "--out")
    words = [sys.executable, "-m", "leukemia_tf.predict", *map(str, arguments[1:]), str(out)]
    run_module(*arguments, whole, cwd=tmp_path)
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    folder = out.with_name("predictions.csv.parts")
    while process.poll() is None and not list(folder.glob("000000-*.csv")):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (first,) = folder.glob("000000-*.csv")
    assert not out.is_file()
    modified = first.stat().st_mtime_ns
    copy = shutil.copytree(first.parent, tmp_path / "copy")
    again = run_module(*arguments, out, cwd=tmp_path)
    assert again.returncode == 3
    assert "pieces are there from before" in again.stdout
    assert out.read_bytes() == whole.read_bytes()
    assert (copy / first.name).stat().st_mtime_ns >= modified
    assert not folder.exists()


def test_parts_of_another_network_or_other_images_are_not_reused(many, tiny_run, tmp_path):
    folder = shutil.copytree(many, tmp_path / "images")
    model, images, parts = tiny_run.model, find_images([folder])[:40], tmp_path / "parts"
    engine = PredictConfig(images=folder)

    def tables(*arguments):
        return [path.read_bytes() for path in image_files.predict_images(*arguments, parts, engine)]

    def spoil():
        for table in parts.glob("*.csv"):
            table.write_bytes(b"from before")

    first = tables(model, images, 32)
    spoil()
    assert tables(model, images, 32) == [b"from before"]
    assert tables(model, images[:39], 32) != [b"from before"]
    shutil.copy(images[7], images[3])  # another picture under the same name
    second = tables(model, images, 32)
    assert [row.split(b",")[:1] for row in second[0].split()] == [row.split(b",")[:1] for row in first[0].split()]
    assert second != first
    other = Path(shutil.copy(model, tmp_path / "other.keras"))
    with other.open("ab") as file:
        file.write(b"\0")
    spoil()
    assert tables(other, images, 32) == second
    spoil()
    (parts / "request.json").write_bytes(b"{")  # of which no one knows what it was
    assert tables(other, images, 32) == second


def test_a_batch_size_of_0_is_refused(many, tiny_run):
    with pytest.raises(ArgumentError, match="Received: batch_size=0"):
        predict(PredictConfig(images=many, run=tiny_run.path, batch_size=0))
