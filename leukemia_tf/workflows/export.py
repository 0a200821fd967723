"""A network in TensorFlow Serving's layout, or for another runtime."""

from __future__ import annotations

import logging
from pathlib import Path

import keras

from leukemia_tf.config import ExportConfig
from leukemia_tf.core.files import copy_atomically, read_json
from leukemia_tf.explain.faithfulness_scores import more_faithful
from leukemia_tf.explain.maps import explain_function, explained_layers
from leukemia_tf.explain.methods import METHODS, find_cam, find_method
from leukemia_tf.models.fused_batchnorm import fuse_batch_normalization
from leukemia_tf.models.network import load_network
from leukemia_tf.runs.open_runs import run_or_newest
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.serving.layout import write_version
from leukemia_tf.serving.runtime_networks import write_network
from leukemia_tf.serving.runtimes import SAVED_MODEL, check_runtime
from leukemia_tf.serving.saved_model import write_saved_model
from leukemia_tf.workflows.export_notes import model_notes

log = logging.getLogger("leukemia_tf")


def export(config: ExportConfig) -> Path:
    """Run the command `export`; see `leukemia_tf.export.export`."""
    check_runtime("format", config.format, SAVED_MODEL)
    find_cam(config.method)
    if config.run is not None and config.run.is_file():
        return _export(config, config.run, config.run.stem, config.run)
    run = run_or_newest(config.run)
    run.check_files(run.environment)
    return _export(config, run.model, run.read_config()["network"]["name"], run)


def _export(config: ExportConfig, network: Path, name: str, source: Path | RunFolder) -> Path:
    """Export a network's file under a name; `source` is a run, whose card and settings go with it, or the file."""
    model = fuse_batch_normalization(load_network(network))
    served = config.format == SAVED_MODEL
    folder = config.out / (config.name or (name if served else f"{name}-{config.format}"))

    run = source if isinstance(source, RunFolder) else None

    def write(scratch: Path) -> None:
        _write_model(model, config, scratch, folder.resolve().name, run)
        if run:
            _copy_documents(run, scratch)

    version = write_version(folder, write)
    log.info("exported %s to %s", source, version)
    if served:
        _log_more_faithful(model, config.method, run or RunFolder(network.parent))
        command = "tensorflow_model_server --rest_api_port=8501 --model_name=%s --model_base_path=%s"
        log.info(f"serve it: {command}", folder.resolve().name, folder.absolute())
    return version


def _write_model(model: keras.Model, config: ExportConfig, scratch: Path, name: str, run: RunFolder | None) -> None:
    if config.format != SAVED_MODEL:
        write_network(model, config.format, scratch)
        return
    layers = explained_layers(model, config.method)
    explained = {"method": config.method, "title": find_method(config.method).title, "layers": layers}
    notes = {"explain": explained, "model": model_notes(model, run)}
    write_saved_model(model, scratch, name, {"explain": explain_function(model, config.method)}, notes)


def _log_more_faithful(model: keras.Model, method: str, run: RunFolder) -> None:
    """Log which heat map `explain_check` found more faithful, if a SavedModel can draw it."""
    if run.explain_check.is_file():
        check = read_json(run.explain_check)
        served = {name: row for name, row in check["methods"].items() if name in METHODS and METHODS[name].cam}
        better = more_faithful({**check, "methods": served}, {method: explained_layers(model, method)})
        if better:
            log.info("%s", better)


def _copy_documents(run: RunFolder, scratch: Path) -> None:
    for path in (run.card, run.config):
        if path.is_file():
            copy_atomically(path, scratch / path.name)
