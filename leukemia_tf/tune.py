"""`python -m leukemia_tf.tune`: search for the settings that generalise best to unseen patients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leukemia_tf.cli import loading, run_command
from leukemia_tf.config import TuneConfig

if TYPE_CHECKING:
    from leukemia_tf.runs.study_folder import Study


def tune(config: TuneConfig | None = None) -> Study:
    """Search for the settings with the best mean AUROC by patient over folds of the training patients, and train them.

    Parameters
    ----------
    config : TuneConfig, optional
        Dropout, rate and weight decay of ResNet50 on the embedded cells by default.

    Returns
    -------
    Study
        The folder: trials.csv, recipe.json (for `train --recipe`), the figure, and `best/`, a run with that recipe.

    Raises
    ------
    UserError
        If settings, cells or weights cannot be used, or every trial failed.

    Examples
    --------
    >>> study = tune(TuneConfig(base="scratch", trials=4, folds=2))  # doctest: +SKIP
    >>> study.run("best").model.is_file()  # doctest: +SKIP
    True
    """
    with loading():
        from leukemia_tf.workflows.tune import tune as run
    return run(config or TuneConfig())


if __name__ == "__main__":
    run_command("tune", TuneConfig, tune)
