"""`python -m leukemia_tf.explain_check`: how faithful heat maps are to the network."""

from __future__ import annotations

from typing import Any

from leukemia_tf.cli import loading, run_command
from leukemia_tf.config import ExplainCheckConfig


def explain_check(config: ExplainCheckConfig | None = None) -> dict[str, Any]:
    """Measure the faithfulness of heat maps on a run's test cells, with 95 % intervals over patients.

    The measures are deletion and insertion (how far the logit of the prediction falls while the hottest squares are
    blurred, and rises while they come back, in standard deviations of the logit), the location of the heat, the change
    of the maps when the network's weights are shuffled (Adebayo et al. 2018, arXiv:1810.03292), and the agreement of
    the methods, beside a random map and a central blob. All patients have the same weight.

    Parameters
    ----------
    config : ExplainCheckConfig, optional
        The newest run, all methods, 60 cells by default.

    Returns
    -------
    dict
        The content of explain-check.json.

    Raises
    ------
    UserError
        If the run, its cells or a method cannot be used.

    Examples
    --------
    >>> scores = explain_check(ExplainCheckConfig(method=("gradcam", "hirescam")))  # doctest: +SKIP
    >>> list(scores["methods"])  # doctest: +SKIP
    ['gradcam', 'hirescam', 'random', 'centre']
    """
    with loading():
        from leukemia_tf.workflows.explain_check import explain_check as run
    return run(config or ExplainCheckConfig())


if __name__ == "__main__":
    run_command("explain_check", ExplainCheckConfig, explain_check)
