"""Each alteration of `stress` does what its name says, and nothing else."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.data import alterations_keeping as keeping
from leukemia_tf.data import alterations_removing as removing
from leukemia_tf.data.alterations import ALTERATIONS, KEEPS, REMOVES, Amounts, altered, measure
from leukemia_tf.data.cell_picture import cell_mask, cell_picture
from leukemia_tf.data.dihedral import dihedral
from leukemia_tf.data.preprocessing import BACKGROUND
from leukemia_tf.data.synthetic import draw_cells

AMOUNTS = Amounts(area=3000, brightness=6, haematoxylin=0.1)
BY_NAME = {alteration.name: alteration for alteration in ALTERATIONS}


@pytest.fixture(scope="module")
def cells():
    drawn = draw_cells(patients=2, cells=3, seed=2, side=120)
    return [cell_picture(pixels, number) for number, (_, pixels) in enumerate(drawn)]


def ellipse(axes=(40, 25), angle=0, side=120, noise=0.0):
    rng, pixels = np.random.default_rng(1), np.zeros((side, side, 3))
    cv2.ellipse(pixels, (side // 2, side // 2), axes, angle, 0, 360, (120, 60, 150), -1)
    inside = pixels.any(-1)
    pixels[inside] += rng.normal(0, noise, (inside.sum(), 3))
    return cell_picture(np.rint(pixels).astype(np.uint8))


def angle_of(mask):
    moments = cv2.moments(mask.astype(np.uint8), binaryImage=True)
    return np.degrees(np.arctan2(2 * moments["mu11"], moments["mu20"] - moments["mu02"]) / 2)


def test_seven_turns_and_flips(cells):
    cell = cells[0]
    names = [alteration.name for alteration in ALTERATIONS[:7]]
    ours = [BY_NAME[name].alter(cell, AMOUNTS) for name in names]
    views = dihedral(tf.constant(np.stack([cell.pixels] * 7)), tf.range(1, 8)).numpy()
    assert {view.tobytes() for view in views} == {view.tobytes() for view in ours}
    np.testing.assert_array_equal(ours[names.index("mirrored")], cell.pixels[:, ::-1])
    np.testing.assert_array_equal(ours[names.index("upside down")], cell.pixels[::-1])
    np.testing.assert_array_equal(ours[names.index("transposed")], views[3])  # 4: rows and columns swapped
    turned = cell
    for _ in range(4):
        turned = cell_picture(keeping.turned(turned, 1))
    np.testing.assert_array_equal(turned.pixels, cell.pixels)
    np.testing.assert_array_equal(keeping.turned(cell, 3), keeping.turned(cell_picture(keeping.turned(cell, 1)), 2))


def test_a_picture_that_is_not_square_can_be_turned(cells):
    cell = cell_picture(cells[0].pixels[:, 5:-6])
    shapes = {picture.shape[:2] for picture in list(altered(cell, AMOUNTS))[:7]}
    assert shapes == {(120, 109), (109, 120)}


def test_rotated_by_ten_degrees():
    cell = ellipse()
    rotated = cell_mask(keeping.rotated(cell, 10))
    assert angle_of(rotated) == pytest.approx(angle_of(cell.mask) - 10, abs=0.3)  # rows point down
    assert rotated.sum() == pytest.approx(cell.mask.sum(), rel=0.01)
    tight = cell_picture(cell.pixels[34:87, 19:102])
    assert cell_mask(keeping.rotated(tight, 10)).sum() == pytest.approx(cell.mask.sum(), rel=0.01)  # nothing is cut


def test_jpeg_loses_little(cells):
    for cell in cells:
        stored = keeping.jpeg(cell, 75)
        error = np.abs(stored.astype(int) - cell.pixels).mean()
        assert 0 < error < 3
        assert error > np.abs(keeping.jpeg(cell, 95).astype(int) - cell.pixels).mean()


def test_blur_averages_inside_alone():
    np.testing.assert_array_equal(keeping.blurred(ellipse(), 1), ellipse().pixels)  # no black comes in
    cell = ellipse(noise=20)
    blurred = keeping.blurred(cell, 1)
    middle = cell.depth > 8
    ratio = blurred[middle].std(0) / cell.pixels[middle].std(0)
    np.testing.assert_allclose(ratio, 1 / (2 * np.sqrt(np.pi)), rtol=0.1)  # of white noise under a Gaussian
    np.testing.assert_array_equal(cell_mask(blurred), cell.mask)


def test_noise_is_that_of_the_picture():
    cell = ellipse()
    noise = keeping.noisy(cell, 3).astype(float) - cell.pixels
    assert noise[cell.mask].std() == pytest.approx(np.sqrt(9 + 1 / 12), rel=0.03)
    assert abs(noise[cell.mask].mean()) < 0.1
    assert not noise[~cell.mask].any()
    np.testing.assert_array_equal(keeping.noisy(cell, 3), keeping.noisy(cell, 3))
    assert (keeping.noisy(cell_picture(cell.pixels, 7), 3) != keeping.noisy(cell, 3)).any()


def test_brightness_and_stain_change_by_their_amount(cells):
    for cell in cells:
        area, grey, haematoxylin = measure(cell)
        brighter = measure(cell_picture(keeping.brightened(cell, 5)))
        assert (brighter[0], brighter[1]) == (area, pytest.approx(grey + 5, abs=0.1))
        stained = cell_picture(keeping.restained(cell, 0.1))
        assert measure(stained)[2] == pytest.approx(haematoxylin + 0.1, abs=0.01)
        eosin = [keeping.stain_amounts(one.colours)[:, 1].mean() for one in (cell, stained)]
        assert eosin[1] == pytest.approx(eosin[0], abs=0.01)
        np.testing.assert_array_equal(keeping.restained(cell, 0), cell.pixels)


def test_shifted_channels(cells):
    rows, columns = np.mgrid[:40, :50].astype(np.float32)
    ramp = 3 * rows + 2 * columns
    np.testing.assert_allclose(keeping.shifted(ramp, 0.5, 0)[2:-2], (ramp - 1.5)[2:-2], rtol=1e-6)
    np.testing.assert_allclose(keeping.shifted(ramp, 0.5, 1)[:, 2:-2], (ramp - 1)[:, 2:-2], rtol=1e-6)
    np.testing.assert_array_equal(keeping.shifted(ramp, 1, 1)[:, 1:], ramp[:, :-1])
    for cell in cells:
        np.testing.assert_array_equal(keeping.channels_shifted(cell, 0), cell.pixels)
        moved = keeping.channels_shifted(cell, 0.5)
        np.testing.assert_array_equal(moved[..., 1], cell.pixels[..., 1])
        np.testing.assert_array_equal(cell_mask(moved), cell.mask)
    right, down = (cell_picture(np.dstack([np.uint8(40 + axis)] * 3)) for axis in (columns, rows))
    assert np.median(down.pixels[..., 0] - keeping.channels_shifted(down, 1)[..., 0].astype(int)) == 1
    assert np.median(right.pixels[..., 0] - keeping.channels_shifted(right, 1)[..., 0].astype(int)) == 0
    assert np.median(right.pixels[..., 2] - keeping.channels_shifted(right, 1)[..., 2].astype(int)) == 1


def test_masks_grow_and_shrink_by_four_pixels():
    cell = ellipse((40, 40))
    area = cell.mask.sum()
    radius = np.sqrt(area / np.pi)
    for change, reach in ((keeping.grown, 4), (keeping.shrunk, -4), (keeping.with_background_rim, 4)):
        mask = cell_mask(change(cell, 4))
        assert mask.sum() == pytest.approx(np.pi * (radius + reach) ** 2, rel=0.02)
        assert (mask >= cell.mask).all() if reach > 0 else (mask <= cell.mask).all()
    tight = cell_picture(cell.pixels[20:101, 20:101])
    assert keeping.grown(tight, 4).shape == (89, 89, 3)
    tiny = cell_picture(np.pad(np.full((3, 3, 3), 90, np.uint8), ((5, 5), (5, 5), (0, 0))))
    np.testing.assert_array_equal(keeping.shrunk(tiny, 4), tiny.pixels)


def test_the_colour_of_a_rim(cells):
    for cell in cells:
        grown, plasma = keeping.grown(cell, 4), keeping.with_background_rim(cell, 4)
        rim = (cell.distance > 0) & (cell.distance <= 4)
        near = {tuple(pixel) for pixel in cell.pixels[cell.core].tolist()}
        assert {tuple(pixel) for pixel in grown[rim].tolist()} <= near
        palest = np.rint(np.percentile(cell.colours, 99, axis=0))
        np.testing.assert_array_equal(plasma[rim], np.broadcast_to(palest, (rim.sum(), 3)))
        for picture in (grown, plasma):
            np.testing.assert_array_equal(picture[cell.core], cell.pixels[cell.core])


def test_a_filled_cell_is_its_outline_alone(cells):
    for cell in cells:
        filled = removing.filled(cell)
        np.testing.assert_array_equal(cell_mask(filled), cell.mask)
        assert not filled[cell.mask].std(0).any()
        np.testing.assert_allclose(filled[cell.mask][0], cell.colours.mean(0), atol=0.5)


@pytest.mark.parametrize("area", [1500, 3000, 6000])
def test_all_cells_have_one_size(cells, area):
    for cell in cells:
        scaled = cell_picture(removing.scaled_to(cell, area))
        assert scaled.mask.sum() == pytest.approx(area, rel=0.01)
        assert scaled.colours.mean() == pytest.approx(cell.colours.mean(), rel=0.03)
        grown = np.array(scaled.pixels.shape[:2]) > cell.pixels.shape[:2]
        assert (grown == (np.array(scaled.pixels.shape[:2]) == scaled.box[2:])).all() or not grown.any()


def test_a_disc_shows_neither_size_nor_outline(cells):
    areas = set()
    for cell in (*cells, ellipse((40, 8))):
        inside = removing.disc(cell, 3000)
        areas.add(int(inside.any(-1).sum()))
        same = inside.any(-1) & cell.core
        np.testing.assert_array_equal(inside[same], cell.pixels[same])
    (area,) = areas
    assert area == pytest.approx(np.pi * removing.disc_radius(3000) ** 2, rel=0.02)
    assert removing.disc_radius(3000) == pytest.approx(0.6 * np.sqrt(3000 / np.pi))


def test_grey_rim_and_shuffled(cells):
    for cell in cells:
        grey = removing.grey(cell)
        assert (grey == grey[..., :1]).all()
        luma = cell.colours @ np.array([0.299, 0.587, 0.114])
        np.testing.assert_allclose(grey[cell.mask][:, 0], np.maximum(luma, BACKGROUND + 1), atol=0.6)
        rim = removing.only_rim(cell, 6)
        inside = cell.depth > 6
        assert not rim[inside].std(0).any()
        np.testing.assert_array_equal(rim[~inside], cell.pixels[~inside])
        shuffled = removing.shuffled(cell)
        assert sorted(map(tuple, shuffled[cell.mask].tolist())) == sorted(map(tuple, cell.colours.tolist()))
        assert (shuffled[cell.mask] != cell.colours).any(1).mean() > 0.9
        np.testing.assert_array_equal(shuffled[~cell.mask], cell.pixels[~cell.mask])


def test_the_table(cells):
    assert {alteration.kind for alteration in ALTERATIONS} == {KEEPS, REMOVES}
    assert len(BY_NAME) == len(ALTERATIONS)
    assert all(bool(alteration.left) == (alteration.kind == REMOVES) for alteration in ALTERATIONS)
    for cell in cells:
        before = cell.pixels.copy()
        for alteration, picture in zip(ALTERATIONS, altered(cell, AMOUNTS), strict=True):
            assert (picture.dtype, picture.ndim) == (np.uint8, 3), alteration.name
            assert picture.shape != cell.pixels.shape or (picture != cell.pixels).any(), alteration.name
        np.testing.assert_array_equal(cell.pixels, before)


def test_a_picture_without_a_cell_stays():
    empty = cell_picture(np.zeros((30, 40, 3), np.uint8))
    assert all(picture is empty.pixels for picture in altered(empty, AMOUNTS))
    assert np.isnan(measure(empty)).all()
