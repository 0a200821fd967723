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
from leukemia_tf.training.settings import check_setup, resolve_optimization
from leukemia_tf.training.stage_plans import plan_stages
from leukemia_tf.workflows.plan import plan_of


def kind_of(name):
    return COMMANDS[read_recipe(name)["command"]]


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_can_be_planned(name):
    config = from_recipe(name, kind_of(name))
    architecture = find_architecture(config.base)
    check_setup(config)
    check_recipe(config)
    blocks = [block.name for block in remaining_blocks(architecture, int(config.drop_last_block))]
    assert plan_stages(plan_of(config, config.lr), blocks, blocks)
    assert f"--recipe {name}" in read_recipe(name)["about"]


def test_the_reports_settings():
    config = from_recipe("resnet50-cut-rmsprop")
    blocks = ("conv1", "conv2", "conv3", "conv4")
    head, whole = plan_stages(plan_of(config, config.lr), blocks, blocks)
    assert (resolve_optimization(config).optimizer, head.learning_rate, whole.learning_rate) == ("rmsprop", 5e-5, 1e-5)
    assert (head.learning, whole.learning) == ((), blocks)
    sgd = from_recipe("efficientnet-b0-sgd")
    assert (sgd.optimizer, sgd.lr, sgd.batch_size, sgd.schedule, sgd.epochs) == ("sgd", 1e-3, 15, "step:7:0.1", 50)
    assert from_recipe("efficientnet-b0-plateau").schedule == "plateau:0.5:0"


def test_flags_override_a_recipe(run_module, tmp_path):
    done = run_module(*(".train", "--recipe", "resnet50-cut-rmsprop", "--lr", "-1", "--batch-size", "7"), cwd=tmp_path)
    assert done.returncode == 2
    assert "--lr -1" in done.stderr
    assert _parse("train", TrainConfig, ["--epochs", "3", "--recipe=vgg16-cut"]).base == "vgg16"
    assert from_recipe("vgg16-cut", base="vgg19").base == "vgg19"
    assert _parse("train", TrainConfig, ["--epochs", "3"]) == TrainConfig(epochs=3)


@pytest.mark.parametrize("name", recipe_names())
def test_no_recipe_normalises_the_stain(name):
    """As in the reports."""
    config = from_recipe(name, kind_of(name))
    assert (config.stain_normalization, config.contrast) == ("none", "none")


@pytest.mark.parametrize("name", recipe_names())
def test_the_flags_that_are_listed_are_the_recipes(name):
    settings = read_recipe(name)["settings"]
    line = shlex.split(" ".join(flags_of(settings)))
    parsed = tyro.cli(kind_of(name), args=line, config=(tyro.conf.FlagCreatePairsOff,))
    assert replace(parsed, recipe=name) == from_recipe(name, kind_of(name))


def test_a_recipe_from_a_file(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"about": "mine", "settings": {"base": "scratch", "stages": [{"learning": "all"}]}}))
    config = from_recipe(str(path))
    assert (config.base, config.stages, config.recipe) == ("scratch", '[{"learning": "all"}]', str(path))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not a recipe"),
        ("[]", "is not a recipe"),
        ('{"settings": {"bse": "vgg16"}}', "no such setting as 'bse'; did you mean base"),
        ('{"settings": {"resume": true}}', "no such setting as 'resume'"),
        ('{"settings": {"augment": {"rotaton": [1, 20]}}}', "`recipe`: .*rotaton.* Received: recipe=.*bad.json"),
        ('{"settings": {"seed": "x"}}', "`seed`: it takes a whole number. Received: seed='x'"),
    ],
)
def test_bad_recipes(tmp_path, text, sentence):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(UserError, match=sentence):
        from_recipe(str(path))


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
