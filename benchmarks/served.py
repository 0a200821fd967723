"""Whether an exported model predicts as `predict` and explains as `gradcam`, with nothing but TensorFlow.

    python benchmarks/served.py RUN [--images N]

The run is exported to a folder that is deleted afterwards. All test cells of the run (the first N, at least 2), as
files, go through the signatures `serving_default` and `explain` in a process that imports TensorFlow and nothing of
this package; then through `predict` and `gradcam --save-arrays`. Prints the largest difference of a probability, and of
a pixel of a heat map (0-255, served as whole numbers).
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from shared import use_shared

from leukemia_tf.config import ExportConfig, GradcamConfig, PredictConfig
from leukemia_tf.evaluation.predictions import read_predictions
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.workflows.export import export
from leukemia_tf.workflows.gradcam import gradcam
from leukemia_tf.workflows.predict import predict

ALONE = """
import sys
import numpy as np
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1]).signatures
paths = open(sys.argv[2], encoding="utf-8").read().splitlines()
probabilities, heat = [], []
for start in range(0, len(paths), 32):
    contents = tf.constant([open(path, "rb").read() for path in paths[start : start + 32]])
    probabilities += model["serving_default"](image_bytes=contents)["probability"].numpy().tolist()
    heat += [tf.io.decode_png(png)[..., 0].numpy() for png in model["explain"](image_bytes=contents)["heatmap"]]
assert not any(name.split(".")[0] == "leukemia_tf" for name in sys.modules)
np.savez(sys.argv[3], probabilities=probabilities, **{str(number): one for number, one in enumerate(heat)})
"""


def main() -> None:
    """Compare, print, and print one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--images", type=int)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    use_shared()
    run = RunFolder(arguments.run)
    rows = read_predictions(run.predictions("test"))[: arguments.images]
    paths = [(run.data / row.path).resolve() for row in rows]
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        version = export(ExportConfig(run=run.path, out=folder / "saved"))
        (folder / "paths").write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
        words = [sys.executable, "-c", ALONE, version, folder / "paths", folder / "served.npz"]
        subprocess.run(list(map(str, words)), cwd=folder, check=True)
        served = np.load(folder / "served.npz")
        predicted = np.array([row.probability for row in predict(PredictConfig(paths, run=run.path))])
        difference = float(np.abs(served["probabilities"] - predicted).max())
        gradcam(GradcamConfig(paths, run=run.path, out=folder / "maps", save_arrays=True))
        maps = [np.load(next((folder / "maps").glob(f"{path.stem}-*.npz")))["heat"] for path in paths]
        pixels = max(float(np.abs(served[str(number)] - 255 * heat).max()) for number, heat in enumerate(maps))
    kinds = {kind: sum(path.suffix == kind for path in paths) for kind in sorted({path.suffix for path in paths})}
    print("| test cells | a probability differs by at most | a heat map's pixel (0-255) by at most |\n|---|---|---|")
    print(
        f"| {len(paths)} ({', '.join(f'{n} {kind}' for kind, n in kinds.items())}) | {difference:.1e} | {pixels:.2f} |"
    )
    print(json.dumps({"cells": len(paths), "kinds": kinds, "probability": difference, "heat": pixels}))


if __name__ == "__main__":
    main()
