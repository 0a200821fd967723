"""The loop: kept weights, accuracy, end of a stage, sizes, schedules, averages, log lines; Ctrl-C and a NaN loss."""

import csv
import io
import logging
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import keras
import numpy as np
import pytest

from leukemia_tf.config import Augmentation
from leukemia_tf.core.errors import ArgumentError, RunError, UserError
from leukemia_tf.data.balance import Sampling
from leukemia_tf.models.heads import Head
from leukemia_tf.models.network import logit_model
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.training import callbacks
from leukemia_tf.training.checkpoints import Progress, load_state, network_variables
from leukemia_tf.training.history import kept_epoch
from leukemia_tf.training.inputs import make_inputs
from leukemia_tf.training.objects import TrainingObjects
from leukemia_tf.training.optimization import OptimizationConfig
from leukemia_tf.training.stages import Stage
from leukemia_tf.training.trainer import train_stages

HEAD = Stage("head", (), 1e-2, 2)
TOP = Stage("top", ("block3",), 1e-2, 2)
POOLED = Head(pooling="mean-std", depths=2, units=(8,), dropout=0.4)


def values(model):
    return [variable.numpy() for variable in network_variables(model)]


def equal(first, second):
    return all((a == b).all() for a, b in zip(first, second, strict=True))


def scripted(job, losses, **changes):
    """Return a job whose validation losses are given, and a list of the network's values at each."""
    losses, seen = iter(losses), []

    def score(*_):
        seen.append(values(job.network.model))
        names = ("val_auroc", "val_auroc_by_patient", "val_accuracy", "val_f_beta")
        return {**dict.fromkeys(names, 0.5), "val_loss": next(losses)}

    return replace(job, score=score, **changes), seen


def kept_column(job):
    with job.history_path.open() as stream:
        return "".join(row["kept"] for row in csv.DictReader(stream))


def test_the_last_weights_are_kept_though_validation_was_better_before(make_job):
    job, seen = scripted(make_job(), [0.5, 0.1, 0.6, 0.7])
    history = train_stages(job, [HEAD, TOP])
    assert equal(values(job.network.model), seen[3])
    assert [row["stage"] for row in history] == ["head", "head", "top", "top"]
    assert kept_column(job) == "0001"


def test_the_best_weights_are_kept_and_the_next_stage_starts_from_them(make_job):
    job, seen = scripted(make_job(), [0.5, 0.1, 0.6, 0.6, 0.7], keep="best")
    still = replace(TOP, learning_rate=1e-30, epochs=1)  # too little to move a weight
    train_stages(job, [replace(HEAD, epochs=4), still])
    assert equal(values(job.network.model), seen[1])
    assert kept_column(job) == "01000"
    kernel = [variable.path for variable in network_variables(job.network.model)].index("logit/kernel")
    assert (seen[4][kernel] == seen[1][kernel]).all()
    assert (seen[3][kernel] != seen[1][kernel]).any()


def test_best_has_no_margin(make_job):
    job, seen = scripted(make_job(), [0.5, 0.4, 0.39999], keep="best")
    train_stages(job, [HEAD, replace(TOP, epochs=1)])
    assert equal(values(job.network.model), seen[2])
    assert kept_column(job) == "001"


@pytest.mark.parametrize("seed", range(8))
def test_patience_and_best_are_those_of_keras(seed):
    rng = np.random.default_rng(seed)
    losses, patience = rng.integers(0, 9, 30) / 10, int(rng.integers(1, 5))
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    theirs = keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)
    model.stop_training = False
    theirs.set_model(model)
    theirs.on_train_begin()
    for epoch, loss in enumerate(losses):
        model.layers[0].kernel.assign([[epoch]])
        theirs.on_epoch_end(epoch, {"val_loss": loss})
        if model.stop_training:
            break
    theirs.on_train_end()
    progress, kernel = Progress(), keras.Variable([0.0])
    while progress.epoch < len(losses) and progress.waited < patience:
        kernel.assign([progress.epoch])
        progress.record_epoch({"epoch": progress.epoch + 1, "val_loss": losses[progress.epoch]}, [kernel], "best")
    assert progress.epoch == epoch + 1
    assert progress.kept_variables[0] == model.layers[0].kernel.numpy()
    assert kept_epoch(progress.history) == progress.kept_variables[0] + 1


