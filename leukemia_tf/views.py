"""Several networks and methods that explain the same images, side by side."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import keras
import numpy as np

from leukemia_tf.errors import BadImageError
from leukemia_tf.explain.frame import Frame, frame_of
from leukemia_tf.explain.maps import at_most_1, explainer, mean_map
from leukemia_tf.explain.methods import find_method
from leukemia_tf.explain.pictures import overlay, said, thumb
from leukemia_tf.models.member import members_of
from leukemia_tf.models.network import explained_layer, load_network
from leukemia_tf.scoring import answered
from leukemia_tf.serving.answers import answer_function

log = logging.getLogger("leukemia_tf")

TOGETHER = 16  # images that are read and explained at once


@dataclass(frozen=True)
class View:
    """One network under one method.

    Parameters
    ----------
    title, name : str
        For pictures; for file names.
    model : keras.Model
        The network.
    answer : callable
        What it makes of image bytes.
    method : str
        The method's name.
    layers : tuple of str
        At which it is explained, one a member.
    explain : callable
        As from `explainer`.
    """

    title: str
    name: str
    model: keras.Model
    answer: Callable
    method: str
    layers: tuple[str, ...]
    explain: Callable

    @property
    def members(self) -> list[str]:
        """What to call the networks of an ensemble."""
        return [f"{number}: {member.name}" for number, member in enumerate(members_of(self.model), start=1)]


@dataclass(frozen=True)
class Shown:
    """An image with what each view makes of it: its frame, and its maps (one, or one a member)."""

    path: Path
    frames: list[Frame]
    maps: list[list[np.ndarray]]

    def heat(self, view: int = 0, inside: bool = False) -> np.ndarray:
        """Return the mean of a view's maps, float32 [height, width] of 0-1; with `inside` the cell's alone."""
        heat = mean_map(self.maps[view])
        return at_most_1(heat * self.frames[view].mask).numpy() if inside else heat


def views_of(networks: Mapping[str, Path], methods: Sequence[str], layer: str | None) -> list[View]:
    """Return each network, by its name and its file, under each method.

    Raises
    ------
    UserError
        If there is no such method or layer, or if a file is no network.
    """
    titles = [find_method(method).title for method in methods]
    views = []
    for run, path in networks.items():
        model = load_network(path)
        answer, layers = answer_function(model), tuple(explained_layer(member, layer) for member in members_of(model))
        for method, title in zip(methods, titles):
            whole = "\n".join((run, model.name, title)[: 3 if len(methods) > 1 else 2])
            title, name = (whole, f"{run}-{method}") if len(networks) > 1 else (title, method)
            views.append(View(title, name, model, answer, method, layers, explainer(model, method, layer)))
    return views


def explained(views: Sequence[View], images: Sequence[Path], bad: list[BadImageError]) -> Iterator[Shown]:
    """Yield each image with its maps; one that cannot be used is told, and goes to `bad`."""
    networks = {id(view.model): view for view in views}  # a network answers and frames once, whatever the methods
    for start in range(0, len(images), TOGETHER):
        some = images[start : start + TOGETHER]
        told = {key: answered(view.answer, some) for key, view in networks.items()}
        readable = [row.probability is not None for row in next(iter(told.values()))]
        for row in next(iter(told.values())):
            if row.probability is None:
                bad.append(BadImageError(row.path, row.reason))
                if len(images) > 1:
                    log.error("error: %s: %s", row.path, row.reason)
        framed = {
            key: [frame_of(networks[key].model, path, row) for path, row in compress(zip(some, rows), readable)]
            for key, rows in told.items()
        }
        frames = [framed[id(view.model)] for view in views]
        maps = [view.explain(own) if own else [] for view, own in zip(views, frames)]
        for path, own_frames, own_maps in zip(compress(some, readable), zip(*frames), zip(*maps)):
            yield Shown(path, list(own_frames), list(own_maps))


def overlay_of(shown: Shown, view: int = 0, inside: bool = False) -> np.ndarray:
    """Return an image with its heat under a view: float32 [height, width, 3] of 0-1."""
    return overlay(shown.frames[view].image, shown.heat(view, inside))


def row_of(shown: Shown, inside: bool = False) -> list[tuple[str, np.ndarray]]:
    """Return an image and its overlays under all views for a sheet, with what each network said."""
    first = shown.frames[0]
    cell = (shown.path.stem, thumb(overlay(first.image, np.zeros(first.image.shape[:2])), first.boxes[0]))
    pictures = [thumb(overlay_of(shown, view, inside), frame.boxes[0]) for view, frame in enumerate(shown.frames)]
    return [cell, *zip([said(frame.prediction) for frame in shown.frames], pictures)]


def captioned(shown: Shown, picture: np.ndarray) -> tuple[str, np.ndarray]:
    """Return the overlay of an image under its only view for a sheet, with its name and what the network said."""
    (frame,) = shown.frames
    return f"{shown.path.stem}\n{said(frame.prediction)}", thumb(picture, frame.boxes[0])
