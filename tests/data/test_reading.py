"""A lab's own folders, labels and patients: read as they are meant, or refused in a sentence that says what to do."""

import openpyxl
import pytest
from tiny_images import put

from leukemia_tf.config import Reading
from leukemia_tf.core.errors import ArgumentError, DataError
from leukemia_tf.data.reading import find_patients, read_catalog

CLASSES = ("all=Early,Pre,Pro", "hem=Benign")


@pytest.fixture
def lab(tmp_path):
    """Four kinds of cells in folders, patients known from a table alone: P1 is benign, P2 is not."""
    for folder in ("Benign", "Early", "Pre", "Pro"):
        for number in (1, 2):
            put(tmp_path / "lab" / folder / f"WBC-{folder}-{number:03}.jpg")
    return tmp_path / "lab"


def rows(lab, header=("image", "patient")):
    images = sorted(lab.rglob("*.jpg"))
    return [header, *((path.name, "P1" if path.parent.name == "Benign" else "P2") for path in images)]


def table(lab, text, name="patients.csv"):
    path = lab.parent / name
    path.write_bytes(text) if isinstance(text, bytes) else path.write_text(text, encoding="utf-8")
    return path


def as_text(table_rows, separator=","):
    return "\n".join(separator.join(row) for row in table_rows)


def identities(catalog):
    return {(cell.path.split("/")[0], cell.label, cell.patient) for cell in catalog.cells}


MEANT = {("Benign", "hem", "P1"), ("Early", "all", "P2"), ("Pre", "all", "P2"), ("Pro", "all", "P2")}


def test_mapped_folders_and_a_table(lab):
    catalog = read_catalog(lab, Reading(labels=CLASSES, patients=table(lab, as_text(rows(lab)))))
    assert identities(catalog) == MEANT
    assert (catalog.unlabelled, catalog.rejected) == ((), ())
    said = [note.reason for note in catalog.notes]
    assert "labels by folder: Early, Pre, Pro: `all`; Benign: `hem`" in said
    assert "patients by 8 rows (columns image: `image`, patient: `patient`)" in said


@pytest.mark.parametrize(
    "text",
    [
        lambda rows: as_text(rows, ";"),
        lambda rows: as_text(rows, "\t"),
        lambda rows: as_text(rows, ", "),
        lambda rows: "sep=;\n" + as_text(rows, ";"),
        lambda rows: ("\ufeff" + as_text(rows)).encode("utf-8"),
        lambda rows: as_text(rows, "\t").encode("utf-16"),
        lambda rows: as_text(rows).encode("utf-16-le"),
        lambda rows: as_text([[f'"{cell}"' for cell in row] for row in rows], ";"),
        lambda rows: (
            "Cells of 2026\n\n" + as_text([["No.", "File name", "Subject ID"], *(["1", *r] for r in rows[1:])])
        ),
        lambda rows: as_text([rows[0], *(("C:\\lab\\" + one.upper(), who.lower()) for one, who in rows[1:])]),
        lambda rows: as_text([rows[0], *((one.removesuffix(".jpg"), who) for one, who in rows[1:])]),
        lambda rows: as_text([rows[0], *((one.replace("jpg", "tif"), who) for one, who in rows[1:])]).replace(
            "\n", "\r\n"
        ),
        lambda rows: as_text([("Größe", *rows[0]), *(("3", *row) for row in rows[1:])], ";").encode("cp1252"),
    ],
)
def test_any_form_of_the_table(lab, text):
    written = table(lab, text(rows(lab)))
    assert identities(read_catalog(lab, Reading(labels=CLASSES, patients=written))) == MEANT


def excel(path, table_rows, merged=(), sheet="Cells"):
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    book.active.append(["Bench 3", "camera B"])
    for row in table_rows:
        (book[sheet] if sheet in book else book.create_sheet(sheet)).append(list(row))
    for block in merged:
        book[sheet].merge_cells(block)
    book.save(path)
    return path


