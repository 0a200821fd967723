"""The table of architectures: one record each. Importing it costs nothing; constructors are looked up late."""

from __future__ import annotations

from leukemia_tf.errors import UserError, nearest
from leukemia_tf.models.architecture import Architecture
from leukemia_tf.models.keras_records import KERAS_RECORDS
from leukemia_tf.models.mobile_records import MOBILE_RECORDS
from leukemia_tf.models.own_records import OWN_RECORDS

ARCHITECTURES = {record.name: record for record in (*OWN_RECORDS, *KERAS_RECORDS, *MOBILE_RECORDS)}


def find_architecture(name: str) -> Architecture:
    """Return a record by its name.

    Raises
    ------
    UserError
        If there is none; the nearest names are told.
    """
    if name not in ARCHITECTURES:
        raise UserError(f"--base {name}: no such network; {nearest(name, tuple(ARCHITECTURES))}")
    return ARCHITECTURES[name]
