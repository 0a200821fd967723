"""How a stage's rate moves: functions of how far the stage has come, and of how validation went."""

from __future__ import annotations

import math
from dataclasses import dataclass

from leukemia_tf.errors import UserError, nearest

SCHEDULES = {  # with the numbers that may follow, and what they are when they don't
    "constant": (),
    "step": (7.0, 0.1),  # every so many epochs times this
    "cosine": (),
    "one-cycle": (25.0,),  # the first rate is the highest divided by this
    "plateau": (0.5, 1.0),  # times this, after so many epochs without a lower loss
}
ANNEALED = ("cosine", "one-cycle")  # they fall to nothing: the last epoch is the one to keep
RISE = 0.3  # of a one-cycle stage
MOMENTUM = (0.95, 0.85)  # of a one-cycle stage: at the lowest and at the highest rate


@dataclass(frozen=True)
class Pace:
    """The rate and, where a schedule moves it, the momentum of a step; 1.0 is a stage's own rate."""

    rate: float
    momentum: float | None = None


def parse_schedule(text: str) -> tuple[str, tuple[float, ...]]:
    """Return a schedule's kind and its numbers, as in `step:7:0.1` or `plateau:0.5:0`.

    Raises
    ------
    UserError
        If there is no such schedule.
    """
    kind, *told = text.split(":")
    if kind not in SCHEDULES:
        raise UserError(f"--schedule {text}: no such schedule; {nearest(kind, SCHEDULES)}")
    known = SCHEDULES[kind]
    try:
        numbers = tuple(float(number) for number in told)
    except ValueError:
        numbers = (math.nan,)
    if len(numbers) > len(known) or not all(math.isfinite(number) and number >= 0 for number in numbers):
        example = ":".join([kind, *(f"{number:g}" for number in known)])
        raise UserError(f"--schedule {text}: write it as `{example}`.")
    return kind, (*numbers, *known[len(numbers) :])


def check_schedule(text: str) -> None:
    """Stop at a schedule that cannot be.

    Raises
    ------
    UserError
        If there is no such schedule, or if its numbers make no sense.
    """
    kind, numbers = parse_schedule(text)
    if kind in ("step", "plateau"):
        factor, epochs = numbers[::-1] if kind == "step" else numbers
        if not 0 < factor < 1 or (kind == "step" and epochs < 1):
            raise UserError(f"--schedule {text}: the factor lies between 0 and 1, steps an epoch or more apart.")
    if kind == "one-cycle" and numbers[0] <= 1:
        raise UserError(f"--schedule {text}: the rate starts at a share of the highest, so the number is above 1.")


def is_annealed(schedule: str) -> bool:
    """Return whether a schedule ends at a rate of nothing, so that its last epoch is what it was laid out for."""
    return parse_schedule(schedule)[0] in ANNEALED


def pace(schedule: str, done: float, epochs: int, plateaus: int = 0) -> Pace:
    """Return how fast a stage goes.

    Parameters
    ----------
    schedule : str
        As `parse_schedule` reads it.
    done : float
        Epochs of the stage that are behind, a step of k adding 1 / k.
    epochs : int
        The most that the stage may take.
    plateaus : int
        How often validation has stood still; see `Plateau`.

    Returns
    -------
    Pace
        As a share of the stage's rate.

    Notes
    -----
    One cycle: Smith 2018, arXiv:1803.09820, as in fastai: the rate rises by a cosine for 30 % of the way and falls by
    one to nearly nothing; the momentum goes the other way.
    """
    kind, numbers = parse_schedule(schedule)
    share = min(done / epochs, 1.0)
    if kind == "step":
        return Pace(numbers[1] ** math.floor(done / numbers[0]))
    if kind == "plateau":
        return Pace(numbers[0] ** plateaus)
    if kind == "cosine":
        return Pace((1 + math.cos(math.pi * share)) / 2)
    if kind == "one-cycle":
        if share < RISE:
            return Pace(_between(1 / numbers[0], 1.0, share / RISE), _between(*MOMENTUM, share / RISE))
        fallen = (share - RISE) / (1 - RISE)
        return Pace(_between(1.0, 1e-5, fallen), _between(*MOMENTUM[::-1], fallen))
    return Pace(1.0)


def _between(first: float, last: float, share: float) -> float:
    """Go from one number to another along half a cosine."""
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2


@dataclass
class Plateau:
    """Counts how often validation has stood still in a stage, as Keras's ReduceLROnPlateau does.

    Parameters
    ----------
    lowest : float
        The lowest validation loss so far.
    waited, count : int
        Epochs since then or since the last reduction; reductions.
    """

    lowest: float = math.inf
    waited: int = 0
    count: int = 0

    def note(self, loss: float, schedule: str) -> None:
        """Count an epoch."""
        kind, numbers = parse_schedule(schedule)
        self.waited += 1
        if loss < self.lowest:
            self.lowest, self.waited = loss, 0
        elif kind == "plateau" and self.waited >= max(1, numbers[1]):
            self.count, self.waited = self.count + 1, 0
