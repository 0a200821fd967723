"""A run judged on cells from elsewhere: another folder, of patients that it has never seen."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from leukemia_tf.errors import DataError, RunError
from leukemia_tf.run import RunFolder

log = logging.getLogger("leukemia_tf")


def is_elsewhere(run: RunFolder, folder: Path) -> bool:
    """Return whether a folder holds other cells than those that a run was split with."""
    from leukemia_tf.data.catalog import read_cells

    own = [(folder / cell.path).is_file() for cell in read_cells(run.cells) if cell.split in ("val", "test")]
    return sum(own) < len(own) / 2  # a path may be the same by chance


def evaluate_elsewhere(run: RunFolder, folder: Path, seed: int = 0, tta: str = "none") -> dict:
    """Score a run on all labelled cells of another folder.

    Writes predictions, metrics.json and figures into `RUN/on-NAME/`; the temperature and the threshold stay the run's.

    Returns
    -------
    dict
        The content of metrics.json; its protocol is `external`.

    Raises
    ------
    DataError
        If a picture there was trained on, or none is labelled.
    """
    from leukemia_tf.data.prepare import read_sound, same_patients, tell
    from leukemia_tf.evaluation.figures import run_figures
    from leukemia_tf.evaluation.plots import save
    from leukemia_tf.evaluation.predictions import by_person, write_predictions
    from leukemia_tf.evaluation.scores import score_part
    from leukemia_tf.evaluation.tta import check_tta
    from leukemia_tf.files import read_csv, read_json, write_json
    from leukemia_tf.judge import answers_of, logits_of
    from leukemia_tf.models.network import load_network
    from leukemia_tf.models.probability import decision_of

    check_tta(tta)
    catalog, examination = read_sound(folder)
    tell(catalog, examination)
    cells = examination.cells
    if not cells:
        raise DataError(
            f"{folder} holds no labelled image: `python -m leukemia_tf.predict` answers for unlabelled ones."
        )
    _check_unseen(run, folder, cells)
    name, model = folder.resolve().name, load_network(run.model)
    out, decision = run.elsewhere(name), decision_of(model)
    if out.metrics.is_file() and read_json(out.metrics)["folder"] != str(folder.resolve()):
        raise RunError(f"{out} holds the scores of another folder named {name}: move it, or rename the folder.")
    logits = logits_of(model, folder, cells, run.read_config()["train"], tta)
    predictions = answers_of(model, folder, cells, logits, tta)
    people = by_person(predictions, same_patients(cells, examination.twins()))
    metrics = {
        "protocol": "external",
        "bootstrap_seed": seed,
        "data": name,
        "folder": str(folder.resolve()),
        "run": str(run),
        "decision": {"temperature": decision.temperature, "threshold": decision.threshold},
        "tta": tta,
        "parts": {"test": score_part(people, decision.threshold, seed)},
    }
    write_predictions(out.predictions("test"), predictions)
    figures = run_figures(people, read_csv(run.history), metrics)
    for name, figure in figures.items():
        if name != "learning-curves":
            save(figure, out.figure(name))
    write_json(out.metrics, metrics)
    return metrics


def _check_unseen(run: RunFolder, folder: Path, cells: Sequence) -> None:
    """Stop at a picture that the run was trained on or chosen by; say so of a patient's name."""
    from leukemia_tf.data.catalog import read_cells

    seen = {cell.sha256: cell for cell in read_cells(run.cells) if cell.split in ("train", "val")}
    known = [cell for cell in cells if cell.sha256 in seen]
    if known:
        raise DataError(
            f"{folder / known[0].path} is {seen[known[0].sha256].path}, which {run} was trained on or chosen by "
            f"({len(known):,} in all): leave such pictures out, or every score is too high."
        )
    names = {cell.patient for cell in cells} & {cell.patient for cell in seen.values()}
    if names:
        log.warning(
            "WARNING: %d patients here are named as patients that the run was trained on (%s): make sure that they are "
            "others",
            len(names),
            ", ".join(sorted(names)[:5]),
        )
