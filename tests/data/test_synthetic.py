"""The phantom cells: reproducible, in C-NMC's form, and as leaky as the real ones."""

import cv2
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from leukemia_tf.data.synthetic import draw_cells, write_phantoms


def features(pixels):
    mask = (pixels.max(-1) > 0).astype(np.uint8)
    outline = max(cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], key=cv2.contourArea)
    area = cv2.contourArea(outline)
    return [area, *pixels[mask > 0].mean(0), 4 * np.pi * area / cv2.arcLength(outline, True) ** 2]


@pytest.mark.slow
def test_a_split_by_image_scores_better_than_one_by_patient():
    drawn = list(draw_cells(patients=15, cells=10, seed=0))
    x = np.array([features(pixels) for _, pixels in drawn])
    y = np.array([path.endswith("_all.bmp") for path, _ in drawn])
    patients = np.array([path.split("_")[3] + path[-8:] for path, _ in drawn])
    model = make_pipeline(StandardScaler(), LogisticRegression())

    def score(folds, groups):
        by_seed = [
            cross_val_predict(
                model, x, y, groups=groups, cv=folds(5, shuffle=True, random_state=s), method="predict_proba"
            )
            for s in range(3)
        ]
        return np.mean([roc_auc_score(y, p[:, 1]) for p in by_seed])

    by_patient, by_image = score(StratifiedGroupKFold, patients), score(StratifiedKFold, None)
    assert 0.75 < by_patient < 0.95
    assert by_image - by_patient > 0.05


def test_same_seed_same_cells():
    first, again, other = (next(iter(draw_cells(1, 3, seed, side=80)))[1] for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_files_are_whole_or_absent(tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, "imwrite", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_phantoms(tmp_path / "cells", patients=1, cells=1, side=60)
    assert list(tmp_path.iterdir()) == []


def test_form(tiny_cells):
    files = sorted(path for path in tiny_cells.rglob("*") if path.is_file())
    for path in files:
        pixels = cv2.imread(str(path))
        assert path.suffix == ".bmp"
        assert pixels.shape == (120, 120, 3)
        assert (pixels[0] == 0).all()
        assert path.parent.name in path.name
