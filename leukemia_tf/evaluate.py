"""`python -m leukemia_tf.evaluate`: score a run on its validation and test patients, or on another folder."""

from __future__ import annotations

from typing import Any

from leukemia_tf.cli import loading, run_command
from leukemia_tf.config import EvaluateConfig


def evaluate(config: EvaluateConfig | None = None) -> dict[str, Any]:
    """Score a run or a `.keras` file; write predictions, metrics.json and figures.

    Parameters
    ----------
    config : EvaluateConfig, optional
        The newest run by default. With `threshold`, temperature and threshold are fitted again and stored in the run's
        network; the former network and metrics.json are kept in `RUN/before-TIME/`. A `data` folder of other cells is
        evaluated as a whole, into `RUN/on-NAME/`; a `.keras` file needs one.

    Returns
    -------
    dict
        The content of metrics.json.

    Raises
    ------
    UserError
        If the run or its cells cannot be used.

    Examples
    --------
    >>> metrics = evaluate()  # doctest: +SKIP
    >>> metrics["parts"]["test"]["cell"]["auroc_by_patient"]  # doctest: +SKIP
    {'value': 0.971, 'low': 0.933, 'high': 1.0}
    """
    with loading():
        from leukemia_tf.workflows.evaluate import evaluate as run
    return run(config or EvaluateConfig())


if __name__ == "__main__":
    run_command("evaluate", EvaluateConfig, evaluate)
