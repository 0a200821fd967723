"""`python -m leukemia_tf.ensemble RUN RUN …`: several runs as one network, evaluated beside each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leukemia_tf.cli import loading, run_command
from leukemia_tf.config import EnsembleConfig
from leukemia_tf.runs.run import Run
from leukemia_tf.runs.run_folder import RunFolder

if TYPE_CHECKING:
    from leukemia_tf.runs.study_folder import Study


def ensemble(config: EnsembleConfig) -> Run | Study:
    """Combine finished runs into one network, evaluate it on their test patients, and compare it with each of them.

    Parameters
    ----------
    config : EnsembleConfig
        The runs, or folders of `crossval`. Cross-validations are combined on their out-of-fold predictions: average,
        vote and weighted average, the weights of each fold optimised on the other folds.

    Returns
    -------
    Run or Study
        A run like any other, the comparison with its members in `compare/`; of cross-validations a study folder.

    Raises
    ------
    UserError
        If the runs have different test cells, or lack the validation part that `method="genetic"` needs.

    Examples
    --------
    >>> run = ensemble(EnsembleConfig(runs=("runs/one", "runs/other"), method="vote"))  # doctest: +SKIP
    >>> run.metrics["protocol"]  # doctest: +SKIP
    'patient'
    """
    with loading():
        from leukemia_tf.workflows.ensemble import ensemble as run
    combined = run(config)
    return Run(combined.path) if isinstance(combined, RunFolder) else combined


if __name__ == "__main__":
    run_command("ensemble", EnsembleConfig, ensemble)
