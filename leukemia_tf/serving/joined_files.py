"""The page's form of a `:predict` request: the files one after the other, without the cost of JSON and base64."""

from __future__ import annotations

from collections.abc import Mapping

from leukemia_tf.serving.rest import IMAGE_BYTES, MOST_IMAGES, PredictRequest, RequestError

SIZES = "X-Image-Sizes"  # the header: the bytes of each file, separated by commas


def read_joined(body: bytes, sizes: str, signature: str, inputs: Mapping[str, str]) -> PredictRequest:
    """Read a request whose body is image files, joined.

    Parameters
    ----------
    body : bytes
        The files' bytes.
    sizes : str
        Their numbers of bytes, as in `607554,120`.
    signature : str
        A signature that takes image files.
    inputs : mapping of str to str
        The name of each signature's input.

    Raises
    ------
    RequestError
        That says what is wrong.
    """
    of_files = [name for name, input_name in inputs.items() if input_name == IMAGE_BYTES]
    if signature not in of_files:
        raise RequestError(f"there is no signature {signature!r} of image files; choose one of {', '.join(of_files)}.")
    texts = sizes.split(",")
    if not 0 < len(texts) <= MOST_IMAGES or not all(text.isascii() and text.isdecimal() for text in texts):
        raise RequestError(f"{SIZES} takes 1 to {MOST_IMAGES} numbers, separated by commas. Received: {sizes[:80]!r}.")
    if sum(map(int, texts)) != len(body):
        raise RequestError(f"{SIZES} must sum to the {len(body)} bytes of the body. Received: {sizes[:80]!r}.")
    files, start = [], 0
    for size in map(int, texts):
        files.append(body[start : start + size])
        start += size
    return PredictRequest(signature, IMAGE_BYTES, files, by_row=True)
