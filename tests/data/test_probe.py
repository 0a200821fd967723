"""The probe picture notices every change of what the preprocessing computes."""

import numpy as np
import pytest

from leukemia_tf.data import channel_shift, framing, stain
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.probe import probe_hash, probe_picture

DEFAULT = Preprocessing(96, "fixed", "none", "reinhard")


def test_the_same_each_time_and_other_for_other_settings():
    registered = Preprocessing(96, "fixed", "none", "reinhard", register_channels=True)
    settings = [
        DEFAULT,
        registered,
        *(Preprocessing(96, framing) for framing in ("cell", "tight", "fixed:300", "centre:300")),
    ]
    hashes = [probe_hash(row) for row in settings]
    assert len(set(hashes)) == len(hashes)
    assert probe_hash(DEFAULT) == hashes[0]
    assert probe_picture().shape == (420, 460, 3)
    assert len(np.unique(probe_picture())) > 100


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (stain, "STAIN_MEAN", stain.STAIN_MEAN + np.float32(1)),
        (stain, "STAIN_DEVIATION", stain.STAIN_DEVIATION * np.float32(1.1)),
        (stain, "BACKGROUND", 12),
        (framing, "BACKGROUND", 11),
        (channel_shift, "COARSE", 4.0),
        (channel_shift, "MARGIN", 20),
        (channel_shift, "ITERATIONS", 1),
    ],
)
def test_another_constant(module, name, value, monkeypatch):
    settings = {
        stain: DEFAULT,
        framing: Preprocessing(96, "tight"),
        channel_shift: Preprocessing(300, "fixed", register_channels=True),
    }[module]
    before = probe_hash(settings)
    monkeypatch.setattr(module, name, value)
    assert probe_hash(settings) != before
