"""`python -m leukemia_tf.segment PICTURES`: single white blood cells, cut out of photographs of smears."""

from __future__ import annotations

from leukemia_tf.cli import loading, run_command
from leukemia_tf.config import SegmentConfig
from leukemia_tf.core.pictures import Pictures


def segment(config: SegmentConfig) -> Pictures:
    """Cut the white blood cells out of fields and crops, each alone on black.

    Parameters
    ----------
    config : SegmentConfig
        The pictures, and where the cells go.

    Returns
    -------
    Pictures
        The paths of the cells' PNGs, which a notebook shows.

    Raises
    ------
    UserError
        If a setting cannot be used, or if there is no cell in any picture.

    Examples
    --------
    >>> segment(SegmentConfig("field.png", out="cells"))  # doctest: +SKIP
    [Picture('cells/field-1.png'), Picture('cells/field-2.png')]
    """
    with loading():
        from leukemia_tf.workflows.segment import segment as run
    return run(config).cells


def _command(config: SegmentConfig) -> int:
    """Run it, and return the exit status: 3 if some pictures could not be used."""
    with loading():
        from leukemia_tf.workflows.segment import segment as run
    return 3 if run(config).unusable else 0


if __name__ == "__main__":
    run_command("segment", SegmentConfig, _command)
