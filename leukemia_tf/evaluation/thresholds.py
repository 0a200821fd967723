"""Which rules a decision threshold may follow."""

from __future__ import annotations

from leukemia_tf.core.errors import ArgumentError

RULES = "a number between 0 and 1, youden, or a rule such as sensitivity:0.95"


def check_threshold(rule: str) -> None:
    """Stop at a rule that there is not.

    Raises
    ------
    ArgumentError
        Names the rules that there are.
    """
    kind, _, target = rule.partition(":")
    try:
        value = 0.5 if rule == "youden" else float(target if kind == "sensitivity" else rule)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise ArgumentError("threshold", rule, f"it takes {RULES}.")
