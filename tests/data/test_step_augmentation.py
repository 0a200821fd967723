"""Views inside a step: the processor's, transform by transform, and without a call into Python."""

import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.config import Augmentation
from leukemia_tf.config.settings import mild_augmentation
from leukemia_tf.data.augmentation import COLOURS, FILES, GEOMETRIC, augment
from leukemia_tf.data.draws import TRANSFORMS, epoch_draws
from leukemia_tf.data.step_augmentation import augment_in_step
from leukemia_tf.data.synthetic import draw_cells

OFF = {"dihedral": False}
FAR = {  # grey levels: largest mean and largest share of pixels that differ by more than two
    "rotation": (0.05, 0.001),
    "channel_shift": (0.4, 0.04),  # OpenCV moves by whole 32nds of a pixel
    "jpeg": (0.3, 0.02),
}


@pytest.fixture(scope="module")
def cells():
    return np.stack([pixels for _, pixels in draw_cells(patients=3, cells=8, seed=2, side=90)][:16])


def both(cells, settings, seed=0):
    draws = epoch_draws(len(cells), seed, 0)
    return augment(tf.constant(cells), draws, settings).numpy(), np.asarray(augment_in_step(cells, draws, settings))


def test_turns_and_flips_are_the_same_bits(cells):
    host, step = both(cells, Augmentation())
    np.testing.assert_array_equal(step, host)
    assert len({view.tobytes() for view in step}) > 8


@pytest.mark.parametrize("name", [name for name in (*GEOMETRIC, *COLOURS, *FILES) if name != "noise"])
def test_each_transform_is_the_processors(cells, name):
    reach = 2 * getattr(Augmentation(), name)[1]
    host, step = both(cells, Augmentation(**OFF, **{name: (0.7, reach)}))
    assert (host != cells).mean() > 0.01
    difference = np.abs(step.astype(int) - host)
    mean, share = FAR.get(name, (0.05, 0.001))
    assert difference.mean() <= mean
    assert (difference > 2).mean() <= share


def test_noise_has_its_deviation_and_follows_from_its_draws(cells):
    settings = Augmentation(**OFF, noise=(1.0, 20.0))
    grey = np.full((16, 90, 90, 3), 128, np.uint8)
    host, step = both(grey, settings)
    residual = step.astype(float) - 128
    np.testing.assert_allclose(residual.std(axis=(1, 2, 3)), (host.astype(float) - 128).std(axis=(1, 2, 3)), rtol=0.05)
    assert np.abs(residual.mean(axis=(1, 2, 3))).max() < 0.6
    strong = residual[np.argmax(residual.std(axis=(1, 2, 3)))].reshape(-1)
    assert abs(np.corrcoef(strong[:-1], strong[1:])[0, 1]) < 0.03
    assert abs(np.corrcoef(residual[0].reshape(-1), residual[1].reshape(-1))[0, 1]) < 0.03
    np.testing.assert_array_equal(both(grey, settings)[1], step)


def test_the_background_stays_black(cells):
    every = {name: (1.0, getattr(Augmentation(), name)[1]) for name in COLOURS}
    _, step = both(cells, Augmentation(**OFF, **every))
    outside = cells.max(-1) <= 10
    np.testing.assert_array_equal(step[outside], cells[outside])
    assert (step[~outside].max(-1) > 10).all()


@pytest.mark.slow
def test_xla_compiles_the_default_and_no_operation_calls_python(cells):
    settings = mild_augmentation()
    draws = epoch_draws(len(cells), 1, 0)
    compiled = tf.function(lambda cells, draws: augment_in_step(cells, draws, settings), jit_compile=True)
    graph = compiled.get_concrete_function(tf.TensorSpec(cells.shape, tf.uint8), tf.TensorSpec(draws.shape)).graph
    assert not [op.name for op in graph.get_operations() if "PyFunc" in op.type]
    difference = np.abs(compiled(cells, draws).numpy().astype(int) - augment_in_step(cells, draws, settings))
    assert (difference > 1).mean() < 1e-3
    assert len(TRANSFORMS) == draws.shape[1]
