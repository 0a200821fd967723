"""The gate: traits worked out by hand, what it promises of new patients, and what it must turn away."""

from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.distance import mahalanobis
from sklearn.datasets import load_sample_images

from leukemia_tf.data.catalog import read_catalog
from leukemia_tf.data.integrity import read_image
from leukemia_tf.data.settings import BACKGROUND
from leukemia_tf.data.traits import TRAITS, traits, traits_of_files
from leukemia_tf.evaluation.likeness import fit_likeness
from leukemia_tf.models.decision import Likeness
from leukemia_tf.models.probability import distance

MEASURE = tf.function(traits, input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)])


def measured(image):
    return dict(zip(TRAITS, MEASURE(np.ascontiguousarray(image)).numpy()))


def ellipse(axes=(60, 60), centre=(150, 140), colour=(120, 40, 160)):
    return cv2.ellipse(np.zeros((300, 280, 3), np.uint8), centre, axes, 0, 0, 360, colour, -1)


def test_traits_of_an_ellipse():
    found = measured(ellipse((80, 40)))
    assert found["height"] == pytest.approx(np.log(300))
    assert found["width"] == pytest.approx(np.log(280))
    assert found["area"] == pytest.approx(np.log(np.pi * 80 * 40), abs=0.02)
    away = np.hypot(150.5 - 140, 140.5 - 150) / np.sqrt(80 * 40)
    assert found["off_centre"] == pytest.approx(np.log(away + 0.02), abs=0.02)
    assert found["elongation"] == pytest.approx(np.log(np.log(2) + 0.05), abs=0.02)
    assert found["raggedness"] < np.log(0.006)
    lab = cv2.cvtColor(np.float32([[[120, 40, 160]]]) / 255, cv2.COLOR_RGB2LAB)[0, 0]
    np.testing.assert_allclose([found[name] for name in ("lightness", "a", "b")], lab, atol=0.2)
    assert found["lightness_spread"] == pytest.approx(np.log(0.1), abs=0.01)


def test_traits_see_what_they_are_named_after():
    whole, rng = ellipse(), np.random.default_rng(0)
    half = whole.copy()
    half[:, :150] = 0
    assert measured(half)["elongation"] > measured(whole)["elongation"] + 1
    two = np.maximum(ellipse((40, 40), (90, 140)), ellipse((40, 40), (210, 140)))
    assert measured(two)["raggedness"] > measured(whole)["raggedness"] + 3
    rough = np.where(whole > 0, np.clip(whole + rng.normal(0, 20, whole.shape), 9, 255), 0).astype(np.uint8)
    smooth = cv2.GaussianBlur(rough, (0, 0), 3)
    for name in ("sharpness", "fineness"):
        assert measured(smooth)[name] < measured(rough)[name] - 0.3


@pytest.mark.parametrize("image", [np.zeros((40, 50, 3)), np.full((1, 1, 3), 255), np.eye(9)[..., None] * [90, 9, 99]])
def test_traits_are_numbers_whatever_the_image(image):
    assert np.isfinite(MEASURE(image.astype(np.uint8))).all()


def test_the_distance_is_that_of_mahalanobis():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 4))
    likeness = Likeness((1.0, 2.0, 3.0, 4.0), tuple(map(tuple, root @ root.T)), 3.0)
    points = rng.normal(size=(5, 4))
    wanted = [mahalanobis(point, likeness.centre, likeness.precision) for point in points]
    np.testing.assert_allclose(distance(points, likeness), wanted, rtol=1e-5)


def test_one_of_a_hundred_cells_of_new_patients_is_turned_away():
    rng = np.random.default_rng(1)

    def draw(patients, cells=30):
        own = np.repeat(rng.normal(0, 1, (patients, 5)), cells, axis=0)
        return own + rng.normal(0, 0.7, own.shape), np.repeat(np.arange(patients), cells).astype(str)

    rejected = []
    for _ in range(20):
        likeness = fit_likeness(*draw(40))
        rejected.append(float(np.mean(distance(draw(40)[0], likeness) > likeness.limit)))
    assert 0.004 < np.mean(rejected) < 0.025
    assert fit_likeness(draw(1)[0], np.array(["one"] * 30)) is None


