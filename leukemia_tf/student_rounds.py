"""What the rounds of `noisy_student` share: cells without a label, what a network tells of them, what it came to."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from leukemia_tf.compare import compare
from leukemia_tf.config import CompareConfig, EnsembleConfig, NoisyStudentConfig
from leukemia_tf.data.catalog import Catalog, Cell, find_images, read_cells, told_by_name
from leukemia_tf.data.examine import Examination, examine
from leukemia_tf.data.prepare import Prepared, read_sound
from leukemia_tf.data.pseudo import pseudo_labelled
from leukemia_tf.data.splits import aliases
from leukemia_tf.ensemble import ensemble
from leukemia_tf.errors import DataError
from leukemia_tf.evaluation.predictions import UNLIKE
from leukemia_tf.evaluation.scores import written
from leukemia_tf.files import read_json, write_csv, write_json
from leukemia_tf.judge import answers_of, logits_of
from leukemia_tf.models.network import load_network
from leukemia_tf.run import RunFolder
from leukemia_tf.study import Study

log = logging.getLogger("leukemia_tf")

COLUMNS = ("fold", "round", "run", "all", "hem", "right", "validation", "test", "kept")


@dataclass(frozen=True)
class Round:
    """A network of one round.

    Parameters
    ----------
    fold, number : int
        Of the fold; of the round, 0 for the teacher.
    run : RunFolder
        Finished.
    told : tuple of Cell
        The cells that it learnt from whose label a network told.
    truth : mapping
        The label of each cell by path, where it is known.
    """

    fold: int
    number: int
    run: RunFolder
    told: tuple[Cell, ...] = ()
    truth: Mapping[str, str] = field(default_factory=dict)

    @property
    def validation(self) -> float:
        """AUROC by patient on the validation patients."""
        return self._score("val")

    @property
    def test(self) -> float:
        """The same on the test patients; nothing is chosen by it."""
        return self._score("test")

    def _score(self, part: str) -> float:
        return read_json(self.run.metrics)["parts"][part]["cell"]["auroc_by_patient"]["value"]

    @property
    def right(self) -> float:
        """The share of the told labels that are right, of those that are known; NaN where none is."""
        known = [self.truth[cell.path] == cell.label for cell in self.told if cell.path in self.truth]
        return sum(known) / len(known) if known else math.nan


def unlabelled_cells(folder: Path, data: Path, prepared: Prepared) -> tuple[Cell, ...]:
    """Read further cells; their labels, if they have any, are not looked at.

    Parameters
    ----------
    folder : pathlib.Path
        Of the further cells.
    data : pathlib.Path
        Of the labelled cells.
    prepared : Prepared
        The labelled cells. A cell of one of their patients, as far as names tell, is left out, and so is one that is
        the same picture as a labelled one, or the same cell photographed twice.

    Returns
    -------
    tuple of Cell
        Paths relative to `data` where they lie there, else absolute; without label; a patient where the name tells one.

    Raises
    ------
    DataError
        If none is left.
    """
    data, paths = data.resolve(), [path.resolve() for path in find_images([folder])]
    named = (str(path.relative_to(data)) if path.is_relative_to(data) else str(path) for path in paths)
    found = examine(Catalog(data, (), tuple(named)), unlabelled=True)
    for row in found.rejected:
        log.warning("left out: %s: %s", row.path, row.reason)
    known = read_sound(data, "skip")[1]
    alias, labelled = aliases(prepared.same), {cell.path for cell in prepared.cells}
    patients = {one for cell in prepared.cells for one in alias.get(cell.patient, {cell.patient})}
    own = [replace(cell, patient=(told_by_name(Path(cell.path)) or ("", ""))[1]) for cell in found.cells]
    twins = Examination((*known.cells, *own), (*known.looks, *found.looks), ()).twins()
    pictures = {cell.sha256 for cell in prepared.cells}
    pictures |= {cell.sha256 for pair in twins for cell in pair[:2] if {pair[0].path, pair[1].path} & labelled}
    left = tuple(cell for cell in own if cell.sha256 not in pictures and cell.patient not in patients)
    log.info("%d further cells without a label; %d are left out, known already", len(left), len(own) - len(left))
    if not left:
        raise DataError(f"--unlabelled {folder}: every cell there is one of the labelled ones, or of their patients.")
    return left


def tell_labels(run: RunFolder, config: NoisyStudentConfig, path: Path, cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells that a run is sure enough of, labelled by it; from `path` if it told them before."""
    if path.is_file():
        return list(read_cells(path))
    model = load_network(run.model)
    logits = logits_of(model, run.data, cells, run.read_config()["train"], "none", "preparing unlabelled")
    answers = answers_of(model, run.data, cells, logits, "none")
    unlike = sum(answer.status == UNLIKE for answer in answers)
    if unlike:
        log.warning("WARNING: %d of %d unlabelled cells are unlike the training cells", unlike, len(cells))
    probabilities = np.array([answer.probability for answer in answers])
    asked = (config.labels == "soft", config.confidence, config.balanced)
    return pseudo_labelled(cells, probabilities, *asked)


