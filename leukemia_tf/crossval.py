"""`python -m leukemia_tf.crossval`: a recipe on all patients, each tested by a network that never saw them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leukemia_tf.cli import loading, run_command
from leukemia_tf.config import CrossvalConfig

if TYPE_CHECKING:
    from leukemia_tf.runs.study_folder import Study


def crossval(config: CrossvalConfig | None = None) -> Study:
    """Train one network per fold, and evaluate every cell by the network that has not seen its patient.

    Parameters
    ----------
    config : CrossvalConfig, optional
        ResNet50 on the embedded cells by default.

    Returns
    -------
    Study
        The folder: one run per fold, out-of-fold predictions, metrics.json and figures.

    Raises
    ------
    UserError
        If settings or cells cannot be used. If a fold leaks, nothing is reported.

    Examples
    --------
    >>> study = crossval(CrossvalConfig(base="scratch", folds=4, epochs=2))  # doctest: +SKIP
    >>> study.read_config()["kind"]  # doctest: +SKIP
    'crossval'
    """
    with loading():
        from leukemia_tf.workflows.crossval import crossval as run
    return run(config or CrossvalConfig())


if __name__ == "__main__":
    run_command("crossval", CrossvalConfig, crossval)
