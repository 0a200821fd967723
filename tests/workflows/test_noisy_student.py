"""Noisy students: who is labelled, the pseudo-labels, when the rounds end, and that test patients are not used."""

import json
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from leukemia_tf.config import Augmentation, NoisyStudentConfig, TrainConfig
from leukemia_tf.config.recipes import from_recipe
from leukemia_tf.core.errors import DataError, UserError
from leukemia_tf.core.files import read_csv, read_json
from leukemia_tf.data.catalog import read_cells, write_cells
from leukemia_tf.data.splits import read_split
from leukemia_tf.data.synthetic import write_phantoms
from leukemia_tf.evaluation.intervals import paired_difference
from leukemia_tf.evaluation.predictions import arrays, read_predictions
from leukemia_tf.workflows import noisy_student_rounds
from leukemia_tf.workflows.noisy_student import noisy_student
from leukemia_tf.workflows.noisy_student_rounds import Round, selected_round
from leukemia_tf.workflows.train import train

TINY = {"base": "scratch", "stain_normalization": "none", "image_size": 60, "batch_size": 8, "epochs": 20, "lr": 3e-3}
FEW = {**TINY, "confidence": 0.5, "folds": 2, "balanced": False, "stop": "worse"}


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """5 patients a class with about 8 cells each."""
    return write_phantoms(tmp_path_factory.mktemp("cells") / "few", patients=5, cells=8, seed=3, side=120)


@pytest.fixture(scope="module")
def config(cells, tmp_path_factory):
    return NoisyStudentConfig(**FEW, data=cells, out=tmp_path_factory.mktemp("students") / "study", rounds=2)


@pytest.fixture(scope="module")
def study(config):
    return noisy_student(config)


@pytest.fixture(scope="module")
def every_config(cells, tmp_path_factory):
    out = tmp_path_factory.mktemp("students") / "every"
    return NoisyStudentConfig(**FEW, data=cells, out=out, rounds=1, every_fold=True)


@pytest.fixture(scope="module")
def every(every_config):
    return noisy_student(every_config)


def runs_of(study):
    return [(row, study.run(row["run"])) for row in read_csv(study.rounds)]


@pytest.mark.slow
def test_the_patients_of_a_fold_are_labelled_masked_or_validate(every):
    validated = []
    for fold in range(2):
        split = read_split(every.split(f"fold-{fold}", ".json"))
        known = {cell.patient for cell in read_cells(every.run(f"fold-{fold}-teacher").cells)} - set(split.test)
        masked = known - set(split.train) - set(split.val)
        assert (len(split.train), len(masked), len(split.val)) == (2, 2, 4)
        validated += split.val
    assert sorted(validated) == sorted(known)


@pytest.mark.slow
def test_students_train_on_masked_patients_and_never_on_validation_or_test_patients(study):
    students = [(row, run) for row, run in runs_of(study) if row["round"] != "0"]
    assert students
    for row, run in students:
        split = read_split(study.split(f"fold-{row['fold']}", ".json"))
        labelled = [cell for cell in read_cells(run.cells) if cell.pseudo is not None]
        assert len(labelled) == int(row["all"]) + int(row["hem"]) > 0
        assert {cell.split for cell in labelled} == {"train"}
        assert not {cell.patient for cell in labelled} & {*split.train, *split.val, *split.test}
        known = {cell.patient for cell in read_cells(run.cells) if cell.split == "train" and cell.pseudo is None}
        assert known == set(split.train)
        assert f"| train, pseudo-labelled | {row['all']} | {row['hem']} |" in run.card.read_text()


@pytest.mark.slow
def test_pseudo_labels_are_the_predictions_of_the_network_before(study, tmp_path):
    from leukemia_tf.config import PredictConfig
    from leukemia_tf.workflows.predict import predict

    run = study.run("fold-0-round-1")
    labelled = {cell.path: cell for cell in read_cells(run.cells) if cell.pseudo is not None}
    paths = tuple(run.data / path for path in labelled)
    predict(PredictConfig(images=paths, run=study.run("fold-0-teacher").path, out=tmp_path / "predictions.csv"))
    for cell, row in zip(labelled.values(), read_predictions(tmp_path / "predictions.csv")):
        assert cell.pseudo == pytest.approx(row.probability, abs=1e-6)
        assert cell.label == ("all" if row.probability >= 0.5 else "hem")


