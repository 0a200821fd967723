"""What `--threshold` takes."""

from __future__ import annotations

from leukemia_tf.errors import UserError

RULES = "a number between 0 and 1, youden, or sensitivity:0.95 and the like"


def check_threshold(rule: str) -> None:
    """Stop at a rule that cannot be.

    Raises
    ------
    UserError
        That says what there is.
    """
    kind, _, wanted = rule.partition(":")
    try:
        share = 0.5 if rule == "youden" else float(wanted if kind == "sensitivity" else rule)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise UserError(f"--threshold {rule}: it takes {RULES}.")
