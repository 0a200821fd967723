"""summary.txt: a line a layer, what each stage trains, and totals that add up."""

import re

from leukemia_tf.training.layer_summary import _ranges, write_summary
from leukemia_tf.training.stages import Stage

STAGES = (
    Stage("head", (), 1e-3, 1),
    Stage("top", ("block3",), 1e-3, 1),
    Stage("more", ("block2", "block3"), 1e-3, 1),
)


def test_every_layer_with_its_stages_and_totals(make_job, tmp_path):
    network = make_job().network
    text = write_summary(tmp_path / "summary.txt", network, STAGES).read_text()
    layers, totals = text.split("\n\n")
    title, *lines = (re.split(r"\s{2,}", line) for line in layers.splitlines())
    assert title == ["layer", "class", "output shape", "parameters", "trainable in stage"]
    by_name = {line[0]: line[1:] for line in lines}
    assert list(by_name) == [layer.name for layer in network.model.layers]
    assert by_name["cell"] == ["InputLayer", "60 x 60 x 3", "0", "-"]
    assert by_name["block1_conv"][-1] == "-"
    assert by_name["block2_conv"][-1] == "3"
    assert by_name["block3_conv"][-1] == "2-3"
    assert by_name["logit"][-1] == "1-3"
    assert sum(int(line[-2].replace(",", "")) for line in lines) == network.model.count_params()
    numbers = [int(line.rpartition(" ")[2].replace(",", "")) for line in totals.splitlines()]
    assert numbers[0] == network.model.count_params()
    convolution = {name: int(by_name[name][2].replace(",", "")) for name in ("block2_conv", "block3_conv")}
    assert numbers[2] - numbers[1] == convolution["block3_conv"]
    assert numbers[3] - numbers[2] == convolution["block2_conv"]
    assert "trainable in stage 2, top: " in totals


def test_runs_of_numbers():
    assert [_ranges(numbers) for numbers in ((), (2,), (1, 2), (1, 3, 4, 5, 7))] == ["-", "2", "1-2", "1, 3-5, 7"]
