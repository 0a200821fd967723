"""The learning-rate finder as a command, and as `--lr auto`; logs for TensorBoard."""

import json

import cv2
import pytest

from leukemia_tf.config import LrfindConfig, TrainConfig
from leukemia_tf.core.files import read_csv
from leukemia_tf.workflows.lrfind import lrfind
from leukemia_tf.workflows.train import train

TINY = {"base": "scratch", "drop_last_block": True, "image_size": 60, "batch_size": 8, "framing": "cell"}


@pytest.mark.slow
def test_lrfind_draws_the_curve_and_suggests(tiny_cells, tmp_path, caplog):
    config = LrfindConfig(**TINY, data=tiny_cells, out=tmp_path / "curve.png", steps=40, json=True)
    result = lrfind(config)
    assert cv2.imread(str(config.out)).std() > 5
    assert json.loads(caplog.messages[-1]) == {"suggested": result.suggested}
    assert result.suggested is None or 1e-6 < result.suggested < 1  # few cells: there may be no fall
    assert [path.name for path in tmp_path.iterdir()] == ["curve.png"]


@pytest.mark.slow
def test_lr_auto_takes_what_it_suggests(tiny_cells, tmp_path, caplog):
    run = train(
        TrainConfig(
            **TINY, data=tiny_cells, out=tmp_path / "run", lr="auto", epochs=1, schedule="constant", tensorboard=True
        )
    )
    (row,) = read_csv(run.history)
    (stage,) = run.read_config()["stages"]
    assert float(row["learning_rate"]) == pytest.approx(stage["learning_rate"], rel=1e-6)
    assert f"learning rate: {stage['learning_rate']:.2g}" in caplog.text

    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    events = EventAccumulator(str(run.tensorboard)).Reload()
    assert {"loss", "val_loss", "val_auroc", "val_f_beta", "batch_loss", "seconds"} <= set(events.Tags()["tensors"])
    losses = [float(make_ndarray(event.tensor_proto)) for event in events.Tensors("batch_loss")]
    assert [f"{value:.5g}" for value in losses] == [f"{float(r['loss']):.5g}" for r in read_csv(run.batches)]
