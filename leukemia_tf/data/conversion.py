"""Clean PNGs of image files that are refused and that OpenCV reads, in a tree like the data folder's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from leukemia_tf.core.console import progress_bar
from leukemia_tf.core.errors import BadImageError
from leukemia_tf.core.files import free_path
from leukemia_tf.core.png import write_png
from leukemia_tf.data.folder_files import list_files
from leukemia_tf.data.headers import header_problem
from leukemia_tf.data.integrity import decode_upright, read_bytes
from leukemia_tf.data.other_kinds import TIFF_STARTS, tiff_pages


@dataclass(frozen=True)
class Conversion:
    """What was converted.

    Parameters
    ----------
    images : int
        Files of images below the folder.
    written : dict of str to pathlib.Path
        The PNG of each file, by its path below the folder.
    failed : tuple of str
        Files of a kind that OpenCV reads, but that it could not decode.
    several : dict of str to int
        Number of pages of each file that has several; the first was converted.
    """

    images: int
    written: dict[str, Path]
    failed: tuple[str, ...]
    several: dict[str, int]


def convert_images(folder: Path, target: Path) -> Conversion:
    """Write a 24-bit PNG of each image below a folder that is refused as it is and that OpenCV reads.

    Labels and patients do not matter. A TIFF's first page is taken; a picture that is stored turned is turned.
    """
    written: dict[str, Path] = {}
    failed: list[str] = []
    several: dict[str, int] = {}
    images = list_files(folder).images
    for image in progress_bar(images, title="converting", unit="image"):
        path = image.relative_to(folder).as_posix()
        try:
            content = read_bytes(image, image)
        except BadImageError:
            continue
        problem = header_problem(content)
        if not (problem and problem.convertible):
            continue
        pixels = decode_upright(content)
        if pixels is None:
            failed.append(path)
            continue
        written[path] = write_png(free_path((target / path).with_suffix(".png")), pixels)
        pages = tiff_pages(content).count if content[:4] in TIFF_STARTS else 1
        if pages > 1:
            several[path] = pages
    return Conversion(len(images), written, tuple(failed), several)
