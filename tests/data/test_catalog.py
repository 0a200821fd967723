"""Which cells there are, in each layout, and what is refused."""

import shutil

import pytest
from tiny_images import put

from leukemia_tf.core.errors import BadImageError, DataError
from leukemia_tf.data.catalog import find_images, read_cells, write_cells
from leukemia_tf.data.prepare import prepare_cells
from leukemia_tf.data.reading import read_catalog
from leukemia_tf.data.scan import scan


@pytest.fixture
def download(tmp_path):
    """C-NMC's download in small: folds, numbered images with their CSV, unlabelled images."""
    put(tmp_path / "training_data/fold_0/all/UID_11_10_1_all.bmp")
    put(tmp_path / "training_data/fold_2/hem/UID_h3_4_1_hem.png")
    numbered = tmp_path / "validation_data"
    put(numbered / "C-NMC_test_prelim_phase_data/1.bmp")
    put(numbered / "C-NMC_test_prelim_phase_data/3.bmp")
    rows = ["Patient_ID,new_names,labels", "UID_57_29_1_all.bmp,1.bmp,1", "UID_57_22_2_all.bmp,2.bmp,1"]
    (numbered / "labels.csv").write_text("\n".join([*rows, "UID_H9_1_1_hem.bmp,3.bmp,0"]))
    put(tmp_path / "testing_data/C-NMC_test_final_phase_data/22.bmp")
    return tmp_path


def test_download(download):
    catalog = read_catalog(download)
    identities = {cell.path.split("/")[-1]: (cell.label, cell.patient) for cell in catalog.cells}
    assert identities == {
        "UID_11_10_1_all.bmp": ("all", "11"),
        "UID_h3_4_1_hem.png": ("hem", "H3"),
        "1.bmp": ("all", "57"),
        "3.bmp": ("hem", "H9"),
    }
    assert catalog.unlabelled == ("testing_data/C-NMC_test_final_phase_data/22.bmp",)
    assert catalog.rows_without_image == 1


def test_plain_tree_with_a_folder_a_patient(tmp_path):
    put(tmp_path / "all/P07/x.png")
    put(tmp_path / "hem/P08/x.png")
    assert [(c.label, c.patient) for c in read_catalog(tmp_path).cells] == [("all", "P07"), ("hem", "P08")]


def test_a_folder_of_names(tmp_path):
    put(tmp_path / "UID_1_1_1_all.bmp")
    put(tmp_path / "UID_H1_1_1_hem.bmp")
    assert [(c.label, c.patient) for c in read_catalog(tmp_path).cells] == [("all", "1"), ("hem", "H1")]


def test_no_image_is_dropped_for_its_name(tmp_path):
    """Not even one that is named like a picture of this package."""
    put(tmp_path / "UID_1_1_1_all-preview.png")
    put(tmp_path / "hem/H2/cell-gradcam.png")
    put(tmp_path / "all/UID_1_1_1_all-activations.png")
    catalog = read_catalog(tmp_path)
    assert catalog.unlabelled == ("UID_1_1_1_all-preview.png",)
    (cell,) = catalog.cells
    assert (cell.path, cell.label, cell.patient) == ("hem/H2/cell-gradcam.png", "hem", "H2")
    assert [row.path for row in catalog.rejected] == ["all/UID_1_1_1_all-activations.png"]
    assert len(find_images([tmp_path])) == 3


def test_real_cells(real_cells):
    found = read_catalog(real_cells)
    assert (len(found.cells), len(found.unlabelled), found.rows_without_image) == (1997, 4, 1863)
    assert len({cell.patient for cell in found.cells if cell.path.startswith("training_data")}) == 36


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: shutil.rmtree(folder), "no such folder"),
        (lambda folder: None, "holds no images"),
        (lambda folder: put(folder / "all/UID_1_1_1_all.bmp"), "no usable image labelled `hem`"),
        (lambda folder: put(folder / "all/UID_1_1_1_hem.bmp"), "its name says `hem`, its folder `all`"),
        (lambda folder: put(folder / "all/cell.bmp"), "its patient is unknown"),
        (
            lambda folder: (
                put(folder / "1.bmp"),
                (folder / "x.csv").write_text(
                    "Patient_ID,new_names,labels\nUID_1_1_1_all.bmp,1.bmp,0\nUID_1_1_2_all.bmp,2.bmp,1\n"
                ),
            ),
            "contradicts itself",
        ),
    ],
)
def test_refused(tmp_path, make, sentence):
    make(tmp_path)
    with pytest.raises(DataError, match=sentence):
        prepare_cells(tmp_path, "patient", seed=0)


