"""Images of 4 x 4 pixels, where a test is about their names and folders."""

import cv2
import numpy as np


def put(path, value=80):
    """Write an image of one grey level, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((4, 4, 3), value, np.uint8))
    return path
