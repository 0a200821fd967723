"""The plan of progressive unfreezing."""

from leukemia_tf.training.stages import progressive

BLOCKS = ("a", "b", "c")


def test_from_the_top_block_by_block():
    stages = progressive(BLOCKS, pretrained=BLOCKS)
    assert [stage.learning for stage in stages] == [(), ("c",), ("b", "c"), ("a", "b", "c")]
    assert all(stage.learning_rate < stages[0].learning_rate for stage in stages[1:])


def test_random_blocks_are_never_frozen():
    (only,) = progressive(BLOCKS, pretrained=())
    assert only.learning == BLOCKS
    partly = progressive(BLOCKS, pretrained=("a", "b"))
    assert [stage.learning for stage in partly] == [("c",), ("b", "c"), ("a", "b", "c")]


def test_epochs_bound_each_stage():
    assert {stage.epochs for stage in progressive(BLOCKS, BLOCKS, epochs=3)} == {3}
