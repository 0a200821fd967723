"""`gradcam`, `activations`, `explain_check` on a tiny run: pictures, sheets, arrays, and what cannot be explained."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from PIL import Image

from leukemia_tf.config import ActivationsConfig, ExplainCheckConfig, GradcamConfig
from leukemia_tf.core.errors import ArgumentError, BadImageError, DataError, RunError, UserError
from leukemia_tf.core.files import read_csv
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.models.network import load_network
from leukemia_tf.workflows.activations import activations
from leukemia_tf.workflows.explain_check import explain_check
from leukemia_tf.workflows.gradcam import gradcam, gradcam_command
from leukemia_tf.workflows.predict import predict


@pytest.fixture
def image(tiny_cells, tmp_path, monkeypatch):
    """A cell in a data folder; the working directory is another one."""
    monkeypatch.chdir(tmp_path)
    copy = tmp_path / "data" / "cell.v2.bmp"
    copy.parent.mkdir()
    copy.write_bytes(min(tiny_cells.rglob("*_hem.bmp")).read_bytes())
    return copy


def test_one_image(tiny_run, image):
    (picture,) = gradcam(GradcamConfig(images=image, run=tiny_run.path))
    assert picture == Path("cell.v2-gradcam.png")
    assert cv2.imread(str(picture)).std() > 5
    said = Image.open(picture).text
    assert {key: said[key] for key in ("Title", "Method", "Layers")} == {
        "Title": "cell.v2.bmp",
        "Method": "Grad-CAM",
        "Layers": "block4_conv",
    }
    assert "along the frame's border" in said["Description"]
    (other,) = gradcam(GradcamConfig(images=image, run=tiny_run.path, method="hirescam", layer="block2"))
    assert other == Path("cell.v2-hirescam.png")
    (into,) = gradcam(GradcamConfig(images=image, run=tiny_run.path, out=tiny_run.figures))
    assert into == tiny_run.figures / "cell.v2-gradcam.png"
    into.unlink()
    (plain,) = gradcam(GradcamConfig(images=image, run=tiny_run.path, out=image.with_name("no-ending")))
    assert cv2.imread(str(plain)).std() > 5


def test_by_default_nothing_is_written_beside_images_or_over_files(tiny_run, image):
    other = image.with_name("other.bmp")
    other.write_bytes(image.read_bytes())
    (first,) = gradcam(GradcamConfig(images=image, run=tiny_run.path, save_arrays=True))
    before = first.read_bytes()
    written = gradcam(GradcamConfig(images=image.parent, run=tiny_run.path, save_arrays=True))
    assert written == [Path(f"{name}-gradcam.png") for name in ("cell.v2-2", "other", "contact-sheet-1")]
    assert first.read_bytes() == before
    arrays = {path.name for path in Path().glob("*.npz")}
    assert arrays == {f"{name}-tiny-gradcam.npz" for name in ("cell.v2", "cell.v2-2", "other")}
    for name in ("cell.v2", "cell.v2-2"):
        assert activations(ActivationsConfig(image, run=tiny_run.model)) == Path(f"{name}-activations.png")
    assert set(image.parent.iterdir()) == {image, other}


def test_methods_differ_and_heat_stays_in_the_cell_if_asked(tiny_run, image, tmp_path):
    seen = {}
    for method in ("gradcam", "hirescam", "occlusion", "smoothgrad"):
        out = tmp_path / method / "map.png"
        gradcam(GradcamConfig(images=image, run=tiny_run.path, out=out, method=method, save_arrays=True))
        seen[method] = np.load(out.with_name(f"cell.v2-tiny-{method}.npz"))["heat"]
        assert seen[method].shape == (120, 120)
        assert 0 <= seen[method].min() < seen[method].max() <= 1
    maps = np.stack([heat.ravel() for heat in seen.values()])
    assert (np.corrcoef(maps)[np.triu_indices(4, 1)] < 0.999).all()


def test_inside_leaves_out_what_lies_beside_the_cell(tiny_run, image):
    from leukemia_tf.inference.heat_maps import explain_images, explained_networks

    (shown,) = explain_images(explained_networks({"tiny": tiny_run.model}, ["eigencam"], None), [image], [])
    whole, inside, mask = shown.heat(), shown.heat(inside=True), shown.frames[0].mask
    assert whole[~mask].max() > 0
    assert inside[~mask].max() == 0
    np.testing.assert_allclose(inside[mask], whole[mask] / whole[mask].max(), rtol=1e-5)


def test_several_images_get_overlays_and_a_sheet(tiny_run, tiny_cells, tmp_path, caplog):
    bad = tmp_path / "bad.bmp"
    bad.write_bytes(b"BM rubbish")
    images = [*sorted(tiny_cells.rglob("*.bmp"))[:2], bad]
    config = GradcamConfig(images=images, run=tiny_run.path, out=tmp_path / "maps")
    with caplog.at_level(logging.INFO):
        assert gradcam_command(config) == 3
    assert f"{bad}: " in caplog.text
    names = {path.name for path in (tmp_path / "maps").iterdir()}
    assert names == {*(f"{path.stem}-gradcam.png" for path in images[:2]), "contact-sheet-1-gradcam.png"}
    assert cv2.imread(str(tmp_path / "maps" / f"{images[0].stem}-gradcam.png")).shape == (120, 120, 3)


def test_images_of_one_name_do_not_overwrite_each_other(tiny_run, image, tmp_path):
    folders = ("data", "a/other", "b/other")
    images = [tmp_path / folder / image.name for folder in folders]
    for path in images[1:]:
        path.parent.mkdir(parents=True)
        path.write_bytes(image.read_bytes())
    names = ("data-cell.v2", "other-cell.v2", "other-cell.v2-2", "contact-sheet-1")
    for _ in range(2):  # in a folder that is named, files are written over
        written = gradcam(GradcamConfig(images=images, run=tiny_run.path, out=tmp_path / "maps"))
        assert [path.name for path in written] == [f"{name}-gradcam.png" for name in names]
        assert set(written) == set((tmp_path / "maps").iterdir())


def test_methods_and_networks_side_by_side(tiny_run, image, tmp_path):
    out = tmp_path / "side.png"
    runs, methods = (tiny_run.path, tiny_run.model), ("gradcam", "layercam")
    (sheet,) = gradcam(GradcamConfig(images=image, run=runs, method=methods, out=out, save_arrays=True))
    (narrow,) = gradcam(GradcamConfig(images=image, run=tiny_run.path, method=methods, out=tmp_path / "narrow.png"))
    wide, less = (cv2.imread(str(path)).shape[1] for path in (sheet, narrow))
    assert wide - less == pytest.approx(2 * 156 * 1.2, abs=4)  # two more columns at 120 dots an inch
    arrays = {path.name for path in tmp_path.glob("*.npz")}
    assert arrays == {
        f"cell.v2-{run}-{method}.npz" for run in (tiny_run.path.name, "model.keras") for method in methods
    }


def test_arrays_are_never_written_over_those_of_another_run(tiny_run, image, tmp_path):
    """Also of another run whose folder has the same name; the same run's are."""
    out, namesake = tmp_path / "maps", tmp_path / "elsewhere" / tiny_run.path.name
    namesake.mkdir(parents=True)
    for name in (tiny_run.config.name, tiny_run.model.name):
        (namesake / name).write_bytes((tiny_run.path / name).read_bytes())
    out.mkdir()
    for run in (tiny_run.path, tiny_run.path, namesake):
        gradcam(GradcamConfig(images=image, run=run, out=out, save_arrays=True))
    first, second = out / "cell.v2-tiny-gradcam.npz", out / "cell.v2-tiny-gradcam-2.npz"
    assert set(out.glob("*.npz")) == {first, second}
    for path, network in ((first, tiny_run.model), (second, namesake / tiny_run.model.name)):
        arrays = np.load(path)
        assert str(arrays["network"]) == str(network.resolve())
        assert str(arrays["method"]) == "gradcam"
        assert arrays["layers"].tolist() == ["block4_conv"]
        assert float(arrays["share_cell"]) + float(arrays["share_outside"]) == pytest.approx(1)


