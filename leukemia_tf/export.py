"""`python -m leukemia_tf.export`: a run's model, in TensorFlow Serving's layout."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from leukemia_tf.cli import run_command
from leukemia_tf.config import ExportConfig
from leukemia_tf.run import run_or_newest
from leukemia_tf.serving.runtimes import SAVED_MODEL, check_runtime, write_network

log = logging.getLogger("leukemia_tf")


def export(config: ExportConfig | None = None) -> Path:
    """Export a run's model as the next version of a served model.

    Parameters
    ----------
    config : ExportConfig, optional
        The newest run, to `saved_models/`, by default.

    Returns
    -------
    pathlib.Path
        The folder with `saved_model.pb`, or with the other format's file and `interface.json`.

    Raises
    ------
    UserError
        If there is no such format, or if what writes it is not installed.
    """
    config = config or ExportConfig()
    check_runtime("--format", config.format, SAVED_MODEL)
    run = run_or_newest(config.run)
    from leukemia_tf.explain.maps import explain_function
    from leukemia_tf.models.folded import folded
    from leukemia_tf.models.network import load_network
    from leukemia_tf.serving.layout import write_version
    from leukemia_tf.serving.saved_model import write_saved_model

    for_serving = config.format == SAVED_MODEL
    network = run.read_config()["network"]["name"]
    folder = config.out / (config.name or (network if for_serving else f"{network}-{config.format}"))

    def write(scratch: Path) -> None:
        model = folded(load_network(run.model))
        if for_serving:
            write_saved_model(model, scratch, folder.resolve().name, {"explain": explain_function(model)})
        else:
            write_network(model, config.format, scratch)
        for path in (run.card, run.config):
            if path.is_file():
                shutil.copy(path, scratch)

    version = write_version(folder, write)
    log.info("exported %s to %s", run, version)
    if for_serving:
        served = (folder.resolve().name, folder.absolute())
        log.info("serve it: tensorflow_model_server --rest_api_port=8501 --model_name=%s --model_base_path=%s", *served)
    return version


if __name__ == "__main__":
    run_command("export", ExportConfig, export)
