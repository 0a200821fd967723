"""The table of architectures: one record each. Importing it imports no Keras; constructors are imported when used."""

from __future__ import annotations

import re

from leukemia_tf.core.errors import ArgumentError, nearest
from leukemia_tf.models.architecture import Architecture
from leukemia_tf.models.heads import find_head
from leukemia_tf.models.keras_records import KERAS_RECORDS
from leukemia_tf.models.mobile_records import MOBILE_RECORDS
from leukemia_tf.models.package_records import PACKAGE_RECORDS

ARCHITECTURES = {record.name: record for record in (*PACKAGE_RECORDS, *KERAS_RECORDS, *MOBILE_RECORDS)}


def find_architecture(name: str) -> Architecture:
    """Return a record by its name.

    Raises
    ------
    ArgumentError
        If there is none; it suggests the nearest names.
    """
    if name not in ARCHITECTURES:
        raise ArgumentError("base", name, f"no such network; {nearest(name, ARCHITECTURES)}")
    return ARCHITECTURES[name]


def register_architecture(architecture: Architecture, replace: bool = False) -> Architecture:
    """Add a network of your own to the table of this process.

    `build_network`, `TrainConfig(base=NAME)` and the table of `models` then know it. The backbone is built once, to
    check its blocks and to count its parameters.

    Parameters
    ----------
    architecture : Architecture
        Its record.
    replace : bool
        Whether it may take the place of a record of the same name.

    Returns
    -------
    Architecture
        The record in the table.

    Raises
    ------
    ArgumentError
        If the record has no blocks, names a layer that does not exist, or has a name that is taken.
    """
    from leukemia_tf.models.base import check_architecture  # imports Keras

    if not isinstance(architecture, Architecture):
        raise ArgumentError("architecture", architecture, "it takes an Architecture.")
    name, blocks = architecture.name, architecture.blocks
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ArgumentError("name", name, "it takes letters, digits, `.`, `_` and `-`.")
    if name in ARCHITECTURES and not replace:
        raise ArgumentError("name", name, "a network of that name exists; take another, or say `replace=True`.")
    if not blocks or len({block.name for block in blocks}) < len(blocks):
        names = [block.name for block in blocks]
        raise ArgumentError("blocks", names, "it takes one block or more, of different names.")
    for head in (architecture.head, architecture.cut_head):
        find_head(head)
    ARCHITECTURES[name] = check_architecture(architecture)
    return ARCHITECTURES[name]
