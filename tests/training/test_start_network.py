"""`train --from RUN`: the network and its weights are the run's; pictures that it has seen judge nothing."""

import re
import shutil

import keras
import numpy as np
import pytest

from leukemia_tf.config import LrfindConfig, TrainConfig
from leukemia_tf.core.errors import DataError, UserError
from leukemia_tf.core.files import read_csv, read_json, write_json
from leukemia_tf.data.synthetic import write_phantoms
from leukemia_tf.models.network import load_network, predict_logits
from leukemia_tf.models.probability import get_calibration
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.training.setup import build_setup, read_training_cells
from leukemia_tf.workflows.resolve import resolve, resolve_setup
from leukemia_tf.workflows.seen_pictures import check_unseen
from leukemia_tf.workflows.train import train


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Cells of other patients, 4 of a class."""
    return write_phantoms(tmp_path_factory.mktemp("lab") / "lab", patients=4, cells=2, seed=11, side=120)


@pytest.fixture(scope="module")
def started(lab, tiny_run, tmp_path_factory):
    """A run on the laboratory's cells, started from `tiny_run`."""
    config = TrainConfig(
        from_=tiny_run.path, data=lab, out=tmp_path_factory.mktemp("runs") / "started", epochs=1, inner_folds=0
    )
    return train(config)


def test_it_starts_with_all_weights_of_the_run_and_without_its_calibration(tiny_run, lab):
    config = resolve_setup(LrfindConfig(from_=tiny_run.path, data=lab, seed=5))
    assert (config.base, config.image_size, config.framing) == ("scratch", 60, "cell")
    network = build_setup(config, *read_training_cells(config)).network
    trained = load_network(tiny_run.model)
    cells = np.random.default_rng(0).integers(0, 256, (3, 60, 60, 3), np.uint8)
    np.testing.assert_array_equal(predict_logits(network.model, cells), predict_logits(trained, cells))
    assert set(network.pretrained) == {block.name for block in network.blocks}
    assert get_calibration(network.model).out_of_distribution is None


def test_its_head_is_trained_first_and_then_the_last_block(started, tiny_run):
    stages = [(stage["name"], stage["learning"]) for stage in started.read_config()["stages"]]
    assert stages == [("head", []), ("unfreeze block4", ["block4"])]
    assert [row["stage"] for row in read_csv(started.history)] == ["head", "unfreeze block4"]
    assert started.read_config()["weights"]["source"] == str(tiny_run.model)
    assert f"initial weights: the run {tiny_run.path.name};" in started.report.read_text().replace("\n", " ")
    first, last = ({layer.name: layer for layer in load_network(run.model).layers} for run in (tiny_run, started))
    moved = {name for name, layer in last.items() if layer.weights and _differs(layer, first[name])}
    assert "logit" in moved
    assert any("block4" in name for name in moved)
    assert not any(f"block{number}" in name for name in moved for number in (1, 2, 3))


def _differs(layer: keras.layers.Layer, other: keras.layers.Layer) -> bool:
    return any(not np.array_equal(one, two) for one, two in zip(layer.get_weights(), other.get_weights(), strict=True))


@pytest.mark.parametrize(
    "changes",
    [
        {"base": "vgg16"},
        {"drop_last_block": True},
        {"image_size": 64},
        {"weights": "none.h5"},
        {"framing": "none"},
        {"contrast": "clahe"},
        {"head": "linear"},
    ],
)
def test_another_network_beside_it_is_refused(tiny_run, changes):
    (name,) = changes
    with pytest.raises(UserError, match=f"`{name}` beside `from_`: the network and its weights are those of"):
        resolve(TrainConfig(from_=tiny_run.path, **changes))


def test_dropout_can_be_changed(tiny_run):
    assert resolve(TrainConfig(from_=tiny_run.path, dropout=0.3)).dropout == 0.3


def test_runs_that_cannot_be_trained_further_are_named(tiny_run, tmp_path):
    with pytest.raises(UserError, match="not a run folder"):
        resolve(TrainConfig(from_=tmp_path / "nowhere"))
    for name, changes, sentence in (
        ("ensemble", {"members": []}, "name one of its members"),
        ("function", {"network": {"head": {"function": "mine"}}}, "its head is a function"),
    ):
        run = RunFolder(shutil.copytree(tiny_run.path, tmp_path / name))
        write_json(run.config, read_json(run.config) | changes)
        with pytest.raises(UserError, match=re.escape(f"`from_={run}`") + f".*{sentence}"):
            resolve(TrainConfig(from_=run.path))


def test_pictures_that_the_run_was_trained_on_are_refused(tiny_run, tiny_cells, tmp_path):
    with pytest.raises(DataError, match=r"which .* was trained or selected on"):
        train(TrainConfig(from_=tiny_run.path, data=tiny_cells, seed=1, out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_network_has_seen_what_the_run_that_it_started_from_has(started, tiny_run, tiny_cells):
    scanned = read_training_cells(TrainConfig(base="scratch", data=tiny_cells))[2]
    with pytest.raises(DataError, match=re.escape(str(tiny_run.path))):
        check_unseen(started, tiny_cells, scanned.cells, scanned.fingerprints)


@pytest.mark.slow
def test_a_refit_starts_from_it_too(started, tiny_run, tmp_path):
    run = train(TrainConfig(refit=started.path, out=tmp_path / "refit"))
    assert run.read_config()["weights"]["source"] == str(tiny_run.model)
