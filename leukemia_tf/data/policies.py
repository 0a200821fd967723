"""What may happen to images that cannot be used."""

from __future__ import annotations

from leukemia_tf.core.errors import ArgumentError, nearest

ON_BAD_IMAGE = ("fail", "skip", "quarantine")


def check_policy(on_bad_image: str) -> None:
    """Stop at an unknown policy for bad images."""
    if on_bad_image not in ON_BAD_IMAGE:
        raise ArgumentError("on_bad_image", on_bad_image, nearest(on_bad_image, ON_BAD_IMAGE))
