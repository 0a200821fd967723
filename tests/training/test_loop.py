"""The loop: what is kept, what ends a stage, sizes, schedules, averages; a Ctrl-C and a loss that is no number."""

import csv
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from leukemia_tf.errors import RunError, UserError
from leukemia_tf.models.head import Head
from leukemia_tf.run import RunFolder
from leukemia_tf.training.checkpoint import load_state, network_variables
from leukemia_tf.training.loop import _score, train_stages
from leukemia_tf.training.stages import Stage
from leukemia_tf.training.steps import Step

HEAD = Stage("head", (), 1e-2, 2, 2)
TOP = Stage("top", ("block3",), 1e-2, 2, 2)
POOLED = Head(pooling="mean-std", depths=2, units=(8,), dropout=0.4)


def values(model):
    return [variable.numpy() for variable in network_variables(model)]


def equal(first, second):
    return all((a == b).all() for a, b in zip(first, second, strict=True))


def scripted(task, scores, doubt=0.0):
    """Return a task whose validation scores are given, and a list of the network's values at each."""
    scores, seen = iter(scores), []

    def score(*_):
        seen.append(values(task.network.model))
        names = ("val_auroc", "val_auroc_by_patient", "val_accuracy", "val_f_beta")
        return {**dict.fromkeys(names, next(scores)), "val_standard_error": doubt}

    return replace(task, score=score), seen


def test_best_weights_of_all_stages_are_kept(make_task):
    task, seen = scripted(make_task(), [0.5, 0.9, 0.6, 0.7])
    history = train_stages(task, [HEAD, TOP])
    assert equal(values(task.network.model), seen[1])
    assert not equal(values(task.network.model), seen[3])
    assert [row["stage"] for row in history] == ["head", "head", "top", "top"]


def test_patience_ends_a_stage_and_a_useless_stage_the_unfreezing(make_task):
    stages = [
        replace(HEAD, epochs=9),
        replace(TOP, epochs=9),
        replace(TOP, name="next", if_better=True),
        replace(TOP, name="after that", if_better=True),
        replace(TOP, name="last", epochs=1),
    ]
    task, _ = scripted(make_task(), [0.5, 0.9, 0.8, 0.8, 0.7, 0.6, 0.6, 0.1])
    history = train_stages(task, stages)
    assert [row["stage"] for row in history] == ["head"] * 4 + ["top"] * 3 + ["last"]
    with task.history_path.open() as stream:
        assert [(row["epoch"], row["best"]) for row in csv.DictReader(stream)] == list(zip("12345678", "11000000"))


def test_another_stage_must_better_the_score_by_its_standard_error(make_task):
    task, seen = scripted(make_task(), [0.5, 0.7, 0.75, 0.79, 0.81, 0.82], doubt=0.1)
    train_stages(task, [HEAD, TOP, replace(TOP, name="more")])
    assert equal(values(task.network.model), seen[5])  # 0.81 betters 0.7 by a standard error
    task, seen = scripted(make_task("other"), [0.5, 0.7, 0.75, 0.79, 0.1], doubt=0.1)
    history = train_stages(task, [HEAD, replace(TOP, epochs=2), replace(TOP, name="never", if_better=True)])
    assert equal(values(task.network.model), seen[1])
    assert [row["best"] for row in history] == [1, 1, 0, 0]


def test_a_tie_but_for_rounding_goes_to_the_lower_loss():
    first, second = ({"val_auroc_by_patient": score, "val_loss": loss} for score, loss in ((1 + 2e-16, 9.0), (1, 0.1)))
    assert _score(second) > _score(first)


def test_where_the_rate_falls_to_nothing_the_last_epoch_is_kept(make_task):
    task, seen = scripted(make_task(), [0.9, 0.8, 0.7, 0.6])
    history = train_stages(task, [replace(HEAD, epochs=4, patience=1, schedule="cosine")])
    assert [row["best"] for row in history] == [0, 0, 0, 1]
    assert equal(values(task.network.model), seen[3])


def test_only_what_learns_moves_in_a_stage(make_task):
    task = make_task()
    before = values(task.network.model)
    train_stages(task, [TOP])
    moved = {
        variable.path.split("/")[0]
        for variable, old in zip(network_variables(task.network.model), before, strict=True)
        if (variable.numpy() != old).any()
    }
    assert {"block3_conv", "logit"} <= moved
    assert not {"block1_conv", "block2_conv"} & moved


def test_sizes_carry_the_weights_over(make_task):
    task, seen = scripted(make_task(head=POOLED), [0.9, 0.5, 0.6])
    small = replace(HEAD, name="small", image_size=45, epochs=1)
    history = train_stages(task, [small, replace(HEAD, epochs=2)])
    assert [row["image_size"] for row in history] == [45, 60, 60]
    assert equal(values(task.network.model), seen[2])  # 0.9 was at another size
    assert task.network.model.input_shape[1] == 60