def test_several_images_do_not_go_into_one_picture(tiny_run, tiny_cells, tmp_path):
    images, two = sorted(tiny_cells.rglob("*.bmp"))[:2], tmp_path / "two.png"
    with pytest.raises(ArgumentError, match=r"`out`: 2 images take a folder: .* Received: out=.*two.png"):
        gradcam(GradcamConfig(images=images, run=tiny_run.path, out=two))
    assert not two.exists()
    (one,) = gradcam(GradcamConfig(images=images[0], run=tiny_run.path, out=two))
    with pytest.raises(ArgumentError, match="2 images take a folder"):
        gradcam(GradcamConfig(images=images, run=tiny_run.path, out=one.rename(tmp_path / "taken")))


@pytest.mark.slow
def test_that_is_said_in_one_sentence(tiny_run, tiny_cells, tmp_path):
    images = map(str, sorted(tiny_cells.rglob("*.bmp"))[:2])
    flags = ["gradcam", *images, "--run", str(tiny_run.path), "--out", str(tmp_path / "two.png")]
    done = subprocess.run(
        [sys.executable, "-m", f"leukemia_tf.{flags[0]}", *flags[1:]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    *_, last = done.stderr.splitlines()
    assert last.startswith("error: --out: 2 images take a folder")
    assert not (tmp_path / "two.png").exists()


def test_a_black_image_is_drawn_with_a_warning(tiny_run, tmp_path, caplog):
    path = tmp_path / "black.png"
    cv2.imwrite(str(path), np.zeros((40, 40, 3), np.uint8))
    (picture,) = gradcam(GradcamConfig(images=path, run=tiny_run.path, out=tmp_path))
    assert picture.is_file()
    assert f"{path}: there is no cell in this image" in caplog.text


def test_what_cannot_be_explained(tiny_run, image, tmp_path):
    empty, foreign = tmp_path / "empty", tmp_path / "foreign.keras"
    empty.mkdir()
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]).save(foreign)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    for config, error, words in (
        (GradcamConfig(images=empty, run=tiny_run.path), DataError, "holds no images"),
        (GradcamConfig(images=image, run=foreign), RunError, "is not a network of this package"),
        (GradcamConfig(images=broken, run=tiny_run.path), BadImageError, "not an image"),
        (GradcamConfig(images=image, run=tiny_run.path, layer="logit"), UserError, "no stack of maps"),
        (GradcamConfig(images=image, run=tiny_run.path, method="gradcan"), UserError, "did you mean gradcam"),
    ):
        with pytest.raises(error, match=words):
            gradcam(config)


