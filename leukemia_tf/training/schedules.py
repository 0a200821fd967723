"""Learning-rate schedules: functions of how far a stage has come, and of how its validation went."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from leukemia_tf.core.errors import ArgumentError, nearest

RISE = 0.3  # of a one-cycle stage
MOMENTUM = (0.95, 0.85)  # of a one-cycle stage: at the lowest and at the highest rate
Numbers = tuple[float, ...]


@dataclass(frozen=True)
class ScheduleValue:
    """A step's learning rate as a share of its stage's and, where the schedule sets it, its momentum."""

    rate: float
    momentum: float | None = None


@dataclass(frozen=True)
class Moment:
    """Where a stage stands: its finished epochs, the most it may take, and how often a plateau was met."""

    done: float
    epochs: int
    reductions: int

    @property
    def share(self) -> float:
        """How far the stage has come, 0-1."""
        return min(self.done / self.epochs, 1.0)


@dataclass(frozen=True)
class Schedule:
    """A schedule that `schedule` names.

    Parameters
    ----------
    value : callable
        (moment, numbers) -> ScheduleValue.
    defaults : tuple of float
        Numbers that may follow the name, as in `step:7:0.1`, where they are left out.
    annealed : bool
        Whether the rate falls to nothing, so that a stage is not worth stopping before its end.
    problem : callable
        Numbers -> what is wrong with them; empty if nothing is.
    """

    value: Callable[[Moment, Numbers], ScheduleValue]
    defaults: Numbers = ()
    annealed: bool = False
    problem: Callable[[Numbers], str] = lambda numbers: ""


def _constant(moment: Moment, numbers: Numbers) -> ScheduleValue:
    return ScheduleValue(1.0)


def _step(moment: Moment, numbers: Numbers) -> ScheduleValue:
    """Multiply by the factor every so many epochs."""
    epochs, factor = numbers
    return ScheduleValue(factor ** math.floor(moment.done / epochs))


def _cosine(moment: Moment, numbers: Numbers) -> ScheduleValue:
    return ScheduleValue((1 + math.cos(math.pi * moment.share)) / 2)


def _one_cycle(moment: Moment, numbers: Numbers) -> ScheduleValue:
    """Smith 2018, arXiv:1803.09820, as in fastai.

    The rate rises by a cosine for 30 % of the way and falls by one to nearly nothing; the momentum goes the other way.
    """
    share = moment.share
    if share < RISE:
        return ScheduleValue(_between(1 / numbers[0], 1.0, share / RISE), _between(*MOMENTUM, share / RISE))
    fallen = (share - RISE) / (1 - RISE)
    return ScheduleValue(_between(1.0, 1e-5, fallen), _between(*MOMENTUM[::-1], fallen))


def _plateau(moment: Moment, numbers: Numbers) -> ScheduleValue:
    """Multiply by the factor after so many epochs without a lower validation loss; see `Plateau`."""
    return ScheduleValue(numbers[0] ** moment.reductions)


def _between(first: float, last: float, share: float) -> float:
    """Go from one number to another along half a cosine."""
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2


def _no_factor(factor: float) -> str:
    return "" if 0 < factor < 1 else "the factor lies between 0 and 1."


def _no_epochs(epochs: float) -> str:
    return "" if epochs >= 1 else "steps are an epoch or more apart."


SCHEDULES = {
    "constant": Schedule(_constant),
    "step": Schedule(_step, (7.0, 0.1), problem=lambda numbers: _no_factor(numbers[1]) or _no_epochs(numbers[0])),
    "cosine": Schedule(_cosine, annealed=True),
    "one-cycle": Schedule(
        _one_cycle,
        (25.0,),
        annealed=True,
        problem=lambda numbers: "" if numbers[0] > 1 else "the highest rate is divided by it: it is above 1.",
    ),
    "plateau": Schedule(_plateau, (0.5, 1.0), problem=lambda numbers: _no_factor(numbers[0])),
}


def parse_schedule(text: str) -> tuple[str, Numbers]:
    """Return a schedule's kind and its numbers, as in `step:7:0.1` or `plateau:0.5:0`.

    Raises
    ------
    ArgumentError
        If there is no such schedule.
    """
    kind, *words = text.split(":")
    if kind not in SCHEDULES:
        raise ArgumentError("schedule", text, f"no such schedule; {nearest(kind, SCHEDULES)}")
    defaults = SCHEDULES[kind].defaults
    try:
        numbers = tuple(float(word) for word in words)
    except ValueError:
        numbers = (math.nan,)
    if len(numbers) > len(defaults) or not all(math.isfinite(number) and number >= 0 for number in numbers):
        example = ":".join([kind, *(f"{number:g}" for number in defaults)])
        raise ArgumentError("schedule", text, f"write it as `{example}`.")
    return kind, (*numbers, *defaults[len(numbers) :])


def check_schedule(text: str) -> None:
    """Stop at a schedule that cannot be.

    Raises
    ------
    ArgumentError
        If there is no such schedule, or if its numbers make no sense.
    """
    kind, numbers = parse_schedule(text)
    problem = SCHEDULES[kind].problem(numbers)
    if problem:
        raise ArgumentError("schedule", text, problem)


def is_annealed(schedule: str) -> bool:
    """Return whether a schedule ends at a rate of nothing, so that a stage is not worth stopping before its end."""
    return SCHEDULES[parse_schedule(schedule)[0]].annealed


def schedule_value(schedule: str, done: float, epochs: int, reductions: int = 0) -> ScheduleValue:
    """Return a step's learning rate and momentum.

    Parameters
    ----------
    schedule : str
        As `parse_schedule` reads it.
    done : float
        Finished epochs of the stage; a step of k adds 1 / k.
    epochs : int
        The most that the stage may take.
    reductions : int
        How often a plateau was met; see `Plateau`.

    Returns
    -------
    ScheduleValue
        Its rate is a share of the stage's.
    """
    kind, numbers = parse_schedule(schedule)
    return SCHEDULES[kind].value(Moment(done, epochs, reductions), numbers)


@dataclass
class Plateau:
    """Counts the reductions of a stage's rate at a validation loss that stops falling, as Keras's ReduceLROnPlateau.

    Parameters
    ----------
    lowest : float
        The lowest validation loss so far.
    wait, reductions : int
        Epochs since then or since the last reduction; reductions.
    """

    lowest: float = math.inf
    wait: int = 0
    reductions: int = 0

    def update(self, loss: float, schedule: str) -> None:
        """Count an epoch."""
        kind, numbers = parse_schedule(schedule)
        self.wait += 1
        if loss < self.lowest:
            self.lowest, self.wait = loss, 0
        elif kind == "plateau" and self.wait >= max(1, numbers[1]):
            self.reductions, self.wait = self.reductions + 1, 0
