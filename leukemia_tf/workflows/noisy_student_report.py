"""The result of `noisy_student`: students compared with their teachers on the test patients."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

from leukemia_tf.config import CompareConfig, EnsembleConfig, NoisyStudentConfig
from leukemia_tf.core.files import write_csv, write_json
from leukemia_tf.evaluation.scores import footnote, format_score
from leukemia_tf.reporting.noisy_student_page import noisy_student_page
from leukemia_tf.reporting.page import write_page
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.runs.study_folder import Study
from leukemia_tf.workflows.compare import compare
from leukemia_tf.workflows.ensemble import ensemble
from leukemia_tf.workflows.noisy_student_rounds import Round, selected_round

log = logging.getLogger("leukemia_tf")

COLUMNS = ("fold", "round", "run", "all", "hem", "right", "validation", "test", "kept")
TITLES = ("pseudo ALL", "pseudo HEM", "right", "validation", "AUROC by patient, test", "minus its teacher")


def report(study: Study, config: NoisyStudentConfig, folds: Sequence[Sequence[Round]]) -> dict[str, Any]:
    """Compare each fold's students with its teacher on the test patients; write rounds.csv and metrics.json.

    Returns
    -------
    dict
        The content of metrics.json.
    """
    selected = [selected_round(rounds, config.stop) for rounds in folds]
    rows = [_row(one, selected=one in selected) for rounds in folds for one in rounds]
    write_csv(study.rounds, COLUMNS, rows)
    metrics: dict[str, Any] = {
        "data": study.read_config()["data"]["name"],
        "rounds": rows,
        "folds": [_compare(study, config, [one.run for one in rounds], f"fold-{rounds[0].fold}") for rounds in folds],
    }
    if len(folds) > 1:
        voters = _vote(study, config, [rounds[0] for rounds in folds], selected)
        metrics["voted"] = _compare(study, config, voters, "voted")
    path = write_json(study.metrics, metrics)
    write_page(study.report, noisy_student_page(study, metrics))
    if config.json:
        log.info("%s", path.read_text(encoding="utf-8"))
    else:
        log.info("%s\n\nfolder: %s", _table(metrics, config.stop), study)
    return metrics


def _vote(
    study: Study, config: NoisyStudentConfig, teachers: Sequence[Round], selected: Sequence[Round]
) -> list[RunFolder]:
    """Build the voting ensembles of the folds' teachers and of their selected networks."""
    voters = {"teachers": teachers, "students": selected}
    for name, networks in voters.items():
        out, runs = study.run(name), tuple(one.run.path for one in networks)
        if not out.metrics.is_file():
            ensemble(EnsembleConfig(runs, method="vote", out=out.path, seed=config.seed))
    return [study.run(name) for name in voters]


def _compare(study: Study, config: NoisyStudentConfig, runs: Sequence[RunFolder], name: str) -> dict[str, Any] | None:
    """Compare later runs with the first on the test patients; None where there is no later one."""
    if len(runs) < 2:
        return None
    paths = tuple(run.path for run in runs)
    return compare(CompareConfig(paths, out=study.path / f"compare-{name}"))


def _row(one: Round, selected: bool) -> dict[str, Any]:
    """Return a row of rounds.csv."""
    labels = [cell.label for cell in one.pseudo_labelled]
    return {
        "fold": one.fold,
        "round": one.number,
        "run": one.run.path.name,
        "all": labels.count("all"),
        "hem": labels.count("hem"),
        "right": one.right if labels else "",
        "validation": one.validation,
        "test": one.test,
        "kept": int(selected),
    }


def _table(metrics: Mapping[str, Any], stop: str) -> str:
    """Return one line per round: its pseudo-labels, its validation and test score, its difference to the teacher."""
    widths = [26 if len(title) > 12 else 12 for title in TITLES]
    lines = ["", f"{'':<18}" + "".join(f"{title:<{width}}" for title, width in zip(TITLES, widths))]
    lines += [_line(row, metrics["folds"][row["fold"]]) for row in metrics["rounds"]]
    if "voted" in metrics:
        lines += [
            f"{name + ', voting':<66}" + _scores(metrics["voted"], name, name == "students")
            for name in ("teachers", "students")
        ]
    rule = "the last one that is not worse on validation" if stop == "worse" else "the last round, whatever its score"
    lines.append(f"selected: {rule}; 95 % intervals over the test patients, the same for all")
    return "\n".join(lines + footnote("".join(lines)))


def _line(row: Mapping[str, Any], comparison: Mapping[str, Any] | None) -> str:
    name = f"fold {row['fold']}, " + (f"round {row['round']}" if row["round"] else "teacher")
    right = "" if row["right"] == "" or not math.isfinite(row["right"]) else f"{row['right']:.3f}"
    counts = f"{name:<18}{row['all']:<12}{row['hem']:<12}{right:<12}{row['validation']:<12.3f}"
    scores = _scores(comparison, row["run"], bool(row["round"])) if comparison else f"{row['test']:.3f}"
    return counts + scores + ("  selected" if row["kept"] else "")


def _scores(comparison: Mapping[str, Any], run: str, with_difference: bool) -> str:
    scores = comparison["runs"][run]
    difference = format_score(scores["more_than_first"]["auroc_by_patient"], "+") if with_difference else ""
    return f"{format_score(scores['auroc_by_patient']):<26}{difference:<26}"
