"""Recipes: each can be planned, flags override them, and a bad file is refused with its reason."""

import json
import shlex
from dataclasses import replace

import pytest
import tyro

from leukemia_tf.cli import _parse
from leukemia_tf.config import TrainConfig
from leukemia_tf.config.recipes import COMMANDS, check_recipe, from_recipe, read_recipe, recipe_names
from leukemia_tf.core.errors import UserError
from leukemia_tf.models.architecture import remaining_blocks
from leukemia_tf.models.table import find_architecture
from leukemia_tf.recipes.__main__ import flags_of
from leukemia_tf.training.optimization import OPTIMIZERS
from leukemia_tf.training.settings import check_setup, resolve_head, resolve_optimization
from leukemia_tf.training.stage_plans import plan_stages
from leukemia_tf.workflows.plan import plan_of

REQUIRED = {"optimizer", "lr", "framing", "balance", "augment", "stain_normalization", "patient_weight"}
NAMED = ("vgg16", "resnet50", "mobilenetv2-last7")  # these name layers: planned in test_stages.py


def kind_of(name):
    return COMMANDS[read_recipe(name)["command"]]


def stages_of(name):
    config = from_recipe(name, kind_of(name))
    blocks = [block.name for block in remaining_blocks(find_architecture(config.base), int(config.drop_last_block))]
    return plan_stages(plan_of(config, config.lr), blocks, blocks if config.base != "scratch" else ())


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_builds_its_settings_and_its_stages(name):
    config = from_recipe(name, kind_of(name))
    check_setup(config)
    check_recipe(config)
    assert name in NAMED or stages_of(name)
    assert f"--recipe {name}" in read_recipe(name)["about"]


@pytest.mark.parametrize("name", recipe_names())
def test_every_setting_is_stated_or_assumed(name):
    recipe = read_recipe(name)
    assert list(recipe["sources"]) == list(recipe["settings"])
    assert set(recipe["sources"].values()) == {"stated", "assumed"}
    assert set(recipe["settings"]) >= REQUIRED
    assert recipe["sources"]["base"] == "stated"
    assert all(note.endswith(".") for note in recipe["notes"].values())


STATED = {  # of the reports: what each says in so many words
    "scratch-cnn": {"image_size": 300, "batch_size": 32, "head": "flat256-two-dropouts"},
    "vgg16": {"head": "flat256", "image_size": 224},
    "vgg16-cut": {"head": "dense256", "drop_last_block": True},
    "resnet50": {"dropout": 0.0, "train_batchnorm": True},
    "resnet50-cut": {"fine_tune_lr": 1e-5, "head": "dense256"},
    "resnet50-cut-rmsprop": {"optimizer": "rmsprop", "lr": 5e-5, "head": "dense512", "train_batchnorm": True},
    "mobilenetv2": {"head": "linear", "train_batchnorm": True},
    "alexnet-one-cycle": {"lr": 1e-5, "framing": "tight", "contrast": "equalize"},
    "squeezenet-one-cycle": {"lr": 1.32e-6, "framing": "tight", "contrast": "equalize"},
    "vgg19-one-cycle": {"lr": 5e-2, "schedule": "one-cycle", "framing": "tight", "contrast": "equalize"},
    "resnet50-penalised": {"balance": "class-weight", "framing": "tight", "contrast": "equalize"},
    "resnet50-resized": {"sizes": "32x28,64x40,128x36,224x14", "framing": "tight", "contrast": "equalize"},
    "resnet18-adam": {"framing": "centre:384", "image_size": 384, "lr": 1e-3, "batch_size": 64, "epochs": 300},
    "efficientnet-b0-plateau": {"schedule": "plateau:0.5:0", "balance": "double", "image_size": 300, "epochs": 7},
    "efficientnet-b0-sgd": {"optimizer": "sgd", "schedule": "step:7:0.1", "batch_size": 15, "epochs": 50},
    "noisy-student": {"rounds": 3, "stop": "never", "folds": 5, "masked": 0.5, "alone": True, "batch_size": 15},
}


@pytest.mark.parametrize("name", STATED)
def test_what_the_reports_state(name):
    recipe = read_recipe(name)
    assert {key: recipe["settings"][key] for key in STATED[name]} == STATED[name]
    assert {recipe["sources"][key] for key in STATED[name]} == {"stated"}


def test_dropout_is_that_of_the_reports_networks():
    dropouts = {
        name: resolve_head(config, find_architecture(config.base)).dropout
        for name in recipe_names()
        for config in [from_recipe(name, kind_of(name))]
    }
    assert {name for name, dropout in dropouts.items() if dropout == 0} == {
        *("resnet18-adam", "resnet50", "resnet50-cut-rmsprop", "resnet50-penalised", "resnet50-resized"),
    }
    b0 = ("efficientnet-b0-plateau", "efficientnet-b0-sgd", "noisy-student")
    assert {name for name, dropout in dropouts.items() if dropout == 0.2} == set(b0)
    assert from_recipe("noisy-student", kind_of("noisy-student")).student_dropout == 0.2


def test_the_reports_stages():
    blocks = ("conv1", "conv2", "conv3", "conv4")
    head, whole = stages_of("resnet50-cut-rmsprop")
    assert (head.learning, head.learning_rate, whole.learning, whole.learning_rate) == ((), 5e-5, blocks, 1e-5)
    names = ("block2", "block3", "block4")
    assert [stage.learning for stage in stages_of("vgg16-cut")] == [(), names[2:], names[1:], names]
    assert [(stage.learning, stage.epochs) for stage in stages_of("squeezenet-one-cycle")] == [
        ((), 7),
        (("conv1", "fire3", "fire5", "fire7", "fire9"), 5),
    ]
    assert [(stage.image_size, stage.epochs) for stage in stages_of("resnet50-resized")] == [
        *((32, 28), (64, 40), (128, 36), (224, 14)),
    ]


