"""Each transform does what its name says, within its range, and leaves the background black."""

from dataclasses import fields

import cv2
import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.config import Augmentation
from leukemia_tf.core.errors import ArgumentError
from leukemia_tf.data import draws
from leukemia_tf.data.augmentation import COLOURS, FILES, GEOMETRIC, augment
from leukemia_tf.data.dihedral import dihedral
from leukemia_tf.data.draws import MIXING, TRANSFORMS, epoch_draws
from leukemia_tf.data.mixing import epoch_mixing, mix
from leukemia_tf.data.synthetic import draw_cells

OFF = {"dihedral": False}


@pytest.fixture(scope="module")
def cells():
    return np.stack([pixels for _, pixels in draw_cells(patients=2, cells=5, seed=2, side=96)][:8])


def draws_with(name, numbers, count=8):
    """Draws that turn every transform on, all numbers in the middle but `numbers` (each 0-1) of one transform."""
    draws = np.full((count, len(TRANSFORMS), 4), 0.5, np.float32)
    draws[:, :, 0] = 0
    draws[:, TRANSFORMS.index(name), 1 : 1 + len(numbers)] = numbers
    return tf.constant(draws)


def changed(cells, name, reach, *numbers):
    settings = Augmentation(**OFF, **{name: (1.0, reach)})
    return augment(tf.constant(cells), draws_with(name, numbers, len(cells)), settings).numpy()


def test_eight_exact_views():
    image = np.random.default_rng(0).integers(0, 256, (5, 5, 3), np.uint8)
    views = dihedral(tf.constant(np.stack([image] * 8)), tf.range(8)).numpy()
    wanted = [np.rot90(side, turns) for side in (image, image[:, ::-1]) for turns in range(4)]
    assert {view.tobytes() for view in views} == {np.ascontiguousarray(view).tobytes() for view in wanted}
    np.testing.assert_array_equal(views[0], image)


@pytest.mark.parametrize(("number", "angle"), [(1.0, 90), (0.0, -90), (0.75, 45)])
def test_rotation_equals_opencv(cells, number, angle):
    got = changed(cells, "rotation", 90.0, number)
    for picture, image in zip(got, cells):
        turn = cv2.getRotationMatrix2D((47.5, 47.5), angle, 1.0)
        wanted = cv2.warpAffine(image, turn, (96, 96), flags=cv2.INTER_LINEAR)
        assert np.mean(np.abs(picture.astype(int) - wanted) > 3) < 0.005


def test_a_right_angle_is_exact(cells):
    np.testing.assert_array_equal(changed(cells, "rotation", 90.0, 1.0), np.rot90(cells, 1, (1, 2)))


def test_translation(cells):
    got = changed(cells, "translation", 0.25, 1.0, 0.0)  # the window moves right and up: the picture left and down
    wanted = np.zeros_like(cells)
    wanted[:, 24:, :-24] = cells[:, :-24, 24:]
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize(
    ("name", "numbers", "scale"), [("zoom", (1.0,), 1.5), ("zoom", (0.0,), 0.5), ("crop", (1.0, 0.5, 0.5), 2)]
)
def test_zoom_and_crop(cells, name, numbers, scale):
    got = changed(cells, name, 0.5, *numbers)
    for picture, image in zip(got, cells):
        resized = cv2.warpAffine(image, cv2.getRotationMatrix2D((47.5, 47.5), 0, scale), (96, 96))
        assert np.mean(np.abs(picture.astype(int) - resized) > 3) < 0.01


def test_brightness_contrast_gamma(cells):
    inside = cells.max(-1) > 10
    brighter = changed(cells, "brightness", 0.1, 1.0)
    np.testing.assert_allclose(brighter[inside], np.minimum(cells[inside] + 25.5, 255), atol=0.51)
    flat = changed(cells, "contrast", 1.0, 0.0)
    for picture, image, cell in zip(flat, cells, inside):
        np.testing.assert_allclose(picture[cell], np.broadcast_to(image[cell].mean(0), picture[cell].shape), atol=11)
    darker = changed(cells, "gamma", 0.5, 1.0)
    wanted = 255 * (np.maximum(cells[inside], 1) / 255.0) ** 1.5
    kept = (wanted > 11).any(-1)
    np.testing.assert_allclose(darker[inside][kept], wanted[kept], atol=0.51)


def test_stain_scales_one_stain(cells):
    """Beer and Lambert: twice the amount of every stain is twice the optical density."""
    inside = cells.max(-1) > 10
    got = changed(cells, "stain", 0.5, 1.0, 1.0, 1.0)
    wanted = 256 * ((cells[inside] + 1) / 256.0) ** 1.5 - 1
    kept = (wanted > 11).any(-1)
    np.testing.assert_allclose(got[inside][kept], np.maximum(wanted[kept], 0), atol=0.51)
    one = changed(cells, "stain", 0.5, 1.0)  # one stain alone: the change of density keeps to that stain's colour
    density = -np.log((one[inside] + 1) / 256.0) + np.log((cells[inside] + 1) / 256.0)
    bright = (one[inside] > 20).all(-1) & (density.sum(-1) > 0.2)
    colour = density[bright] / np.linalg.norm(density[bright], axis=-1, keepdims=True)
    np.testing.assert_allclose(np.median(colour, axis=0), np.array([0.65, 0.70, 0.29]) / 0.998, atol=0.03)


