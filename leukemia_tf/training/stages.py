"""The stages of a training, as data: which blocks and layers learn, at which size, for how long, at which rate."""

from __future__ import annotations

from dataclasses import dataclass

from leukemia_tf.core.errors import UserError
from leukemia_tf.training.schedules import check_schedule

PRESETS = ("feature-extraction", "fine-tune-top:N", "last-layers:N", "progressive[:N]", "whole")
HEAD_EPOCHS, FINE_TUNING_EPOCHS, FROM_SCRATCH_EPOCHS = 20, 6, 16
BLOCK_EPOCHS = 1  # of each block that `progressive` unfreezes: it goes through all of them


@dataclass(frozen=True)
class Stage:
    """A span of training with a fixed set of learning layers, one image size and one rate.

    Parameters
    ----------
    name : str
        Its name in history.csv.
    learning : tuple of str
        Blocks and layers of the base that learn; the head always does.
    learning_rate : float
        The head's and the top block's, before the schedule.
    epochs : int
        It takes so many, if nothing ends it earlier.
    patience : int, optional
        It ends after so many epochs without a lower `val_loss`, as by Keras's EarlyStopping; None: it does not.
    image_size : int
        Side of the cells, in pixels; 0 is the run's.
    schedule : str
        How the rate changes; see `leukemia_tf.training.schedules`.
    layer_decay : float
        Each lower block's rate as a share of the one above.
    ends : int
        Epochs after which it ends, though its schedule is laid out for more; 0 where nothing ends it.
    train_batchnorm : bool
        Whether BatchNormalization with loaded weights learns with the layer before it; else it is fixed.

    Raises
    ------
    UserError
        If a setting cannot be.
    """

    name: str
    learning: tuple[str, ...]
    learning_rate: float
    epochs: int
    patience: int | None = None
    image_size: int = 0
    schedule: str = "constant"
    layer_decay: float = 1.0
    ends: int = 0
    train_batchnorm: bool = False

    def __post_init__(self) -> None:
        """Check the settings."""
        object.__setattr__(self, "learning", tuple(self.learning))
        check_schedule(self.schedule)
        for field, least in (("epochs", 1), ("patience", 1), ("image_size", 0), ("ends", 0)):
            value = getattr(self, field)
            if (field, value) != ("patience", None) and (not isinstance(value, int) or value < least):
                raise UserError(
                    f"stage {self.name}: {field} takes a whole number of {least} or more. Received: {value!r}"
                )
        if not isinstance(self.train_batchnorm, bool):
            raise UserError(
                f"stage {self.name}: train_batchnorm takes true or false. Received: {self.train_batchnorm!r}"
            )
        if not 0 < self.learning_rate < 100:
            raise UserError(
                f"stage {self.name}: learning_rate takes a number above 0. Received: {self.learning_rate!r}"
            )
        if not 0 < self.layer_decay <= 1:
            raise UserError(
                f"stage {self.name}: layer_decay takes a share above 0 up to 1. Received: {self.layer_decay!r}"
            )

    def __str__(self) -> str:
        size = f" at {self.image_size} px" if self.image_size else ""
        schedule = "" if self.schedule == "constant" else f", {self.schedule}"
        learns = ", ".join(("head", *reversed(self.learning)))
        norms = " with BatchNormalization" if self.train_batchnorm and self.learning else ""
        epochs = f"{self.ends} of {self.epochs}" if self.ends else f"{self.epochs}"
        stop = f", fewer after {self.patience} without a lower val_loss" if self.patience else ""
        return f"{self.name}{size}: {learns}{norms}; rate {self.learning_rate:g}{schedule}, {epochs} epochs{stop}"


@dataclass(frozen=True)
class Plan:
    """What a run's settings say of its stages; None leaves a preset's default.

    Parameters
    ----------
    stages : str
        A preset, or a JSON list of stages: its path, or the list itself.
    rate, fine_tuning_rate : float
        Of stages in which no pretrained block learns, and of the others.
    epochs : int or None
        Of every stage; with a JSON list it is the most.
    patience : int or None
        Of stages that name none and whose rate does not fall to nothing: those run to their end.
    schedule : str or None
        Of stages without one.
    layer_decay : float
        Likewise.
    train_batchnorm : bool
        Likewise.
    sizes : tuple of tuple
        (image size, epochs), each of which goes through all stages; empty for the run's size alone.
    """

    stages: str
    rate: float
    fine_tuning_rate: float
    epochs: int | None = None
    patience: int | None = None
    schedule: str | None = None
    layer_decay: float = 1.0
    train_batchnorm: bool = False
    sizes: tuple[tuple[int, int], ...] = ()