def test_activations(tiny_run, image, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        drawn = activations(ActivationsConfig(image, run=tiny_run.model, out=tmp_path / "maps.png", json=True))
    assert cv2.imread(str(drawn)).std() > 5
    layers = json.loads(next(record.message for record in caplog.records if record.message.startswith("{")))
    assert list(layers) == [f"block{i}_{kind}" for i in range(1, 5) for kind in ("conv", "pool")]
    assert layers["block1_conv"]["filters"] == 32
    assert layers["block1_conv"]["inside"] > 0


def test_every_filter_of_named_layers_of_two_runs(tiny_run, image, tmp_path, caplog):
    runs, out = (tiny_run.path, tiny_run.model), tmp_path / "all.png"
    config = ActivationsConfig(image, run=runs, out=out, layer="block3", filters="all", json=True)
    with caplog.at_level(logging.INFO):
        activations(config)
    one = activations(ActivationsConfig(image, run=tiny_run.path, out=tmp_path / "one.png", layer="block3"))
    assert cv2.imread(str(out)).shape[1] > cv2.imread(str(one)).shape[1]
    said = json.loads(next(record.message for record in caplog.records if record.message.startswith("{")))
    rows = read_csv(out.with_suffix(".csv"))
    assert list(said) == list(dict.fromkeys(row["run"] for row in rows)) == [tiny_run.path.name, "model.keras"]
    assert not one.with_suffix(".csv").exists()
    for run, layers in said.items():
        (layer,) = layers.values()
        mine = [row for row in rows if row["run"] == run]
        assert [int(row["filter"]) for row in mine] == list(range(layer["filters"]))
        assert [row["filter"] for row in layer["by_filter"]] == list(range(layer["filters"]))
        assert sum(int(row["silent"]) for row in mine) == layer["silent"]
    for filters in ("0", "every"):
        with pytest.raises(ArgumentError, match="`filters`: it takes a number of 1 or more, or all"):
            activations(ActivationsConfig(image, run=tiny_run.path, filters=filters))


def test_explain_check(tiny_run, tmp_path, caplog):
    before = [value.copy() for value in load_network(tiny_run.model).get_weights()]
    methods = ("gradcam", "occlusion")
    config = ExplainCheckConfig(run=tiny_run.path, out=tmp_path / "check", method=methods, cells=5)
    with caplog.at_level(logging.INFO):
        scores = explain_check(config)
    assert json.loads((tmp_path / "check" / "explain-check.json").read_text())["cells"] == scores["cells"] == 5
    assert list(scores["methods"]) == [*methods, "random", "centre"]
    random = scores["methods"]["random"]["more_than_random"]["insertion"]
    assert random["value"] == 0
    occlusion = scores["methods"]["occlusion"]
    assert (
        occlusion["deletion"]["value"] > scores["methods"]["random"]["deletion"]["value"]
    )  # it is measured on the network itself
    assert list(occlusion["shuffled"]) == ["head", "block4", "block3", "block2", "block1"]
    assert scores["agreement"]["gradcam"]["gradcam"] == pytest.approx(1)
    assert {path.name for path in (tmp_path / "check").iterdir()} >= {"curves.png", "shuffled.png", "agreement.png"}
    assert "insertion minus random" in caplog.text
    assert json.loads(tiny_run.explain_check.read_text())["explained"] == ["block4_conv"]
    for was, now in zip(before, load_network(tiny_run.model).get_weights()):
        np.testing.assert_array_equal(was, now)


def test_a_network_file_predicts_like_its_run(tiny_run, image):
    from leukemia_tf.config import PredictConfig

    (by_run,), (by_file,) = (predict(PredictConfig(images=image, run=run)) for run in (tiny_run.path, tiny_run.model))
    assert by_run == by_file


def test_the_report_of_explain_check(tiny_run, tmp_path, check_report):
    scores = explain_check(ExplainCheckConfig(tiny_run.path, out=tmp_path, method=("gradcam",), cells=4))
    page = check_report(tmp_path / "report.html")
    gain = scores["methods"]["gradcam"]["more_than_random"]["insertion"]
    assert format_score(gain, "+") in page.inner_text(".summary strong")
    assert page.query_selector_all("#examples ~ ul.cells img")
