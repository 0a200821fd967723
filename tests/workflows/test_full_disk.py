"""A full disk: each command says so and names the place, leaves nothing half-written, and earlier results as they were.

A file system of some megabytes, as Linux makes one in memory, is filled but for a rest.
"""

import errno
import os
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from smear import WhiteCell, draw_smear

from leukemia_tf.config import (
    AuditConfig,
    CompareConfig,
    CrossvalConfig,
    EnsembleConfig,
    EvaluateConfig,
    ExplainCheckConfig,
    ExportConfig,
    GradcamConfig,
    NoisyStudentConfig,
    PredictConfig,
    PreviewConfig,
    SegmentConfig,
    StressConfig,
    TrainConfig,
    TuneConfig,
)
from leukemia_tf.core.files import SCRATCH
from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.store import open_store
from leukemia_tf.data.synthetic import write_phantoms
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.workflows.audit import audit
from leukemia_tf.workflows.compare import compare
from leukemia_tf.workflows.crossval import crossval
from leukemia_tf.workflows.ensemble import ensemble
from leukemia_tf.workflows.evaluate import evaluate
from leukemia_tf.workflows.explain_check import explain_check
from leukemia_tf.workflows.export import export
from leukemia_tf.workflows.gradcam import gradcam
from leukemia_tf.workflows.noisy_student import noisy_student
from leukemia_tf.workflows.predict import predict_command
from leukemia_tf.workflows.preview import preview
from leukemia_tf.workflows.segment import segment
from leukemia_tf.workflows.stress import stress
from leukemia_tf.workflows.train import train
from leukemia_tf.workflows.tune import tune

MEGABYTES = 12
TINY = {"base": "scratch", "framing": "cell", "stain_normalization": "none", "image_size": 60, "batch_size": 8}
TINY |= {"epochs": 1, "lr": 3e-3}


@pytest.fixture
def disk(tmp_path):
    """A small disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("mounting needs a right that this user lacks")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(disk, rest):
    """Leave so many kilobytes free."""
    state = os.statvfs(disk)
    with (disk / "ballast").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, state.f_bavail * state.f_frsize - rest * 1024)


COMMANDS = {
    "predict": lambda disk, run, image: predict_command(PredictConfig((image,), run=run, out=disk / "p.csv")),
    "gradcam": lambda disk, run, image: gradcam(GradcamConfig((image,), run=(run,), out=disk / "cell.png")),
    "preview": lambda disk, run, image: preview(PreviewConfig(image, out=disk / "preview.png")),
    "audit": lambda disk, run, image: audit(AuditConfig(run.data, out=disk / "audit")),
    "segment": lambda disk, run, image: segment(SegmentConfig((smear(disk.parent),), out=disk / "cells")),
    "compare": lambda disk, run, image: compare(CompareConfig((run, run), out=disk / "compared")),
    "ensemble": lambda disk, run, image: ensemble(EnsembleConfig((run, run), out=disk / "both")),
    "evaluate": lambda disk, run, image: evaluate(EvaluateConfig(run=disk / "run")),
    "evaluate --threshold": lambda disk, run, image: evaluate(EvaluateConfig(run=disk / "run", threshold="youden")),
}
LONG = {
    "export": lambda disk, run, image: export(ExportConfig(run=run, out=disk / "served")),
    "export --format": lambda disk, run, image: export(ExportConfig(run=run, out=disk / "served", format="onnx")),
    "stress": lambda disk, run, image: stress(StressConfig(disk / "run", cells=2)),
    "explain_check": lambda disk, run, image: explain_check(ExplainCheckConfig(disk / "run", cells=2)),
    "train": lambda disk, run, image: train(TrainConfig(**TINY, data=run.data, out=disk / "new")),
    "crossval": lambda disk, run, image: crossval(CrossvalConfig(**TINY, data=run.data, out=disk / "new", folds=2)),
    "tune": lambda disk, run, image: tune(TuneConfig(**TINY, data=run.data, out=disk / "new", trials=1, folds=2)),
    "noisy_student": lambda disk, run, image: noisy_student(
        NoisyStudentConfig(**TINY, data=more_patients(disk.parent), out=disk / "new", rounds=1, folds=2)
    ),
}
TRAINING = ("train", "crossval", "tune", "noisy_student")
RESTS = {"export": (0, 4000), "export --format": (0,), **dict.fromkeys(TRAINING, (0, 1500))}


def smear(folder):
    picture, *_ = draw_smear([WhiteCell(80, 80), WhiteCell(250, 200, 36)], seed=0)
    cv2.imwrite(str(folder / "field.png"), np.ascontiguousarray(picture[..., ::-1]))
    return folder / "field.png"


def more_patients(folder):
    return write_phantoms(folder / "cells", patients=5, cells=4, seed=3, side=120)


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


CASES = [(name, rest) for name in COMMANDS for rest in (0, 8)]
CASES += [
    pytest.param(name, rest, marks=pytest.mark.slow, id=f"{name}-{rest}")
    for name in LONG
    for rest in RESTS.get(name, (0, 8))
]


@pytest.mark.parametrize(("name", "rest"), CASES)
def test_it_says_so_and_leaves_what_was_there(name, rest, disk, tiny_run):
    if "--format" in name:
        pytest.importorskip("tf2onnx")
    run = RunFolder(Path(shutil.copytree(tiny_run.path, disk / "run")))
    before = contents(run.path)
    fill(disk, rest)
    with pytest.raises(OSError, match="No space left on device") as caught:
        (COMMANDS | LONG)[name](disk, tiny_run, next(tiny_run.data.rglob("*.bmp")))
    assert caught.value.errno == errno.ENOSPC
    assert str(caught.value.filename).startswith(str(disk))
    assert not [path for path in disk.rglob("*") if path.name.startswith(SCRATCH)]
    after = contents(run.path)
    changed = {path.name for path, content in before.items() if after.get(path) != content}
    assert changed <= {"MODEL_CARD.md"}  # which holds the same scores: they are written anew
    assert not list(disk.glob("served/*/*"))


def test_a_command_ends_with_a_sentence(disk, tiny_run, run_module):
    fill(disk, 0)
    result = run_module(".audit", tiny_run.data, "--out", disk / "audit", cwd=disk.parent)
    assert result.returncode == 2
    assert result.stderr.strip().splitlines()[-1] == f"error: {disk / 'audit' / 'audit.json'}: No space left on device"
    assert "Traceback" not in result.stderr


def test_a_cache_on_a_full_disk_is_refused_before_it_is_written_to(disk, tiny_run, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(disk))
    fill(disk, 8)
    cells = [Cell(path.relative_to(tiny_run.data).as_posix(), "", "") for path in tiny_run.data.rglob("*.bmp")]
    with pytest.raises(OSError, match=f"No space left on device: '{disk}'"):
        open_store(tiny_run.data, cells, Preprocessing(60), "disk")