def foreign(cells, rng):
    """Make images that no microscope took of a cell: by kind."""

    def inside(cell, values):
        return np.where((cell.max(-1) > BACKGROUND)[..., None], values, cell)

    def halved(cell):
        columns = np.flatnonzero((cell.max(-1) > BACKGROUND).any(0))
        return np.where(np.arange(cell.shape[1])[:, None] < columns.mean(), 0, cell)

    side, disc = 450, cv2.circle(np.zeros((450, 450, 1), np.uint8), (225, 225), 105, 1, -1)
    photographs = [*load_sample_images().images]
    for path in sorted(Path(mpl.get_data_path(), "sample_data").glob("*.[jp][pn]g")):
        photographs.append(cv2.imread(str(path)))
    pieces = []
    for number in range(30):
        photograph = photographs[number % len(photographs)]
        edge = min(*photograph.shape[:2], side)
        top, left = (rng.integers(0, length - edge + 1) for length in photograph.shape[:2])
        pieces.append(cv2.resize(photograph[top : top + edge, left : left + edge], (side, side)))
    ramp = np.linspace(0, 1, side)[:, None, None] * np.ones((1, side, 1))
    gradients = [rng.integers(0, 256, 3) * ramp + rng.integers(0, 256, 3) * (1 - ramp) for _ in range(15)]
    page = np.full((side, side, 3), 255, np.uint8)
    return {
        "photographs": pieces,
        "photographs in the shape of a cell": [piece * disc for piece in pieces],
        "text": [cv2.putText(page.copy(), f"page {n}", (30, 40 + 12 * n), 0, 2, (0, 0, 0), 3) for n in range(15)],
        "noise": [rng.integers(0, 256, (side, side, 3)) for _ in range(15)],
        "noise inside a cell": [inside(cell, rng.integers(0, 256, cell.shape)) for cell in cells],
        "gradients": gradients,
        "gradients in the shape of a cell": [gradient * disc for gradient in gradients],
        "inverted": [255 - cell for cell in cells],
        "inverted inside": [inside(cell, 255 - cell) for cell in cells],
        "swapped channels": [cell[..., order] for cell, order in zip(cells, [(2, 1, 0), (1, 0, 2), (0, 2, 1)] * 10)],
        "blurred": [cv2.GaussianBlur(cell, (0, 0), 3) for cell in cells],
        "cut in half": [halved(cell) for cell in cells],
    }


def test_foreign_images_are_turned_away_and_new_patients_are_not(real_cells):
    cells = read_catalog(real_cells).cells
    values = traits_of_files([real_cells / cell.path for cell in cells])
    patients = np.array([cell.patient for cell in cells])
    turned_away = np.zeros(len(cells), bool)
    for third in range(3):
        new = np.isin(patients, np.unique(patients)[third::3])
        likeness = fit_likeness(values[~new], patients[~new])
        turned_away[new] = distance(values[new], likeness) > likeness.limit
    assert 0.003 < turned_away.mean() < 0.02
    rng = np.random.default_rng(0)
    some = [read_image(real_cells / cells[index].path)[1] for index in rng.choice(len(cells), 20, replace=False)]
    kinds = foreign(some, rng)
    away = {kind: [distance(MEASURE(i.astype(np.uint8))[None], likeness) for i in own] for kind, own in kinds.items()}
    shares = {kind: np.mean(np.array(own) > likeness.limit) for kind, own in away.items()}
    assert sum(map(len, kinds.values())) >= 200
    assert np.mean(np.concatenate([np.ravel(own) for own in away.values()]) > likeness.limit) >= 0.95, shares
    assert min(shares.values()) > 0.5, shares
