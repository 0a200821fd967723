"""Training cells by patient groups: a person with two names weighs as much as one with one."""

from dataclasses import replace

import numpy as np

from leukemia_tf.data.balance import Sampling, epoch_order
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.reading import read_catalog
from leukemia_tf.training.examples import load_examples


def test_two_names_of_one_person_weigh_as_one_name(tiny_cells):
    cells = [replace(cell, split="train") for cell in read_catalog(tiny_cells).cells]
    two = sorted({cell.patient for cell in cells if cell.label == "hem"})[:2]
    train = load_examples(tiny_cells, cells, "train", Preprocessing(20), "none", [two])
    assert "+".join(two) in set(train.patients)
    order = epoch_order(train.labels, Sampling(patient_weight="equal"), 0, 0, train.patients)
    drawn = [np.sum(train.patients[order] == name) for name in np.unique(train.patients[train.labels == 0])]
    assert len(drawn) == 3  # of four names
    assert np.ptp(drawn) <= 1
