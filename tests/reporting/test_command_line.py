"""The command that made a run, without the folders of the machine."""

from dataclasses import asdict
from pathlib import Path

import pytest

from leukemia_tf.config import TrainConfig
from leukemia_tf.core.files import as_read
from leukemia_tf.reporting.command_line import external_command, reproducing_command


def command(**options):
    settings = {"asked": as_read(asdict(TrainConfig(**options))), "data": {"name": "embedded"}}
    return reproducing_command(settings)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weights": "/home/jane.doe/weights/vgg16.h5"}, "--weights vgg16.h5"),
        ({"split": "../jane.doe/splits.json"}, "--split splits.json"),
        ({"pseudo_labels": "C:\\Users\\jane.doe\\pseudo.csv"}, "--pseudo-labels pseudo.csv"),
        ({"weights": "/home/jane.doe/my weights/"}, "--weights 'my weights'"),
        ({"stages": '[{"name": "a/b"}]'}, """--stages '[{"name": "a/b"}]'"""),
        ({"image_size": 60}, "--image-size 60"),
        ({"from_": Path("runs/c-nmc")}, "--from c-nmc"),
        ({"patient_pattern": r"all/(?P<patient>\d+)_.*"}, r"--patient-pattern 'all/(?P<patient>\d+)_.*'"),
    ],
)
def test_a_path_is_shown_by_its_last_name(options, words):
    text = command(**options)
    assert text == f"python -m leukemia_tf.train {words}"
    assert "jane.doe" not in text


def test_the_data_folder_and_the_members_of_an_ensemble():
    data = {"name": "cells", "folder": "/home/jane.doe/cells"}
    text = reproducing_command({"asked": as_read(asdict(TrainConfig())), "data": data})
    assert text == "python -m leukemia_tf.train --data cells"
    asked = {"runs": ["/home/jane.doe/runs/a", "runs/b"], "method": "average", "threshold": "0.5"}
    text = reproducing_command({"members": [], "asked": asked, "data": data})
    assert text == "python -m leukemia_tf.ensemble a b --method average --threshold 0.5"


def test_the_scores_on_another_folder():
    reading = {"labels": ["all=Early,Pre", "hem=Benign"], "patients": "/home/jane.doe/p.csv", "patient_pattern": None}
    metrics = {"run": "runs/a", "folder": "/home/jane.doe/other", "reading": reading, "tta": "none"}
    text = external_command({**metrics, "permutation_seed": 0})
    wanted = "--data other --labels all=Early,Pre hem=Benign --patients p.csv"
    assert text == f"python -m leukemia_tf.evaluate a {wanted}"
    text = external_command({**metrics, "reading": {}, "tta": "dihedral", "permutation_seed": 3})
    assert text == "python -m leukemia_tf.evaluate a --data other --tta dihedral --seed 3"
