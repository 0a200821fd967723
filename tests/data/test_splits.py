"""Splits: disjoint, complete, reproducible, even where the patients allow, and leaks are refused."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukemia_tf.core.errors import DataError
from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.patient_groups import find_patient_groups
from leukemia_tf.data.reading import read_catalog
from leukemia_tf.data.scan import scan
from leukemia_tf.data.split_protocols import split_by_image, split_by_patient, split_official
from leukemia_tf.data.splits import PARTS, SHARES, Split, assign, check_split, describe, read_split, write_split


def make(sizes, prefix, label):
    return [
        Cell(f"{label}/{prefix}{p}-{i}", label, f"{prefix}{p}", sha256=f"{prefix}{p}-{i}")
        for p, size in enumerate(sizes)
        for i in range(size)
    ]


counts = st.lists(st.integers(1, 400), min_size=3, max_size=25)


@settings(max_examples=60, deadline=None)
@given(counts, counts, st.integers(0, 1000))
def test_any_patients(leukemic, healthy, seed):
    cells = make(leukemic, "", "all") + make(healthy, "H", "hem")
    split = split_by_patient(cells, seed)
    assert split == split_by_patient(cells[::-1], seed)
    patients = [patient for part in PARTS for patient in getattr(split, part)]
    assert sorted(patients) == sorted({cell.patient for cell in cells})
    check_split(assign(cells, split), split)
    for sizes, label in ((leukemic, "all"), (healthy, "hem")):
        inside = [patient for patient in split.test if patient.startswith("H") == (label == "hem")]
        assert len(inside) == max(1, round(0.2 * len(sizes)))
        for part, share in SHARES.items():
            images = sum(cell.split == part and cell.label == label for cell in assign(cells, split))
            within = abs(images - share * sum(sizes)) <= max(sizes) + 0.1 * sum(sizes)
            assert within or f"{part} is thin in {label}" in describe(assign(cells, split)) or part == "train"


def test_even_patients_are_split_evenly():
    cells = make([10] * 20, "", "all") + make([10] * 20, "H", "hem")
    split = split_by_patient(cells, seed=0)
    assert [len(getattr(split, part)) for part in PARTS] == [24, 8, 8]


@pytest.mark.parametrize("seed", range(8))
def test_two_giants_stand_in_train_and_test(seed):
    cells = make([30] * 10, "", "all") + make([400, 380, 6, 5, 5, 4, 3, 2, 2, 1], "H", "hem")
    part_of = split_by_patient(cells, seed).part_of()
    assert {part_of["H0"], part_of["H1"]} == {"train", "test"}
    assert "val is thin in hem" in describe(assign(cells, split_by_patient(cells, seed)))


def test_patients_who_share_a_picture_are_one():
    cells = make([5] * 6, "", "all") + make([5] * 6, "H", "hem")
    shared = [Cell("x", "hem", "H0", "same"), Cell("y", "hem", "H1", "same"), Cell("z", "hem", "H2", "H1-0")]
    cells += shared
    assert find_patient_groups(cells)["H0"] == {"H0", "H1", "H2"}
    for seed in range(20):
        part_of = split_by_patient(cells, seed).part_of()
        assert part_of["H0"] == part_of["H1"] == part_of["H2"]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=9, max_size=15), st.integers(0, 99))
def test_a_patient_with_cells_of_both_classes_stands_in_one_part(sizes, seed):
    cells = [
        Cell(f"{label}{p}-{i}", label, f"{p}", f"{label}{p}-{i}")
        for p, counts in enumerate(sizes)
        for label, count in zip(("all", "hem"), counts, strict=True)
        for i in range(count + 1)
    ]
    split = split_by_patient(cells, seed)
    assert sorted([*split.train, *split.val, *split.test]) == sorted({cell.patient for cell in cells})
    check_split(assign(cells, split), split)


def test_one_picture_with_both_labels_is_refused():
    cells = [Cell("a", "all", "1", "same"), Cell("b", "hem", "H1", "same")]
    with pytest.raises(DataError, match="a and b are the same picture"):
        find_patient_groups(cells)


def test_too_few_patients():
    with pytest.raises(DataError, match="`hem` has 2 distinct"):
        split_by_patient(make([5] * 4, "", "all") + make([5] * 2, "H", "hem"), 0)


def test_leaks_are_refused():
    cells = make([2] * 3, "", "all") + make([2] * 3, "H", "hem")
    twice = Split("file", 0, ("0", "H0"), ("1", "H1"), ("2", "H2", "0"))
    with pytest.raises(DataError, match="leak: patient 0 in both train and test"):
        check_split(assign(cells, twice), twice)
    good = Split("file", 0, ("0", "H0"), ("1", "H1"), ("2", "H2"))
    shared = [*cells, Cell("x", "all", "0", "2-0")]
    with pytest.raises(DataError, match=r"same picture is .*\(patient 2\) in test and .*\(patient 0\) in train"):
        check_split(assign(shared, good), good)
    thin = Split("file", 0, ("0", "H0"), ("1", "H1"), ("2",))
    with pytest.raises(DataError, match="no `hem` cell in test"):
        check_split(assign(cells, thin), thin)


def test_a_cell_photographed_twice_under_two_patients():
    cells = make([2] * 6, "", "all") + make([2] * 6, "H", "hem")
    by_path = {cell.path: cell for cell in cells}
    near_duplicates = [(by_path["hem/H0-0"], by_path["hem/H4-1"], 0.97)]
    for seed in range(10):
        part_of = split_by_patient(cells, seed, near_duplicates).part_of()
        assert part_of["H0"] == part_of["H4"]
    split = Split("file", 0, ("0", "H0"), ("1", "H1"), ("2", "H2", "H4"))
    with pytest.raises(DataError, match=r"photographed twice \(similarity 0.970\) is hem/H0-0 \(patient H0\)"):
        check_split(assign(cells, split), split, near_duplicates)


def test_a_leak_through_a_copy_that_is_not_in_the_split():
    """Patient 9, whom the split does not name, has the very picture of patient 0 that patient 2 has again."""
    cells = make([2] * 3, "", "all") + make([2] * 3, "H", "hem") + [Cell("a/first", "all", "9", "0-0")]
    split = Split("file", 0, ("0", "H0"), ("1", "H1"), ("2", "H2"))
    near_duplicates = [(cells[-1], next(cell for cell in cells if cell.path == "all/2-1"), 0.98)]
    with pytest.raises(DataError, match="photographed twice"):
        check_split(assign(cells, split), split, near_duplicates)


def test_official_split():
    cells = make([5] * 8, "", "all") + make([5] * 8, "H", "hem")
    preliminary = {"all/3-0", "all/3-1", "hem/H5-2"}
    cells.append(Cell("all/6-x", "all", "6", "3-4"))  # patient 6 shares a picture with patient 3, of the test part
    split = split_official(cells, preliminary, seed=1)
    parts = assign(cells, split, preliminary)
    check_split(parts, split)
    assert {cell.path for cell in parts if cell.split == "test"} == preliminary
    assert {cell.patient for cell in parts if not cell.split} == {"3", "6", "H5"}
    assert (len(split.train), len(split.val)) == (11, 2)
    with pytest.raises(DataError, match="needs C-NMC's preliminary test set"):
        split_official(cells, set(), seed=1)
    others = [cell for cell in cells if cell.path not in preliminary]
    with pytest.raises(DataError, match="leaves no cell in test"):
        check_split(assign(others, split, {"another"}), split)


def test_split_by_image_leaks_by_design():
    cells = make([50] * 4, "", "all") + make([30] * 4, "H", "hem")
    parts, split = split_by_image(cells, seed=2)
    check_split(parts, split)
    sizes = {
        (part, label): sum(c.split == part and c.label == label for c in parts)
        for part in PARTS
        for label in ("all", "hem")
    }
    assert sizes == {
        ("train", "all"): 120,
        ("val", "all"): 40,
        ("test", "all"): 40,
        ("train", "hem"): 72,
        ("val", "hem"): 24,
        ("test", "hem"): 24,
    }
    assert parts == split_by_image(cells[::-1], seed=2)[0][::-1]
    assert "8 of 8 patients shared" in describe(parts)


def test_file_round_trip(tmp_path):
    split = Split("patient", 4, ("1", "H1"), ("2",), ("3",))
    assert read_split(write_split(tmp_path / "splits.json", split)) == split


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        json.dumps({"train": ["1"]}),
        json.dumps({"train": 1, "val": 2, "test": 3}),
        '{"train": "12", "val": "3", "test": "4"}',
    ],
)
def test_bad_file(tmp_path, content):
    path = tmp_path / "mine.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"mine\.json is not a split"):
        read_split(path)
    with pytest.raises(DataError, match=r"`split`: .* It takes patient, .* or a splits\.json"):
        read_split(tmp_path / "imagewise")


def test_real_cells(real_cells):
    cells = scan(read_catalog(real_cells)).cells
    same = {group for group in find_patient_groups(cells).values() if len(group) > 1}
    assert same == {frozenset({"20", "21"}), frozenset({"51", "75", "78"}), frozenset({"H10", "H3"})}
    for seed in range(4):
        split = split_by_patient(cells, seed)
        check_split(assign(cells, split), split)
        assert {split.part_of()["H10"], split.part_of()["H14"]} == {"train", "test"}


def test_names_of_one_patient_count_once():
    cells = [
        Cell(f"{n}", "all", patient, f"{n}", part)
        for n, (patient, part) in enumerate(
            [("20", "train"), ("21", "train"), ("3", "val"), ("4", "test"), ("51", "test"), ("75", "test")]
        )
    ]
    text = describe(cells, (("20", "21"), ("51", "75")))
    assert [line.split()[:3] for line in text.splitlines()[2:5]] == [
        ["train", "2", "1"],
        ["val", "1", "1"],
        ["test", "3", "2"],
    ]
    assert "0 of 4 patients shared" in text
    assert "counted once: 20 = 21; 51 = 75" in text
    assert "1 of 3 patients shared" in describe(cells, (("20", "21"), ("51", "75"), ("3", "4")))
