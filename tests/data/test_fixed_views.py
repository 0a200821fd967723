"""The views that cached features are of: the cell itself first, the same for a picture wherever it stands."""

import hashlib

import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.config import Augmentation
from leukemia_tf.data.augmentation import augment, chosen_view
from leukemia_tf.data.draws import TRANSFORMS, epoch_draws
from leukemia_tf.data.fixed_views import count_views, fixed_draws, view_names

HASHES = [hashlib.sha256(bytes([index])).hexdigest() for index in range(40)]
VARIED = Augmentation(rotation=(1.0, 45.0), noise=(1.0, 3.0))
CELLS = np.random.default_rng(0).integers(30, 200, (40, 16, 16, 3), np.uint8)


def views_of(settings, hashes=HASHES, cells=CELLS):
    return [
        augment(tf.constant(cells), tf.constant(draws), settings).numpy() for draws in fixed_draws(hashes, settings)
    ]


@pytest.mark.parametrize(
    ("settings", "count"),
    [(Augmentation(dihedral=False), 1), (Augmentation(), 8), (VARIED, 4)],
    ids=("off", "turns", "varied"),
)
def test_the_first_view_is_the_cell_and_the_others_differ(settings, count):
    views = views_of(settings)
    assert len(views) == count == count_views(settings)
    np.testing.assert_array_equal(views[0], CELLS)
    assert all(len({view[index].tobytes() for view in views}) == count for index in range(len(CELLS)))


def test_turns_alone_are_the_eight_exact_ones():
    turned = {np.rot90(side, turns).tobytes() for side in (CELLS[0], CELLS[0][:, ::-1]) for turns in range(4)}
    assert {view[0].tobytes() for view in views_of(Augmentation())} == turned


def test_a_varied_cell_is_also_turned_unless_that_is_off():
    turn = TRANSFORMS.index("dihedral")
    turns = (fixed_draws(HASHES, VARIED)[:, :, turn, 1] * 8).astype(int)
    assert set(turns[1:].ravel()) == set(range(1, 8))  # over all cells
    assert all(len(set(column)) == 4 for column in turns.T)  # of each cell
    still = Augmentation(dihedral=False, noise=(1.0, 3.0))
    assert all(np.abs(view.astype(int) - CELLS).max() < 20 for view in views_of(still))


def test_views_follow_the_picture_not_its_place_nor_other_transforms(monkeypatch):
    draws = fixed_draws(HASHES, VARIED)
    np.testing.assert_array_equal(fixed_draws(HASHES[::-1], VARIED), draws[:, ::-1])
    monkeypatch.setattr("leukemia_tf.data.fixed_views.TRANSFORMS", TRANSFORMS[::-1])
    np.testing.assert_array_equal(fixed_draws(HASHES, VARIED)[:, :, ::-1], draws)


def test_other_settings_have_other_names_but_for_the_cell_itself():
    names, others = view_names(VARIED, 4), view_names(Augmentation(rotation=(1.0, 44.0), noise=(1.0, 3.0)), 4)
    assert names[0] == others[0] == 0
    assert len({*names.tolist(), *others.tolist()}) == 7


def test_an_epoch_takes_all_views_about_as_often():
    counts = np.bincount(chosen_view(tf.constant(epoch_draws(4000, 0, 0)), 4).numpy())
    assert counts.min() > 900
