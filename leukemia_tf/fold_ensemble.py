"""Cross-validated networks put together on their out-of-fold predictions: what an ensemble gains, honestly."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from leukemia_tf import crossval
from leukemia_tf.config import EnsembleConfig
from leukemia_tf.data.folds import FoldTable, read_folds
from leukemia_tf.errors import RunError
from leukemia_tf.evaluation.bootstrap import paired_difference
from leukemia_tf.evaluation.plots import save
from leukemia_tf.evaluation.predictions import (
    Prediction,
    arrays,
    by_person,
    read_predictions,
    said_anew,
    write_predictions,
)
from leukemia_tf.evaluation.scores import score_part, written
from leukemia_tf.explain.error_analysis import draw_wrong_counts
from leukemia_tf.files import read_json, write_json
from leukemia_tf.members import distinct_names
from leukemia_tf.run import check_vacant, new_run_path
from leukemia_tf.study import Study, open_study
from leukemia_tf.tuning.ensemble_weights import genetic_weights

log = logging.getLogger("leukemia_tf")

KIND = "fold-ensemble"
SHOWN = ("auroc_by_patient", "auroc", "weighted_f1")


@dataclass(frozen=True)
class OutOfFold:
    """What several networks say of cells whose patients they have not seen.

    Parameters
    ----------
    rows : list of Prediction
        The cells, [n].
    folds : numpy.ndarray
        Which fold judged each cell: int [n].
    probabilities : numpy.ndarray
        float [members, n].
    thresholds : numpy.ndarray
        From which each member's network of that fold says `all`: float [members, n].
    """

    rows: list[Prediction]
    folds: np.ndarray
    probabilities: np.ndarray
    thresholds: np.ndarray


def ensemble_studies(config: EnsembleConfig) -> Study:
    """Put finished cross-validations together: their average, their vote, and a weighted average.

    The weights for a fold's cells are bred on the out-of-fold predictions of the other folds' cells, so that no cell
    has a say in how it is judged.

    Parameters
    ----------
    config : EnsembleConfig
        The folders, drawn into the same folds; two or more. All methods are compared, whatever `method` says.

    Returns
    -------
    Study
        metrics.json, a table of predictions a method, and the count of cells that k of the members get wrong.

    Raises
    ------
    UserError
        If they cannot stand side by side.
    """
    studies = [open_study(path, crossval.KIND) for path in config.runs]
    study = Study(config.out or new_run_path("ensemble"))
    check_vacant(study.path)
    told = read_out_of_fold(studies)
    people = by_person(told.rows, studies[0].read_config()["data"]["same_patients"])
    members = dict(zip(distinct_names(config.runs), told.probabilities))
    labels, _, patients = arrays(people)
    weights = nested_weights(labels, told.probabilities, told.folds, config.seed)
    said = told.probabilities >= told.thresholds
    together = {
        "average": told.probabilities.mean(0),
        "vote": said.mean(0),
        "genetic": np.stack([weights[fold] @ told.probabilities[:, place] for place, fold in enumerate(told.folds)]),
    }
    lines = {**dict(zip(members, told.thresholds)), **dict.fromkeys(together, np.full(len(labels), 0.5))}
    first = read_json(studies[0].metrics)
    found: dict[str, object] = {
        **{key: first[key] for key in ("protocol", "caution", "data") if key in first},
        **{"bootstrap_seed": config.seed, "parts": {}},
        "weights": {str(fold): dict(zip(members, own.tolist())) for fold, own in weights.items()},
        "more_than": {},
    }
    everything = {**members, **together}
    for name, probabilities in everything.items():
        found["parts"][name] = score_part(said_anew(people, probabilities), lines[name], config.seed)
        found["more_than"][name] = {
            other: paired_difference(
                labels, probabilities, everything[other], patients, config.seed, thresholds=(lines[name], lines[other])
            )
            for other in (everything if name in together else list(members)[:1])
            if other != name
        }
    for name in together:
        write_predictions(study.predictions(name), said_anew(told.rows, together[name]))
    save(draw_wrong_counts(labels, said != labels), study.figure("wrong-counts"))
    study.write_config(KIND, asked=asdict(config))
    write_json(study.metrics, found)
    log.info("%s\n\nfolder: %s", _table(found, next(iter(members))), study)
    return study


def read_out_of_fold(studies: Sequence[Study]) -> OutOfFold:
    """Read what finished cross-validations say of each cell, of their first seed.

    Raises
    ------
    RunError
        If one is not finished, or was drawn into other folds than the first.
    """
    first, probabilities, thresholds = read_folds(studies[0].folds), [], []
    seed = next(iter(first.by_seed))
    for study in studies:
        if not study.metrics.is_file():
            raise RunError(f"{study} is not finished: go on with it by --out {study} --resume.")
        _check_folds(studies[0], first, study, read_folds(study.folds), seed)
        rows = {row.path: row for row in read_predictions(study.predictions(f"seed-{seed}"))}
        lines = {
            row["fold"]: read_json(study.run(row["run"]).metrics)["decision"]["threshold"]
            for row in read_json(study.metrics)["runs"]
            if row["seed"] == seed
        }
        judged = [(cell.path, by) for cell, by in zip(first.cells, first.by_seed[seed]) if by is not None]
        probabilities.append([rows[path].probability for path, _ in judged])
        thresholds.append([lines[by] for _, by in judged])
    folds = np.array([by for _, by in judged])
    return OutOfFold([rows[path] for path, _ in judged], folds, np.array(probabilities), np.array(thresholds))


def nested_weights(
    labels: np.ndarray, probabilities: np.ndarray, folds: np.ndarray, seed: int = 0
) -> dict[int, np.ndarray]:
    """Breed each fold's weights on the other folds' cells: int [n], float [members, n], int [n] -> float [members]."""
    return {
        int(fold): genetic_weights(labels[folds != fold], probabilities[:, folds != fold], seed)
        for fold in np.unique(folds)
    }


def _check_folds(one: Study, first: FoldTable, other: Study, table: FoldTable, seed: int) -> None:
    """Stop at cross-validations that did not judge the same cells by the same folds."""
    here = {(cell.path, cell.sha256): by for cell, by in zip(first.cells, first.by_seed[seed])}
    there = {(cell.path, cell.sha256): by for cell, by in zip(table.cells, table.by_seed.get(seed, ()))}
    if here != there:
        example = min(key for key in here.keys() | there.keys() if here.get(key, -1) != there.get(key, -1))[0]
        raise RunError(
            f"{one} and {other} were not drawn into the same folds, as {example} shows: take one --data, --seed, "
            "--split and --folds for both."
        )


def _table(found: Mapping, first: str) -> str:
    """Return members and ensembles with their scores, and what each gains over the first."""
    scores = {name: part["cell"] for name, part in found["parts"].items()}
    width = max(map(len, scores)) + 2
    titles = "".join(f"{name.replace('_', ' '):<24}" for name in SHOWN)
    lines = [found["caution"]] if "caution" in found else []
    lines.append(f"{'':<{width}}{titles}by patient, more than {first}")
    for name, own in scores.items():
        told = "".join(f"{written(own[metric]):<24}" for metric in SHOWN)
        gained = written(found["more_than"][name][first]["auroc_by_patient"], "+") if name != first else ""
        lines.append(f"{name:<{width}}{told}{gained}")
    over = written(found["more_than"]["genetic"]["average"]["weighted_f1"], "+")
    lines.append(f"genetic less average, weighted F1: {over}; each fold's weights were bred on the others' cells")
    lines.append(f"folds by {found['protocol']}; 95 % intervals from resampling patients")
    return "\n".join(["", *lines])
