"""The closed path, against every path there is; rays, against a circle."""

from itertools import product

import cv2
import numpy as np

from leukemia_tf.data.segmentation_polar import ANGLES, STEP, Rays, closed_path


def test_the_path_is_the_cheapest_of_all_closed_ones():
    generator = np.random.default_rng(0)
    for _ in range(20):
        cost, bend = generator.random((6, 4)), 0.1

        def total(path, cost=cost, bend=bend):
            steps = np.diff([*path, path[0]])
            return cost[np.arange(6), list(path)].sum() + bend * (steps**2).sum() if abs(steps).max() <= STEP else 9e9

        best = min(product(range(4), repeat=6), key=total)
        assert total(closed_path(cost, bend)) <= total(best) + 0.1  # its ends meet, but the lap is chosen in two


def test_rays_end_where_a_disc_ends():
    disc = cv2.circle(np.zeros((200, 200), np.uint8), (90, 110), 40, 1, cv2.FILLED)
    rays = Rays.around(disc, disc, 80.0)
    radii = rays.last_of(disc) * rays.spacing
    assert len(radii) == ANGLES
    assert np.abs(radii - 40).max() < 2
    points = rays.points(rays.last_of(disc))
    assert np.abs(np.hypot(*(points - (90, 110)).T) - 40).max() < 3
