"""`python -m leukemia_tf.noisy_student`: students trained on labels that a teacher predicted, round by round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leukemia_tf.cli import loading, run_command
from leukemia_tf.config import NoisyStudentConfig

if TYPE_CHECKING:
    from leukemia_tf.runs.study_folder import Study


def noisy_student(config: NoisyStudentConfig | None = None) -> Study:
    """Train a teacher on labelled cells, then students on labels that the previous network predicts.

    After Xie et al. 2020, arXiv:1911.04252. A student starts from the teacher's initial weights and sees the cells with
    noise: augmentation and dropout. All rounds are run and the last student is the result; `stop="worse"` ends them
    when a student is worse than its teacher on the validation patients. The test patients
    evaluate teacher and students alike, and decide nothing.

    Parameters
    ----------
    config : NoisyStudentConfig, optional
        ResNet50 on the embedded cells by default.

    Returns
    -------
    Study
        The folder: one run per round, the pseudo-labels, rounds.csv, metrics.json; with `every_fold` also `teachers`
        and `students`, voting ensembles of the folds' networks.

    Raises
    ------
    UserError
        If settings, cells or weights cannot be used.

    Examples
    --------
    >>> study = noisy_student(NoisyStudentConfig(base="scratch", rounds=1, folds=2))  # doctest: +SKIP
    >>> study.rounds.name  # doctest: +SKIP
    'rounds.csv'
    """
    with loading():
        from leukemia_tf.workflows.noisy_student import noisy_student as run
    return run(config or NoisyStudentConfig())


if __name__ == "__main__":
    run_command("noisy_student", NoisyStudentConfig, noisy_student)
