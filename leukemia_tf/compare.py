"""`python -m leukemia_tf.compare RUN RUN …`: which run is better, by how much, and what each gets wrong."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from leukemia_tf.cli import run_command
from leukemia_tf.config import CompareConfig
from leukemia_tf.errors import RunError, UserError
from leukemia_tf.run import RunFolder, open_run

if TYPE_CHECKING:
    import numpy as np

    from leukemia_tf.evaluation.predictions import Prediction

log = logging.getLogger("leukemia_tf")

SHOWN = 24  # cells of a gallery
METRICS = ("auroc_by_patient", "auroc", "weighted_f1", "accuracy")
COSTS = ("auroc_by_patient", "parameters", "seconds")


def compare(config: CompareConfig) -> dict:
    """Compare finished runs on the test cells that they share: writes compare.json, errors.csv and figures.

    Parameters
    ----------
    config : CompareConfig
        The runs.

    Returns
    -------
    dict
        The content of compare.json.

    Raises
    ------
    RunError
        If the runs were not judged on the same cells.
    """
    if len(config.runs) < 2:
        raise UserError("compare takes two or more run folders.")
    runs = _named([open_run(path) for path in config.runs])
    rows = {name: _predictions(run) for name, run in runs.items()}
    _check_same_cells(runs, rows)

    import numpy as np

    from leukemia_tf.evaluation.plots import save
    from leukemia_tf.evaluation.predictions import arrays
    from leukemia_tf.explain import error_analysis as errors
    from leukemia_tf.files import write_json

    first = next(iter(rows.values()))
    labels, _, patients = arrays(first)
    said = np.array([[row.prediction == "all" for row in own] for own in rows.values()]).astype(int)
    wrong = errors.wrong_answers(labels, said)
    found = _scored(runs, rows, config.seed)
    found["wrong_by"] = {str(count): int((wrong.sum(0) == count).sum()) for count in range(len(runs) + 1)}
    found["only_right"] = {name: len(cells) for name, cells in zip(runs, errors.only_right(wrong))}
    found["patients"] = errors.by_patient(labels, patients, wrong)
    figures = {
        "wrong-counts": errors.draw_wrong_counts(labels, wrong),
        "histories": errors.draw_histories({name: _history(run) for name, run in runs.items()}),
        "costs": errors.draw_costs(*({name: row[key] for name, row in found["runs"].items()} for key in COSTS)),
        **_galleries(runs, first, wrong),
    }
    for name, figure in figures.items():
        save(figure, config.out / f"{name}.png")
    _write_errors(config.out / "errors.csv", first, rows, wrong)
    path = write_json(config.out / "compare.json", found)
    log.info("%s", path.read_text(encoding="utf-8") if config.json else _table(found))
    if not config.json:
        log.info("\n%s: compare.json, errors.csv and %d figures", config.out, len(figures))
    return found


def _named(runs: Sequence[RunFolder]) -> dict[str, RunFolder]:
    """Return the runs by their folders' names, made different where two are alike."""
    named: dict[str, RunFolder] = {}
    for run in runs:
        name = run.path.resolve().name
        while name in named:
            name += "'"
        named[name] = run
    return named


def _predictions(run: RunFolder) -> list[Prediction]:
    from leukemia_tf.data.catalog import read_cells
    from leukemia_tf.evaluation.predictions import by_person, read_judged

    if not run.metrics.is_file() or not run.predictions("test").is_file():
        raise RunError(f"{run} has no predictions on test patients: finish it with --resume, or evaluate it.")
    patients = {cell.patient for cell in read_cells(run.cells)}
    rows = sorted(read_judged(run.predictions("test"), patients), key=lambda row: row.path)
    return by_person(rows, run.read_config()["data"].get("same_patients", ()))


def _check_same_cells(runs: dict[str, RunFolder], rows: dict[str, list[Prediction]]) -> None:
    from leukemia_tf.data.catalog import read_cells

    pictures = {name: {cell.path: cell.sha256 for cell in read_cells(run.cells)} for name, run in runs.items()}

    def judged(name: str) -> Counter:
        return Counter((row.path, row.label, row.patient, pictures[name].get(row.path)) for row in rows[name])

    first, *others = rows
    here = judged(first)
    for name in others:
        there = judged(name)
        if here != there:
            example = min((here - there) + (there - here))[0]
            raise RunError(
                f"{first} and {name} were not judged on the same cells: {(here - there).total():,} stand in the first "
                f"alone and {(there - here).total():,} in the second, such as {example}. Train both with one --split."
            )


