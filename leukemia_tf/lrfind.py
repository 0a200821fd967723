"""`python -m leukemia_tf.lrfind`: a learning rate, from how the loss falls as the rate rises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leukemia_tf.cli import loading, run_command
from leukemia_tf.config import LrfindConfig

if TYPE_CHECKING:
    from leukemia_tf.tuning.learning_rate import RangeTest


def lrfind(config: LrfindConfig | None = None) -> RangeTest:
    """Run a learning-rate range test on the training cells, and draw it.

    Parameters
    ----------
    config : LrfindConfig, optional
        ResNet50 on the embedded cells by default.

    Returns
    -------
    RangeTest
        The curve and the suggestions.

    Raises
    ------
    UserError
        If settings, cells or weights cannot be used.

    Examples
    --------
    >>> lrfind(LrfindConfig(base="scratch")).suggested  # doctest: +SKIP
    0.0012
    """
    with loading():
        from leukemia_tf.workflows.lrfind import lrfind as run
    return run(config or LrfindConfig())


if __name__ == "__main__":
    run_command("lrfind", LrfindConfig, lrfind)
