"""TensorFlow Serving's JSON: reading requests and writing responses."""

from __future__ import annotations

import base64
import binascii
import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from leukemia_tf.core.errors import UserError

IMAGE_BYTES, DEFAULT = "image_bytes", "serving_default"
MOST_IMAGES = 128  # of a request
MOST_BYTES = 64 << 20  # of a request
TOO_LARGE = f"a request takes at most {MOST_BYTES >> 20} MiB: send the images in several."

Values = list[bytes] | np.ndarray


class RequestError(UserError):
    """A request that cannot be served."""


@dataclass(frozen=True)
class PredictRequest:
    """A `:predict` request.

    Parameters
    ----------
    signature : str
        Of the model.
    name : str
        Of the signature's only input.
    values : list of bytes or numpy.ndarray
        Image files, or uint8 [n, h, w, 3].
    by_row : bool
        Whether the response has a row per instance (`predictions`), or a column per output (`outputs`).
    """

    signature: str
    name: str
    values: Values
    by_row: bool


def uncompress(body: bytes, encoding: str) -> bytes:
    """Return a request's body without its Content-Encoding, `gzip` or none.

    Raises
    ------
    RequestError
        If it is encoded in another way or not at all, or is longer than `MOST_BYTES`.
    """
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise RequestError(f"the content encoding takes gzip or none. Received: {encoding!r}.")
    decoder = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        content = decoder.decompress(body, MOST_BYTES)
    except zlib.error:
        raise RequestError("the body is not gzip, as its Content-Encoding says.") from None
    if decoder.unconsumed_tail:
        raise RequestError(TOO_LARGE)
    if not decoder.eof:
        raise RequestError("the body is not whole: its gzip stream ends early.")
    return content


def read_request(body: bytes, inputs: Mapping[str, str]) -> PredictRequest:
    """Read the body of a `:predict` request.

    Parameters
    ----------
    body : bytes
        JSON, in rows (`{"instances": [{"image_bytes": {"b64": "…"}}, …]}`) or columns (`{"inputs": …}`), with or
        without `signature_name`.
    inputs : mapping of str to str
        The name of each signature's input.

    Raises
    ------
    RequestError
        That says what is wrong.
    """
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise RequestError("the body is not JSON.") from None
    if not isinstance(request, dict) or len({"instances", "inputs"} & set(request)) != 1:
        raise RequestError('the body must be an object with either "instances" or "inputs".')
    signature = request.get("signature_name", DEFAULT)
    signature = DEFAULT if signature == "" else signature
    if not isinstance(signature, str) or signature not in inputs:
        raise RequestError(f"there is no signature {signature!r}; choose one of {', '.join(inputs)}.")
    name, by_row = inputs[signature], "instances" in request
    values = _from_rows(request["instances"], name) if by_row else _from_column(request["inputs"], name)
    if not 0 < len(values) <= MOST_IMAGES:
        raise RequestError(f"a request takes 1 to {MOST_IMAGES} images. Received: {len(values)}.")
    return PredictRequest(signature, name, _files(values) if name == IMAGE_BYTES else _pixels(values), by_row)


def _from_rows(instances: Any, name: str) -> list:
    if not isinstance(instances, list):
        raise RequestError('"instances" must be a list.')
    return [row[name] if isinstance(row, dict) and set(row) == {name} else row for row in instances]


def _from_column(inputs: Any, name: str) -> list:
    values = inputs[name] if isinstance(inputs, dict) and set(inputs) == {name} else inputs
    if not isinstance(values, list):
        raise RequestError(f'"inputs" must be a list, or an object with a list under "{name}".')
    return values


def _files(values: list) -> list[bytes]:
    files = []
    for place, value in enumerate(values):
        if not isinstance(value, dict) or set(value) != {"b64"} or not isinstance(value["b64"], str):
            raise RequestError(f'image {place}: it must be written as {{"b64": "…"}}, base64 of the file\'s bytes.')
        try:
            files.append(_base64(value["b64"]))
        except (binascii.Error, ValueError):
            raise RequestError(f"image {place} is not base64.") from None
    return files


def _base64(text: str) -> bytes:
    """Decode base64 as TensorFlow Serving does: white space is passed over, padding may be missing."""
    text = "".join(text.split())
    return base64.b64decode(text if "=" in text else text + "=" * (-len(text) % 4), validate=True)


def _pixels(values: list) -> np.ndarray:
    try:
        pixels = np.asarray(values)
        valid = pixels.ndim == 4 and pixels.shape[3] == 3 and pixels.size and pixels.dtype.kind == "i"
        valid = valid and pixels.min() >= 0 and pixels.max() <= 255
    except (ValueError, TypeError, OverflowError):
        valid = False
    if not valid:
        raise RequestError("images must be numbers from 0 to 255, as [n, height, width, 3].")
    return pixels.astype(np.uint8)


def write_response(outputs: Mapping[str, np.ndarray], by_row: bool) -> dict[str, Any]:
    """Return the content of the response's JSON.

    Parameters
    ----------
    outputs : mapping of str to numpy.ndarray
        [n] each: numbers, or bytes.
    by_row : bool
        See `PredictRequest`.

    Returns
    -------
    dict
        As TensorFlow Serving's, but for two things that JSON cannot hold: NaN is null, and bytes that are no text are
        written as `{"b64": "…"}` whatever the output's name.
    """
    columns = {name: [_json_value(value) for value in values.tolist()] for name, values in outputs.items()}
    if not by_row:
        return {"outputs": columns}
    return {"predictions": [dict(zip(columns, row)) for row in zip(*columns.values())]}


def _json_value(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode()}