def is_worse(student: Round, teacher: Round) -> bool:
    """Return whether a student's AUROC by patient on the validation patients is below its teacher's."""
    return student.validation < teacher.validation


def kept_of(rounds: Sequence[Round]) -> Round:
    """Return the network that a fold's rounds come to: the last that is not worse than the one before."""
    return rounds[-2] if len(rounds) > 1 and is_worse(rounds[-1], rounds[-2]) else rounds[-1]


def report(study: Study, config: NoisyStudentConfig, folds: Sequence[Sequence[Round]]) -> dict:
    """Compare each fold's students with its teacher on the test patients; write rounds.csv and metrics.json.

    Returns
    -------
    dict
        The content of metrics.json.
    """
    found: dict[str, object] = {"data": study.read_config()["data"]["name"], "bootstrap_seed": config.seed}
    rows = [_row(one, one is kept_of(rounds)) for rounds in folds for one in rounds]
    write_csv(study.rounds, COLUMNS, rows)
    found |= {"rounds": rows, "folds": []}
    for rounds in folds:
        found["folds"].append(_compared(study, config, [one.run for one in rounds], f"fold-{rounds[0].fold}"))
    if len(folds) > 1:
        voting = {"teachers": [rounds[0].run for rounds in folds], "students": [kept_of(own).run for own in folds]}
        for name, runs in voting.items():
            if not study.run(name).metrics.is_file():
                paths = tuple(run.path for run in runs)
                ensemble(EnsembleConfig(paths, method="vote", out=study.run(name).path, seed=config.seed))
        found["voted"] = _compared(study, config, [study.run(name) for name in voting], "voted")
    path = write_json(study.metrics, found)
    log.info("%s", path.read_text(encoding="utf-8") if config.json else _table(found))
    if not config.json:
        log.info("\nfolder: %s", study)
    return found


def _compared(study: Study, config: NoisyStudentConfig, runs: Sequence[RunFolder], name: str) -> dict | None:
    """Return what later runs gain over the first on the test patients; None where there is no later one."""
    if len(runs) < 2:
        return None
    paths = tuple(run.path for run in runs)
    return compare(CompareConfig(paths, out=study.path / f"compare-{name}", seed=config.seed))


def _row(one: Round, kept: bool) -> dict[str, object]:
    labels = [cell.label for cell in one.told]
    told = {"all": labels.count("all"), "hem": labels.count("hem"), "right": "" if not one.told else one.right}
    place = {"fold": one.fold, "round": one.number, "run": one.run.path.name}
    return {**place, **told, "validation": one.validation, "test": one.test, "kept": int(kept)}


def _table(found: dict) -> str:
    """Return a line a round: what it learnt from, how it validated, how it was judged beside its teacher."""
    titles = ("told all", "told hem", "right", "validation", "AUROC by patient, test", "more than its teacher")
    lines = ["", f"{'':<18}" + "".join(f"{title:<{26 if len(title) > 12 else 12}}" for title in titles)]
    for row in found["rounds"]:
        name = f"fold {row['fold']}, " + (f"round {row['round']}" if row["round"] else "teacher")
        compared = found["folds"][row["fold"]]
        right = "" if row["right"] == "" or not math.isfinite(row["right"]) else f"{row['right']:.3f}"
        lines.append(
            f"{name:<18}{row['all']:<12}{row['hem']:<12}{right:<12}{row['validation']:<12.3f}"
            + (_judged(compared, row["run"], bool(row["round"])) if compared else f"{row['test']:.3f}")
            + ("  kept" if row["kept"] else "")
        )
    if "voted" in found:
        lines += [
            f"{name + ', voting':<66}" + _judged(found["voted"], name, name == "students")
            for name in ("teachers", "students")
        ]
    lines.append("validation chose which is kept; 95 % intervals from resampling the test patients, the same for all")
    return "\n".join(lines)


def _judged(compared: dict, run: str, against: bool) -> str:
    scores = compared["runs"][run]
    gained = written(scores["more_than_first"]["auroc_by_patient"], "+") if against else ""
    return f"{written(scores['auroc_by_patient']):<26}{gained:<26}"
