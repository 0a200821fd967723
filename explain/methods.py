"""The table of heat-map methods.

A new class-activation map is one function in `leukemia_tf.explain.cams` and one record here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from leukemia_tf.core.errors import ArgumentError, nearest
from leukemia_tf.explain import cams, perturbation, pixels
from leukemia_tf.explain.cams import Cam
from leukemia_tf.explain.target import Target


@dataclass(frozen=True)
class Method:
    """A heat-map method.

    Parameters
    ----------
    title : str
        As its authors write it.
    heat : callable
        A `Target`, cells (uint8 [n, size, size, 3]) and signs (float32 [n]) -> float32 [n, h, w], 0 and more, over the
        network's input, at any resolution.
    """

    title: str
    heat: Callable[[Target, np.ndarray, np.ndarray], np.ndarray]


def _cam(title: str, cam: Cam) -> Method:
    """Return the method of a class-activation map."""

    def heat(target: Target, cells: np.ndarray, signs: np.ndarray) -> np.ndarray:
        return cam(*target.maps_and_gradients(cells, signs)).numpy()

    return Method(title, heat)


METHODS = {
    "gradcam": _cam("Grad-CAM", cams.gradcam),
    "gradcam++": _cam("Grad-CAM++", cams.gradcam_plus_plus),
    "hirescam": _cam("HiResCAM", cams.hirescam),
    "layercam": _cam("LayerCAM", cams.layercam),
    "xgradcam": _cam("XGrad-CAM", cams.xgradcam),
    "eigencam": _cam("Eigen-CAM", cams.eigencam),
    "scorecam": Method("Score-CAM", perturbation.scorecam),
    "occlusion": Method("occlusion", perturbation.occlusion),
    "integrated-gradients": Method("integrated gradients", pixels.integrated_gradients),
    "smoothgrad": Method("SmoothGrad", pixels.smoothgrad),
}
DEFAULT, DEFAULT_CAM = "hirescam", cams.hirescam  # chosen by `explain_check`: docs/explain.md


def find_method(name: str) -> Method:
    """Return a method by its name.

    Raises
    ------
    ArgumentError
        If there is none; it names the nearest ones.
    """
    if name not in METHODS:
        raise ArgumentError("method", name, f"no such method; {nearest(name, METHODS)}")
    return METHODS[name]