@pytest.mark.slow
def test_the_share_of_correct_pseudo_labels(study):
    for row, run in runs_of(study):
        labelled = [cell for cell in read_cells(run.cells) if cell.pseudo is not None]
        if labelled:
            right = [
                cell.path.split("/")[-1].removesuffix(Path(cell.path).suffix).endswith(cell.label) for cell in labelled
            ]
            assert float(row["right"]) == pytest.approx(np.mean(right))


@pytest.mark.slow
def test_the_rounds_end_when_a_student_is_worse_on_validation(study):
    rounds = runs_of(study)
    scores = [read_json(run.metrics)["parts"]["val"]["cell"]["auroc_by_patient"]["value"] for _, run in rounds]
    assert [float(row["validation"]) for row, _ in rounds] == scores
    assert all(later >= former for former, later in pairwise(scores[:-1]))
    ended = len(scores) > 1 and scores[-1] < scores[-2]
    assert [int(row["kept"]) for row, _ in rounds].index(1) == len(rounds) - 1 - ended


@pytest.mark.slow
def test_a_round_that_is_worse_is_not_selected(study, monkeypatch):
    first, second = (Round(0, number, study.run("fold-0-teacher")) for number in (0, 1))
    scores = {id(first): 0.9, id(second): 0.9}
    monkeypatch.setattr(Round, "validation", property(lambda one: scores[id(one)]))
    assert selected_round([first, second], "worse") is second
    scores[id(second)] = 0.89
    assert selected_round([first, second], "worse") is first
    assert selected_round([first, second], "never") is second
    assert selected_round([first], "worse") is first


@pytest.mark.slow
def test_all_rounds_are_run_though_each_is_worse_unless_that_stops_them(study, monkeypatch):
    trained = []

    def next_student(study, config, inputs, teacher):
        trained.append(teacher.number + 1)
        return replace(teacher, number=teacher.number + 1)

    monkeypatch.setattr(noisy_student_rounds, "_train_teacher", lambda *_: Round(0, 0, study.run("fold-0-teacher")))
    monkeypatch.setattr(noisy_student_rounds, "_train_student", next_student)
    monkeypatch.setattr(Round, "validation", property(lambda one: 1 - one.number / 10))
    rounds = noisy_student_rounds.train_rounds(study, NoisyStudentConfig(rounds=4), None)
    assert [one.number for one in rounds] == [0, 1, 2, 3, 4]
    assert selected_round(rounds, "never").number == 4
    rounds = noisy_student_rounds.train_rounds(study, NoisyStudentConfig(rounds=4, stop="worse"), None)
    assert [one.number for one in rounds] == [0, 1]
    assert trained == [1, 2, 3, 4, 1]


@pytest.mark.slow
def test_a_student_is_compared_with_its_teacher_on_the_same_patients(study):
    runs = read_json(study.metrics)["folds"][0]["runs"]
    rows = {
        name: sorted(read_predictions(study.run(name).predictions("test")), key=lambda row: row.path) for name in runs
    }
    labels, reference, patients = arrays(rows["fold-0-teacher"])
    expected = paired_difference(labels, arrays(rows["fold-0-round-1"])[1], reference, patients)["auroc"]
    assert runs["fold-0-round-1"]["more_than_first"]["auroc"]["value"] == pytest.approx(expected["value"])


@pytest.mark.slow
def test_the_networks_of_the_folds_vote(every):
    selected = {row["run"] for row in read_csv(every.rounds) if row["kept"] == "1"}
    members = {Path(member["run"]).name for member in every.run("students").read_config()["members"]}
    assert members == selected
    assert set(read_json(every.metrics)["voted"]["runs"]) == {"teachers", "students"}


@pytest.mark.slow
def test_a_student_is_what_train_makes_of_the_labels(study, config, tmp_path):
    labels, split = study.pseudo_labels("fold-0-round-1"), study.split("fold-0", ".json")
    again = train(
        TrainConfig(
            **TINY,
            data=config.data,
            split=str(split),
            pseudo_labels=labels,
            dropout=0.5,
            augment=Augmentation(dihedral=True),
            out=tmp_path / "again",
        )
    )
    same = study.run("fold-0-round-1").predictions("test")
    assert again.predictions("test").read_bytes() == same.read_bytes()


