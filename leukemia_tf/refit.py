"""A judged recipe trained again on all patients, for use: it has no score of its own but that of the run it follows."""

from __future__ import annotations

import json
from dataclasses import fields, replace

from leukemia_tf.config import TrainConfig
from leukemia_tf.errors import RunError, UserError
from leukemia_tf.files import read_csv, read_json, write_json
from leukemia_tf.run import RunFolder, open_run

OWN = ("out", "data", "refit", "resume", "cache", "precision", "devices", "tensorboard")  # flags beside --refit


def refitted(config: TrainConfig) -> TrainConfig:
    """Return what the run in `config.refit` was asked, with the stages and epochs that it settled on and all patients.

    A `plateau` schedule follows the training loss, since nothing is left to validate on.

    Raises
    ------
    UserError
        If that run is not finished or was itself trained on all patients, or if a flag says otherwise than that run.
    """
    run = open_run(config.refit)
    if not run.metrics.is_file():
        raise RunError(f"--refit {run}: it is not finished; go on with it by --out {run} --resume.")
    settings = run.read_config()
    if "members" in settings:
        raise RunError(f"--refit {run}: it is an ensemble; refit its members, and put those together.")
    asked = TrainConfig(**settings["train"])
    if asked.refit:
        raise RunError(f"--refit {run}: it is a refit itself; name the run that was judged, {asked.refit}.")
    if asked.pseudo_labels:
        raise RunError(f"--refit {run}: a network told a part of its labels; there is no more to train it on.")
    plain = TrainConfig()
    for field in fields(config):
        if field.name not in OWN and getattr(config, field.name) != getattr(plain, field.name):
            raise UserError(f"--{field.name.replace('_', '-')} beside --refit: everything comes from {run}.")
    own = {name: getattr(config, name) for name in OWN}
    stages = {"stages": json.dumps(settled_stages(run)), "sizes": None, "epochs": None, "lr": 1e-3, "recipe": None}
    return replace(
        asked,
        **{**own, "data": config.data or run.data},
        **stages,
        weights="none" if settings["weights"]["source"] == "random" else asked.weights,
        image_size=settings["network"]["image_size"],
        split=f"refit:{run.splits}",
    )


def settled_stages(run: RunFolder) -> list[dict]:
    """Return the stages of a run that bettered its score, each up to the epoch that was kept of it."""
    records, rows, settled = run.read_config()["stages"], read_csv(run.history), []
    for record in records:
        own = [row for row in rows if row["stage"] == record["name"]]
        kept = max((number for number, row in enumerate(own, start=1) if row["best"] == "1"), default=0)
        if kept:
            settled.append({**record, "ends": kept, "if_better": False})
    return settled


def borrow_scores(run: RunFolder, judged: RunFolder) -> dict:
    """Write, as the metrics of a refitted run, those of the run whose recipe it follows, marked so."""
    caution = f"scores of {judged}, by whose recipe this was trained on all patients; it has none of its own"
    metrics = read_json(judged.metrics)
    caution = "; ".join(filter(None, (caution, metrics.get("caution"))))
    metrics = {**metrics, "caution": caution, "scores_of": str(judged), "trained_on": "all patients"}
    write_json(run.metrics, metrics)
    return metrics
