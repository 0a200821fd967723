"""Acquisition alone tells the classes apart where it does, and is not called a cue where it does not."""

from itertools import combinations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from leukemia_tf.data.acquisition import AREA, CUES
from leukemia_tf.data.catalog import Cell
from leukemia_tf.evaluation.acquisition import acquisition_table, compare_acquisition, patient_rows
from leukemia_tf.evaluation.acquisition_lines import acquisition_lines, caution
from leukemia_tf.evaluation.acquisition_plots import draw_acquisition
from leukemia_tf.evaluation.plots import save


def folder(patients=8, cells=6, effect=0.0, seed=0, png=()):
    """Cells whose `red_x` lies higher by `effect` standard deviations between patients in one class."""
    rng = np.random.default_rng(seed)
    names, rows = [], []
    for label in ("all", "hem"):
        for number in range(patients):
            patient, offset = f"{label[0].upper()}{number}", rng.normal(0, 0.1)
            for index in range(int(rng.integers(1, 2 * cells))):
                row = {name: rng.normal() for name in CUES} | dict.fromkeys(CUES, 0.0)
                row |= {name: rng.normal() for name in ("red_y", "blue_x", "blue_y", "sharpness", "noise")}
                row |= {"red_x": offset + 0.1 * effect * (label == "all") + rng.normal(0, 0.1)}
                row |= {"file_png": float(patient in png), "file_bmp_54": float(patient not in png)}
                names.append(Cell(f"{label}/{patient}/{index}.png", label, patient, f"{patient}-{index}"))
                rows.append(row | {AREA: 1000 + 500 * (label == "all") + rng.normal(0, 5)})
    return names, rows


def test_a_displacement_that_goes_with_the_class():
    table = acquisition_table(*folder(effect=6))
    scores = compare_acquisition(table)
    assert scores["cues"]["red_x"]["auroc_by_patient"]["value"] > 0.95
    assert scores["cues"]["red_x"]["all"] > scores["cues"]["red_x"]["hem"] + 0.4
    assert scores["together"]["auroc_by_patient"]["low"] > 0.5
    assert scores["together"]["permutation_p"] < 0.05
    assert scores["separable"]
    assert caution(scores).startswith("the pictures' acquisition alone tells the classes apart: AUROC by patient 0.9")
    assert scores["cues"]["background"]["auroc_by_patient"] is None
    assert scores["patients"] == {"all": 8, "hem": 8}


def test_a_cell_s_area_is_not_a_cue():
    scores = compare_acquisition(acquisition_table(*folder(effect=0, seed=1)))
    assert scores["area"]["auroc_by_patient"]["value"] == 1
    assert scores["together_with_area"]["auroc_by_patient"]["value"] > 0.95
    assert not scores["separable"]
    assert caution(scores) == ""


def test_the_kind_of_file_alone_is_enough():
    cells, rows = folder(seed=1, png={f"A{number}" for number in range(8)})
    scores = compare_acquisition(acquisition_table(cells, rows))
    assert scores["together_with_file"]["auroc_by_patient"]["value"] == 1
    assert scores["separable"]
    assert "AUROC by patient 1.000" in caution(scores)


@pytest.mark.slow
def test_chance_is_rarely_called_a_cue():
    alarms = [compare_acquisition(acquisition_table(*folder(seed=seed, cells=3)))["separable"] for seed in range(8)]
    assert sum(alarms) <= 2


def test_a_cue_alone_is_the_auroc_with_equal_patients():
    table = acquisition_table(*folder(effect=1))
    scores = compare_acquisition(table)["cues"]["red_x"]["auroc_by_patient"]["value"]
    sizes = {name: (table.patients == name).sum() for name in set(table.patients)}
    weights = [1 / sizes[name] for name in table.patients]
    assert scores == pytest.approx(roc_auc_score(table.labels, table.values["red_x"], sample_weight=weights))


def test_patient_rows_are_means_over_a_patient_s_cells():
    cells, rows = folder()
    rows[0] = rows[0] | {"noise": np.nan}
    table = acquisition_table(cells, rows, [["A0", "A1"]])
    first = next(row for row in patient_rows(table) if row["patient"] == "A0+A1")
    values = [row["noise"] for cell, row in zip(cells, rows) if cell.patient in ("A0", "A1")]
    assert first["cells"] == len(values)
    assert first["noise"] == pytest.approx(np.nanmean(values))
    assert len(patient_rows(table)) == 15


@pytest.mark.parametrize(("patients", "scored", "interval"), [(1, False, False), (3, True, False), (5, True, True)])
def test_few_patients(patients, scored, interval, tmp_path):
    table = acquisition_table(*folder(patients=patients, effect=1))
    scores = compare_acquisition(table)
    text = "\n".join(acquisition_lines(scores))
    assert (scores["together"] is not None) == scored
    assert ("not scored: it takes two patients of each class" in text) == (not scored)
    assert ("[no interval]" not in text) == interval
    assert ("fewer than 5 patients of a class" in text) == (not interval)
    if scored:
        assert scores["together"]["folds"] == min(patients, 5)
        assert np.isfinite(scores["together"]["auroc_by_patient"]["low"]) == interval
    save(draw_acquisition(patient_rows(table), scores), tmp_path / "figure.png")


def test_one_class_and_nothing_measured(tmp_path):
    cells, rows = folder(patients=6)
    one = [(cell, row) for cell, row in zip(cells, rows) if cell.label == "all"]
    table = acquisition_table(*zip(*one))
    scores = compare_acquisition(table)
    assert scores["together"] is None
    assert not scores["separable"]
    assert "HEM" in "\n".join(acquisition_lines(scores))
    save(draw_acquisition(patient_rows(table), scores), tmp_path / "one.png")
    blank = acquisition_table(cells, [dict.fromkeys(row, np.nan) for row in rows])
    scores = compare_acquisition(blank)
    assert scores["together"] is None
    assert np.isnan(patient_rows(blank)[0]["noise"])
    save(draw_acquisition(patient_rows(blank), scores), tmp_path / "blank.png")


def test_a_patient_under_both_labels_is_two():
    cells, rows = folder(patients=6)
    cells = [Cell(cell.path, cell.label, "P" if cell.patient in ("A0", "H0") else cell.patient) for cell in cells]
    table = acquisition_table(cells, rows)
    assert {"P (all)", "P (hem)"} <= set(table.patients)
    assert compare_acquisition(table)["patients"] == {"all": 6, "hem": 6}


def test_names_of_patients_do_not_overlap():
    table = acquisition_table(*folder(patients=20))
    figure = draw_acquisition(patient_rows(table), compare_acquisition(table))
    shown = [[text.get_window_extent() for text in axis.texts if text.get_visible()] for axis in figure.axes]
    assert max(map(len, shown)) > 10
    assert not [one for boxes in shown for one, other in combinations(boxes, 2) if one.overlaps(other)]
