"""`python -m leukemia_tf.stress`: whether a network looks at the cell."""

from __future__ import annotations

from typing import Any

from leukemia_tf.cli import loading, run_command
from leukemia_tf.config import StressConfig


def stress(config: StressConfig | None = None) -> dict[str, Any]:
    """Score a run on altered test cells, beside the unaltered ones, with 95 % intervals paired over patients.

    Some alterations must keep the answer, such as a turn, a JPEG or a rim of background. Others remove what may carry
    it: what is left says what the network lives on. `leukemia_tf.data.alterations` is the table.

    Parameters
    ----------
    config : StressConfig, optional
        The newest run, 100 cells by default.

    Returns
    -------
    dict
        The content of stress.json.

    Raises
    ------
    UserError
        If the run, or the study, or its cells cannot be used.

    Examples
    --------
    >>> result = stress(StressConfig(run="runs/2026-11-21T10-15-resnet50-cut"))  # doctest: +SKIP
    >>> [row["name"] for row in result["rows"] if row["costs"]]  # doctest: +SKIP
    ['JPEG of quality 75', 'noise of 3 grey levels']
    """
    with loading():
        from leukemia_tf.workflows.stress import stress as run
    return run(config or StressConfig())


if __name__ == "__main__":
    run_command("stress", StressConfig, stress)