def test_excel_with_labels_numbers_and_merged_cells(lab):
    images = sorted(path.name for path in lab.rglob("*.jpg"))
    cells = [
        (name, None if index in (1, 3) else 7.0 if index < 2 else 12, int(index > 1))
        for index, name in enumerate(images)
    ]
    path = excel(lab.parent / "p.xlsx", [("Image", "Case", "Diagnosis"), *cells], merged=("B2:B3", "B4:B5"))
    catalog = read_catalog(lab, Reading(labels=("none=Pro",), patients=path))
    assert {(cell.label, cell.patient) for cell in catalog.cells} == {("hem", "7"), ("all", "12")}
    assert len(catalog.unlabelled) == 2  # the folder Pro, left out


@pytest.mark.parametrize(
    ("leukemic", "normal"),
    [
        ("1", "0"),
        ("1.0", "0.0"),
        ("1,0", "0,0"),
        ("all", "hem"),
        ("ALL", "HEM"),
        ("Leukemia", "normal"),
        ("blast", "Benign"),
    ],
)
def test_labels_of_a_table(tmp_path, leukemic, normal):
    for name in "ab":
        put(tmp_path / "cells" / f"{name}.png")
    path = table(tmp_path / "cells", f"image;patient;label\na;1.0;{leukemic}\nb;2.0;{normal}\n")
    catalog = read_catalog(tmp_path / "cells", Reading(patients=path))
    assert [(cell.path, cell.label, cell.patient) for cell in catalog.cells] == [
        ("a.png", "all", "1"),
        ("b.png", "hem", "2"),
    ]


@pytest.mark.parametrize(("leukemic", "normal"), [("Leukemia", "NORMAL"), ("blast", "benign"), ("ALL", "Hem")])
def test_well_known_folders(tmp_path, leukemic, normal):
    put(tmp_path / leukemic / "P1/a.png")
    put(tmp_path / normal / "P2/a.png")
    assert {(cell.label, cell.patient) for cell in read_catalog(tmp_path).cells} == {("all", "P1"), ("hem", "P2")}


def test_unknown_folders_stop_with_the_flag(lab):
    with pytest.raises(DataError) as caught:
        read_catalog(lab)
    assert str(caught.value) == (
        f"{lab}: the folders Early (images: 2), Pre (images: 2), Pro (images: 2) stand for no class (Benign is `hem`): "
        "map each of them, as in `labels=all=Early,Pre,Pro hem=Benign`; `labels=none=NAMES` leaves images out."
    )
    for path in (lab / "Benign").iterdir():
        path.rename(lab / "Pre" / path.name)
    (lab / "Benign").rmdir()
    with pytest.raises(
        DataError, match=r"the folders Early \(images: 2\), Pre \(images: 4\), Pro \(images: 2\) stand for"
    ):
        read_catalog(lab)


def test_a_folder_above_the_cells_labels_nobody(tmp_path):
    for kind in ("Benign", "Early"):
        put(tmp_path / "ALL" / "ALL" / kind / "P1/a.png")
    for folder in (tmp_path / "ALL", tmp_path / "ALL/ALL"):
        catalog = read_catalog(folder, Reading(labels=("all=Early",)))
        assert [(cell.label) for cell in catalog.cells] == ["hem", "all"]
    with pytest.raises(DataError, match=r"Early \(images: 1\) stand for no class"):
        read_catalog(tmp_path / "ALL")


def test_all_alone_is_questioned(tmp_path):
    put(tmp_path / "data/ALL/P1/a.png")
    with pytest.raises(DataError, match=r"is `ALL` the class, or the name of the data set\?.* say `labels=all=all`"):
        read_catalog(tmp_path / "data")
    assert len(read_catalog(tmp_path / "data", Reading(labels="all=ALL")).cells) == 1
    put(tmp_path / "data/normal/P2/a.png")
    assert len(read_catalog(tmp_path / "data").cells) == 2


