"""Stages as data: presets, files, sizes."""

import json
from dataclasses import replace

import pytest

from leukemia_tf.core.errors import ArgumentError, UserError
from leukemia_tf.training.stage_plans import as_records, check_stages, parse_sizes, plan_stages
from leukemia_tf.training.stages import Plan, Stage

BLOCKS = ("a", "b", "c")
LAYERS = {block: (f"{block}_conv1", f"{block}_conv2") for block in BLOCKS}
PLAN = Plan("progressive", 1e-3, 1e-5)


def learning(stages):
    return [stage.learning for stage in stages]


@pytest.mark.parametrize(
    ("preset", "pretrained", "wanted"),
    [
        ("progressive", BLOCKS, [(), ("c",), ("b", "c"), BLOCKS]),
        ("progressive:2", BLOCKS, [(), ("c",), ("b", "c")]),
        ("feature-extraction", BLOCKS, [()]),
        ("fine-tune-top:2", BLOCKS, [(), ("b", "c")]),
        ("whole", BLOCKS, [BLOCKS]),
        ("progressive", ("a", "b"), [("c",), ("b", "c"), BLOCKS]),
        ("feature-extraction", ("a", "b"), [("c",)]),
        ("fine-tune-top:2", ("a", "b"), [("c",), ("b", "c")]),
        ("progressive", (), [BLOCKS]),
        ("feature-extraction", (), [BLOCKS]),
    ],
)
def test_presets(preset, pretrained, wanted):
    stages = plan_stages(replace(PLAN, stages=preset), BLOCKS, pretrained)
    assert learning(stages) == wanted


def test_rates_epochs_and_no_patience_by_default():
    head, first, second, third = plan_stages(PLAN, BLOCKS, BLOCKS)
    assert (head.learning_rate, first.learning_rate) == (1e-3, 1e-5)
    assert [stage.epochs for stage in (head, first, second, third)] == [20, 1, 1, 1]
    (only,) = plan_stages(PLAN, BLOCKS, ())
    assert (only.learning_rate, only.epochs) == (1e-3, 16)
    for preset in ("fine-tune-top:2", "whole"):
        stages = plan_stages(replace(PLAN, stages=preset), BLOCKS, BLOCKS)
        assert stages[-1].epochs == 6
        assert {stage.patience for stage in stages} == {None}


def test_epochs_patience_schedule_are_every_stages():
    plan = replace(PLAN, epochs=3, patience=7, schedule="step", layer_decay=0.5)
    for stage in plan_stages(plan, BLOCKS, BLOCKS):
        assert (stage.epochs, stage.patience, stage.schedule, stage.layer_decay) == (3, 7, "step", 0.5)


def test_patience_of_the_plan_leaves_annealed_stages_to_their_end_and_a_stage_may_name_its_own():
    head, *others = plan_stages(replace(PLAN, patience=7), BLOCKS, BLOCKS)
    assert (head.schedule, head.patience) == ("cosine", None)
    assert [stage.patience for stage in others] == [7, 7, 7]
    records = [{"schedule": "one-cycle"}, {"schedule": "one-cycle", "patience": 3}, {"patience": None}, {}]
    stages = plan_stages(replace(PLAN, stages=json.dumps(records), patience=7), BLOCKS, BLOCKS)
    assert [stage.patience for stage in stages] == [None, 3, None, 7]


def test_a_file_of_stages(tmp_path):
    path = tmp_path / "stages.json"
    records = [
        {"learning": 0, "epochs": 9},
        {"name": "two", "learning": 2, "learning_rate": 0.5, "schedule": "step:2:0.5", "image_size": 64},
        {"learning": ["c", "a"], "patience": 4, "layer_decay": 0.3},
        {"learning": "all"},
    ]
    path.write_text(json.dumps(records))
    stages = plan_stages(replace(PLAN, stages=str(path), epochs=8), BLOCKS, BLOCKS)
    assert learning(stages) == [(), ("b", "c"), ("a", "c"), BLOCKS]
    assert [stage.name for stage in stages] == ["stage 1", "two", "stage 3", "stage 4"]
    assert [stage.epochs for stage in stages] == [8, 6, 6, 6]
    assert [stage.learning_rate for stage in stages] == [1e-3, 0.5, 1e-5, 1e-5]
    assert (stages[1].schedule, stages[1].image_size, stages[2].patience, stages[2].layer_decay) == (
        *("step:2:0.5", 64),
        *(4, 0.3),
    )
    assert plan_stages(replace(PLAN, stages=json.dumps(records)), BLOCKS, BLOCKS)[1] == stages[1]
    again = json.dumps(as_records(stages))
    assert plan_stages(replace(PLAN, stages=again), BLOCKS, BLOCKS) == stages


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[", "is not JSON"),
        ("[]", "must hold a list of stages"),
        ("[3]", "must hold a list of stages"),
        ('[{"blocks": 1}]', "no such setting as 'blocks'; did you mean"),
        ('[{"learning": 4}]', "learning takes 0 to 3, .* Received: 4"),
        ('[{"learning": ["d"]}]', "no such block, or layer with weights, as 'd'; choose one of a, b, c"),
        ('[{"learning": ["b_conv"]}]', "as 'b_conv'; did you mean b_conv"),
        ('[{"learning": "last-layers:7"}]', "stages`, stage 1: last-layers takes 1 to 6, .*'last-layers:7'"),
        ('[{"learning": "last-layers:0"}]', "last-layers takes 1 to 6"),
        ('[{"learning": "last"}]', "a list of blocks and layers, or \"last-layers:N\". Received: 'last'"),
        ('[{"train_batchnorm": 1}]', "train_batchnorm takes true or false. Received: 1"),
        ('[{"learning": 1, "epochs": 0}]', "epochs takes a whole number of 1 or more. Received: 0"),
        ('[{"learning": 1, "epochs": "many"}]', "epochs takes a whole number of 1 or more. Received: 'many'"),
        ('[{"learning_rate": -1}]', "learning_rate takes a number above 0. Received: -1"),
        ('[{"layer_decay": 2}]', "layer_decay takes a share above 0 up to 1. Received: 2"),
        ('[{"schedule": "cosin"}]', "did you mean cosine"),
        ('[{"schedule": 3}]', "stage 1: "),
        ('[{"image_size": "64"}]', "image_size takes a whole number of 0 or more. Received: '64'"),
        ('[{"patience": 0}]', "patience takes a whole number of 1 or more. Received: 0"),
        ('[{}, {"learning": 1, "if_better": true}]', "`stages`, stage 2: `if_better` is no setting any more"),
        ('[{"ends": -1}]', "ends takes a whole number of 0 or more. Received: -1"),
    ],
)
def test_bad_files_are_refused(text, sentence):
    with pytest.raises(UserError, match=sentence):
        plan_stages(replace(PLAN, stages=text), BLOCKS, BLOCKS, LAYERS)


