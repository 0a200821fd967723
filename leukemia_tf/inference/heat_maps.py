"""Several networks and methods that explain the same images, side by side."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import keras
import numpy as np

from leukemia_tf.core.errors import BadImageError
from leukemia_tf.explain.frame import Frame, frame_of
from leukemia_tf.explain.maps import Explainer, description, explainer, mean_map, scale_to_1
from leukemia_tf.explain.methods import find_method
from leukemia_tf.explain.pictures import overlay, prediction_text, thumb
from leukemia_tf.inference.batches import predict_files
from leukemia_tf.models.explained import explained_maps
from leukemia_tf.models.member import members_of
from leukemia_tf.models.network import load_network
from leukemia_tf.serving.signatures import PredictFunction, prediction_function

log = logging.getLogger("leukemia_tf")

BATCH = 16  # images that are read and explained together


@dataclass(frozen=True)
class ExplainedNetwork:
    """One network with one method: a view of the images.

    Parameters
    ----------
    title, name : str
        For pictures; for file names.
    model : keras.Model
        The network.
    predict : callable
        As from `prediction_function`.
    method : str
        The method's name.
    layers : tuple of tuple of str
        The explained layers of the network, or of each member; none where the method explains pixels.
    file : pathlib.Path
        The network's.
    explain : callable
        As from `explainer`.
    """

    title: str
    name: str
    model: keras.Model
    predict: PredictFunction
    method: str
    layers: tuple[tuple[str, ...], ...]
    file: Path
    explain: Explainer

    @property
    def texts(self) -> dict[str, str]:
        """What a picture's file says of the view: the method, and the layers, of an ensemble those of each member."""
        return description(find_method(self.method), self.layers)

    @property
    def members(self) -> list[str]:
        """The titles of an ensemble's networks."""
        return [f"{number}: {member.name}" for number, member in enumerate(members_of(self.model), start=1)]


@dataclass(frozen=True)
class ExplainedImage:
    """An image with its frame and its maps (one, or one per member) for each view."""

    path: Path
    frames: list[Frame]
    maps: list[list[np.ndarray]]

    def heat(self, view: int = 0, inside: bool = False) -> np.ndarray:
        """Return the mean of a view's maps, float32 [height, width] of 0-1; with `inside` only within the cell."""
        heat = mean_map(self.maps[view])
        return scale_to_1(heat * self.frames[view].mask).numpy() if inside else heat


def explained_networks(
    networks: Mapping[str, Path], methods: Sequence[str], layer: str | None
) -> list[ExplainedNetwork]:
    """Return each network, by its name and its file, with each method.

    Raises
    ------
    UserError
        If there is no such method or layer, or if a file is no network.
    """
    method_titles = [find_method(method).title for method in methods]
    views = []
    for run, path in networks.items():
        model = load_network(path)
        predict = prediction_function(model)
        read = [[maps.layer for maps in explained_maps(member, layer)] for member in members_of(model)]
        for method, method_title in zip(methods, method_titles):
            layers = tuple(find_method(method).layers_of(names) for names in read)
            whole = "\n".join((run, model.name, method_title)[: 3 if len(methods) > 1 else 2])
            title = whole if len(networks) > 1 else method_title
            explain = explainer(model, method, layer)
            views.append(
                ExplainedNetwork(title, f"{run}-{method}", model, predict, method, layers, path.resolve(), explain)
            )
    return views


def explain_images(
    views: Sequence[ExplainedNetwork], images: Sequence[Path], bad: list[BadImageError]
) -> Iterator[ExplainedImage]:
    """Yield each image with its maps; one that cannot be used is logged and added to `bad`."""
    networks = {id(view.model): view for view in views}  # a network predicts and frames once, whatever the methods
    for start in range(0, len(images), BATCH):
        batch = images[start : start + BATCH]
        predictions = {key: predict_files(view.predict, batch) for key, view in networks.items()}
        rows = next(iter(predictions.values()))
        readable = [row.probability is not None for row in rows]
        for row in rows:
            if row.probability is None:
                bad.append(BadImageError(row.path, row.reason))
                if len(images) > 1:
                    log.error("error: %s: %s", row.path, row.reason)
        framed = {
            key: [frame_of(networks[key].model, path, row) for path, row in compress(zip(batch, rows), readable)]
            for key, rows in predictions.items()
        }
        frames = [framed[id(view.model)] for view in views]
        maps = [view.explain(view_frames) if view_frames else [] for view, view_frames in zip(views, frames)]
        for path, image_frames, image_maps in zip(compress(batch, readable), zip(*frames), zip(*maps)):
            yield ExplainedImage(path, list(image_frames), list(image_maps))


def overlay_of(image: ExplainedImage, view: int = 0, inside: bool = False) -> np.ndarray:
    """Return an image with its heat in a view: float32 [height, width, 3] of 0-1."""
    return overlay(image.frames[view].image, image.heat(view, inside))


def sheet_row(image: ExplainedImage, inside: bool = False) -> list[tuple[str, np.ndarray]]:
    """Return an image and its overlays in all views for a sheet, with each network's prediction."""
    first = image.frames[0]
    cell = (image.path.stem, thumb(overlay(first.image, np.zeros(first.image.shape[:2])), first.boxes[0]))
    pictures = [thumb(overlay_of(image, view, inside), frame.boxes[0]) for view, frame in enumerate(image.frames)]
    return [cell, *zip([prediction_text(frame.prediction) for frame in image.frames], pictures)]


def captioned(image: ExplainedImage, picture: np.ndarray) -> tuple[str, np.ndarray]:
    """Return the overlay of an image in its only view for a sheet, with its name and prediction."""
    (frame,) = image.frames
    return f"{image.path.stem}\n{prediction_text(frame.prediction)}", thumb(picture, frame.boxes[0])
