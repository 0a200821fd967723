"""leukemia_tf: leukemic B-lymphoblasts told from normal cells, honestly, with Keras.

Each command is a module with one public function of the same name:
``from leukemia_tf.train import train``.
"""

from pathlib import Path

__version__ = "0.1.0"

_root = Path(__file__).resolve().parent.parent
if (_root / "setup.cfg").is_file():  # a source tree: models/, tuning/ and explain/ lie beside this folder
    __path__.append(str(_root))
