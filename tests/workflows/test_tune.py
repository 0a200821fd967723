"""The search as a command: on folds of patients, resumable, and its outcome is a recipe that trains."""

import json

import pytest

from leukemia_tf.config import TuneConfig
from leukemia_tf.config.recipes import from_recipe
from leukemia_tf.core.errors import RunError, UserError
from leukemia_tf.core.files import read_csv, read_json
from leukemia_tf.data.prepare import prepare_cells
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.tuning.space import SPACE, settings_of
from leukemia_tf.workflows.tune import tune
from leukemia_tf.workflows.tune_objective import search_folds

TINY = {"base": "scratch", "framing": "cell", "stain_normalization": "none", "image_size": 60}
TINY |= {"batch_size": 8, "epochs": 1}


@pytest.fixture(scope="module")
def study(tiny_cells, tmp_path_factory):
    out = tmp_path_factory.mktemp("studies") / "search"
    over = ("dropout", "lr", "weight-decay")
    return tune(TuneConfig(**TINY, data=tiny_cells, out=out, trials=2, method="random", folds=2, over=over))


@pytest.mark.slow
def test_the_outcome_is_a_recipe_and_a_run_by_it(study):
    rows = read_csv(study.trials)
    assert [row["trial"] for row in rows] == ["0", "1"]
    best = max(rows, key=lambda row: float(row["score"]))
    recipe = read_json(study.recipe)
    assert f"{float(best['score']):.3f} over 2 folds" in recipe["about"]
    config = from_recipe(str(study.recipe))
    assert (config.dropout, config.lr) == pytest.approx((float(best["dropout"]), float(best["lr"])))
    assert config.weight_decay == pytest.approx(float(best["weight-decay"]))
    assert (config.image_size, config.framing, config.data, config.out) == (60, "cell", None, None)
    settings = study.run("best").read_config()["train"]
    assert settings["dropout"] == config.dropout
    assert study.run("best").metrics.is_file()
    assert study.figure("search").is_file()


@pytest.mark.slow
def test_more_trials_resume_the_search(study):
    before = study.trials.read_text()
    settings = study.read_config()
    settings["asked"]["trials"] = 3
    study.config.write_text(json.dumps(settings))
    tune(TuneConfig(out=study.path, resume=True))
    assert study.trials.read_text().startswith(before)
    assert len(read_csv(study.trials)) == 3


def test_no_test_patient_is_used(tiny_cells):
    prepared = prepare_cells(tiny_cells, "patient", 0)
    known = {cell.path for cell in prepared.cells if cell.split in ("train", "val")}
    folds = search_folds(prepared, 3, 0)
    for fold in folds:
        assert {cell.path for cell in fold.cells} == known
        parts = [{cell.patient for cell in fold.cells if cell.split == part} for part in ("train", "val")]
        assert not parts[0] & parts[1]
    validated = [cell.path for fold in folds for cell in fold.cells if cell.split == "val"]
    assert sorted(validated) == sorted(known)
    (only,) = search_folds(prepared, 0, 0)
    assert set(only.cells) == {cell for cell in prepared.cells if cell.split != "test"}


def test_values_become_settings_of_train():
    assert settings_of({"unfreeze": 0})["stages"] == "feature-extraction"
    assert settings_of({"unfreeze": 2})["stages"] == "fine-tune-top:2"
    assert settings_of({"augment": "both"})["augment"]["dihedral"] is True
    assert "stain" in settings_of({"augment": "colours"})["augment"]
    assert settings_of({"weight-decay": 0.1}) == {"weight_decay": 0.1}
    assert (SPACE["dropout"].low, SPACE["dropout"].high) == (0.1, 0.7)


def test_failures_are_reported(tiny_cells, tmp_path):
    config = TuneConfig(**TINY, data=tiny_cells, out=tmp_path / "out", trials=2, folds=2, over=("lr",), cut="nowhere")
    with pytest.raises(RunError, match=r"every trial failed, the first with: .*nowhere"):
        tune(config)
    assert all("nowhere" in row["failure"] for row in read_csv(tmp_path / "out" / "trials.csv"))


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"over": ()}, "the search space is empty"),
        ({"over": ("drop-out",)}, "`over`: .*did you mean dropout"),
        ({"method": "bayes"}, "Received: method='bayes'"),
        ({"trials": 0}, "Received: trials=0"),
        ({"folds": 1}, "`folds`: it takes 2 or more, or 0"),
        ({"split": "image"}, "leaking parts"),
    ],
)
def test_what_cannot_be_is_refused(tiny_cells, tmp_path, flags, sentence):
    with pytest.raises(UserError, match=sentence):
        tune(TuneConfig(**{**TINY, "data": tiny_cells, "out": tmp_path / "out", **flags}))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_its_report(study, check_report):
    page = check_report(study.report)
    best = read_json(study.run("best").metrics)["parts"]["test"]["cell"]["auroc_by_patient"]
    assert format_score(best) in page.inner_text(".summary strong")
    rows = page.evaluate("document.querySelectorAll('#table-trials tbody tr').length")
    assert rows == len(read_csv(study.trials))
