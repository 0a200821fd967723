"""Measure on a GPU: how fast the networks are, and what unfreezing at full resolution gives on unseen patients.

    python run.py --out OUT [--minutes 10]

Needs JAX and Keras, no TensorFlow; PyTorch with torchvision for the rows that compare. It works through its tasks with
the most telling first, writes OUT/results.json and OUT/predictions.csv after each, and ends between two tasks when the
next would take it beyond its minutes. Called again it goes on. docs/gpu.md says what each task is.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # PyTorch needs memory, too
sys.path[:0] = [str(HERE), str(HERE / "code"), str(HERE / "site")]
try:
    import jax
    import keras
    import numpy as np
except ImportError as error:
    sys.exit(f"error: {error}: run.py needs JAX, Keras and NumPy; the pack's wheels may be installed into {HERE}/site")

from arms import ARMS, Arms, scores  # noqa: E402
from cells import Cells, build, pack_base, read_cells  # noqa: E402
from steps import as_array  # noqa: E402
from throughput import jax_row, matrix_peak, timed  # noqa: E402
from torch_rows import torch_row  # noqa: E402

from leukemia_tf.core.files import read_json, write_csv, write_json  # noqa: E402
from leukemia_tf.models.heads import HEADS  # noqa: E402

FIRST = (("resnet50", 330, "mixed_bfloat16"),)  # before the folds of all seeds but the first
COLUMNS = ("cell", "patient", "label", "seed", "fold", "arm", "logit")
Task = tuple[str, str, Callable[[], Any]]  # group of results.json, key in it, what computes its value


def throughput_tasks(rows: list[tuple[str, int, str]], batch: int) -> Iterator[Task]:
    """Yield the tasks of rows of (backbone, size, precision)."""
    for base, size, precision in rows:
        row = (base, size, precision, batch)
        key = f"{base} {size} {precision}"
        yield "jax", key, lambda row=row: _jax_row_or_reason(*row)
        yield "torch", key, lambda row=row: torch_row(*row, timed)


def _jax_row_or_reason(*row: Any) -> dict[str, Any]:
    try:
        return jax_row(*row, None)
    except jax.errors.JaxRuntimeError as error:  # memory, most often: the other rows go on
        return {"skipped": f"JAX stopped at {' '.join(map(str, row[:3]))} ({str(error).splitlines()[0][:200]})."}


def fold_tasks(pack: Path, cells: Cells, seeds: list[int], given: argparse.Namespace) -> Iterator[Task]:
    """Yield the tasks of all folds of some seeds; the network is built at the first."""
    for seed in seeds:
        for fold in range(cells.folds[seed].max() + 1):
            yield "folds", f"{seed}-{fold}", lambda seed=seed, fold=fold: _fold(pack, cells, seed, fold, given)


_arms: dict[str, Arms] = {}  # one: its steps are compiled once
_first: dict[int, list[np.ndarray]] = {}  # of each seed the values that training starts from


def _fold(pack: Path, cells: Cells, seed: int, fold: int, given: argparse.Namespace) -> dict[str, Any]:
    if seed not in _first:
        keras.config.set_dtype_policy(given.precision)
        network = build(pack_base(pack), cells.pixels.shape[1], HEADS["multi-depth"], seed, pack / "weights.npz")
        _first[seed] = [as_array(variable) for variable in network.model.variables]
        if "all" not in _arms:
            _arms["all"] = Arms(network, cells, given.batch, given.epochs)
    keras.config.set_dtype_policy(given.precision)  # rows of throughput set theirs
    return _arms["all"].run(seed, fold, _first[seed])


def about() -> dict[str, Any]:
    """Return what the figures were measured on."""
    device = jax.devices()[0]
    memory = (device.memory_stats() or {}).get("bytes_limit", 0)
    versions = {"jax": jax.__version__, "keras": keras.__version__, "numpy": np.__version__}
    return {"device": device.device_kind, "platform": device.platform, "memory_gb": round(memory / 1e9, 1), **versions}


def write(out: Path, cells: Cells, results: dict[str, Any]) -> None:
    """Write both files, each in one step."""
    rows = [
        dict(zip(COLUMNS, (cell, cells.patients[cell], cells.labels[cell], *key.split("-"), arm, logit)))
        for key, done in results["folds"].items()
        for arm in ARMS
        for cell, logit in zip(done["cells"], done["logits"][arm])
    ]
    write_csv(out / "predictions.csv", COLUMNS, rows)
    write_json(out / "results.json", {**results, "scores": scores(cells, results["folds"])})


def work(tasks: list[Task], out: Path, cells: Cells, results: dict[str, Any], minutes: float) -> bool:
    """Work through the tasks that are not done; return whether all are."""
    began, longest = time.monotonic(), dict.fromkeys(("jax", "torch", "folds", "peak"), 0.0)
    for group, key, compute in tasks:
        if key in results[group]:
            continue
        started = time.monotonic()
        if started - began + longest[group] > 60 * minutes:
            print(f"stopped before {group} {key}: {minutes:g} minutes; the same command goes on")
            return False
        results[group][key] = compute()
        longest[group] = time.monotonic() - started
        results["seconds"][f"{group} {key}"] = round(longest[group], 1)
        write(out, cells, results)
        print(f"{group} {key}: {longest[group]:.1f} s", flush=True)
    return True


def main() -> None:
    """Carry out what is not done yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--minutes", type=float, default=10, help="no task starts that would end later")
    parser.add_argument("--batch", type=int, default=64, help="cells of a forward pass and of a timed step")
    parser.add_argument("--bases", nargs="+", default=["resnet50", "vgg16", "mobilenetv2"], help="timed backbones")
    parser.add_argument("--sizes", nargs="+", type=int, default=[330, 224], help="timed sides in pixels")
    parser.add_argument("--precision", default="mixed_bfloat16", help="of the folds: mixed_bfloat16 or float32")
    parser.add_argument("--epochs", type=int, help="the most of a stage, for a trial")
    parser.add_argument("--matrix", type=int, default=8192, help="side of the matrix product that gives the peak")
    given = parser.parse_args()
    cells, file = read_cells(HERE), given.out / "results.json"
    results = read_json(file) if file.is_file() else {}
    results |= {"about": about(), "arguments": {k: v for k, v in vars(given).items() if k not in ("out", "minutes")}}
    for group in ("peak", "jax", "torch", "folds", "seconds"):
        results.setdefault(group, {})
    rows = [(b, s, p) for b in given.bases for s in given.sizes for p in ("mixed_bfloat16", "float32")]
    first = [row for row in rows if row in FIRST]
    peaks = [("peak", dtype, lambda dtype=dtype: matrix_peak(dtype, given.matrix)) for dtype in ("bfloat16", "float32")]
    seeds = list(range(len(cells.folds)))
    tasks = [
        *peaks,
        *fold_tasks(HERE, cells, seeds[:1], given),
        *throughput_tasks(first, given.batch),
        *fold_tasks(HERE, cells, seeds[1:], given),
        *throughput_tasks([row for row in rows if row not in FIRST], given.batch),
    ]
    print(", ".join(f"{name} {value}" for name, value in results["about"].items()), flush=True)
    if work(tasks, given.out, cells, results, given.minutes):
        print(f"all is done: {file}")


if __name__ == "__main__":
    main()