def test_lower_blocks_learn_slower(make_task):
    moved = {}
    for decay in (1.0, 0.1):
        task = make_task(f"decay{decay}", step=Step("sgd"))
        before = values(task.network.model)
        train_stages(task, [Stage("whole", ("block1", "block2", "block3"), 1e-4, 1, 1, layer_decay=decay)])
        steps = [np.abs(new - old).sum() for new, old in zip(values(task.network.model), before, strict=True)]
        names = [variable.path for variable in network_variables(task.network.model)]
        moved[decay] = dict(zip(names, steps, strict=True))
    shares = {name: moved[0.1][f"{name}/kernel"] / moved[1.0][f"{name}/kernel"] for name in ("logit", "block3_conv")}
    assert shares == pytest.approx({"logit": 1, "block3_conv": 1}, rel=0.1)
    assert moved[0.1]["block2_conv/kernel"] / moved[1.0]["block2_conv/kernel"] == pytest.approx(0.1, rel=0.2)
    assert moved[0.1]["block1_conv/kernel"] / moved[1.0]["block1_conv/kernel"] == pytest.approx(0.01, rel=0.2)


def test_a_weight_that_becomes_no_number_with_the_last_step_is_seen(make_task, monkeypatch):
    from leukemia_tf.training import watch

    task = make_task()
    logit, end = task.network.model.get_layer("logit"), watch.Watch.on_train_batch_end

    def last(self, batch, logs=None):
        end(self, batch, logs)
        if len(self.losses) == 6:
            logit.bias.assign([np.nan])

    monkeypatch.setattr(watch.Watch, "on_train_batch_end", last)
    with pytest.raises(RunError, match="is no finite number any more in stage head, epoch 1, step 6"):
        train_stages(task, [HEAD])
    assert not task.history_path.exists()


def test_schedule_reaches_the_optimizer(make_task):
    task = make_task(step=Step("sgd"))
    history = train_stages(task, [replace(HEAD, epochs=4, patience=9, schedule="step:2:0.1")])
    np.testing.assert_allclose([row["learning_rate"] for row in history], [1e-2, 1e-2, 1e-3, 1e-3], rtol=1e-6)


def test_the_average_is_validated_and_kept_but_the_weights_train_on(make_task):
    kept = {}
    for share in (0.0, 0.9):
        task = make_task(f"ema{share}", step=Step("sgd", ema=share))
        losses = []
        train_stages(replace(task, note=lambda row, own: losses.extend(own)), [replace(HEAD, patience=9)])  # noqa: B023
        kept[share] = losses, task.network.model.get_layer("logit").kernel.numpy()
    assert kept[0.0][0] == kept[0.9][0]
    assert (kept[0.0][1] != kept[0.9][1]).any()


def test_losses_of_the_batches_are_told(make_task):
    told = []
    task = replace(make_task(), note=lambda row, losses: told.append((row["loss"], losses)))
    train_stages(task, [replace(HEAD, epochs=1)])
    ((mean, losses),) = told
    assert len(losses) == 6
    assert mean == pytest.approx(np.average(losses, weights=[4, 4, 4, 4, 4, 2]))
    assert len(set(losses)) == 6


def test_a_loss_that_is_no_number_ends_with_the_last_good_weights_kept(make_task):
    task = make_task()
    logit = task.network.model.get_layer("logit")
    task = replace(task, note=lambda row, losses: logit.kernel.assign(logit.kernel * np.nan))
    with pytest.raises(RunError, match=r"\(nan\) is no .* in stage head, epoch 2, step 1\. .*last-good.*--lr"):
        train_stages(task, [HEAD])
    progress, _ = load_state(task.state_folder)
    best = dict(zip((v.path for v in network_variables(task.network.model)), progress.best_variables, strict=True))
    assert all(np.isfinite(value).all() for value in best.values())
    other = make_task("other").network.model
    other.load_weights(task.state_folder / "last-good.weights.h5")
    np.testing.assert_array_equal(other.get_layer("logit").kernel.numpy(), best["logit/kernel"])


def command(cells, out, *more):
    flags = ["--base", "scratch", "--drop-last-block", "--image-size", "60", "--epochs", "4", "--batch-size", "8"]
    return [sys.executable, "-m", "leukemia_tf.train", *flags, "--data", str(cells), "--out", str(out), *more]


def wait_for(folder, process):
    deadline = time.monotonic() + 120
    while not list(folder.glob("state-*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)


def test_interrupted_says_how_to_go_on(tiny_cells, tmp_path):
    torn = RunFolder(tmp_path / "torn")
    process = subprocess.Popen(
        command(tiny_cells, torn.path, "--epochs", "999"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
    )
    wait_for(torn.checkpoints, process)
    process.send_signal(signal.SIGINT)
    try:
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert f"go on: python -m leukemia_tf.train --out {torn} --resume" in said
    assert "Traceback" not in said


def test_resume_is_refused_where_it_cannot_be_exact(tmp_path):
    from leukemia_tf.config import TrainConfig
    from leukemia_tf.train import train

    with pytest.raises(RunError, match="name that folder"):
        train(TrainConfig(resume=True))
    with pytest.raises(RunError, match="not a run folder"):
        train(TrainConfig(resume=True, out=tmp_path))
    with pytest.raises(UserError, match="--sizes 64"):
        train(TrainConfig(sizes="64", out=tmp_path / "new"))
    assert not os.listdir(tmp_path)
