"""`python -m leukemia_tf.audit FOLDER`: what a folder of cells contains, and what is wrong with it."""

from __future__ import annotations

from typing import Any

from leukemia_tf.cli import loading, run_command
from leukemia_tf.config import AuditConfig


def audit(config: AuditConfig | None = None) -> dict[str, Any]:
    """Check every image in a folder; write audit.json, acquisition.csv, cells.csv, rejected.csv and figures.

    Parameters
    ----------
    config : AuditConfig, optional
        The embedded phantom cells by default.

    Returns
    -------
    dict
        The content of audit.json.

    Raises
    ------
    DataError
        If there are no cells; or, after everything is written, if images cannot be used and `on_bad_image` is `fail`.

    Examples
    --------
    >>> audit(AuditConfig("C-NMC_Leukemia"))["patients"]  # doctest: +SKIP
    118
    """
    with loading():
        from leukemia_tf.workflows.audit import audit as run
    return run(config or AuditConfig())


if __name__ == "__main__":
    run_command("audit", AuditConfig, audit)
