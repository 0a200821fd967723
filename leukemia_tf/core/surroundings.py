"""What other programs have set up for Keras, matplotlib and the standard streams, and this package cannot work with."""

from __future__ import annotations

import logging
import os
import signal
import sys
from types import FrameType
from typing import Any

from leukemia_tf.core.errors import UserError

log = logging.getLogger("leukemia_tf")

BACKEND = "tensorflow"


def prepare_process() -> None:
    """Set up a process that runs one command, before Keras and matplotlib are imported.

    Commands run on TensorFlow whatever KERAS_BACKEND and keras.json say. Figures are only written to files, so the
    window system in MPLBACKEND, such as a notebook's, is not needed. What a stream cannot encode is escaped. SIGTERM,
    as a batch system sends it, does what Ctrl-C does: a training saves its state.
    """
    backend = os.environ.get("KERAS_BACKEND", BACKEND)
    if backend != BACKEND:
        log.warning("WARNING: KERAS_BACKEND=%s is not used: commands run on TensorFlow", backend)
    os.environ["KERAS_BACKEND"] = BACKEND
    os.environ.pop("MPLBACKEND", None)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Do what Ctrl-C does, in the background of a shell too, where Ctrl-C is ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)


def check_keras(keras: Any) -> None:
    """Set what keras.json may have changed to what the networks are built for.

    Parameters
    ----------
    keras : module
        Keras, imported.

    Raises
    ------
    UserError
        If it runs on another backend than TensorFlow: that is settled when it is imported.
    """
    backend = keras.config.backend()
    if backend != BACKEND:
        raise UserError(
            f"Keras runs on {backend} in this process, and leukemia_tf on TensorFlow: set KERAS_BACKEND=tensorflow "
            "before Keras is imported."
        )
    for name, wanted in (("image_data_format", "channels_last"), ("floatx", "float32")):
        if getattr(keras.config, name)() != wanted:
            log.warning("WARNING: Keras's %s is set to %s in this process, not as keras.json says", name, wanted)
            getattr(keras.config, f"set_{name}")(wanted)