def test_blur_equals_opencv(cells):
    got = changed(cells, "blur", 2.0, 1.0)
    inside = cells.max(-1) > 10
    for picture, image, cell in zip(got, cells, inside):
        wanted = cv2.GaussianBlur(image, (13, 13), 2.0, borderType=cv2.BORDER_REFLECT_101)
        kept = cell & (wanted > 11).any(-1)
        assert np.abs(picture[kept].astype(int) - wanted[kept]).max() <= 1


def test_noise_has_the_deviation_that_was_drawn(cells):
    flat = np.full_like(cells, 128)
    difference = changed(flat, "noise", 6.0, 1.0).astype(float) - 128  # the full range
    assert difference.std() == pytest.approx(6.0, abs=0.1)
    assert abs(difference.mean()) < 0.1
    assert (changed(flat, "noise", 6.0, 0.5) == 128).all()  # the number in the middle stands for none of it
    np.testing.assert_array_equal(changed(cells, "noise", 6.0, 0.9), changed(cells, "noise", 6.0, 0.9))


def test_channel_shift_moves_red_and_blue_of_a_ramp():
    ramp = np.broadcast_to(100 + np.arange(96, dtype=np.uint8)[None, :, None], (2, 96, 96, 3)).copy()
    got = changed(ramp, "channel_shift", 2.0, 1.0, 0.0, 0.5).astype(int)[:, 4:-4, 4:-4]  # red 2 right, blue 2 left
    wanted = ramp.astype(int)[:, 4:-4, 4:-4]
    np.testing.assert_array_equal(got[..., 0], wanted[..., 0] - 2)
    np.testing.assert_array_equal(got[..., 1], wanted[..., 1])
    np.testing.assert_array_equal(got[..., 2], wanted[..., 2] + 2)
    down = ramp.transpose(0, 2, 1, 3)
    got = changed(down, "channel_shift", 2.0, 0.5, 0.5, 1.0).astype(int)[:, 4:-4, 4:-4]  # red down, blue up
    assert (got[..., 0] - down[:, 4:-4, 4:-4, 0] == -2).all()
    assert (got[..., 2] - down[:, 4:-4, 4:-4, 2] == 2).all()


def test_jpeg_is_the_codecs_at_the_quality_drawn(cells):
    got = changed(cells, "jpeg", 60.0, 0.75)  # half of the range: quality 70
    for picture, image in zip(got, cells):
        content = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 70])[1]
        np.testing.assert_array_equal(picture, cv2.imdecode(content, cv2.IMREAD_COLOR)[..., ::-1])


@pytest.mark.parametrize("name", [*GEOMETRIC, *COLOURS])
def test_background_stays_black_and_off_is_off(cells, name):
    draws = tf.constant(epoch_draws(len(cells), seed=3, epoch=0))
    reach = {"blur": 1.0, "noise": 3.0}.get(name, 0.3)
    got = augment(tf.constant(cells), draws, Augmentation(**OFF, **{name: (1.0, reach)})).numpy()
    assert (got != cells).any()
    if name in COLOURS:
        assert not got[cells.max(-1) <= 10].any()
    off = augment(tf.constant(cells), draws, Augmentation(**OFF, **{name: (0.0, 0.3)})).numpy()
    np.testing.assert_array_equal(off, cells)


def test_a_transform_that_is_not_drawn_changes_nothing():
    """Not even dark channels of a cell's pixels."""
    cell = np.zeros((1, 20, 20, 3), np.uint8)
    cell[0, 5:15, 5:15] = (60, 3, 40)
    draws = np.ones((1, len(TRANSFORMS), 4), np.float32)
    everything = Augmentation(**OFF, brightness=(0.5, 0.1), stain=(0.5, 0.1), rotation=(0.5, 20.0))
    np.testing.assert_array_equal(augment(tf.constant(cell), tf.constant(draws), everything), cell)


def test_probability(cells):
    draws = tf.constant(epoch_draws(400, seed=0, epoch=0))
    many = np.repeat(cells[:1], 400, axis=0)
    got = augment(tf.constant(many), draws, Augmentation(**OFF, brightness=(0.3, 0.2))).numpy()
    share = np.mean([(picture != cells[0]).any() for picture in got])
    assert 0.22 < share < 0.38


def test_the_table_is_that_of_the_settings():
    assert sorted(("dihedral", *GEOMETRIC, *COLOURS, *FILES, *MIXING)) == sorted(TRANSFORMS)
    assert sorted(TRANSFORMS) == sorted(column.name for column in fields(Augmentation))


