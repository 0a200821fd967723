"""`python -m leukemia_tf.evaluate`: score a run on its validation and test patients."""

from __future__ import annotations

import logging
from pathlib import Path

from leukemia_tf.cli import run_command
from leukemia_tf.config import EvaluateConfig
from leukemia_tf.errors import DataError, RunError
from leukemia_tf.run import RunFolder, run_or_newest

log = logging.getLogger("leukemia_tf")


def evaluate(config: EvaluateConfig | None = None) -> dict:
    """Score a run: writes predictions-val.csv, predictions-test.csv, metrics.json and figures into its folder.

    Parameters
    ----------
    config : EvaluateConfig, optional
        The newest run by default.

    Returns
    -------
    dict
        The content of metrics.json.
    """
    config = config or EvaluateConfig()
    run = run_or_newest(config.run)
    metrics = evaluate_run(run, config.data or run.data, config.seed)
    if config.json:
        log.info("%s", run.metrics.read_text(encoding="utf-8"))
    else:
        show(run, metrics)
    return metrics


def evaluate_run(run: RunFolder, folder: Path, seed: int = 0) -> dict:
    """Score a run on cells that lie in `folder`; see `evaluate`."""
    from leukemia_tf.data.catalog import read_cells
    from leukemia_tf.data.integrity import pixel_hash, read_image
    from leukemia_tf.data.pipeline import prediction_batches
    from leukemia_tf.data.protocols import REFIT
    from leukemia_tf.data.settings import Preprocessing
    from leukemia_tf.data.splits import read_split
    from leukemia_tf.data.store import open_store
    from leukemia_tf.evaluation.predictions import answer, write_predictions
    from leukemia_tf.evaluation.report import LEAKS, score_part
    from leukemia_tf.files import read_csv, write_json
    from leukemia_tf.models.network import load_network, predict_logits, preprocessing_of

    settings = run.read_config()
    split = read_split(run.splits)
    if split.protocol == REFIT:
        raise RunError(
            f"{run} was trained on all its patients: nobody is left to judge it by. Its recipe was judged in "
            f"{settings['train']['refit']}."
        )
    model = load_network(run.model)
    cells = [cell for cell in read_cells(run.cells) if cell.split in ("val", "test")]
    for cell in cells:
        if pixel_hash(read_image(folder / cell.path)[1]) != cell.sha256:
            raise DataError(
                f"{folder / cell.path} is not the picture that the run was split with: name its folder with --data."
            )
    metrics = {
        "protocol": split.protocol,
        **({"caution": LEAKS} if split.protocol == "image" else {}),
        "seed": split.seed,
        "data": settings["data"]["name"],
        "rejected": read_csv(run.rejected) if run.rejected.is_file() else [],
        "parts": {},
    }
    for part in ("val", "test"):
        chosen = [cell for cell in cells if cell.split == part]
        if not chosen:  # a split may name no patient for validation
            continue
        store = open_store(
            folder, chosen, Preprocessing(**preprocessing_of(model)), settings["train"]["cache"], f"preparing {part}"
        )
        logits = predict_logits(model, prediction_batches(store, settings["train"]["batch_size"]))
        predictions = [answer(cell.path, logit, cell.patient, cell.label) for cell, logit in zip(chosen, logits)]
        write_predictions(run.predictions(part), predictions)
        metrics["parts"][part] = score_part(predictions, seed)
    write_json(run.metrics, metrics)
    _draw(run, metrics["parts"]["test"]["cell"]["auroc"], seed, metrics.get("caution", ""))
    return metrics


def _draw(run: RunFolder, auroc: dict[str, float], seed: int, caution: str) -> None:
    """Draw the figures of a run from its history and its predictions on the test part; over each the caution."""
    from leukemia_tf.evaluation import plots
    from leukemia_tf.evaluation.bootstrap import patient_weights
    from leukemia_tf.evaluation.predictions import arrays, read_predictions
    from leukemia_tf.files import read_csv

    labels, probabilities, patients = arrays(read_predictions(run.predictions("test")))
    drawn = patient_weights(labels, patients, 500, seed)
    figures = {
        "confusion-matrix": plots.confusion_matrix(labels, probabilities),
        "learning-curves": plots.learning_curves(read_csv(run.history)),
    }
    if len(set(labels)) == 2:
        figures["roc"] = plots.roc(labels, probabilities, drawn, auroc)
    for name, figure in figures.items():
        if caution:
            figure.suptitle(caution, color="#b03a2e", fontsize=9)
        plots.save(figure, run.figure(name))


def show(run: RunFolder, metrics: dict) -> None:
    """Log the scores on the test patients, and where the rest lies."""
    from leukemia_tf.evaluation.report import table

    test = metrics["parts"]["test"]
    caution = f"; {metrics['caution']}" if "caution" in metrics else ""
    log.info("\n%s", table("test", test, f"{metrics['protocol']} split, seed {metrics['seed']}{caution}"))
    log.info("\nrun folder: %s", run)


if __name__ == "__main__":
    run_command("evaluate", EvaluateConfig, evaluate)
