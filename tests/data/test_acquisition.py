"""Each acquisition cue is measured as it was drawn."""

import math

import cv2
import numpy as np
import pytest

from leukemia_tf.data.acquisition import AREA, CUES, KINDS, file_kind, measure_acquisition, outline
from leukemia_tf.data.reading import read_catalog
from leukemia_tf.data.scan import scan

SIDE = 240
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
DISC = np.hypot(ROWS - 110, COLUMNS - 125) < 80


def draw(noise=1.0, blur=0.0, background=0, inside=DISC, seed=0):
    rng = np.random.default_rng(seed)
    texture = cv2.GaussianBlur(rng.normal(size=(SIDE, SIDE)), (0, 0), 2.0)
    texture = 100 + 12 * texture / texture.std()
    if blur:
        texture = cv2.GaussianBlur(texture, (0, 0), blur)
    pixels = texture[..., None] + rng.normal(0, noise, (SIDE, SIDE, 3))
    return np.where(inside[..., None], np.clip(np.rint(pixels), 20, 180), background).astype(np.uint8)


def measure(pixels, suffix=".bmp"):
    return measure_acquisition(cv2.imencode(suffix, pixels)[1].tobytes(), pixels)


def test_every_cue_is_measured():
    measured = measure(draw())
    assert set(measured) == {*CUES, AREA}
    assert all(math.isfinite(value) for value in measured.values())
    assert measured[AREA] == DISC.sum()
    assert abs(measured["red_x"]) < 0.03
    assert abs(measured["blue_y"]) < 0.03
    assert measure(np.roll(draw(), 1, axis=1) * [1, 0, 0] + draw() * [0, 1, 1])["red_x"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("noise", [2.0, 4.0, 8.0])
def test_noise_is_its_standard_deviation(noise):
    flat = cv2.GaussianBlur(draw(noise=0), (0, 0), 6)
    rng = np.random.default_rng(1)
    noisy = np.where(DISC[..., None], np.clip(flat + rng.normal(0, noise, flat.shape), 20, 255), 0).astype(np.uint8)
    assert measure(noisy)["noise"] == pytest.approx(noise, rel=0.1)


def test_a_blurred_cell_is_less_sharp_whatever_its_contrast():
    sharp = [measure(draw(noise=0.3, blur=blur))["sharpness"] for blur in (0, 1, 2)]
    assert sharp[0] > sharp[1] > sharp[2]
    pale = np.where(DISC[..., None], 100 + (draw(noise=0.3).astype(float) - 100) / 2, 0).astype(np.uint8)
    assert measure(pale)["sharpness"] == pytest.approx(sharp[0], rel=0.1)


def test_a_jagged_outline_is_rough():
    jagged = np.hypot(ROWS - 110, COLUMNS - 125) < 80 + 3 * np.sin(40 * np.arctan2(ROWS - 110, COLUMNS - 125))
    lobed = np.hypot(ROWS - 110, COLUMNS - 125) < 80 + 6 * np.sin(3 * np.arctan2(ROWS - 110, COLUMNS - 125))
    smooth, lobes, rough = (measure(draw(inside=inside))["roughness"] for inside in (DISC, lobed, jagged))
    assert rough > 1.2
    assert smooth == pytest.approx(1, abs=0.01)
    assert lobes == pytest.approx(smooth, abs=0.01)  # a shape is not roughness


@pytest.mark.parametrize("background", [0, 6, 200, 255])
def test_the_background(background):
    pixels = draw(background=background)
    assert measure(pixels)["background"] == background
    np.testing.assert_array_equal(outline(pixels) > 0, DISC)


def test_the_kind_of_file(tmp_path):
    pixels = draw()
    bmp = cv2.imencode(".bmp", pixels)[1].tobytes()
    offset = bmp[:10] + (138).to_bytes(4, "little") + bmp[14:54] + bytes(84) + bmp[54:]
    other = bmp[:10] + (122).to_bytes(4, "little") + bmp[14:54] + bytes(68) + bmp[54:]
    kinds = {"bmp_54": bmp, "bmp_138": offset, "bmp": other}
    kinds |= {"png": cv2.imencode(".png", pixels)[1].tobytes(), "jpeg": cv2.imencode(".jpg", pixels)[1].tobytes()}
    assert {name: file_kind(content) for name, content in kinds.items()} == {name: name for name in KINDS}
    assert [measure(pixels, ".jpg")[f"file_{name}"] for name in KINDS] == [0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((50, 40, 3), np.uint8),
        np.full((50, 40, 3), 77, np.uint8),
        np.full((1, 1, 3), 255, np.uint8),
        np.pad(np.full((1, 1, 3), 255, np.uint8), ((9, 9), (9, 9), (0, 0))),
        np.pad(np.full((2, 60, 3), 255, np.uint8), ((30, 30), (9, 9), (0, 0))),
        np.random.default_rng(0).integers(0, 256, (90, 90, 3)).astype(np.uint8),
    ],
    ids=["black", "grey", "one white pixel", "a speck", "a line", "noise"],
)
def test_odd_pictures(pixels):
    measured = measure(pixels)
    assert set(measured) == {*CUES, AREA}
    assert math.isnan(measured["red_x"])
    assert not any(math.isinf(value) for value in measured.values())


def test_a_scan_measures_what_it_reads(tiny_cells):
    catalog = read_catalog(tiny_cells)
    scanned = scan(catalog, measure=lambda content, pixels: {"bytes": len(content), "pixels": pixels.size})
    sizes = [(tiny_cells / cell.path).stat().st_size for cell in scanned.cells]
    assert [row["bytes"] for row in scanned.measured] == sizes
    assert {row["pixels"] for row in scanned.measured} == {120 * 120 * 3}
    assert set(map(len, scan(catalog).measured)) == {0}
