"""Cells found in fields: against the mask that a field was drawn from, and against experts' masks."""

import cv2
import numpy as np
import pytest
from smear import LOBED, WhiteCell, draw_smear

from leukemia_tf.data.integrity import read_image
from leukemia_tf.data.segmentation import AT_BORDER, CLUMPED, TOO_SMALL, find_cells, without_too_small
from leukemia_tf.data.segmentation_pictures import SIDE, draw_mask, draw_overlay, on_black


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def kept(cells):
    return [cell for cell in cells if not cell.problem]


def agreement(pixels, truth):
    """Return the Dice of nucleus and of whole cell."""
    mask = draw_mask(pixels.shape, kept(find_cells(pixels)))
    return dice(mask == 255, truth == 255), dice(mask > 0, truth > 0)


def test_cells_among_red_cells_are_those_that_were_drawn():
    cells = [WhiteCell(80, 80), WhiteCell(250, 200, 40), WhiteCell(300, 70, 34, LOBED)]
    red = ((125, 95), (35, 200), (200, 150), (300, 240), (350, 110), (140, 250), (190, 40))
    pixels, truth = draw_smear(cells, red_cells=red)
    assert min(agreement(pixels, truth)) > 0.94
    boxes = sorted((cell.box, cell.area) for cell in find_cells(pixels))
    assert len(boxes) == 3
    for (box, area), cell in zip(boxes, cells, strict=True):
        x, y, width, height = box
        assert np.hypot(x + width / 2 - cell.x, y + height / 2 - cell.y) < 3
        assert area == pytest.approx(np.pi * cell.radius**2, rel=0.1)


@pytest.mark.parametrize("scale", [0.7, 2.5])
def test_the_scale_of_the_picture_does_not_matter(scale):
    pixels, truth = draw_smear(
        [WhiteCell(90, 90), WhiteCell(260, 180, 34, LOBED)], red_cells=((150, 110),), scale=scale
    )
    assert min(agreement(pixels, truth)) > 0.93


def test_the_colour_of_the_light_does_not_matter():
    pixels, truth = draw_smear([WhiteCell(90, 90), WhiteCell(260, 180, 34, LOBED)], red_cells=((150, 110),))
    yellow = np.clip(pixels * (1.0, 0.9, 0.6), 0, 255).astype(np.uint8)
    assert min(agreement(yellow, truth)) > 0.94


def test_cells_that_touch_are_two_and_lobes_are_one():
    two = [WhiteCell(150, 150, 32), WhiteCell(213, 150, 32)]
    pixels, truth = draw_smear(two)
    assert len(kept(find_cells(pixels))) == 2
    assert min(agreement(pixels, truth)) > 0.94
    assert len(find_cells(draw_smear([WhiteCell(200, 150, 40, LOBED)])[0])) == 1


def test_cells_whose_nuclei_touch_are_cut_apart():
    facing = (WhiteCell(158, 150, 32, ((0.25, 0, 0.75),)), WhiteCell(220, 150, 32, ((-0.25, 0, 0.75),)))
    assert len(find_cells(draw_smear(list(facing))[0])) == 2


def test_cells_that_overlap_are_left_out():
    cells = [WhiteCell(150, 150, 32), WhiteCell(196, 150, 32), WhiteCell(320, 80)]
    problems = sorted(cell.problem for cell in find_cells(draw_smear(cells)[0]))
    assert problems == ["", CLUMPED, CLUMPED]


def test_a_cell_at_the_border_is_left_out_but_not_a_crop_of_it():
    pixels, _ = draw_smear([WhiteCell(10, 150), WhiteCell(250, 150)])
    assert sorted(cell.problem for cell in find_cells(pixels)) == ["", AT_BORDER]
    pixels, truth = draw_smear([WhiteCell(30, 30)], 61, 61)  # nothing but the cell
    assert [cell.problem for cell in find_cells(pixels)] == [""]
    assert min(agreement(pixels, truth)) > 0.9


def test_without_a_nucleus_there_is_no_cell():
    assert find_cells(draw_smear([], red_cells=((60, 60), (200, 100)))[0]) == []
    assert find_cells(np.full((50, 60, 3), 240, np.uint8)) == []
    assert find_cells(np.full((1, 1, 3), 240, np.uint8)) == []


def test_platelets_are_too_small():
    speck = WhiteCell(300, 60, 12, ((0, 0, 0.8),))
    pixels, _ = draw_smear([WhiteCell(100, 150, 40), speck])
    assert sorted(cell.problem for cell in find_cells(pixels)) in ([""], ["", TOO_SMALL])
    alone = find_cells(draw_smear([WhiteCell(100, 150, 30)])[0])
    assert [cell.problem for cell in without_too_small(alone, 0.05)] == [TOO_SMALL]  # 3 micrometres
    assert [cell.problem for cell in without_too_small(alone, 0.15)] == [""]


def test_a_cell_on_black_is_centred_and_scaled():
    pixels, truth = draw_smear([WhiteCell(90, 90)])
    (cell,) = find_cells(pixels)
    for scale in (1, 2.5):
        picture = on_black(pixels, cell, scale)
        inside = picture.max(-1) > 10
        assert picture.shape == (SIDE, SIDE, 3)
        assert inside.sum() == pytest.approx(cell.area * scale**2, rel=0.03)
        rows, columns = np.nonzero(inside)
        assert max(abs(rows.mean() - SIDE / 2), abs(columns.mean() - SIDE / 2)) < 4
    assert on_black(pixels, cell, 10) is None
    assert (draw_overlay(pixels, [cell]) != pixels).any(-1).sum() < 0.2 * truth.size


@pytest.mark.parametrize(("name", "nucleus", "cell"), [("set1", 0.93, 0.95), ("set2", 0.95, 0.93)])
def test_agreement_with_experts(wbc_segmentation, name, nucleus, cell):
    masks = sorted((wbc_segmentation / name).glob("*_mask.png"))[::5]
    scores = [
        agreement(read_image(path.with_name(path.name.replace("_mask", "")))[1], cv2.imread(str(path), 0))
        for path in masks
    ]
    assert np.mean(scores, axis=0) == pytest.approx(np.mean(scores, axis=0).clip([nucleus, cell], 1))
