"""What a `.keras` file says it holds, checked before anything in it is built: it may come from anyone."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from leukemia_tf.models.keras_internals import archive_members, count_declared_parameters

CONFIG, WEIGHTS = archive_members()
MOST_CONFIG = 32 * 1024 * 1024  # bytes; the largest of this package's have 0.6 million
WIDE = 4096  # units, filters or pixels of a side: above it the file is looked at more closely
SIZES = ("units", "filters", "depth_multiplier", "batch_shape", "image_size", "target_shape", "output_dim", "input_dim")
FLATTENED = 512  # pixels of a side, where a layer flattens


def file_problem(path: Path) -> str:
    """Return why a file is no network that can be loaded safely; empty if nothing is wrong.

    Nothing is extracted, and no layer is built with its weights.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _archive_problem(archive)
    except zipfile.BadZipFile as error:
        return f"it is cut short, or no `.keras` archive: {error}"
    except RecursionError:
        return f"its {CONFIG} is nested too deeply"
    except (ValueError, TypeError, AttributeError, KeyError, NotImplementedError, EOFError) as error:
        return f"its {CONFIG} is not that of a network: {str(error).splitlines()[0] if str(error) else error!r}"


def _archive_problem(archive: zipfile.ZipFile) -> str:
    sizes = {member.filename: member.file_size for member in archive.infolist()}
    for name in sizes:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name.replace("\\", "/")).parts:
            return f"it holds {name!r}, a path that leads out of the archive"
    for name in (CONFIG, WEIGHTS):
        if name not in sizes:
            return f"it holds no {name}"
    if sizes[CONFIG] > MOST_CONFIG:
        return f"its {CONFIG} has {sizes[CONFIG]:,} bytes, more than the {MOST_CONFIG:,} allowed"
    config = json.loads(archive.read(CONFIG))
    classes = {record.get("class_name") for record in _records(config)}
    if "Lambda" in classes or "__lambda__" in classes:
        return "it holds a Lambda layer, whose code would run"
    widest = max(_declared_sizes(config), default=0)
    if widest > WIDE or ("Flatten" in classes and widest > FLATTENED):
        parameters = count_declared_parameters(config)
        if parameters > sizes[WEIGHTS]:  # a parameter takes a byte or more
            return f"its layers declare {parameters:,} parameters, more than its {sizes[WEIGHTS]:,} bytes can hold"
    return ""


def _records(value: Any) -> Iterator[dict[str, Any]]:
    """Go through all objects in a JSON value."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _records(item)


def _declared_sizes(config: Any) -> Iterator[int]:
    for record in _records(config):
        for name in SIZES:
            value = record.get(name)
            yield from (size for size in (value if isinstance(value, list) else [value]) if isinstance(size, int))
