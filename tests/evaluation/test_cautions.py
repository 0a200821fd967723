"""Each caution where it is due, with its numbers, and nowhere else."""

import copy

import pytest

from leukemia_tf.evaluation.cautions import cautions

SETTINGS = {"data": {"name": "cells"}, "weights": {"source": "resnet50.h5"}}


def score(value, low=None, high=None):
    return {"value": value, "low": low, "high": high}


def part(auroc, low, high):
    cell = {"auroc_by_patient": score(auroc, low, high), "sensitivity": score(0.9), "specificity": score(0.8)}
    return {"cell": cell, "patients": {"all": 12, "hem": 10}}


CLEAN = {
    "protocol": "patient",
    "data": "cells",
    "decision": {
        "temperature": 1.4,
        "threshold": 0.5,
        "calibration_verdict": "better",
        "log_loss_change": score(-0.1, -0.2, -0.05),
        "cautions": [],
    },
    "parts": {"val": part(0.8, 0.7, 0.9), "test": part(0.85, 0.7, 0.93)},
}


def changed(path, value):
    """Return CLEAN with another value at a path of keys."""
    metrics = copy.deepcopy(CLEAN)
    *folders, last = path
    place = metrics
    for key in folders:
        place = place[key]
    place[last] = value
    return metrics


def test_a_good_run_has_none():
    assert cautions(CLEAN, SETTINGS) == []


TEST, DECISION = ("parts", "test"), ("decision",)
CASES = [
    (("caution",), "CAUTION: split by image, patients leak", "Split by image, patients leak."),
    (("data",), "embedded", "These are phantom cells"),
    (("parts", "val"), part(0.55, None, None), "0.850 [0.700, 0.930] on the test patients, but 0.550"),
    (("parts", "val"), part(0.7, 0.45, 0.9), "0.700 [0.450, 0.900] on the validation patients"),
    ((*TEST, "patients"), {"all": 12, "hem": 9}, "12 ALL (leukemic) and 9 HEM (normal) patients: with fewer than 10"),
    (
        (*TEST, "patients"),
        {"all": 4, "hem": 12},
        "4 ALL (leukemic) and 12 HEM (normal) patients: too few for intervals",
    ),
    ((*TEST, "patients"), {"all": 0, "hem": 12}, "lacks a class (0 ALL (leukemic) and 12 HEM (normal) patients)"),
    ((*DECISION, "temperature"), 1.0, "not calibrated (temperature 1)"),
    ((*DECISION, "temperature"), 19.9999, "The temperature, 20.00, is at a bound"),
    ((*DECISION, "temperature"), 0.25000154, "The temperature, 0.25, is at a bound"),
    ((*DECISION, "cautions"), ["Nothing could be fitted."], "Nothing could be fitted."),
]


@pytest.mark.parametrize(("path", "value", "words"), CASES)
def test_one_reason_makes_one_caution(path, value, words):
    (sentence,) = cautions(changed(path, value), SETTINGS)
    assert words in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(("sides", "label"), [((1.0, 0.0), "ALL (leukemic)"), ((0.0, 1.0), "HEM (normal)")])
def test_a_network_that_gives_every_cell_one_label(sides, label):
    metrics = copy.deepcopy(CLEAN)
    for name, value in zip(("sensitivity", "specificity"), sides):
        metrics["parts"]["test"]["cell"][name] = score(value)
    assert cautions(metrics, SETTINGS) == [f"At its threshold the network gives every test cell one label, {label}."]


def test_other_cells_that_are_unlike_come_first():
    metrics = {**CLEAN, "protocol": "external", "parts": {"test": {**CLEAN["parts"]["test"], "cells": 40}}}
    metrics["parts"]["test"] |= {"unlike_training": 39, "patients": {"all": 4, "hem": 12}}
    first, few = cautions(metrics, SETTINGS)
    assert first.startswith("39 of 40 cells (98%) are unlike the training cells")
    assert "too few" in few
    metrics["parts"]["test"]["unlike_training"] = 3
    assert cautions(metrics, SETTINGS) == [few]
    assert cautions({**metrics, "protocol": "patient"}, SETTINGS) == [few.replace("The folder", "The test part")]


def test_a_temperature_that_made_it_worse():
    metrics = changed((*DECISION, "calibration_verdict"), "worse")
    metrics["decision"]["log_loss_change"] = score(0.3, 0.1, 0.5)
    (sentence,) = cautions(metrics, SETTINGS)
    assert "1.40" in sentence
    assert "worse: log loss +0.300 [+0.100, +0.500]" in sentence


def test_chance_on_validation_matters_beside_a_high_test_score_only():
    metrics = changed(("parts", "val"), part(0.5, 0.4, 0.6))
    assert len(cautions(metrics, SETTINGS)) == 1
    metrics["parts"]["test"] = part(0.6, 0.4, 0.8)
    assert cautions(metrics, SETTINGS) == []
    assert cautions(changed(("parts",), {"test": part(0.85, 0.7, 0.93)}), SETTINGS) == []


def test_settings_and_networks_without_a_run():
    (sentence,) = cautions(CLEAN, {**SETTINGS, "weights": {"source": "random"}})
    assert "random weights" in sentence
    (sentence,) = cautions(CLEAN, {**SETTINGS, "data": {"name": "embedded"}})
    assert sentence == "The network was trained on phantom cells, drawn by code."
    assert cautions(CLEAN, {}) == []


def test_metrics_of_an_earlier_version():
    assert cautions({**CLEAN, "decision": {"temperature": 1.4, "threshold": 0.5}}, SETTINGS) == []
