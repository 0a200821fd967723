"""Three phantom cells to try a model on, drawn by code."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from leukemia_tf.core.png import encode_png
from leukemia_tf.data.synthetic import Patient, draw_cell, draw_patients

SEED = 2  # of two patients who look like what they are
CELLS = (("all", 1), ("all", 2), ("hem", 1))  # label and number


def sample_names() -> dict[str, tuple[Patient, int]]:
    """Return patient and number by each cell's file name, in C-NMC's form: two of one patient, one of another."""
    patients = {patient.label: patient for patient in draw_patients(1, SEED)}
    return {f"UID_{patients[label].name}_{number}_1_{label}.png": (patients[label], number) for label, number in CELLS}


@lru_cache(maxsize=1)
def sample_cells() -> dict[str, bytes]:
    """Return PNG files of 450 x 450 pixels by their names; they are drawn when they are first requested."""
    return {
        name: encode_png(draw_cell(patient, np.random.default_rng([SEED, number, int(patient.label == "all")])))
        for name, (patient, number) in sample_names().items()
    }
