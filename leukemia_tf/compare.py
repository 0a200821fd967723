"""`python -m leukemia_tf.compare RUN RUN …`: which run is better, by how much, and what each gets wrong."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from leukemia_tf.cli import run_command
from leukemia_tf.config import CompareConfig
from leukemia_tf.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    from leukemia_tf.members import Member

log = logging.getLogger("leukemia_tf")

SHOWN = 24  # cells of a gallery
METRICS = ("auroc_by_patient", "auroc", "weighted_f1", "accuracy")
COSTS = ("auroc_by_patient", "parameters", "seconds")
EVERY, ALONE = "all-wrong", "only-right-"  # galleries


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

    import numpy as np

    from leukemia_tf.evaluation.plots import save
    from leukemia_tf.evaluation.predictions import arrays
    from leukemia_tf.explain import error_analysis as errors
    from leukemia_tf.files import read_csv, write_json
    from leukemia_tf.members import read_members

    members = read_members(config.runs)
    labels, _, patients = arrays(members[0].rows)
    said = np.array([[row.prediction == "all" for row in member.rows] for member in members]).astype(int)
    wrong = errors.wrong_answers(labels, said)
    found = _scored(members, config.seed)
    found["wrong_by"] = {str(count): int((wrong.sum(0) == count).sum()) for count in range(len(members) + 1)}
    found["only_right"] = {member.name: len(cells) for member, cells in zip(members, errors.only_right(wrong))}
    found["by_patient"] = errors.by_patient(labels, patients, wrong)
    figures = {
        "wrong-counts": errors.draw_wrong_counts(labels, wrong),
        "histories": errors.draw_histories({member.name: read_csv(member.run.history) for member in members}),
        "costs": errors.draw_costs(*({name: row[key] for name, row in found["runs"].items()} for key in COSTS)),
        **_galleries(members, wrong),
    }
    for stale in (config.out / f"{EVERY}.png", *config.out.glob(f"{ALONE}*.png")):
        stale.unlink(missing_ok=True)
    for name, figure in figures.items():
        save(figure, config.out / f"{name}.png")
    _write_errors(config.out / "errors.csv", members, wrong)
    path = write_json(config.out / "compare.json", found)
    log.info("%s", path.read_text(encoding="utf-8") if config.json else _table(found))
    if not config.json:
        log.info("\n%s: compare.json, errors.csv and %d figures", config.out, len(figures))
    return found


def _scored(members: Sequence[Member], seed: int) -> dict:
    """Return each run's scores, costs, and what it gains over the first."""
    from leukemia_tf.evaluation.bootstrap import paired_difference
    from leukemia_tf.evaluation.predictions import arrays
    from leukemia_tf.members import training_seconds

    first = members[0]
    labels, reference, patients = arrays(first.rows)
    found = {}
    for member in members:
        scores, lines = member.metrics["parts"]["test"]["cell"], (member.threshold, first.threshold)
        gained = paired_difference(labels, member.probabilities, reference, patients, seed, thresholds=lines)
        found[member.name] = {
            **{metric: scores[metric] for metric in METRICS},
            "more_than_first": {metric: gained[metric] for metric in METRICS},
            "parameters": member.run.read_config()["network"]["parameters"],
            "seconds": training_seconds(member.run),
        }
    return {
        "cells": len(labels),
        "patients": len(set(patients.tolist())),
        "protocol": first.metrics["protocol"],
        "cautions": {member.name: member.metrics["caution"] for member in members if "caution" in member.metrics},
        "bootstrap_seed": seed,
        "runs": found,
    }


def _galleries(members: Sequence[Member], wrong: np.ndarray) -> dict[str, Figure]:
    """Return contact sheets: cells that all runs get wrong, and those that one alone gets right."""
    import numpy as np

    from leukemia_tf.data.integrity import read_image
    from leukemia_tf.explain.error_analysis import draw_gallery, only_right

    rows = members[0].rows
    sheets = {EVERY: ("wrong by all", np.flatnonzero(wrong.all(0)))}
    for member, cells in zip(members, only_right(wrong)):
        sheets[f"{ALONE}{member.name}"] = (f"right by {member.name} alone", cells)
    shown = {
        key: cells[np.linspace(0, len(cells) - 1, min(SHOWN, len(cells))).round().astype(int)]
        for key, (_, cells) in sheets.items()
    }  # from all patients
    needed = {rows[index].path for cells in shown.values() for index in cells}
    folders = dict.fromkeys(member.run.data for member in members)
    folder = next((here for here in folders if all((here / path).is_file() for path in needed)), None)
    if folder is None:
        log.warning("WARNING: no galleries: the cells are no longer in %s", " or ".join(map(str, folders)))
        return {}

    def picture(index: int) -> tuple[str, np.ndarray]:
        return f"patient {rows[index].patient}, {rows[index].label}", read_image(folder / rows[index].path)[1]

    return {
        key: draw_gallery([picture(index) for index in shown[key]], f"{len(shown[key])} of {len(cells):,} {title}")
        for key, (title, cells) in sheets.items()
        if len(cells)
    }


def _write_errors(path: Path, members: Sequence[Member], wrong: np.ndarray) -> None:
    """Write every cell with each run's answer and how many got it wrong, the hardest first."""
    from leukemia_tf.files import write_csv

    first = members[0].rows
    order = sorted(range(len(first)), key=lambda index: (-wrong[:, index].sum(), first[index].path))
    lines = (
        {
            **{"path": first[index].path, "patient": first[index].patient, "label": first[index].label},
            **{member.name: f"{member.rows[index].probability:.4f}" for member in members},
            "wrong": int(wrong[:, index].sum()),
        }
        for index in order
    )
    write_csv(path, ("path", "patient", "label", *(member.name for member in members), "wrong"), lines)


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
