"""Folds: every cell tested once, no patient on both sides, both classes in each, or a clear refusal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukemia_tf.core.errors import DataError
from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.folds import FoldTable, draw_folds, read_folds, write_folds
from leukemia_tf.data.patient_groups import groups_by_patient


def make(sizes, prefix, label):
    return [
        Cell(f"{label}/{prefix}{p}-{i}", label, f"{prefix}{p}") for p, size in enumerate(sizes) for i in range(size)
    ]


counts = st.lists(st.integers(1, 60), min_size=4, max_size=12)


@settings(max_examples=60, deadline=None)
@given(counts, counts, st.integers(0, 1000), st.integers(2, 3))
def test_any_patients(leukemic, healthy, seed, count):
    cells = make(leukemic, "", "all") + make(healthy, "H", "hem")
    group_of = groups_by_patient([["0", "1"], ["H0", "H1"]])
    folds = draw_folds(cells, group_of, "patient", seed, count)
    assert sorted(np.concatenate([tested for _, tested in folds])) == list(range(len(cells)))
    who = np.array([cell.patient for cell in cells])
    labels = np.array([cell.label for cell in cells])
    for fitted, tested in folds:
        assert sorted([*fitted, *tested]) == list(range(len(cells)))
        assert not set(who[fitted]) & set(who[tested])
        assert set(labels[tested]) == {"all", "hem"}
        for pair in ({"0", "1"}, {"H0", "H1"}):
            assert len(pair & set(who[tested])) != 1


def test_folds_depend_on_the_seed_alone():
    cells = make([5] * 10, "", "all") + make([5] * 10, "H", "hem")
    first, again, other = (draw_folds(cells, {}, "patient", seed) for seed in (0, 0, 1))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(first, again))
    assert any(not np.array_equal(a[1], b[1]) for a, b in zip(first, other))


def test_more_folds_than_patients_are_refused():
    cells = make([9] * 8, "", "all") + make([9] * 4, "H", "hem")
    with pytest.raises(DataError, match="5 folds need 5 patients of each class: `hem` has 4 distinct"):
        draw_folds(cells, {}, "patient", 0, 5)
    with pytest.raises(DataError, match="`hem` has 3 distinct"):
        draw_folds(cells, groups_by_patient([["H0", "H1"]]), "patient", 0, 4)
    assert len(draw_folds(cells, {}, "image", 0, 30)) == 30


def test_folds_csv(tmp_path):
    table = FoldTable((Cell("a.bmp", "all", "1", "x"), Cell("b.bmp", "hem", "H1", "y")), {3: [0, None], 4: [1, None]})
    assert read_folds(write_folds(tmp_path / "folds.csv", table)) == table