def test_sgd_of_the_report():
    config = resolve_optimization(from_recipe("efficientnet-b0-sgd"))
    assert (config.optimizer, config.momentum) == ("sgd", 0.9)
    assert resolve_optimization(from_recipe("efficientnet-b0-sgd", momentum=0.5)).momentum == 0.5
    assert all("momentum" not in OPTIMIZERS[name].settings for name in OPTIMIZERS if name != "sgd")


def test_flags_override_a_recipe(run_module, tmp_path):
    done = run_module(*(".train", "--recipe", "resnet50-cut-rmsprop", "--lr", "-1", "--batch-size", "7"), cwd=tmp_path)
    assert done.returncode == 2
    assert "--lr -1" in done.stderr
    assert _parse("train", TrainConfig, ["--epochs", "3", "--recipe=vgg16-cut"]).base == "vgg16"
    assert from_recipe("vgg16-cut", base="vgg19").base == "vgg19"
    assert _parse("train", TrainConfig, ["--epochs", "3"]) == TrainConfig(epochs=3)


@pytest.mark.parametrize("name", recipe_names())
def test_the_flags_that_are_listed_are_the_recipes(name):
    settings = read_recipe(name)["settings"]
    line = shlex.split(" ".join(flags_of(settings)))
    parsed = tyro.cli(kind_of(name), args=line, config=(tyro.conf.FlagCreatePairsOff,))
    assert replace(parsed, recipe=name) == from_recipe(name, kind_of(name))


def test_a_recipe_s_table_by_the_command(run_module, tmp_path):
    done = run_module(".recipes", "efficientnet-b0-sgd", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["batch_size", "15", "stated"] in rows
    assert ["image_size", "224", "assumed", "B0's."] in rows
    assert ["momentum", "0.9", "assumed"] in [row[:3] for row in rows]
    settings = read_recipe("efficientnet-b0-sgd")["settings"]
    assert [row[0] for row in rows if row and row[0] in settings] == list(settings)
    assert max(map(len, done.stdout.splitlines())) <= 120
    assert run_module(".recipes", "efficientnet-b0-sdg", cwd=tmp_path).stderr.count("efficientnet-b0-sgd") == 1


def test_the_list_and_json_by_the_command(run_module, tmp_path):
    listed, records, one = (
        run_module(".recipes", *flags, cwd=tmp_path).stdout for flags in ([], ["--json"], ["vgg16", "--json"])
    )
    assert [line for line in listed.splitlines() if line in recipe_names()] == recipe_names()
    assert [record["name"] for record in json.loads(records)] == recipe_names()
    assert json.loads(one) == {"name": "vgg16", **read_recipe("vgg16")}


def test_a_recipe_from_a_file(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"about": "mine", "settings": {"base": "scratch", "stages": [{"learning": "all"}]}}))
    config = from_recipe(str(path))
    assert (config.base, config.stages, config.recipe) == ("scratch", '[{"learning": "all"}]', str(path))
    assert read_recipe(str(path))["sources"] == {"base": "", "stages": ""}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not a recipe"),
        ("[]", "is not a recipe"),
        ("{}", "is not a recipe: it must hold `about` and `settings`"),
        ('{"settings": []}', "`settings` must hold names with their values"),
        ('{"setings": {}, "stated": {}}', "a recipe has no 'setings'; did you mean settings"),
        ('{"settings": {"bse": "vgg16"}}', "no such setting as 'bse'; did you mean base"),
        ('{"assumed": {"resume": true}}', "no such setting as 'resume'"),
        ('{"stated": {"lr": 1}, "assumed": {"lr": 2}}', "'lr' stands under `stated` and under `assumed`"),
        ('{"stated": {"lr": 1}, "notes": {"l": "x"}}', "a note on 'l', which is not among the settings"),
        (
            '{"settings": {"augment": {"rotaton": [1, 20]}}}',
            "no such setting as 'augment.rotaton'; did you mean augment.rotation",
        ),
        ('{"settings": {"seed": "x"}}', "`seed`: it takes a whole number. Received: seed='x'"),
    ],
)
def test_bad_recipes(tmp_path, text, sentence):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(UserError, match=sentence):
        from_recipe(str(path))


def test_a_setting_that_does_not_exist_any_more_ends_the_command(run_module, tmp_path):
    (tmp_path / "old.json").write_text('{"settings": {"base": "scratch", "patient_weigth": "equal"}}')
    done = run_module(".train", "--recipe", "old.json", cwd=tmp_path)
    assert done.returncode == 2
    assert "error: old.json: train has no such setting as 'patient_weigth'; did you mean patient_weight" in done.stderr
    assert done.stderr.count("\n") == 1


def test_unknown_recipes_and_a_name_without_its_settings():
    with pytest.raises(UserError, match="did you mean vgg16-cut"):
        read_recipe("vgg16cut")
    with pytest.raises(UserError, match="from_recipe"):
        check_recipe(TrainConfig(recipe="vgg16-cut"))


def test_a_recipe_that_sets_contrast_says_what_becomes_of_the_stain(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"settings": {"contrast": "clahe"}}))
    with pytest.raises(UserError, match='add `"stain_normalization"`'):
        read_recipe(str(path))
    path.write_text(json.dumps({"settings": {"contrast": "clahe", "stain_normalization": "none"}}))
    assert from_recipe(str(path)).contrast == "clahe"
