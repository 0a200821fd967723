"""Three phantom cells to try a model on, drawn by code."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from leukemia_tf.data.synthetic import draw_cell, draw_patients

SEED = 2  # of two patients who look like what they are
CELLS = (("all", 1), ("all", 2), ("hem", 1))  # label and number


@lru_cache(maxsize=1)
def sample_cells() -> dict[str, bytes]:
    """Return PNG files of 450 x 450 pixels by their names, in C-NMC's form: two of one patient, one of another."""
    patients = {patient.label: patient for patient in draw_patients(1, SEED)}
    samples = {}
    for label, number in CELLS:
        patient = patients[label]
        rng = np.random.default_rng([SEED, number, int(label == "all")])
        _, png = cv2.imencode(".png", draw_cell(patient, rng)[..., ::-1])
        samples[f"UID_{patient.name}_{number}_1_{label}.png"] = png.tobytes()
    return samples
