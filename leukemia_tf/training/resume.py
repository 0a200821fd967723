"""How an interrupted run resumes: its settings, and the stages it planned; without TensorFlow."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

from leukemia_tf.config import TrainConfig
from leukemia_tf.core.errors import RunError
from leukemia_tf.core.files import as_read
from leukemia_tf.runs.open_runs import check_vacant, open_run
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.training.stages import Stage


def find_interrupted_run(config: TrainConfig) -> RunFolder | None:
    """Return the unfinished run in `config.out` that resumes: by `resume`, or by the same settings.

    Raises
    ------
    RunError
        If there is none to resume, or if something else is in the way of a new one.
    """
    if config.out is None:
        if config.resume:
            raise RunError("`resume` goes on with the run in `out`: name that folder.")
        return None
    run = RunFolder(config.out)
    if run.stopped_before_config():  # nothing is lost by starting again
        return None
    if config.resume or (run.config.is_file() and not run.metrics.is_file() and _same_settings(config, run)):
        return open_run(config.out)
    check_vacant(config.out)
    return None


def _same_settings(config: TrainConfig, run: RunFolder) -> bool:
    return open_run(run.path).read_config()["asked"] == as_read({**asdict(config), "resume": False})


def resumed_config(run: RunFolder) -> TrainConfig:
    """Return a run's settings with `resume`; its split, its patients and its pseudo-labels are read from its folder."""
    run.check_files(run.environment, run.splits, run.cells)
    settings = run.read_config()
    config = TrainConfig(**settings["train"])
    split = config.split
    if config.refit:
        split = f"refit:{run.splits}"
    elif split.startswith("image"):
        split = f"image:{run.cells}"
    elif split not in ("patient", "official"):
        split = str(run.splits)
    return replace(
        config,
        data=run.data,
        weights="none" if settings["weights"]["source"] == "random" else config.weights,
        image_size=settings["network"]["image_size"],
        out=run.path,
        resume=True,
        split=split,
        patients=kept_patients(run, config),
        pseudo_labels=run.cells if config.pseudo_labels else None,
    )


def kept_patients(run: RunFolder, config: TrainConfig) -> Path | None:
    """Return the table of a run's patients: the copy in its folder, if it has one."""
    return run.patients if run.patients.is_file() else config.patients


def read_planned_stages(run: RunFolder) -> tuple[Stage, ...]:
    """Return the stages that a run started with."""
    return tuple(Stage(**record) for record in run.read_config()["stages"])
