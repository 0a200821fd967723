"""leukemia_tf: leukemic B-lymphoblasts told from normal cells, honestly, with Keras.

Each command is a module with one public function of the same name:
``from leukemia_tf.train import train``.
"""

import os
from pathlib import Path

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(4096 * 4096))  # read once, when cv2 is first imported

__version__ = "0.1.0"

_root = Path(__file__).resolve().parent.parent
if (_root / "setup.cfg").is_file():  # a source tree: models/, tuning/ and explain/ lie beside this folder
    __path__.append(str(_root))
