"""The table of patients, the footnotes of a table of scores, and the comparison with cell area."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from leukemia_tf.evaluation.area_comparison import compare_with_area, comparison_lines
from leukemia_tf.evaluation.patient_table import patient_table, table_lines
from leukemia_tf.evaluation.predictions import make_prediction
from leukemia_tf.evaluation.scores import score_part, score_table
from leukemia_tf.models.calibration import Calibration


def predictions(leukemic=5, healthy=5, seed=0):
    """Return rows whose first patient of either class has most cells."""
    rng, rows = np.random.default_rng(seed), []
    for label, count in (("all", leukemic), ("hem", healthy)):
        for patient in range(count):
            for cell in range(12 if patient == 0 else 3):
                logit = rng.normal(1 if label == "all" else -1)
                rows.append(
                    make_prediction(f"{label}{patient}-{cell}", logit, Calibration(), f"{label}{patient}", label)
                )
    return rows


def test_patients_are_listed_by_their_number_of_cells():
    rows = predictions()
    table = patient_table(rows)
    assert [row["patient"] for row in table[:2]] == ["all0", "hem0"]
    assert [row["cells"] for row in table] == [12, 12] + 8 * [3]
    assert table[1]["share"] == 12 / 24
    of_hem0 = [row for row in rows if row.patient == "hem0"]
    assert table[1]["probability"] == pytest.approx(np.mean([row.probability for row in of_hem0]))
    assert table[1]["called_all"] == np.mean([row.prediction == "all" for row in of_hem0])
    against = [row for row in rows if row.label == "all"] + of_hem0
    area = roc_auc_score([row.label == "all" for row in against], [row.logit for row in against])
    assert table[1]["auroc"] == pytest.approx(area)


def test_few_patients_are_shown_in_place_of_intervals():
    text = score_table("test", score_part(predictions(leukemic=6, healthy=3)), "patient split, seed 0")
    assert "[no interval]: fewer than 5 patients of a class" in text
    assert text.count("HEM (normal)") >= 3
    assert "permutation" not in text
    rows = predictions(leukemic=3, healthy=0)
    assert patient_table(rows)[0]["auroc"] is None
    assert "undefined" in table_lines(patient_table(rows))[1]


def test_five_to_nine_patients_have_a_permutation_test():
    part = score_part(predictions(leukemic=6, healthy=5))
    assert 0 < part["permutation_p"] <= 1
    text = score_table("test", part, "patient split, seed 0")
    assert "permutations of the patients' labels" in text
    assert "mean probability" not in text
    assert score_part(predictions(10, 10))["permutation_p"] is None


def test_a_network_that_is_the_cell_area_is_no_better_than_it():
    rows = predictions()
    comparison = compare_with_area(rows, np.array([row.probability for row in rows]) * 1000)
    assert comparison["area"]["auroc"]["value"] == pytest.approx(score_part(rows)["cell"]["auroc"]["value"])
    assert comparison["network_minus_area"]["auroc"]["value"] == 0
    large = comparison["large_patients"]
    assert [row["patient"] for row in large] == ["all0", "hem0"]
    assert [row["network"] for row in large] == pytest.approx([row["area"] for row in large])
    assert "patient hem0 has 50% of the HEM (normal) cells" in "\n".join(comparison_lines(comparison))