@pytest.mark.parametrize(("keep", "column"), [("last", "0001"), ("best", "1000")])
def test_patience_ends_a_stage_and_the_log_says_so(make_job, caplog, keep, column):
    job, _ = scripted(make_job(), [0.5, 0.6, 0.7, 0.8], keep=keep)
    with caplog.at_level(logging.INFO, "leukemia_tf"):
        train_stages(job, [replace(HEAD, epochs=9, patience=2), replace(TOP, epochs=1, patience=1)])
    assert kept_column(job) == column
    assert "head: ends after 3 of 9 epochs: 2 without a lower val_loss" in caplog.text
    assert "top: ends" not in caplog.text


def test_where_no_loss_is_a_number_there_is_still_something_to_keep(make_job):
    job, seen = scripted(make_job(), [np.nan, np.inf, np.nan, np.nan], keep="best")
    train_stages(job, [HEAD, TOP])
    assert equal(values(job.network.model), seen[3])
    assert kept_column(job) == "0001"


def test_only_trainable_weights_change_in_a_stage(make_job):
    job = make_job()
    before = values(job.network.model)
    train_stages(job, [TOP])
    moved = {
        variable.path.split("/")[0]
        for variable, old in zip(network_variables(job.network.model), before, strict=True)
        if (variable.numpy() != old).any()
    }
    assert {"block3_conv", "logit"} <= moved
    assert not {"block1_conv", "block2_conv"} & moved


def test_sizes_carry_the_weights_over(make_job):
    job, seen = scripted(make_job(head=POOLED), [0.1, 0.5, 0.6], keep="best")
    small = replace(HEAD, name="small", image_size=45, epochs=1)
    history = train_stages(job, [small, replace(HEAD, epochs=2)])
    assert [row["image_size"] for row in history] == [45, 60, 60]
    assert equal(values(job.network.model), seen[1])  # 0.1 was at another size
    assert kept_column(job) == "010"
    assert job.network.model.input_shape[1] == 60


def test_lower_blocks_learn_slower(make_job):
    moved = {}
    for decay in (1.0, 0.1):
        job = make_job(f"decay{decay}", optimization=OptimizationConfig("sgd"))
        before = values(job.network.model)
        train_stages(job, [Stage("whole", ("block1", "block2", "block3"), 1e-4, 1, layer_decay=decay)])
        steps = [np.abs(new - old).sum() for new, old in zip(values(job.network.model), before, strict=True)]
        names = [variable.path for variable in network_variables(job.network.model)]
        moved[decay] = dict(zip(names, steps, strict=True))
    shares = {name: moved[0.1][f"{name}/kernel"] / moved[1.0][f"{name}/kernel"] for name in ("logit", "block3_conv")}
    assert shares == pytest.approx({"logit": 1, "block3_conv": 1}, rel=0.1)
    assert moved[0.1]["block2_conv/kernel"] / moved[1.0]["block2_conv/kernel"] == pytest.approx(0.1, rel=0.2)
    assert moved[0.1]["block1_conv/kernel"] / moved[1.0]["block1_conv/kernel"] == pytest.approx(0.01, rel=0.2)


def test_a_weight_that_the_last_step_turns_into_nan_is_noticed(make_job, monkeypatch):
    job = make_job()
    logit, end = job.network.model.get_layer("logit"), callbacks.StepCallback.on_train_batch_end

    def last(self, batch, logs=None):
        end(self, batch, logs)
        if len(self.losses) == 6:
            logit.bias.assign([np.nan])

    monkeypatch.setattr(callbacks.StepCallback, "on_train_batch_end", last)
    with pytest.raises(RunError, match="is no longer a finite number in stage head, epoch 1, step 6"):
        train_stages(job, [HEAD])
    assert not job.history_path.exists()


