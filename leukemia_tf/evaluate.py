"""`python -m leukemia_tf.evaluate`: score a run on its validation and test patients."""

from __future__ import annotations

import logging
from pathlib import Path

from leukemia_tf.cli import run_command
from leukemia_tf.config import EvaluateConfig
from leukemia_tf.elsewhere import evaluate_elsewhere, is_elsewhere
from leukemia_tf.errors import DataError, RunError, UserError
from leukemia_tf.run import RunFolder, run_or_newest

log = logging.getLogger("leukemia_tf")


def evaluate(config: EvaluateConfig | None = None) -> dict:
    """Score a run: writes predictions-val.csv, predictions-test.csv, metrics.json and figures into its folder.

    Parameters
    ----------
    config : EvaluateConfig, optional
        The newest run by default. A `threshold` is fitted anew and put into the run's network, with the temperature.
        A `data` folder of other cells is judged as a whole, into `RUN/on-NAME/`.

    Returns
    -------
    dict
        The content of metrics.json.
    """
    config = config or EvaluateConfig()
    run = run_or_newest(config.run)
    folder = config.data or run.data
    if config.data and is_elsewhere(run, folder):
        if config.threshold:
            raise UserError("--threshold is fitted on the run's own validation patients: leave out --data.")
        metrics, run = evaluate_elsewhere(run, folder, config.seed, config.tta), run.elsewhere(folder.resolve().name)
    else:
        metrics = evaluate_run(run, folder, config.seed, config.threshold, config.tta)
    if config.json:
        log.info("%s", run.metrics.read_text(encoding="utf-8"))
    else:
        show(run, metrics)
    return metrics


def evaluate_run(run: RunFolder, folder: Path, seed: int = 0, threshold: str | None = None, tta: str = "none") -> dict:
    """Score a run on cells that lie in `folder`; see `evaluate`."""
    from leukemia_tf.data.catalog import read_cells
    from leukemia_tf.data.integrity import pixel_hash, read_image
    from leukemia_tf.data.protocols import REFIT
    from leukemia_tf.data.splits import read_split
    from leukemia_tf.evaluation.figures import run_figures
    from leukemia_tf.evaluation.plots import save
    from leukemia_tf.evaluation.predictions import by_person, write_predictions
    from leukemia_tf.evaluation.scores import LEAKS, score_part
    from leukemia_tf.evaluation.thresholds import check_threshold
    from leukemia_tf.evaluation.tta import check_tta
    from leukemia_tf.files import read_csv, write_atomically, write_json
    from leukemia_tf.judge import answers_of, fit_decision, likeness_of, logits_of
    from leukemia_tf.models.network import load_network
    from leukemia_tf.models.probability import decide_by, decision_of
    from leukemia_tf.report import write_report

    check_tta(tta)
    if threshold and tta != "none":
        raise UserError("--tta beside --threshold: what is put into the network is fitted on cells as they are.")
    check_threshold(threshold or "0.5")
    settings = run.read_config()
    split = read_split(run.splits)
    if split.protocol == REFIT:
        raise RunError(
            f"{run} was trained on all its patients: nobody is left to judge it by. Its recipe was judged in "
            f"{settings['train']['refit']}."
        )
    model = load_network(run.model)
    every = read_cells(run.cells)
    cells = [cell for cell in every if cell.split in ("val", "test")]
    for cell in cells:
        if pixel_hash(read_image(folder / cell.path)[1]) != cell.sha256:
            raise DataError(
                f"{folder / cell.path} is not the picture that the run was split with: name its folder with --data."
            )
    parts = {part: [cell for cell in cells if cell.split == part] for part in ("val", "test")}
    parts = {part: own for part, own in parts.items() if own}  # a split may name no patient for validation
    asked = settings["train"]
    logits = {part: logits_of(model, folder, own, asked, tta, f"preparing {part}") for part, own in parts.items()}
    run.metrics.unlink(missing_ok=True)  # of what is written over from here on
    if threshold:
        trained = [cell for cell in every if cell.split == "train"]
        likeness = decision_of(model).likeness or likeness_of(folder, trained)
        decide_by(model, fit_decision(parts.get("val", []), logits.get("val"), threshold, likeness))
        write_atomically(run.model, model.save)
    decision = decision_of(model)
    metrics = {
        "protocol": split.protocol,
        **({"caution": LEAKS} if split.protocol == "image" else {}),
        "seed": split.seed,
        "data": settings["data"]["name"],
        "rejected": read_csv(run.rejected) if run.rejected.is_file() else [],
        "decision": {"temperature": decision.temperature, "threshold": decision.threshold},
        "tta": tta,
        "bootstrap_seed": seed,
        "parts": {},
    }
    for part, own in parts.items():
        predictions = answers_of(model, folder, own, logits[part], tta)
        write_predictions(run.predictions(part), predictions)
        predictions = by_person(predictions, settings["data"].get("same_patients", ()))
        metrics["parts"][part] = score_part(predictions, decision.threshold, seed)
    figures = run_figures(predictions, read_csv(run.history), metrics)
    for name, figure in figures.items():
        save(figure, run.figure(name))
    write_report(run, metrics, predictions, figures, model, folder)
    write_json(run.metrics, metrics)  # last: a run that has it is finished
    return metrics


def show(run: RunFolder, metrics: dict) -> None:
    """Log the scores on the test patients, and where the rest lies."""
    from leukemia_tf.evaluation.scores import table

    test = metrics["parts"]["test"]
    caution = f"; {metrics['caution']}" if "caution" in metrics else ""
    drawn = f"split, seed {metrics['seed']}" if "seed" in metrics else "cells"
    log.info("\n%s", table("test", test, f"{metrics['protocol']} {drawn}{caution}"))
    log.info("\nrun folder: %s", run)


if __name__ == "__main__":
    run_command("evaluate", EvaluateConfig, evaluate)
