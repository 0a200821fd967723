"""C-NMC's names and its known doubles: one patient each, whatever part of the set is here."""

from pathlib import Path

import pytest

from leukemia_tf.core.errors import ArgumentError, DataError
from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.cnmc import all_names, known_doubles, parse_cnmc_name
from leukemia_tf.data.patient_groups import find_patient_groups, list_patient_groups
from leukemia_tf.data.prepare import prepare_cells
from leukemia_tf.data.split_protocols import split_by_patient
from leukemia_tf.data.splits import Split, assign, check_split

PATIENTS = {"all": ("1", "20", "21", "51", "75"), "hem": ("H1", "H2", "H4", "H7", "H9")}
CELLS = [
    Cell(f"UID_{patient}_{number}_1_{label}.bmp", label, patient, f"{patient}-{number}")
    for label, patients in PATIENTS.items()
    for patient in patients
    for number in range(4)
]


def test_names():
    assert parse_cnmc_name(Path("a/UID_h3_4_1_hem.bmp")) == ("hem", "H3")
    assert parse_cnmc_name(Path("20/cell.bmp")) is None


def test_only_names_that_are_here():
    assert known_doubles({"20", "21", "51", "75", "H2", "H3"}) == (("20", "21"), ("51", "75"))
    assert known_doubles({"20", "21"}, "ignore") == ()
    assert all_names("H5") == {"H2", "H4", "H5", "H6"}
    assert all_names("11") == {"11"}
    with pytest.raises(ArgumentError, match=r"`cnmc_doubles`: did you mean merge"):
        known_doubles({"20"}, "mrge")


def test_they_are_groups_though_they_share_no_picture():
    doubles = known_doubles({cell.patient for cell in CELLS})
    assert list_patient_groups(CELLS, ()) == ()
    assert list_patient_groups(CELLS, (), doubles) == (("20", "21"), ("51", "75"), ("H2", "H4"))
    assert find_patient_groups(CELLS[:8], (), doubles)["20"] == {"20"}  # 21 is not among these
    for seed in range(10):
        part_of = split_by_patient(CELLS, seed, (), doubles).part_of()
        assert part_of["20"] == part_of["21"]
        assert part_of["51"] == part_of["75"]
        assert part_of["H2"] == part_of["H4"]


def test_a_split_that_divides_them_is_refused():
    split = Split("file", 0, ("1", "20", "H1", "H2"), ("21", "H7", "H9"), ("51", "75", "H4"))
    with pytest.raises(DataError, match="one patient as 20, 21, and the split has 20 in train and 21 in val"):
        check_split(assign(CELLS, split), split, (), known_doubles(("20", "21")))
    check_split(assign(CELLS, split), split)


def test_folders_that_happen_to_have_these_names_are_other_people(tmp_path, tiny_cells, caplog):
    """The table is for names in C-NMC's form: a tree of all/20/ and all/21/ is some other hospital's."""
    names = {"all": ("20", "21", "51"), "hem": ("H2", "H4", "H5")}
    pictures = iter(sorted(tiny_cells.rglob("*.bmp")))
    for label, patients in names.items():
        for patient in patients:
            for number in range(2):
                target = tmp_path / label / patient / f"{number}.bmp"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(next(pictures).read_bytes())
    assert prepare_cells(tmp_path, "patient", seed=0).patient_groups == ()
    assert "C-NMC files" not in caplog.text


def test_merged_ignored_and_said(tiny_cells, tmp_path, caplog):
    for path in tiny_cells.rglob("*.bmp"):
        target = tmp_path / path.relative_to(tiny_cells)
        target = target.with_name(target.name.replace("UID_H7_", "UID_H2_").replace("UID_H9_", "UID_H4_"))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    assert prepare_cells(tmp_path, "patient", seed=0).patient_groups == (("H2", "H4"),)
    assert "C-NMC files 1 patients under several names (H2 = H4)" in caplog.text
    caplog.clear()
    assert prepare_cells(tmp_path, "patient", seed=0, cnmc_doubles="ignore").patient_groups == ()
    assert "C-NMC files" not in caplog.text


def test_the_phantom_cells_have_no_double_names(tiny_cells):
    assert prepare_cells(tiny_cells, "patient", seed=0).patient_groups == ()


@pytest.mark.slow
def test_real_cells(real_cells):
    groups = prepare_cells(real_cells, "patient", seed=0).patient_groups
    assert groups == (("20", "21"), ("51", "75", "78"), ("H2", "H4", "H5", "H6"), ("H3", "H10"))
