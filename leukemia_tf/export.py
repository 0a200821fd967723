"""`python -m leukemia_tf.export`: a run's model, in TensorFlow Serving's layout."""

from __future__ import annotations

import logging
from pathlib import Path

from leukemia_tf.cli import run_command
from leukemia_tf.config import ExportConfig
from leukemia_tf.run import run_or_newest

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
        The folder with `saved_model.pb`.
    """
    config = config or ExportConfig()
    run = run_or_newest(config.run)
    from leukemia_tf.explain.maps import explain_function
    from leukemia_tf.models.network import load_network
    from leukemia_tf.serving.saved_model import write_saved_model

    name, model = config.name or run.read_config()["network"]["name"], load_network(run.model)
    told = [path for path in (run.card, run.config) if path.is_file()]
    version = write_saved_model(model, config.out / name, {"explain": explain_function(model)}, told)
    log.info("exported %s to %s", run, version)
    log.info(
        "serve it: tensorflow_model_server --rest_api_port=8501 --model_name=%s --model_base_path=%s",
        name,
        version.parent.absolute(),
    )
    return version


if __name__ == "__main__":
    run_command("export", ExportConfig, export)
