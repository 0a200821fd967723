"""The table of heat-map methods.

A new class-activation map is one function in `leukemia_tf.explain.cams` and one record here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from leukemia_tf.core.errors import ArgumentError, nearest
from leukemia_tf.explain import cams, perturbation, pixels
from leukemia_tf.explain.cams import Cam
from leukemia_tf.explain.target import Target

T = TypeVar("T")


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
    cam : callable, optional
        Of a class-activation map, the function of `leukemia_tf.explain.cams`.
    reads : str
        Of a `Target`'s layers, which ones are explained: `all`, `last` (maps without a common unit cannot be added), or
        `none` (the network's pixels are).
    """

    title: str
    heat: Callable[[Target, np.ndarray, np.ndarray], np.ndarray]
    cam: Cam | None = None
    reads: str = "all"

    def layers_of(self, layers: Sequence[T]) -> tuple[T, ...]:
        """Return those of a target's layers, or of what was read at them, that are explained."""
        return {"all": tuple(layers), "last": tuple(layers[-1:]), "none": ()}[self.reads]


def _cam(title: str, cam: Cam, reads: str = "all") -> Method:
    """Return the method of a class-activation map."""

    def heat(target: Target, cells: np.ndarray, signs: np.ndarray) -> np.ndarray:
        return cams.support(cam, method.layers_of(target.evidence(cells, signs))).numpy()

    method = Method(title, heat, cam, reads)
    return method


METHODS = {
    "gradcam": _cam("Grad-CAM", cams.gradcam),
    "gradcam++": _cam("Grad-CAM++", cams.gradcam_plus_plus),
    "hirescam": _cam("HiResCAM", cams.hirescam),
    "layercam": _cam("LayerCAM", cams.layercam),
    "xgradcam": _cam("XGrad-CAM", cams.xgradcam),
    "eigencam": _cam("Eigen-CAM", cams.eigencam, reads="last"),
    "scorecam": Method("Score-CAM", perturbation.scorecam, reads="last"),
    "occlusion": Method("occlusion", perturbation.occlusion, reads="none"),
    "integrated-gradients": Method("integrated gradients", pixels.integrated_gradients, reads="none"),
    "smoothgrad": Method("SmoothGrad", pixels.smoothgrad, reads="none"),
}
DEFAULT = "gradcam"


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


def find_cam(name: str) -> Cam:
    """Return the function of a class-activation map, which a SavedModel can compute, by the method's name.

    Raises
    ------
    ArgumentError
        If there is none of that name.
    """
    cam = find_method(name).cam
    if cam is None:
        names = ", ".join(key for key, method in METHODS.items() if method.cam)
        raise ArgumentError("method", name, f"an exported network draws class-activation maps alone: {names}.")
    return cam
