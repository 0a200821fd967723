"""What a training did, from its history: the stages that ran, the epoch whose weights are kept, older columns."""

import pytest

from leukemia_tf.evaluation.training_plots import learning_curves
from leukemia_tf.training.history import kept_text, stage_table

STAGES = [{"name": "head", "epochs": 4}, {"name": "top", "epochs": 6, "ends": 3}, {"name": "rest", "epochs": 2}]


def rows(kept, losses=(0.9, 0.7, 0.8, 0.6, 0.65), column="kept", **more):
    names = ("head", "head", "head", "top", "top")
    return [
        {"stage": name, "epoch": epoch, "image_size": 64, "val_loss": loss, column: int(epoch in kept), **more}
        for epoch, (name, loss) in enumerate(zip(names, losses), start=1)
    ]


def counts(history):
    return [(o.record["name"], o.planned, o.run, o.kept) for o in stage_table({"stages": STAGES}, history)]


def test_the_table_has_the_stages_that_ran():
    assert counts(rows({5})) == [("head", 4, 3, None), ("top", 3, 2, 2)]
    assert counts(rows({2})) == [("head", 4, 3, 2), ("top", 3, 2, None)]
    as_text = [{key: str(value) for key, value in row.items()} for row in rows({2})]
    assert counts(as_text) == counts(rows({2}))
    assert counts([]) == []
    assert stage_table({"stages": []}, []) == []


def test_older_histories_mark_each_best_so_far():
    assert counts(rows({1, 2, 4}, column="best")) == [("head", 4, 3, None), ("top", 3, 2, 1)]


@pytest.mark.parametrize(
    ("history", "keep", "text"),
    [
        (rows({5}), "last", "kept: the last epoch, 5 (stage top, epoch 2 of 3)"),
        (
            rows({4}),
            "best",
            "kept: epoch 4 of 5 (stage top, epoch 1 of 3), the lowest val_loss 0.600; the last epoch's is 0.650",
        ),
        (
            rows({5}, (0.9, 0.8, 0.8, 0.7, 0.5)),
            "best",
            "kept: the last epoch, 5 (stage top, epoch 2 of 3), the lowest val_loss 0.500",
        ),
        (
            [{key: value for key, value in row.items() if key != "val_loss"} for row in rows({5})],
            "best",
            "kept: the last epoch, 5 (stage top, epoch 2 of 3); no validation cells to choose the best by",
        ),
    ],
)
def test_the_kept_epoch_in_a_sentence(history, keep, text):
    assert kept_text(STAGES, history, keep) == text


def test_learning_curves_have_accuracies_and_the_kept_epoch():
    scores = {"loss": 0.5, "accuracy": 0.75, "val_accuracy": 0.5, "val_auroc": 0.8, "val_auroc_by_patient": 0.7}
    history = [{key: str(value) for key, value in row.items()} for row in rows({4}, **scores)]
    loss, accuracy, score = learning_curves(history).axes
    labels = {line.get_label(): line for line in accuracy.lines}
    assert list(labels["training (augmented)"].get_ydata()) == [0.75] * 5
    assert list(labels["validation"].get_ydata()) == [0.5] * 5
    for axis in (loss, accuracy, score):
        (kept,) = (line for line in axis.lines if line.get_label() == "kept: epoch 4")
        assert set(kept.get_xdata()) == {4}
    older = [{key.replace("kept", "best"): value for key, value in row.items() if key != "accuracy"} for row in history]
    assert len(learning_curves(older).axes) == 3
