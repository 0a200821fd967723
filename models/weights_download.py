"""Downloading published ImageNet weights, or saying how to get them."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import keras

from leukemia_tf.core.errors import WeightsError
from leukemia_tf.models.architecture import Architecture
from leukemia_tf.models.weights_search import FOLDER

TIMEOUT = 20  # seconds without an answer


def download_weights(architecture: Architecture, tried: Sequence[str]) -> Path:
    """Download a network's ImageNet weights into Keras's cache.

    Parameters
    ----------
    architecture : Architecture
        Its record.
    tried : sequence of str
        What is wrong with each local file, for the error.

    Raises
    ------
    WeightsError
        If they cannot be downloaded; it says how to get them.
    """
    name = architecture.weights[0]
    problem = f"the ImageNet weights of {architecture.name} cannot be had: " + "".join(f"{text}; " for text in tried)
    ways = f"put it into a folder and name the folder in {FOLDER}; or train from random weights with `weights=none`."
    if architecture.converted:
        raise WeightsError(
            f"{problem}{FOLDER} and Keras's cache hold no {name}. Write it with `python -m leukemia_tf.convert_weights "
            f"FILE --base {architecture.name}` from torchvision's file, {ways}"
        )
    url = f"{architecture.url}/{name}"
    try:
        with _socket_timeout(TIMEOUT):
            return Path(keras.utils.get_file(name, url, cache_subdir="models"))
    except Exception as error:  # get_file raises a bare Exception for every failure of the network
        raise WeightsError(
            f"{problem}{FOLDER} and Keras's cache hold no file that fits, and the download failed "
            f"({str(error).splitlines()[0]}). Get {name} from {url}, {ways}"
        ) from None


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
