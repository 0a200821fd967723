"""`python -m leukemia_tf.export`: a network in TensorFlow Serving's layout, or for another runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leukemia_tf.cli import loading, run_command
from leukemia_tf.config import ExportConfig

if TYPE_CHECKING:
    from pathlib import Path


def export(config: ExportConfig | None = None) -> Path:
    """Export a run's network, or a `.keras` file, as the next version of a served model.

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
        If the network cannot be loaded, there is no such format, or its package is not installed.

    Examples
    --------
    >>> export(ExportConfig("model.keras", name="cells"))  # doctest: +SKIP
    PosixPath('saved_models/cells/1')
    """
    with loading():
        from leukemia_tf.workflows.export import export as run
    return run(config or ExportConfig())


if __name__ == "__main__":
    run_command("export", ExportConfig, export)
