"""Export of a run and of a `.keras` file: what is served predicts as the network."""

import shutil

import keras
import pytest
import tensorflow as tf

from leukemia_tf.config import ExportConfig, PredictConfig
from leukemia_tf.core.errors import RunError
from leukemia_tf.core.files import read_json
from leukemia_tf.serving.layout import NOTES
from leukemia_tf.workflows.export import export
from leukemia_tf.workflows.predict import predict


@pytest.mark.slow
def test_a_network_file_is_served_as_it_predicts(tiny_run, tiny_cells, tmp_path):
    network = shutil.copy(tiny_run.model, tmp_path / "my-network.keras")
    version = export(ExportConfig(run=network, out=tmp_path / "saved"))
    assert version == tmp_path / "saved" / "my-network" / "1"
    assert not {"config.json", "MODEL_CARD.md"} & {path.name for path in version.iterdir()}
    assert "test" not in read_json(version / NOTES)["model"]
    images = sorted(tiny_cells.rglob("*.bmp"))[:5]
    served = tf.saved_model.load(str(version)).signatures["serving_default"]
    outputs = served(image_bytes=tf.constant([image.read_bytes() for image in images]))
    predictions = predict(PredictConfig(images=tuple(images), run=network))
    assert outputs["probability"].numpy() == pytest.approx([row.probability for row in predictions], abs=1e-5)
    assert export(ExportConfig(run=network, out=tmp_path / "saved", name="other")).parent.name == "other"


def test_a_run_is_exported_with_its_card_and_settings(exported, tiny_run):
    assert exported.parent.name == tiny_run.read_config()["network"]["name"]
    assert {"saved_model.pb", "config.json", "MODEL_CARD.md"} <= {path.name for path in exported.iterdir()}
    notes, metrics = read_json(exported / NOTES)["model"], read_json(tiny_run.metrics)
    assert notes["trained"] == read_json(tiny_run.environment)["date"]
    for name in ("threshold", "temperature"):
        assert notes[name] == pytest.approx(metrics["decision"][name])
    for name in ("auroc_by_patient", "auroc"):
        assert notes["test"][name] == metrics["parts"]["test"]["cell"][name]
    assert notes["test"]["headline"] in tiny_run.card.read_text()


def test_a_foreign_file_is_refused_before_anything_is_written(tmp_path):
    foreign = tmp_path / "foreign.keras"
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]).save(foreign)
    with pytest.raises(RunError, match="is not a network of this package"):
        export(ExportConfig(run=foreign, out=tmp_path / "saved"))
    assert not (tmp_path / "saved").exists()