def test_schedule_reaches_the_optimizer(make_job):
    job = make_job(optimization=OptimizationConfig("sgd"))
    history = train_stages(job, [replace(HEAD, epochs=4, schedule="step:2:0.1")])
    np.testing.assert_allclose([row["learning_rate"] for row in history], [1e-2, 1e-2, 1e-3, 1e-3], rtol=1e-6)


def test_the_average_is_validated_and_saved_but_the_weights_train_on(make_job):
    results = {}
    for share in (0.0, 0.9):
        job = make_job(f"ema{share}", optimization=OptimizationConfig("sgd", ema=share))
        losses = []
        train_stages(replace(job, on_epoch=lambda row, new: losses.extend(new)), [replace(HEAD)])  # noqa: B023
        results[share] = losses, job.network.model.get_layer("logit").kernel.numpy()
    assert results[0.0][0] == results[0.9][0]
    assert (results[0.0][1] != results[0.9][1]).any()


def test_the_kept_weights_are_the_averages(make_job):
    job = make_job(optimization=OptimizationConfig("sgd", ema=0.9))
    kernel, average = job.network.model.get_layer("logit").kernel, []

    def after_step(batch, logs):
        step = kernel.numpy()
        average[:] = [0.9 * average[0] + 0.1 * step] if average else [step]

    noted = keras.callbacks.LambdaCallback(on_train_batch_end=after_step)
    train_stages(replace(job, objects=TrainingObjects(callbacks=[noted])), [HEAD])
    np.testing.assert_allclose(kernel.numpy(), average[0], rtol=1e-5)


@pytest.mark.parametrize(
    ("cached", "sampling"),
    [
        (True, Sampling("class-weight", patient_weight="equal", augment=Augmentation(dihedral=True))),
        (False, Sampling(augment=Augmentation(mixup=(1.0, 1.0)))),
    ],
)
def test_training_accuracy_is_that_of_an_independent_count(make_job, cached, sampling):
    head = Head(pooling="mean-std", depths=2, units=(8,), dropout=0.0)
    job = make_job(head=head, sampling=sampling, cache_features=cached, count=(22, 8))
    still = replace(HEAD, learning_rate=1e-30, epochs=1)  # all batches meet the same weights
    logit = job.network.model.get_layer("logit")
    logits = logit_model(job.network.model).predict(job.examples("train", 60).cells.array, verbose=0)
    logit.bias.assign(-np.quantile(logits, 0.7, axis=0))  # some on the wrong side
    (row,) = train_stages(job, [still])
    parts = [job.examples(part, 60) for part in ("train", "val")]
    inputs = make_inputs(job.network.model, *parts, sampling, job.batch_size, job.seed, cached)
    right = [
        (inputs.trainer(cells).numpy() >= 0) == (targets.numpy() > 0.5) for cells, targets, _ in inputs.training(0, 0)
    ]
    assert row["accuracy"] == np.concatenate(right).mean()
    assert 0 < row["accuracy"] < 1


def test_losses_of_the_batches_are_reported(make_job):
    reports = []
    job = replace(make_job(), on_epoch=lambda row, losses: reports.append((row["loss"], losses)))
    train_stages(job, [replace(HEAD, epochs=1)])
    ((mean, losses),) = reports
    assert len(losses) == 6
    assert mean == pytest.approx(np.average(losses, weights=[4, 4, 4, 4, 4, 2]))
    assert len(set(losses)) == 6


LINE = r"head, epoch {}: loss \d\.\d{{3}}, val_loss \d\.\d{{3}}, val_auroc_by_patient -?\d\.\d{{3}}, \d+\.\d s"


