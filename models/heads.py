"""The classifiers that a backbone can carry, and how they pool. Importing this imports no Keras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from leukemia_tf.core.errors import ArgumentError, nearest

if TYPE_CHECKING:
    from keras import KerasTensor

HeadFunction = Callable[["KerasTensor"], "KerasTensor"]


@dataclass(frozen=True)
class Pooling:
    """How maps become features: [n, h, w, c] -> [n, features].

    Parameters
    ----------
    layer : str
        `module:class` of the Keras layer.
    masked : bool
        Whether it takes [maps, cell mask] instead of maps; the mask is float32 [n, h, w, 1], 0 or 1.
    """

    layer: str
    masked: bool = False


POOLINGS = {
    "mean": Pooling("keras.layers:GlobalAveragePooling2D"),
    "max": Pooling("keras.layers:GlobalMaxPooling2D"),
    "mean-std": Pooling("leukemia_tf.models.pooling:GlobalMeanStdPooling"),
    "cell": Pooling("leukemia_tf.models.pooling:MaskedMeanStdPooling", masked=True),
    "cell-and-frame": Pooling("leukemia_tf.models.pooling:MaskedAndGlobalMeanStdPooling", masked=True),
    "flatten": Pooling("keras.layers:Flatten"),
}


@dataclass(frozen=True)
class Head:
    """The classifier on a backbone: pooled features, dropout, dense layers, dropout, one logit.

    Parameters
    ----------
    pooling : str
        Over space: `mean`, `max`, `mean-std` (mean and standard deviation), `cell` (both over the cell's pixels alone),
        `cell-and-frame` (both over the cell and over the frame), or `flatten` (no pooling).
    depths : int
        How many of the last blocks have their ends pooled and concatenated; all of them where there are fewer.
    units : tuple of int
        Width of each dense layer (ReLU), 0 to 2 of them.
    dropout : float
        Share of units dropped before the logit, 0-1.
    dropout_before : float
        Share of features dropped before the first dense layer, 0-1.
    standardize : bool
        Whether the features are brought to mean 0 and standard deviation 1 (BatchNormalization without scale and
        offset).
    l2 : float
        Penalty on the logit's squared weights, added to the loss. With standardised features and n training cells,
        `l2` is 1 / (2 n C) of scikit-learn's LogisticRegression.
    function : callable, optional
        Layers of your own instead of `units` and both dropouts: features [n, f] -> [n, k], both Keras tensors. The
        logit (a Dense layer of 1 unit) and the probability follow it.

    Raises
    ------
    ArgumentError
        If a value is out of range.
    """

    pooling: str = "mean"
    depths: int = 1
    units: tuple[int, ...] = (256,)
    dropout: float = 0.5
    dropout_before: float = 0.0
    standardize: bool = False
    l2: float = 0.0
    function: HeadFunction | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        object.__setattr__(self, "units", tuple(self.units))
        if self.pooling not in POOLINGS:
            raise ArgumentError("pooling", self.pooling, f"no such pooling; {nearest(self.pooling, POOLINGS)}")
        if self.depths < 1 or (self.depths > 1 and self.pooling == "flatten"):
            problem = "it takes 1 or more; several blocks can't be flattened, only pooled."
            raise ArgumentError("depths", self.depths, problem)
        if len(self.units) > 2 or any(units < 1 for units in self.units):
            raise ArgumentError("units", self.units, "it takes 0 to 2 dense layers of 1 unit or more.")
        if self.l2 < 0:
            raise ArgumentError("l2", self.l2, "it takes 0 or more.")
        for name, share in (("dropout", self.dropout), ("dropout_before", self.dropout_before)):
            if not 0 <= share < 1:
                raise ArgumentError(name, share, "it takes a share from 0 to below 1.")


HEADS = {
    "dense256": Head(),  # on the truncated VGG16 and ResNet50
    "dense512": Head(units=(512,), dropout=0.0),
    "linear": Head(units=()),  # on MobileNetV2
    "linear-no-dropout": Head(units=(), dropout=0.0),  # on the whole ResNet50
    "flat256": Head(pooling="flatten"),  # on the whole VGG16, and the scratch CNN's first variant
    "flat256-two-dropouts": Head(pooling="flatten", dropout_before=0.5),  # the scratch CNN's best
    "flat128": Head(pooling="flatten", units=(128,)),
    "flat-two-dense": Head(pooling="flatten", units=(256, 256)),
    "three-depths": Head(pooling="mean-std", depths=3, units=()),
    "multi-depth": Head(pooling="cell", depths=3, units=(), dropout=0.0, standardize=True, l2=0.02),
}


def find_head(name: str, **changes: Any) -> Head:
    """Return a named head, with those `changes` of its fields that are not None.

    Raises
    ------
    ArgumentError
        If there is no such head; it suggests the nearest names.
    """
    if name not in HEADS:
        raise ArgumentError("head", name, f"no such head; {nearest(name, HEADS)}")
    return replace(HEADS[name], **{key: value for key, value in changes.items() if value is not None})


def as_head(head: Head | HeadFunction) -> Head:
    """Return a head; a function of pooled features becomes one that pools by `mean`.

    Raises
    ------
    ArgumentError
        If it is neither.
    """
    if isinstance(head, Head):
        return head
    if callable(head):
        return Head(function=head)
    raise ArgumentError("head", head, "it takes a Head, or a function of features [n, f].")