def test_what_cannot_be_used_is_counted_not_dropped(tmp_path):
    put(tmp_path / "all/UID_1_1_1_all.bmp")
    put(tmp_path / "hem/P1/a.bmp")
    put(tmp_path / "hem/a.bmp")
    put(tmp_path / "all/UID_2_1_1_hem.bmp")
    put(tmp_path / "nothing.bmp")
    found = read_catalog(tmp_path)
    assert {cell.path for cell in found.cells} == {"all/UID_1_1_1_all.bmp", "hem/P1/a.bmp"}
    assert {row.path for row in found.rejected} == {"hem/a.bmp", "all/UID_2_1_1_hem.bmp"}
    assert found.unlabelled == ("nothing.bmp",)


def test_reversed_labels(download):
    table = download / "validation_data/labels.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], *(line[:-1] + str(1 - int(line[-1])) for line in lines[1:])]))
    with pytest.raises(DataError, match=r"no label agrees with its name\. 1 must stand for `all`"):
        read_catalog(download)


def test_a_row_that_contradicts_itself(download):
    table = download / "validation_data/labels.csv"
    table.write_text(table.read_text().replace("UID_H9_1_1_hem.bmp,3.bmp,0", "UID_H9_1_1_hem.bmp,3.bmp,1\nx,4.bmp,1"))
    found = read_catalog(download)
    assert [row.path.split("/")[-1] for row in found.rejected] == ["3.bmp"]
    assert (found.rows_without_image, found.rows_unread) == (2, 1)


def test_hash_is_of_the_pixels_not_of_the_file(tmp_path):
    put(tmp_path / "all/UID_1_1_1_all.bmp", 70)
    put(tmp_path / "all/UID_2_1_1_all.png", 70)
    put(tmp_path / "hem/UID_H1_1_1_hem.png", 71)
    one, two, three = scan(read_catalog(tmp_path)).cells
    assert one.sha256 == two.sha256 != three.sha256


def test_a_bad_image_is_named(tmp_path):
    put(tmp_path / "all/UID_1_1_1_all.bmp")
    bad = put(tmp_path / "hem/UID_H1_1_1_hem.bmp")
    bad.write_bytes(bad.read_bytes()[:-1])
    with pytest.raises(BadImageError, match=r"UID_H1_1_1_hem.bmp: is truncated"):
        prepare_cells(tmp_path, "patient", seed=0)


def test_cells_csv_round_trip(download, tmp_path):
    cells = scan(read_catalog(download)).cells
    assert read_cells(write_cells(tmp_path / "cells.csv", cells)) == cells


def test_find_images(tmp_path):
    a, b = put(tmp_path / "d/b.png"), put(tmp_path / "d/a.bmp")
    assert find_images([tmp_path / "missing.bmp", tmp_path / "d"]) == [tmp_path / "missing.bmp", b, a]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no images"):
        find_images([tmp_path / "empty"])


def test_two_images_for_one_row(download):
    put(download / "validation_data/more/1.bmp")
    rejected = [row for row in read_catalog(download).rejected if row.path.endswith("1.bmp")]
    assert len(rejected) == 2
    assert all("fits 2 images" in row.reason for row in rejected)


def test_two_rows_for_one_image(download):
    with (download / "validation_data/labels.csv").open("a") as stream:
        stream.write("\nUID_H5_1_1_hem.bmp,1.bmp,0")
    assert ["two rows" in row.reason for row in read_catalog(download).rejected] == [True]


def test_other_files_do_no_harm(download):
    before = read_catalog(download)
    (download / "notes.csv").write_bytes("Zellgröße,Bemerkung\n3,schön\n".encode("latin-1"))
    (download / "short.csv").write_text("Patient_ID,new_names,labels\nUID_1_1_1_all.bmp\n")
    put(download / "audit/audit.png")
    for name in ("audit.json", "rejected.csv"):
        (download / "audit" / name).write_text("")
    (download / "loop").symlink_to(download)
    after = read_catalog(download)
    assert (after.cells, after.unlabelled, after.rejected) == (before.cells, before.unlabelled, before.rejected)


def test_links_are_followed(tmp_path):
    put(tmp_path / "linked/UID_1_1_1_all.bmp")
    (tmp_path / "cells/all").mkdir(parents=True)
    (tmp_path / "cells/all/linked").symlink_to(tmp_path / "linked")
    assert [cell.path for cell in read_catalog(tmp_path / "cells").cells] == ["all/linked/UID_1_1_1_all.bmp"]