def test_an_epoch_is_one_line_of_the_log(make_job, caplog, capsys):
    with caplog.at_level(logging.INFO, "leukemia_tf"):
        train_stages(make_job(), [HEAD])
    lines = [record.getMessage() for record in caplog.records if record.name == "leukemia_tf"]
    assert len(lines) == 2
    assert all(re.fullmatch(LINE.format(epoch), line) for epoch, line in enumerate(lines, start=1))
    assert capsys.readouterr().err == ""


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def shown(self):
        """Return the lines as a terminal shows them: what follows a carriage return overwrites what stood there."""
        lines = []
        for line in self.getvalue().split("\n"):
            shown = ""
            for part in line.split("\r"):
                shown = part + shown[len(part) :]
            lines.append(shown.rstrip())
        return lines


def test_the_line_of_an_epoch_and_the_bar_do_not_mix(make_job, monkeypatch):
    job, terminal, logger = make_job(cache_features=False), Terminal(), logging.getLogger("leukemia_tf")
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", terminal)
    handler = logging.StreamHandler(terminal)
    logger.addHandler(handler)
    try:
        train_stages(job, [HEAD])
    finally:
        logger.removeHandler(handler)
    first, second, bar, *rest = terminal.shown()
    assert re.fullmatch(LINE.format(1), first)
    assert re.fullmatch(LINE.format(2), second)
    assert re.match(r"head: 100%\|.*12/12", bar)
    assert not any(rest)


def test_a_nan_loss_ends_with_the_last_weights_in_a_file(make_job):
    job = make_job()
    logit = job.network.model.get_layer("logit")
    job = replace(job, on_epoch=lambda row, losses: logit.kernel.assign(logit.kernel * np.nan))
    with pytest.raises(
        RunError,
        match=r"\(nan\) is no .* in stage head, epoch 2, step 1\. The weights of epoch 1 are .*last-good.*`lr`",
    ):
        train_stages(job, [HEAD])
    progress, _ = load_state(job.state_folder)
    kept = dict(zip((v.path for v in network_variables(job.network.model)), progress.kept_variables, strict=True))
    assert all(np.isfinite(value).all() for value in kept.values())
    other = make_job("other").network.model
    other.load_weights(job.state_folder / "last-good.weights.h5")
    np.testing.assert_array_equal(other.get_layer("logit").kernel.numpy(), kept["logit/kernel"])


def command(cells, out, *more):
    flags = ["--base", "scratch", "--drop-last-block", "--image-size", "60", "--epochs", "4", "--batch-size", "8"]
    return [sys.executable, "-m", "leukemia_tf.train", *flags, "--data", str(cells), "--out", str(out), *more]


def wait_for(folder, process):
    deadline = time.monotonic() + 120
    while not list(folder.glob("state-*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)


def test_an_ended_run_names_the_command_that_resumes_it_and_a_second_one_waits(tiny_cells, tmp_path):
    """SIGTERM, as batch systems and `docker stop` send it, with SIGINT ignored as in a shell's background."""
    from leukemia_tf.config import TrainConfig
    from leukemia_tf.workflows.train import train

    torn = RunFolder(tmp_path / "torn")
    process = subprocess.Popen(
        command(tiny_cells, torn.path, "--epochs", "999"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    wait_for(torn.checkpoints, process)
    with pytest.raises(UserError, match="another process writes this folder"):
        train(TrainConfig(out=torn.path, resume=True))
    process.send_signal(signal.SIGTERM)
    try:
        _, output = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert f"python -m leukemia_tf.train --out {torn} --resume" in output
    assert "Traceback" not in output


def test_resume_is_refused_where_it_cannot_be_exact(tmp_path):
    from leukemia_tf.config import TrainConfig
    from leukemia_tf.workflows.train import train

    with pytest.raises(RunError, match="name that folder"):
        train(TrainConfig(resume=True))
    with pytest.raises(RunError, match="not a run folder"):
        train(TrainConfig(resume=True, out=tmp_path))
    with pytest.raises(ArgumentError, match="sizes='64'"):
        train(TrainConfig(sizes="64", out=tmp_path / "new"))
    assert not os.listdir(tmp_path)