@pytest.mark.parametrize(
    ("received", "wanted"),
    [
        (["c_conv1", "b"], ("b", "c_conv1")),
        (["b_conv2", "b", "c_conv2"], ("b", "c_conv2")),
        ("last-layers:3", ("b_conv2", "c_conv1", "c_conv2")),
        ("all", BLOCKS),
        (1, ("c",)),
    ],
)
def test_blocks_and_layers_learn_by_name(received, wanted):
    plan = replace(PLAN, stages=json.dumps([{"learning": received}]), train_batchnorm=True)
    (stage,) = plan_stages(plan, BLOCKS, BLOCKS, LAYERS)
    assert (stage.learning, stage.learning_rate, stage.train_batchnorm) == (wanted, 1e-5, True)
    again = replace(plan, stages=json.dumps(as_records([stage])), train_batchnorm=False)
    assert plan_stages(again, BLOCKS, BLOCKS, LAYERS) == (stage,)


def test_layers_of_random_blocks_have_the_heads_rate():
    plan = replace(PLAN, stages='[{"learning": ["c_conv2"]}, {"learning": ["b_conv1"]}]')
    stages = plan_stages(plan, BLOCKS, ("a", "b"), LAYERS)
    assert [stage.learning_rate for stage in stages] == [1e-3, 1e-5]


def test_the_last_layers_as_a_preset():
    plan = replace(PLAN, stages="last-layers:3")
    assert learning(plan_stages(plan, BLOCKS, BLOCKS, LAYERS)) == [(), ("b_conv2", "c_conv1", "c_conv2")]
    assert learning(plan_stages(plan, BLOCKS, ("a", "b"), LAYERS)) == [("c",), ("b_conv2", "c")]
    with pytest.raises(UserError, match="last-layers takes 1 to 6"):
        plan_stages(replace(PLAN, stages="last-layers:9"), BLOCKS, BLOCKS, LAYERS)


@pytest.mark.parametrize(
    "preset",
    [
        *("progresive", "last-layers", "last-layers:x", "fine-tune-top", "fine-tune-top:0"),
        *("progressive:0", "whole:1", "nowhere.json"),
    ],
)
def test_unknown_presets_are_refused(preset):
    with pytest.raises(ArgumentError, match=f"Received: stages='{preset}'"):
        check_stages(preset)


def test_more_blocks_than_there_are():
    with pytest.raises(UserError, match="the base has 3 blocks, a, b, c"):
        plan_stages(replace(PLAN, stages="fine-tune-top:4"), BLOCKS, BLOCKS)


def test_sizes_go_through_all_stages():
    plan = replace(PLAN, stages="fine-tune-top:1", sizes=parse_sizes("64x3, 224x8"))
    stages = plan_stages(plan, BLOCKS, BLOCKS)
    assert [(s.name, s.image_size, s.epochs) for s in stages] == [
        *(("64 px: head", 64, 3), ("64 px: top 1", 64, 3)),
        *(("224 px: head", 224, 8), ("224 px: top 1", 224, 8)),
    ]


def test_equal_names_are_numbered_and_epochs_bound_sizes():
    plan = replace(PLAN, stages="feature-extraction", sizes=parse_sizes("64x3,128x9,64x2"), epochs=4)
    stages = plan_stages(plan, BLOCKS, BLOCKS)
    assert [(s.name, s.epochs) for s in stages] == [("64 px: head", 3), ("128 px: head", 4), ("64 px: head (2)", 2)]


@pytest.mark.parametrize("text", ["64", "64x", "x3", "0x3", "64x3,", "64x-1", "64*3"])
def test_bad_sizes(text):
    with pytest.raises(ArgumentError, match="as in `64x3,128x5,224x8`"):
        parse_sizes(text)


def test_a_stage_as_text():
    stage = Stage("top", ("b", "c"), 1e-5, 4, None, 64, "cosine")
    assert str(stage) == "top at 64 px: head, c, b; rate 1e-05, cosine, 4 epochs"
    stage = Stage("top", (), 1e-5, 4, 2, ends=3)
    assert str(stage) == "top: head; rate 1e-05, 3 of 4 epochs, fewer after 2 without a lower val_loss"