def test_another_transform_changes_no_other_draws(cells, monkeypatch):
    """Whatever its place in the table: each draw is keyed by seed, epoch, name and position."""
    images, settings = tf.constant(cells), Augmentation(**OFF, **dict.fromkeys((*GEOMETRIC, *COLOURS), (0.7, 0.3)))
    mixing = Augmentation(mixup=(0.5, 0.2), cutmix=(0.5, 1.0))
    before, view = epoch_draws(8, 3, 1), augment(images, tf.constant(epoch_draws(8, 3, 1)), settings).numpy()
    mixed = epoch_mixing(8, mixing, 3, 1)
    more = ("shear", *reversed(TRANSFORMS), "sharpen")
    monkeypatch.setattr(draws, "TRANSFORMS", more)
    drawn = epoch_draws(8, 3, 1)
    for index, name in enumerate(TRANSFORMS):
        np.testing.assert_array_equal(drawn[:, more.index(name)], before[:, index])
    np.testing.assert_array_equal(augment(images, tf.constant(drawn), settings), view)
    np.testing.assert_array_equal(epoch_mixing(8, mixing, 3, 1), mixed)
    assert len({drawn[:, index].tobytes() for index in range(len(more))}) == len(more)


@pytest.mark.parametrize("name", MIXING)
def test_one_mixing_does_not_change_the_draws_of_the_other(name):
    one, both = (dict.fromkeys(names, (0.5, 0.4)) for names in ((name,), MIXING))
    (partner, share), (same, shares) = (epoch_mixing(400, Augmentation(**chosen), 0, 1) for chosen in (one, both))
    np.testing.assert_array_equal(partner, same)
    sign = 1 if name == "mixup" else -1
    alike = (shares * sign > 0) & (shares * sign < 1)
    np.testing.assert_array_equal(shares[alike], share[alike])
    assert alike.sum() > 50


def test_draws_of_a_position_do_not_depend_on_the_length_of_the_epoch():
    np.testing.assert_array_equal(epoch_draws(50, 1, 2)[:20], epoch_draws(20, 1, 2))
    for other in (epoch_draws(20, 1, 3), epoch_draws(20, 2, 2)):
        assert (other != epoch_draws(20, 1, 2)).any()


def test_a_new_transform_is_one_function_and_one_record(cells, monkeypatch):
    """With a field of its name in `Augmentation`, here `gamma`'s."""
    monkeypatch.setitem(COLOURS, "gamma", lambda values, numbers, reach, inside: 255 - values)
    got = changed(cells, "gamma", 0.5)
    inside = cells.max(-1) > 10
    np.testing.assert_array_equal(got[inside], 255 - cells[inside])
    monkeypatch.setitem(
        GEOMETRIC, "zoom", lambda numbers, reach: (tf.constant([[0.0, 1.0], [1.0, 0.0]]), tf.zeros([2]))
    )
    np.testing.assert_array_equal(changed(cells, "zoom", 0.5), cells.transpose(0, 2, 1, 3))


def test_mixup_and_cutmix():
    one, other = np.full((4, 10, 10, 3), 100, np.uint8), np.full((4, 10, 10, 3), 200, np.uint8)
    labels, others = tf.zeros([4, 1]), tf.ones([4, 1])
    share = tf.constant([1.0, 0.25, -0.64, -0.25])
    draws = draws_with("cutmix", (0.5, 0.5), 4)
    got, label = (part.numpy() for part in mix(one, other, labels, others, share, draws))
    assert set(got[0].ravel()) == {100}
    assert set(got[1].ravel()) == {175}
    assert set(got[2].ravel()) == {100, 200}
    pasted = (got[2:] == 200).mean((1, 2, 3))
    np.testing.assert_allclose(pasted, [0.36, 0.64], atol=0.01)  # squares of side 6 and 8 of 10
    np.testing.assert_allclose(label[:, 0], [0, 0.75, *pasted], atol=1e-6)


def test_mixing_is_as_frequent_as_requested():
    settings = Augmentation(mixup=(0.5, 0.2), cutmix=(0.25, 1.0))
    partner, share = epoch_mixing(4000, settings, seed=0, epoch=1)
    assert np.mean(share < 0) == pytest.approx(0.25, abs=0.03)
    assert np.mean((share > 0) & (share < 1)) == pytest.approx(0.5 * 0.75, abs=0.05)
    assert partner.min() >= 0
    assert partner.max() < 4000


@pytest.mark.parametrize("value", [(1.2, 0.5), (-0.1, 0.5), (0.5, -1.0), (0.5, 1.5), (0.5,)])
def test_bad_settings(value):
    with pytest.raises(ArgumentError, match=r"`augment\.zoom`"):
        Augmentation(zoom=value)


@pytest.mark.parametrize("name", [*GEOMETRIC, *COLOURS])
def test_a_batch_in_which_no_cell_is_drawn(cells, name):
    """Inside a graph, as the training has it."""
    draws = np.ones((len(cells), len(TRANSFORMS), 4), np.float32)
    view = tf.function(lambda batch: augment(batch, tf.constant(draws), Augmentation(**OFF, **{name: (0.5, 0.3)})))
    np.testing.assert_array_equal(view(tf.constant(cells)), cells)
