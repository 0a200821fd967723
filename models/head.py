"""The classifiers that a base can carry, and their names."""

from __future__ import annotations

from dataclasses import dataclass

from leukemia_tf.errors import UserError, nearest

POOLINGS = ("mean", "max", "mean-std", "cell", "cell-and-frame", "flatten")


@dataclass(frozen=True)
class Head:
    """The classifier on a base: pooled features, dropout, dense layers, dropout, one logit.

    Parameters
    ----------
    pooling : str
        Over space: `mean`, `max`, `mean-std` (mean and standard deviation), `cell` (both over the cell's pixels alone),
        `cell-and-frame` (both over the cell and over the frame), or `flatten` (no pooling).
    depths : int
        How many of the last blocks are pooled side by side.
    coarsest : int or None
        Blocks are left out where one place of their maps stands for more pixels of the cell's side than this, so that
        `depths` is the most that are pooled, and the last one is read at its `texture`; None: no block is.
    units : tuple of int
        Width of each dense layer (ReLU), 0 to 2 of them.
    dropout : float
        Share of units dropped before the logit, 0-1.
    dropout_before : float
        Share of features dropped before the first dense layer, 0-1.
    standardize : bool
        Whether the features are brought to mean 0 and deviation 1 (BatchNormalization without a scale of its own).

    Raises
    ------
    UserError
        If there is no such head.
    """

    pooling: str = "mean"
    depths: int = 1
    units: tuple[int, ...] = (256,)
    dropout: float = 0.5
    dropout_before: float = 0.0
    standardize: bool = False
    coarsest: int | None = None

    def __post_init__(self) -> None:
        """Check the settings."""
        object.__setattr__(self, "units", tuple(self.units))
        if self.pooling not in POOLINGS:
            raise UserError(f"--pooling {self.pooling}: {nearest(self.pooling, POOLINGS)}")
        if self.depths < 1 or (self.depths > 1 and self.pooling == "flatten"):
            raise UserError(
                f"--depths {self.depths}: it takes 1 or more; several blocks can't be flattened, only pooled."
            )
        if len(self.units) > 2 or any(units < 1 for units in self.units):
            raise UserError(
                f"--units {' '.join(map(str, self.units))}: it takes 0 to 2 dense layers of 1 unit or more."
            )
        for flag, share in (("dropout", self.dropout), ("dropout-before", self.dropout_before)):
            if not 0 <= share < 1:
                raise UserError(f"--{flag} {share:g}: it takes a share from 0 to below 1.")


HEADS = {
    "dense256": Head(),  # on the truncated VGG16 and ResNet50
    "dense512": Head(units=(512,), dropout=0.0),
    "linear": Head(units=()),  # on MobileNetV2
    "flat256": Head(pooling="flatten"),  # on VGG16, and the scratch CNN's first variant
    "flat256-two-dropouts": Head(pooling="flatten", dropout_before=0.5),  # the scratch CNN's best
    "flat128": Head(pooling="flatten", units=(128,)),
    "flat-two-dense": Head(pooling="flatten", units=(256, 256)),
    "three-depths": Head(pooling="mean-std", depths=3, units=()),
    "texture": Head(pooling="cell-and-frame", standardize=True, coarsest=8),  # chromatin is fine
}


def find_head(name: str, **changes: object) -> Head:
    """Return a named head, with what is not None changed.

    Raises
    ------
    UserError
        If there is no such head; the nearest names are told.
    """
    if name not in HEADS:
        raise UserError(f"--head {name}: no such head; {nearest(name, HEADS)}")
    chosen = {**HEADS[name].__dict__, **{key: value for key, value in changes.items() if value is not None}}
    return Head(**chosen)
