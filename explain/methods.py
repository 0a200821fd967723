"""The methods that make a heat map, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from leukemia_tf.errors import UserError, nearest
from leukemia_tf.explain import altered, cams, pixels
from leukemia_tf.explain.target import Target


@dataclass(frozen=True)
class Method:
    """A method.

    Parameters
    ----------
    title : str
        As its authors write it.
    heat : callable
        A `Target`, cells (uint8 [n, size, size, 3]) and signs (float32 [n]) -> float32 [n, h, w], 0 and up, over what
        the network sees, at any resolution.
    cam : callable, optional
        Of a class-activation map, what it makes of maps and gradients; see `leukemia_tf.explain.cams`.
    """

    title: str
    heat: Callable[[Target, np.ndarray, np.ndarray], np.ndarray]
    cam: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None = None


def _of_maps(title: str, cam: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]) -> Method:
    def heat(target: Target, cells: np.ndarray, signs: np.ndarray) -> np.ndarray:
        return cam(*target.maps_and_gradients(cells, signs)).numpy()

    return Method(title, heat, cam)


DEFAULT = "hirescam"  # chosen by `explain_check`: docs/explain.md
METHODS = {
    "gradcam": _of_maps("Grad-CAM", cams.gradcam),
    "gradcam++": _of_maps("Grad-CAM++", cams.gradcam_plus_plus),
    "hirescam": _of_maps("HiResCAM", cams.hirescam),
    "layercam": _of_maps("LayerCAM", cams.layercam),
    "xgradcam": _of_maps("XGrad-CAM", cams.xgradcam),
    "eigencam": _of_maps("Eigen-CAM", cams.eigencam),
    "scorecam": Method("Score-CAM", altered.scorecam),
    "occlusion": Method("occlusion", altered.occlusion),
    "integrated-gradients": Method("integrated gradients", pixels.integrated_gradients),
    "smoothgrad": Method("SmoothGrad", pixels.smoothgrad),
}


def find_method(name: str) -> Method:
    """Return a method by its name.

    Raises
    ------
    UserError
        If there is none; the nearest names are told.
    """
    if name not in METHODS:
        raise UserError(f"--method {name}: no such method; {nearest(name, METHODS)}")
    return METHODS[name]
