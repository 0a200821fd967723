"""Write docs/measured/gpu.md from what `run.py` measured.

python benchmarks/gpu/report.py OUT/results.json
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from leukemia_tf.core.files import read_json, write_atomically  # noqa: E402

PAGE = ROOT / "docs" / "measured" / "gpu.md"
KINDS = ("forward", "features", "train", "train_augmented", "augment")
PASSES = {"forward": 1, "train": 3, "train_augmented": 3}  # forward passes that cost as much
ARMS = {
    "unfrozen": "unfrozen to conv2 at full resolution",
    "frozen": "its frozen head alone",
    "default": "the product's default",
}
TITLES = {"auroc_by_patient": "AUROC by patient", "auroc": "over cells"}
COMMANDS = """```sh
python benchmarks/gpu/prepare.py PACK --wheels 3.12     # here
python PACK/run.py --out OUT --minutes 10               # on the GPU
python benchmarks/gpu/report.py OUT/results.json        # here
```"""


def speed_rows(results: dict[str, Any]) -> list[str]:
    """Return the rows of the table of throughput."""
    rows = []
    for key, row in results["jax"].items():
        if "skipped" in row:
            continue
        base, size, precision = key.split()
        peak = results["peak"]["bfloat16" if "bfloat16" in precision else "float32"]
        other = results["torch"].get(key, {})
        cells = []
        for kind in KINDS:
            text = f"{row[kind]:,.0f}"
            if kind in PASSES:
                text += f" ({row[kind] * row['operations'] * PASSES[kind] / peak:.0%})"
            cells.append(text)
        ratios = [f"{row[kind] / other[kind]:.2f}" if kind in other else "-" for kind in ("forward", "train")]
        rows.append(f"| {base}, {size} px, {precision.removeprefix('mixed_')} | {' | '.join([*cells, *ratios])} |")
    return rows


def score_rows(scores: dict[str, Any]) -> list[str]:
    """Return the rows of the table of scores."""
    rows = []
    for arm, title in ARMS.items():
        values = [_interval(scores["arms"][arm][name]) for name in TITLES]
        seeds = [", ".join(f"{value:.3f}" for value in scores["arms"][arm][name]["by_seed"]) for name in TITLES]
        differences = [
            _interval(scores["differences"][arm][name], "+") if arm in scores["differences"] else "" for name in TITLES
        ]
        rows.append(f"| {title} | {' | '.join([*values, *differences, ' / '.join(seeds)])} |")
    return rows


def _interval(score: dict[str, Any], sign: str = "") -> str:
    low, high = score["low"], score["high"]
    limits = "" if low is None else f" [{low:{sign}.3f}, {high:{sign}.3f}]"
    return f"{score['value']:{sign}.3f}{limits}"


def page(results: dict[str, Any]) -> str:
    """Return the page."""
    about, scores = results["about"], results["scores"]
    every = (*results["jax"].values(), *results["torch"].values())
    skipped = sorted({row["skipped"] for row in every if "skipped" in row})
    lines = [
        "# On a GPU",
        "",
        COMMANDS,
        "",
        f"{about['device']}, JAX {about['jax']}, Keras {about['keras']}; {results['arguments']['batch']} cells a call, "
        f"{sum(results['seconds'].values()) / 60:.1f} minutes in all.",
        "",
        "## Unfreezing on unseen patients",
        "",
    ]
    if scores:
        lines += [
            f"Five folds of whole patients, draws {', '.join(map(str, scores['seeds']))}; mean logit over the draws. "
            "95 % t intervals over patients. Differences are paired: unfrozen minus this.",
            "",
            "| | AUROC by patient | over cells | unfrozen minus this, by patient | over cells "
            "| each draw, by patient / over cells |",
            "|---|---|---|---|---|---|",
            *score_rows(scores),
        ]
    else:
        lines += ["No draw of the folds was finished."]
    lines += [
        "",
        "## Cells a second",
        "",
        f"In brackets the share of the measured peak of a matrix product: {results['peak']['bfloat16'] / 1e12:.1f} "
        f"TFLOP/s in bfloat16, {results['peak']['float32'] / 1e12:.1f} with float32 inputs. A training step counts as "
        "three forward passes. The last two columns: JAX over PyTorch of the same network.",
        "",
        "| truncated network | forward | features of three depths | training step | with its augmentation "
        "| augmentation alone | forward over PyTorch | training over PyTorch |",
        "|---|---|---|---|---|---|---|---|",
        *speed_rows(results),
        *[f"\n{sentence}" for sentence in skipped],
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Write the page and print, as the last line, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--page", type=Path, default=PAGE)
    given = parser.parse_args()
    if not given.results.is_file():
        parser.error(f"{given.results}: no such file; it is what `run.py --out` writes")
    results = read_json(given.results)
    text = page(results)
    write_atomically(given.page, lambda scratch: scratch.write_text(text, encoding="utf-8"))
    print(json.dumps({"page": str(given.page), "folds": len(results["folds"]), "rows": len(results["jax"])}))


if __name__ == "__main__":
    main()
