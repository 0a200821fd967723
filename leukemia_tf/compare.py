"""`python -m leukemia_tf.compare RUN RUN …`: which run is better, by how much, and which cells each gets wrong."""

from __future__ import annotations

from typing import Any

from leukemia_tf.cli import loading, run_command
from leukemia_tf.config import CompareConfig


def compare(config: CompareConfig) -> dict[str, Any]:
    """Compare finished runs on the test cells that they share; write compare.json, errors.csv and figures.

    Parameters
    ----------
    config : CompareConfig
        Two or more run folders.

    Returns
    -------
    dict
        The content of compare.json.

    Raises
    ------
    UserError
        If a run is not finished, or the runs have different test cells.

    Examples
    --------
    >>> comparison = compare(CompareConfig(runs=("runs/one", "runs/other")))  # doctest: +SKIP
    >>> comparison["runs"]["other"]["more_than_first"]["auroc"]  # doctest: +SKIP
    {'value': 0.021, 'low': -0.004, 'high': 0.047}
    """
    with loading():
        from leukemia_tf.workflows.compare import compare as run
    return run(config)


if __name__ == "__main__":
    run_command("compare", CompareConfig, compare)