def test_the_pattern(tmp_path):
    put(tmp_path / "all/12_3.png")
    put(tmp_path / "hem/13_1.png")
    put(tmp_path / "hem/x_1.png")
    catalog = read_catalog(tmp_path, Reading(patient_pattern=r"(?P<patient>\d+)_.*"))
    assert [cell.patient for cell in catalog.cells] == ["12", "13"]
    assert "does not match the patient pattern" in catalog.rejected[0].reason
    put(tmp_path / "site/p7/all/1.png")
    catalog = read_catalog(tmp_path / "site", Reading(labels="all=all", patient_pattern=r"(?P<patient>[^/]+)/.*"))
    assert [cell.patient for cell in catalog.cells] == ["P7"]
    for wrong, problem in (("(", "no regular expression"), ("(.*)_.*", "no group named patient")):
        with pytest.raises(ArgumentError, match=problem):
            read_catalog(tmp_path, Reading(patient_pattern=wrong))


def test_a_part_of_a_data_set_is_no_patient(tmp_path):
    put(tmp_path / "all/train/a.png")
    put(tmp_path / "hem/P1/a.png")
    (row,) = read_catalog(tmp_path).rejected
    assert "(`train` is a part of a data set, no patient)" in row.reason
    assert "`patients` or `patient_pattern`" in row.reason


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        (("leukemic=Early",), "it takes all=NAMES, hem=NAMES and none=NAMES"),
        (("Early",), "it takes all=NAMES"),
        (("all=Early", "hem=early"), "'early' stands for `all` and for `hem`"),
    ],
)
def test_a_mapping_that_cannot_be_used(lab, labels, problem):
    with pytest.raises(ArgumentError, match=problem):
        read_catalog(lab, Reading(labels=labels))


def test_a_mapping_that_names_what_is_not_there(lab):
    with pytest.raises(
        DataError, match=r"`labels`: no folder below .*lab is named prae; there are Benign, Early, Pre, Pro"
    ):
        read_catalog(lab, Reading(labels=("all=Early,Prae,Pre,Pro", "hem=Benign"), patient_pattern="(?P<patient>.*)"))


def test_rows_that_cannot_be_used(lab):
    good = rows(lab)
    a, b = good[1][0], good[2][0]
    for bad, problem in (
        ([*good, (a, "P9")], rf"patients\.csv, rows 2 and 10: two rows for {a}, with patient P1 and patient P9"),
        ([good[0], (a, "")], rf"patients\.csv, row 2: it names no patient \(beside {a}\)"),
        ([good[0], ("", "P1")], r"row 2: it names no image \(beside P1\)"),
        (
            [("image", "patient", "class"), (a, "P1", "M4")],
            r"row 2: 'M4' in column `class` stand for no class \(1 rows\)",
        ),
        (
            [("image", "patient", "class"), (a, "P1", "1"), (a, "P1", "0")],
            "patient P1 and label 1 and patient P1 and label 0",
        ),
        ([("file", "age"), (a, "44")], r"no columns for image and patient \(its first row: file, age\)"),
        ([good[0]], "has no row below"),
    ):
        with pytest.raises(DataError, match=problem):
            read_catalog(lab, Reading(labels=CLASSES, patients=table(lab, as_text(bad))))
    with pytest.raises(DataError, match=r"gone\.xlsx: No such file"):
        read_catalog(lab, Reading(labels=CLASSES, patients=lab / "gone.xlsx"))
    with pytest.raises(DataError, match=r"is a spreadsheet, but no \.xlsx file"):
        read_catalog(lab, Reading(labels=CLASSES, patients=table(lab, b"PK\3\4", "p.ods")))
    catalog = read_catalog(
        lab, Reading(labels=CLASSES, patients=table(lab, as_text([*good[:2], good[2], good[2], ("x", "P3")])))
    )
    assert [note.reason for note in catalog.notes if note.warning] == [
        "rows of images that are not here: 1 (row 5: x)",
        f"images with two equal rows: 1 (rows 3 and 4: {b}); they count once, remove the second row",
    ]
    assert len(catalog.rejected) == 6
    assert catalog.rejected[0].reason == "it has no row in patients.csv: add one, with its patient"


