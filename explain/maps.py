"""Heat maps of cells in their originals' pixels, in Python and inside a SavedModel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from leukemia_tf.core.png import HEAD, text_chunks
from leukemia_tf.data.decoding import decode
from leukemia_tf.data.framing import window
from leukemia_tf.data.preprocessing import stored_preprocessing
from leukemia_tf.data.preprocessing_graph import cells_from_bytes
from leukemia_tf.explain.cams import support
from leukemia_tf.explain.frame import Frame, to_original
from leukemia_tf.explain.methods import DEFAULT, Method, find_cam, find_method
from leukemia_tf.explain.target import Target
from leukemia_tf.models.explained import explained_maps
from leukemia_tf.models.member import as_inputs, members_of
from leukemia_tf.models.network import logit_model, preprocessings_of
from leukemia_tf.models.probability import get_calibration

Explainer = Callable[[Sequence[Frame]], list[list[np.ndarray]]]


def explainer(model: keras.Model, method: str = DEFAULT, layer: str | None = None) -> Explainer:
    """Return the function that maps where cells support a network's prediction.

    Parameters
    ----------
    model : keras.Model
        A network of this package, or an ensemble.
    method : str
        A name of `leukemia_tf.explain.methods.METHODS`.
    layer : str, optional
        A layer or a block; by default as from `leukemia_tf.models.explained.explained_maps`.

    Returns
    -------
    callable
        Frames -> for each frame one map, or one per member: float32 [height, width] of 0-1 in the original's pixels; 0
        everywhere if nothing supports the prediction.

    Raises
    ------
    UserError
        If there is no such method or layer.
    """
    heat_of = find_method(method).heat
    targets = [Target(member, layer) for member in members_of(model)]

    def explain(frames: Sequence[Frame]) -> list[list[np.ndarray]]:
        maps: list[list[np.ndarray]] = [[] for _ in frames]
        signs = np.array([frame.sign for frame in frames], np.float32)
        for number, target in enumerate(targets):
            cells = np.concatenate([frame.cells[number] for frame in frames])
            for frame_maps, heat, frame in zip(maps, heat_of(target, cells, signs), frames):
                scaled = scale_to_1(heat)
                frame_maps.append(to_original(scaled, frame.boxes[number], frame.image.shape[:2]).numpy())
        return maps

    return explain


def scale_to_1(heat: np.ndarray | tf.Tensor) -> tf.Tensor:
    """Scale a map, 0 and more, so that its highest value is 1; a map without heat stays as it is."""
    return tf.math.divide_no_nan(heat, tf.reduce_max(heat))


def mean_map(maps: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean of the members' maps, its highest value 1: float32 [height, width]."""
    return scale_to_1(np.mean(maps, axis=0)).numpy()


def description(method: Method, layers: Sequence[Sequence[str]]) -> dict[str, str]:
    """Return what a file says of the map in it: the method, and its layers, of an ensemble those of each network."""
    return {"Method": method.title, **({"Layers": "; ".join(map(", ".join, layers))} if any(layers) else {})}


def explained_layers(model: keras.Model, method: str) -> list[tuple[str, ...]]:
    """Return the layers that a method explains by default, of an ensemble for each member."""
    networks = [[maps.layer for maps in explained_maps(member)] for member in members_of(model)]
    return [find_method(method).layers_of(layers) for layers in networks]


def explain_function(model: keras.Model, method: str = DEFAULT) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Return the function that explains image files inside a SavedModel.

    Parameters
    ----------
    model : keras.Model
        A network of this package, or an ensemble. The function holds the maps that it has of an empty frame now.
    method : str
        A class-activation map of `leukemia_tf.explain.methods.METHODS`.

    Returns
    -------
    callable
        `image_bytes`, string [n], -> `probability` float32 [n], as `serving_default` gives it, and `heatmap` string
        [n]: a grey PNG of the original's size, 255 where it is hottest (of an ensemble the members' mean), that says
        the method as text; empty where a file is unreadable.

    Raises
    ------
    ArgumentError
        If there is no such method, or if it is no class-activation map.
    """
    cam, layers_of = find_cam(method), find_method(method).layers_of
    inputs = [stored_preprocessing(settings) for settings in preprocessings_of(model)]
    targets = [Target(member) for member in members_of(model)]
    empty = [[maps.numpy() for maps in target.empty_maps()] for target in targets]
    texts = text_chunks(description(find_method(method), explained_layers(model, method)))
    to_logit, calibration = logit_model(model), get_calibration(model)

    def heat_of(target: Target, cells: tf.Tensor, signs: tf.Tensor, empty: list[np.ndarray]) -> tf.Tensor:
        return support(cam, layers_of(target.evidence(cells, signs, empty)))

    def as_png(content: tf.Tensor, heats: list[tf.Tensor]) -> tf.Tensor:
        image = decode(content)
        sides = tf.shape(image)[:2]
        maps = [
            to_original(scale_to_1(heat), window(image, settings.framing), sides)
            for heat, settings in zip(heats, inputs)
        ]
        heat = scale_to_1(tf.add_n(maps))
        png = tf.io.encode_png(tf.cast(tf.round(255 * heat), tf.uint8)[..., None])
        return tf.strings.substr(png, 0, HEAD) + texts + tf.strings.substr(png, HEAD, -1)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")], autograph=False)
    def explain(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        prepared = {settings: cells_from_bytes(image_bytes, settings) for settings in dict.fromkeys(inputs)}
        cells, readable = [prepared[settings][0] for settings in inputs], prepared[inputs[0]][2]
        probability = tf.sigmoid(to_logit(as_inputs(cells), training=False)[:, 0] / calibration.temperature)
        signs = tf.where(probability >= calibration.threshold, 1.0, -1.0)
        heats = [heat_of(target, one, signs, maps) for target, one, maps in zip(targets, cells, empty)]

        def png_if_readable(row: tuple) -> tf.Tensor:
            content, sound, *row_heats = row
            return tf.cond(sound, lambda: as_png(content, row_heats), lambda: "")

        heatmap = tf.map_fn(png_if_readable, (image_bytes, readable, *heats), fn_output_signature=tf.string)
        return {"probability": tf.where(readable, probability, float("nan")), "heatmap": heatmap}

    return explain
