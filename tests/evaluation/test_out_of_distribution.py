"""Out-of-distribution detection: image statistics by hand, the rate on new patients, and images it must detect."""

from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.distance import mahalanobis
from sklearn.datasets import load_sample_images

from leukemia_tf.data.image_statistics import IMAGE_STATISTICS, image_statistics, image_statistics_of_files
from leukemia_tf.data.integrity import read_image
from leukemia_tf.data.preprocessing import BACKGROUND
from leukemia_tf.data.reading import read_catalog
from leukemia_tf.evaluation.out_of_distribution import fit_out_of_distribution
from leukemia_tf.models.calibration import OutOfDistribution
from leukemia_tf.models.probability import mahalanobis_distance

MEASURE = tf.function(image_statistics, input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)])


def measured(image):
    return dict(zip(IMAGE_STATISTICS, MEASURE(np.ascontiguousarray(image)).numpy()))


def ellipse(axes=(60, 60), centre=(150, 140), colour=(120, 40, 160)):
    return cv2.ellipse(np.zeros((300, 280, 3), np.uint8), centre, axes, 0, 0, 360, colour, -1)


def test_statistics_of_an_ellipse():
    statistics = measured(ellipse((80, 40)))
    assert statistics["height"] == pytest.approx(np.log(300))
    assert statistics["width"] == pytest.approx(np.log(280))
    assert statistics["area"] == pytest.approx(np.log(np.pi * 80 * 40), abs=0.02)
    away = np.hypot(150.5 - 140, 140.5 - 150) / np.sqrt(80 * 40)
    assert statistics["centroid_offset"] == pytest.approx(np.log(away + 0.02), abs=0.02)
    assert statistics["axis_ratio"] == pytest.approx(np.log(np.log(2) + 0.05), abs=0.02)
    assert statistics["ellipse_ratio"] < np.log(0.006)
    lab = cv2.cvtColor(np.float32([[[120, 40, 160]]]) / 255, cv2.COLOR_RGB2LAB)[0, 0]
    np.testing.assert_allclose([statistics[name] for name in ("mean_lightness", "mean_a", "mean_b")], lab, atol=0.2)
    assert statistics["std_lightness"] == pytest.approx(np.log(0.1), abs=0.01)


def test_statistics_measure_what_they_are_named_after():
    whole, rng = ellipse(), np.random.default_rng(0)
    half = whole.copy()
    half[:, :150] = 0
    assert measured(half)["axis_ratio"] > measured(whole)["axis_ratio"] + 1
    two = np.maximum(ellipse((40, 40), (90, 140)), ellipse((40, 40), (210, 140)))
    assert measured(two)["ellipse_ratio"] > measured(whole)["ellipse_ratio"] + 3
    rough = np.where(whole > 0, np.clip(whole + rng.normal(0, 20, whole.shape), 9, 255), 0).astype(np.uint8)
    smooth = cv2.GaussianBlur(rough, (0, 0), 3)
    for name in ("laplacian", "laplacian_to_gradient"):
        assert measured(smooth)[name] < measured(rough)[name] - 0.3


@pytest.mark.parametrize("image", [np.zeros((40, 50, 3)), np.full((1, 1, 3), 255), np.eye(9)[..., None] * [90, 9, 99]])
def test_statistics_are_finite_whatever_the_image(image):
    assert np.isfinite(MEASURE(image.astype(np.uint8))).all()


def test_the_distance_is_that_of_mahalanobis():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 4))
    out_of_distribution = OutOfDistribution((1.0, 2.0, 3.0, 4.0), tuple(map(tuple, root @ root.T)), 3.0)
    points = rng.normal(size=(5, 4))
    expected = [mahalanobis(point, out_of_distribution.centre, out_of_distribution.precision) for point in points]
    np.testing.assert_allclose(mahalanobis_distance(points, out_of_distribution), expected, rtol=1e-5)


def test_one_of_a_hundred_cells_of_new_patients_is_flagged():
    rng = np.random.default_rng(1)

    def draw(patients, cells=30):
        means = np.repeat(rng.normal(0, 1, (patients, 5)), cells, axis=0)
        return means + rng.normal(0, 0.7, means.shape), np.repeat(np.arange(patients), cells).astype(str)

    rejected = []
    for _ in range(20):
        out_of_distribution = fit_out_of_distribution(*draw(40))
        rejected.append(
            float(np.mean(mahalanobis_distance(draw(40)[0], out_of_distribution) > out_of_distribution.limit))
        )
    assert 0.004 < np.mean(rejected) < 0.025
    assert fit_out_of_distribution(draw(1)[0], np.array(["one"] * 30)) is None


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


@pytest.mark.slow
def test_foreign_images_are_flagged_and_new_patients_are_not(real_cells):
    cells = read_catalog(real_cells).cells
    values = image_statistics_of_files([real_cells / cell.path for cell in cells])
    patients = np.array([cell.patient for cell in cells])
    flagged = np.zeros(len(cells), bool)
    for third in range(3):
        new = np.isin(patients, np.unique(patients)[third::3])
        out_of_distribution = fit_out_of_distribution(values[~new], patients[~new])
        flagged[new] = mahalanobis_distance(values[new], out_of_distribution) > out_of_distribution.limit
    assert 0.003 < flagged.mean() < 0.02
    rng = np.random.default_rng(0)
    some = [read_image(real_cells / cells[index].path)[1] for index in rng.choice(len(cells), 20, replace=False)]
    kinds = foreign(some, rng)
    distances = {
        kind: [mahalanobis_distance(MEASURE(image.astype(np.uint8))[None], out_of_distribution) for image in images]
        for kind, images in kinds.items()
    }
    shares = {kind: np.mean(np.array(values) > out_of_distribution.limit) for kind, values in distances.items()}
    assert sum(map(len, kinds.values())) >= 200
    every = np.concatenate([np.ravel(values) for values in distances.values()])
    assert np.mean(every > out_of_distribution.limit) >= 0.95, shares
    assert min(shares.values()) > 0.5, shares
