"""A network in TensorFlow Serving's layout, or for another runtime."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import keras

from leukemia_tf.config import ExportConfig
from leukemia_tf.explain.maps import explain_function
from leukemia_tf.models.fused_batchnorm import fuse_batch_normalization
from leukemia_tf.models.network import load_network
from leukemia_tf.runs.run_folder import RunFolder, run_or_newest
from leukemia_tf.serving.layout import write_version
from leukemia_tf.serving.runtime_networks import write_network
from leukemia_tf.serving.runtimes import SAVED_MODEL, check_runtime
from leukemia_tf.serving.saved_model import write_saved_model

log = logging.getLogger("leukemia_tf")


def export(config: ExportConfig) -> Path:
    """Run the command `export`; see `leukemia_tf.export.export`."""
    check_runtime("format", config.format, SAVED_MODEL)
    if config.run is not None and config.run.is_file():
        return _export(config, config.run, config.run.stem, config.run)
    run = run_or_newest(config.run)
    return _export(config, run.model, run.read_config()["network"]["name"], run)


def _export(config: ExportConfig, network: Path, name: str, source: Path | RunFolder) -> Path:
    """Export a network's file under a name; `source` is a run, whose card and settings go with it, or the file."""
    model = fuse_batch_normalization(load_network(network))
    served = config.format == SAVED_MODEL
    folder = config.out / (config.name or (name if served else f"{name}-{config.format}"))

    def write(scratch: Path) -> None:
        _write_model(model, config.format, scratch, folder.resolve().name)
        if isinstance(source, RunFolder):
            _copy_documents(source, scratch)

    version = write_version(folder, write)
    log.info("exported %s to %s", source, version)
    if served:
        command = "tensorflow_model_server --rest_api_port=8501 --model_name=%s --model_base_path=%s"
        log.info(f"serve it: {command}", folder.resolve().name, folder.absolute())
    return version


def _write_model(model: keras.Model, runtime: str, scratch: Path, name: str) -> None:
    if runtime == SAVED_MODEL:
        write_saved_model(model, scratch, name, {"explain": explain_function(model)})
    else:
        write_network(model, runtime, scratch)


def _copy_documents(run: RunFolder, scratch: Path) -> None:
    for path in (run.card, run.config):
        if path.is_file():
            shutil.copy(path, scratch)
