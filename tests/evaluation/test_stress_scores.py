"""What `stress` makes of probabilities: differences against an oracle, limits, sentences, table and figure."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from leukemia_tf.core.files import as_json
from leukemia_tf.data.alterations import ALTERATIONS, KEEPS
from leukemia_tf.evaluation.intervals import paired_difference
from leukemia_tf.evaluation.stress_plot import draw_stress
from leukemia_tf.evaluation.stress_scores import between_patients, stress_scores, table, table_text, verdict

NAMES = [alteration.name for alteration in ALTERATIONS]
PATIENTS = np.repeat([f"p{number}" for number in range(12)], 5)
LABELS = (np.arange(60) >= 30).astype(int)


def probabilities_of(base, **changed):
    """Probabilities in which only the named alterations change anything."""
    rows = np.tile(base, (1 + len(ALTERATIONS), 1))
    for name, values in changed.items():
        rows[1 + NAMES.index(name)] = values
    return rows


@pytest.fixture(scope="module")
def base():
    return np.clip(0.2 + 0.5 * LABELS + np.random.default_rng(0).normal(0, 0.15, 60), 0.01, 0.99)


@pytest.fixture(scope="module")
def scores(base):
    noisy = np.clip(base + np.random.default_rng(1).normal(0, 0.3, 60), 0.01, 0.99)
    called = np.where(LABELS == 0, base / 4 + 0.5, base / 4 + 0.74)  # the same order, all above 0.5
    changed = {"mirrored": noisy, "upside down": called, "inside filled with its mean": 1 - base}
    unlike = np.zeros((1 + len(ALTERATIONS), 60), bool)
    unlike[1 + NAMES.index("mirrored"), :15] = True
    return stress_scores(LABELS, probabilities_of(base, **changed), PATIENTS, 0.5, unlike)


def row_of(scores, name):
    return next(row for row in scores["rows"] if row["name"] == name)


def test_the_form_of_stress_json(scores):
    assert [(row["name"], row["kind"]) for row in scores["rows"]] == [(one.name, one.kind) for one in ALTERATIONS]
    for row in (scores["base"], *scores["rows"]):
        assert all(isinstance(row[metric], float) for metric in ("auroc", "auroc_by_patient", "specificity"))
    for row in scores["rows"]:
        assert list(row["difference"]) == ["value", "low", "high"]
        assert isinstance(row["costs"], bool)
    assert as_json(scores)


def test_differences_are_altered_less_unaltered_paired_over_patients(scores, base):
    row = row_of(scores, "mirrored")
    rows = probabilities_of(base)
    noisy = np.clip(base + np.random.default_rng(1).normal(0, 0.3, 60), 0.01, 0.99)
    assert row["auroc"] == pytest.approx(roc_auc_score(LABELS, noisy))
    paired = paired_difference(LABELS, noisy, rows[0], PATIENTS)
    assert row["difference"] == paired["auroc_by_patient"]
    assert row["difference_auroc"] == paired["auroc"]
    assert row["difference"]["value"] == pytest.approx(row["auroc_by_patient"] - scores["base"]["auroc_by_patient"])
    assert row["difference"]["low"] < row["difference"]["value"] < 0
    assert row["unlike_training"] == 0.25
    same = row_of(scores, "JPEG of quality 75")
    assert (same["difference"]["value"], same["unlike_training"], same["costs"]) == (0, 0, False)


def test_each_cell_has_its_own_threshold(base):
    unlike = np.zeros((1 + len(ALTERATIONS), 60), bool)
    thresholds = np.where(LABELS == 1, 0.0, 1.0)  # all cells are answered correctly
    scores = stress_scores(LABELS, probabilities_of(base), PATIENTS, thresholds, unlike)
    assert (scores["base"]["sensitivity"], scores["base"]["specificity"]) == (1, 1)


def test_specificity_counts_where_the_order_stays(scores):
    row = row_of(scores, "upside down")
    assert row["difference_specificity"]["value"] == pytest.approx(-scores["base"]["specificity"])
    assert row["costs"]
    assert {row["name"] for row in scores["rows"] if row["costs"]} == {"mirrored", "upside down"}
    assert all(row["kind"] == KEEPS for row in scores["rows"] if row["costs"])


def test_the_verdict_in_words(scores):
    first, others, costs = verdict(scores)
    over, filled = (row["auroc_by_patient"] - 0.5 for row in (scores["base"], row_of(scores, NAMES[19])))
    assert filled == pytest.approx(-over)
    assert first.startswith(f"Its AUROC by patient is {over:.3f} [")
    assert f"With size, outline and mean colour alone {filled:.3f} [" in first
    assert f"greyscale {over:.3f} [" in others
    assert costs.startswith("These must keep the answer and cost more than 0.02 of the AUROC by patient or 0.05 of")
    assert costs.index("mirrored (-") < costs.index("upside down (+")  # the costliest first
    assert "JPEG" not in costs


def test_nothing_costs_and_nothing_is_known(base):
    unlike = np.zeros((1 + len(ALTERATIONS), 60), bool)
    scores = stress_scores(LABELS, probabilities_of(base), PATIENTS, 0.5, unlike)
    assert verdict(scores)[-1].startswith("No alteration that must keep the answer costs more")
    few = stress_scores(LABELS, probabilities_of(base), np.repeat(list("abcdef"), 10), 0.5, unlike)
    assert verdict(few)[-1].startswith("No intervals: fewer than 5 patients")
    assert "no interval" not in " ".join(verdict(few))
    (nothing,) = verdict(stress_scores(LABELS, 1 - probabilities_of(base), PATIENTS, 0.5, unlike))
    assert "does not separate the classes" in nothing


def test_table_and_figure(scores):
    titles, base, *rows = table(scores)
    assert {len(row) for row in (titles, base, *rows)} == {len(titles)}
    assert [row[0] for row in rows] == NAMES
    text = table_text(scores)
    assert text.index("must keep the answer") < text.index("greyscale")
    figure = draw_stress(scores)
    labels = [[tick.get_text() for tick in axis.get_yticklabels()] for axis in figure.axes[::2]]
    assert labels[0] + labels[1] == NAMES


def test_deviation_between_patients_of_a_class():
    patients = np.array(list("aabbccdd"))
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    values = np.array([1, 3, 4, 4, 10, 10, 13, 15.0])  # means 2, 4 and 10, 14
    assert between_patients(values, labels, patients) == pytest.approx(np.sqrt((1 + 1 + 4 + 4) / 2))
    two = np.isin(patients, ["a", "d"])
    assert between_patients(values[two], labels[two], patients[two]) == pytest.approx(np.std([2, 14], ddof=1))
    assert between_patients(values[:2], labels[:2], patients[:2]) == 0
