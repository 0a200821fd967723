"""The search as a command: on folds of patients, resumable, and its outcome is a recipe that trains."""

import json

import pytest

from leukemia_tf.config import TuneConfig
from leukemia_tf.data.prepare import prepare_cells
from leukemia_tf.errors import RunError, UserError
from leukemia_tf.files import read_csv, read_json
from leukemia_tf.objective import search_folds
from leukemia_tf.recipes import from_recipe
from leukemia_tf.tune import tune
from leukemia_tf.tuning.space import SPACE, settings_of

TINY = {"base": "scratch", "framing": "cell", "contrast": "none", "image_size": 60, "batch_size": 8, "epochs": 1}


@pytest.fixture(scope="module")
def study(tiny_cells, tmp_path_factory):
    out = tmp_path_factory.mktemp("studies") / "search"
    over = ("dropout", "lr", "weight-decay")
    return tune(TuneConfig(**TINY, data=tiny_cells, out=out, trials=2, method="random", folds=2, over=over))


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
    asked = study.run("best").read_config()["train"]
    assert asked["dropout"] == config.dropout
    assert study.run("best").metrics.is_file()
    assert study.figure("search").is_file()


def test_more_trials_go_on_from_there(study):
    before = study.trials.read_text()
    settings = study.read_config()
    settings["asked"]["trials"] = 3
    study.config.write_text(json.dumps(settings))
    tune(TuneConfig(out=study.path, resume=True))
    assert study.trials.read_text().startswith(before)
    assert len(read_csv(study.trials)) == 3


def test_no_test_patient_has_a_say(tiny_cells):
    prepared = prepare_cells(tiny_cells, "patient", 0)
    known = {cell.path for cell in prepared.cells if cell.split in ("train", "val")}
    folds = search_folds(prepared, 3, 0)
    for fold in folds:
        assert {cell.path for cell in fold.cells} == known
        parts = [{cell.patient for cell in fold.cells if cell.split == part} for part in ("train", "val")]
        assert not parts[0] & parts[1]
    judged = [cell.path for fold in folds for cell in fold.cells if cell.split == "val"]
    assert sorted(judged) == sorted(known)
    (own,) = search_folds(prepared, 0, 0)
    assert set(own.cells) == {cell for cell in prepared.cells if cell.split != "test"}


def test_values_become_settings_of_train():
    assert settings_of({"unfreeze": 0})["stages"] == "feature-extraction"
    assert settings_of({"unfreeze": 2})["stages"] == "fine-tune-top:2"
    assert settings_of({"augment": "both"})["augment"]["dihedral"] is True
    assert "stain" in settings_of({"augment": "colours"})["augment"]
    assert settings_of({"weight-decay": 0.1}) == {"weight_decay": 0.1}
    assert (SPACE["dropout"].least, SPACE["dropout"].most) == (0.1, 0.7)


def test_failures_are_told(tiny_cells, tmp_path):
    asked = TuneConfig(**TINY, data=tiny_cells, out=tmp_path / "out", trials=2, folds=2, over=("lr",), cut="nowhere")
    with pytest.raises(RunError, match=r"no trial came to a score; the first failed so: .*nowhere"):
        tune(asked)
    assert all("nowhere" in row["failure"] for row in read_csv(tmp_path / "out" / "trials.csv"))


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"over": ()}, "the search space is empty"),
        ({"over": ("drop-out",)}, "--over drop-out: did you mean"),
        ({"method": "bayes"}, "--method bayes"),
        ({"trials": 0}, "--trials 0"),
        ({"folds": 1}, "--folds 1: it takes 2 or more, or 0"),
        ({"split": "image"}, "leaking parts"),
    ],
)
def test_what_cannot_be_is_refused(tiny_cells, tmp_path, flags, sentence):
    with pytest.raises(UserError, match=sentence):
        tune(TuneConfig(**{**TINY, "data": tiny_cells, "out": tmp_path / "out", **flags}))
    assert not (tmp_path / "out").exists()