def test_a_name_that_fits_several_images(tmp_path):
    for kind in ("all", "hem"):
        put(tmp_path / "cells" / kind / "1.png")
    with pytest.raises(DataError, match=r"row 2: `1` fits 2 images \(all/1\.png, hem/1\.png\): write its path below"):
        read_catalog(tmp_path / "cells", Reading(patients=table(tmp_path / "cells", "image,patient\n1,A\n")))
    written = table(tmp_path / "cells", "image,patient\nall/1.png,A\nhem/1.png,B\n")
    assert [cell.patient for cell in read_catalog(tmp_path / "cells", Reading(patients=written)).cells] == ["A", "B"]


def test_a_table_against_the_folder(tmp_path):
    put(tmp_path / "cells/all/1.png")
    put(tmp_path / "cells/hem/2.png")
    written = table(tmp_path / "cells", "image,patient,label\n1,A,hem\n2,B,0\n")
    (row,) = read_catalog(tmp_path / "cells", Reading(patients=written)).rejected
    assert row.reason == "its row 2 in patients.csv says `hem`, its folder `all`: mend one of them"


def test_c_nmcs_table_from_elsewhere(tmp_path):
    put(tmp_path / "cells/1.bmp")
    put(tmp_path / "cells/2.bmp")
    text = "Patient_ID;new_names;labels\nUID_h3_1_1_hem.bmp;1.bmp;0.0\nUID_57_1_1_all.bmp;2.bmp;all\n"
    catalog = read_catalog(tmp_path / "cells", Reading(patients=table(tmp_path / "cells", text)))
    assert [(cell.label, cell.patient) for cell in catalog.cells] == [("hem", "H3"), ("all", "57")]
    assert catalog.cnmc_patients == {"H3", "57"}


def test_a_table_that_is_not_used_is_said(lab):
    (lab / "patients.csv").write_text(as_text(rows(lab)))
    notes = read_catalog(lab, Reading(labels=CLASSES)).notes
    assert any("patients.csv" in note.path and "name it by `patients=" in note.reason for note in notes)


def test_segmented_cells_have_the_row_of_their_picture(tmp_path):
    """Several cells are cut out of a picture, under other names; `segment` lists where each is from."""
    for kind in ("all", "hem"):
        columns = "path,source,x,y,width,height,area,patient\n"
        for number in (1, 2):
            put(tmp_path / "cut" / kind / f"field-{number}.png")
            columns += f"field-{number}.png,pictures/{kind}/field.jpg,0,0,4,4,16,\n"
        (tmp_path / "cut" / kind / "cells.csv").write_text(columns)
    (tmp_path / "cut/all/left-out.csv").write_text("source,x,y,width,height,reason\n")
    put(tmp_path / "cut/all/overlays/field.png")
    with pytest.raises(DataError, match=r"`field\.jpg` fits 4 images"):
        read_catalog(tmp_path / "cut", Reading(patients=table(tmp_path / "cut", "image,patient\nfield.jpg,A\n")))
    written = table(tmp_path / "cut", "image,patient\nall/field.jpg,A\nhem/field.jpg,B\n")
    catalog = read_catalog(tmp_path / "cut", Reading(patients=written))
    assert [(cell.label, cell.patient) for cell in catalog.cells] == [("all", "A")] * 2 + [("hem", "B")] * 2
    assert catalog.rejected == ()
    by_pattern = read_catalog(tmp_path / "cut", Reading(patient_pattern=r"(.*/)?(?P<patient>\w+)/field.jpg"))
    assert {cell.patient for cell in by_pattern.cells} == {"ALL", "HEM"}


def test_patients_without_labels(lab):
    path = put(lab / "new/P7_1.png")
    assert find_patients(lab, [path], Reading(patient_pattern="(?P<patient>[^_]+)_.*")) == {path: "P7"}
    assert find_patients(lab, [path]) == {path: ""}
    written = table(lab, "image,patient\nP7_1,p8\n")
    assert find_patients(lab, [path], Reading(patients=written)) == {path: "P8"}