def _history(run: RunFolder) -> list[dict[str, str]]:
    from leukemia_tf.files import read_csv

    return read_csv(run.history)


def _scored(runs: dict[str, RunFolder], rows: dict[str, list[Prediction]], seed: int) -> dict:
    """Return each run's scores, costs, and what it gains over the first."""
    from leukemia_tf.evaluation.bootstrap import paired_difference
    from leukemia_tf.evaluation.predictions import arrays

    labels, reference, patients = arrays(next(iter(rows.values())))
    judged = {name: json.loads(run.metrics.read_text(encoding="utf-8")) for name, run in runs.items()}
    lines = [metrics["decision"]["threshold"] for metrics in judged.values()]
    found = {}
    for (name, run), line in zip(runs.items(), lines):
        probabilities, scores = arrays(rows[name])[1], judged[name]["parts"]["test"]["cell"]
        gained = paired_difference(labels, probabilities, reference, patients, seed, thresholds=(line, lines[0]))
        found[name] = {
            **{metric: scores[metric] for metric in METRICS},
            "more_than_first": {metric: gained[metric] for metric in METRICS},
            "parameters": run.read_config()["network"]["parameters"],
            "seconds": sum(float(row["seconds"]) for row in _history(run)),
        }
    counts = {"cells": len(labels), "patients": len(set(patients.tolist()))}
    cautions = {name: metrics["caution"] for name, metrics in judged.items() if "caution" in metrics}
    protocol = judged[next(iter(judged))]["protocol"]
    return {**counts, "protocol": protocol, "cautions": cautions, "bootstrap_seed": seed, "runs": found}


def _galleries(runs: dict[str, RunFolder], rows: Sequence[Prediction], wrong: np.ndarray) -> dict[str, object]:
    """Return contact sheets: cells that all runs get wrong, and those that one alone gets right."""
    import numpy as np

    from leukemia_tf.data.integrity import read_image
    from leukemia_tf.explain.error_analysis import draw_gallery, only_right

    def picture(index: int) -> tuple[str, np.ndarray]:
        return f"patient {rows[index].patient}, {rows[index].label}", read_image(folder / rows[index].path)[1]

    folder = next(iter(runs.values())).data
    every = {"all-wrong": ("wrong by all", np.flatnonzero(wrong.all(0)))}
    alone = {f"only-right-{name}": (f"right by {name} alone", c) for name, c in zip(runs, only_right(wrong))}
    return {
        key: draw_gallery([picture(index) for index in cells[:SHOWN]], f"{len(cells):,} {title}")
        for key, (title, cells) in {**every, **alone}.items()
        if len(cells)
    }


def _write_errors(
    path: Path, first: Sequence[Prediction], rows: dict[str, list[Prediction]], wrong: np.ndarray
) -> None:
    """Write every cell with each run's answer and how many got it wrong, the hardest first."""
    from leukemia_tf.files import write_csv

    order = sorted(range(len(first)), key=lambda index: (-wrong[:, index].sum(), first[index].path))
    lines = (
        {
            **{"path": first[index].path, "patient": first[index].patient, "label": first[index].label},
            **{name: f"{own[index].probability:.4f}" for name, own in rows.items()},
            "wrong": int(wrong[:, index].sum()),
        }
        for index in order
    )
    write_csv(path, ("path", "patient", "label", *rows, "wrong"), lines)


def _table(found: dict) -> str:
    from leukemia_tf.evaluation.scores import written

    wide = max(map(len, found["runs"])) + 2
    lines = [
        *(f"{name}: {caution}" for name, caution in found["cautions"].items()),
        f"{found['cells']:,} test cells of {found['patients']} patients ({found['protocol']} split), 95 % over them",
        f"{'':<{wide}}{'AUROC by patient':<24}{'more than the first':<26}{'AUROC over cells':<24}weighted F1",
    ]
    for name, row in found["runs"].items():
        gain = written(row["more_than_first"]["auroc_by_patient"], "+")
        told = [written(row[metric]) for metric in METRICS[:3]]
        lines.append(f"{name:<{wide}}{told[0]:<24}{gain:<26}{told[1]:<24}{told[2]}")
    lines += [
        "",
        *(f"{count} cells are wrong by {k} of {len(found['runs'])}" for k, count in found["wrong_by"].items()),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    run_command("compare", CompareConfig, compare)