@pytest.mark.slow
def test_the_same_settings_resume_to_the_same_result(every, every_config, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(every.path, copy)
    settings = json.loads((copy / "study.json").read_text())
    settings["asked"]["out"] = str(copy)
    (copy / "study.json").write_text(json.dumps(settings))
    for gone in ("fold-1-round-1", "students", "compare-voted"):
        shutil.rmtree(copy / gone, ignore_errors=True)
    for gone in ("metrics.json", "rounds.csv", "pseudo-labels/fold-1-round-1.csv"):
        (copy / gone).unlink(missing_ok=True)
    again = noisy_student(replace(every_config, out=copy))
    assert again.rounds.read_bytes() == every.rounds.read_bytes()
    assert (copy / "students/predictions-test.csv").read_bytes() == every.run("students").predictions(
        "test"
    ).read_bytes()


@pytest.mark.slow
def test_cells_of_a_folder_without_labels(cells, tmp_path):
    others = write_phantoms(tmp_path / "others", patients=2, cells=4, seed=9, side=120)
    folder = tmp_path / "unlabelled"
    folder.mkdir()
    for number, path in enumerate(sorted(others.rglob("*.bmp")) or sorted(others.rglob("*.png"))):
        shutil.copy(path, folder / f"{number}{path.suffix}")
    known = next(path for path in sorted(cells.rglob("*")) if path.suffix == ".bmp" or path.suffix == ".png")
    shutil.copy(known, folder / f"known{known.suffix}")
    study = noisy_student(
        NoisyStudentConfig(
            **FEW,
            data=cells,
            out=tmp_path / "study",
            rounds=1,
            unlabelled=folder,
            alone=True,
            targets="hard",
        )
    )
    labelled = read_cells(study.pseudo_labels("fold-0-round-1"))
    assert all(Path(cell.path).is_absolute() and not cell.patient for cell in labelled)
    assert not any("known" in cell.path for cell in labelled)
    assert {cell.pseudo for cell in labelled} == {0.0, 1.0}
    trained = [cell for cell in read_cells(study.run("fold-0-round-1").cells) if cell.split == "train"]
    assert sorted(trained, key=str) == sorted(labelled, key=str)


@pytest.mark.slow
def test_pseudo_labels_of_a_test_patient_stop_a_training(study, config, tmp_path):
    run = study.run("fold-0-teacher")
    tested = [replace(cell, split="train", pseudo=0.9) for cell in read_cells(run.cells) if cell.split == "test"]
    config = TrainConfig(**TINY, data=config.data, split=str(run.splits), out=tmp_path / "run")
    leaky = write_cells(tmp_path / "leaky.csv", tested)
    with pytest.raises(DataError, match=r"leak: .* of a validation or test patient"):
        train(replace(config, pseudo_labels=leaky))
    named_anew = write_cells(
        tmp_path / "anew.csv", [replace(tested[0], path=str(run.data / tested[0].path), patient="")]
    )
    with pytest.raises(DataError, match="leak"):
        train(replace(config, pseudo_labels=named_anew))
    with pytest.raises(DataError, match="has no pseudo-labels"):
        train(replace(config, pseudo_labels=run.cells))
    assert not config.out.exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rounds": 0}, "Received: rounds=0"),
        ({"folds": 1}, "Received: folds=1"),
        ({"targets": "softer"}, "Received: targets='softer'"),
        ({"stop": "wors"}, "did you mean worse.* Received: stop='wors'"),
        ({"confidence": 0.3}, "Received: confidence=0.3"),
        ({"masked": 1.0}, "Received: masked=1.0"),
        ({"split": "image"}, "Received: split='image'"),
        ({"folds": 5}, "5 folds need 5 patients of each class"),
        ({"student_base": "resnet51"}, "resnet50"),
    ],
)
def test_what_cannot_be_is_refused(changes, sentence, cells, tmp_path):
    config = NoisyStudentConfig(**{**FEW, **changes}, data=cells, out=tmp_path / "study")
    with pytest.raises(UserError, match=sentence):
        noisy_student(config)
    assert not config.out.exists()


def test_the_report_s_recipe_is_this_command_s_alone():
    config = from_recipe("noisy-student", NoisyStudentConfig)
    assert (config.rounds, config.alone, config.every_fold, config.targets) == (3, True, True, "hard")
    with pytest.raises(UserError, match=r"it is for `python -m leukemia_tf\.noisy_student`"):
        from_recipe("noisy-student")


@pytest.mark.slow
def test_its_report(study, check_report):
    metrics = read_json(study.metrics)
    page = check_report(study.report)
    assert len(page.query_selector_all("#table-rounds tbody tr")) == len(metrics["rounds"])
    (last,) = (row for row in metrics["rounds"] if row["kept"])
    assert f"{last['test']:.3f}" in page.inner_text(".summary strong")
    assert last["run"] in page.inner_text(".summary")
