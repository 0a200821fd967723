"""The settings that generalise best to unseen patients."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from leukemia_tf.config import TrainConfig, TuneConfig
from leukemia_tf.config.recipes import from_recipe
from leukemia_tf.core.errors import ArgumentError, RunError
from leukemia_tf.core.files import write_json
from leukemia_tf.core.locks import locked
from leukemia_tf.data.prepare import Prepared, log_split
from leukemia_tf.data.source import Source
from leukemia_tf.evaluation.plots import save
from leukemia_tf.reporting.page import write_page
from leukemia_tf.reporting.tune_page import text_of, tune_page
from leukemia_tf.runs.open_runs import new_run_path
from leukemia_tf.runs.parallel import check_engine
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.runs.study_folder import Study, resolve_study
from leukemia_tf.training.settings import check_count
from leukemia_tf.training.setup import read_training_cells
from leukemia_tf.tuning.search import Range, Trial, Value, check_method, search
from leukemia_tf.tuning.space import settings_of, space_of
from leukemia_tf.tuning.trials import draw_search, read_trials, write_trials
from leukemia_tf.workflows.resolve import resolve_settings
from leukemia_tf.workflows.train import train_once
from leukemia_tf.workflows.tune_objective import mean_score, search_folds

log = logging.getLogger("leukemia_tf")

KIND = "tune"
LISTED = 10  # trials in the table
NOT_IN_RECIPES = ("data", "out", "seed", "split", "resume", "refit", "recipe", "tensorboard", "cache", "devices")


def tune(config: TuneConfig) -> Study:
    """Run the command `tune`; see `leukemia_tf.tune.tune`."""
    with locked(config.out):
        return _tune(config)


def _tune(config: TuneConfig) -> Study:
    started, config, requested = resolve_study(config, KIND)
    space = _check(config)
    _, source, prepared = read_training_cells(resolve_settings(config))
    log_split(prepared)
    study = started or _start(config, requested, source)
    trials = _search(study, config, prepared, space)
    ranked = _rank(study, trials)
    figure = draw_search(trials, space)
    save(figure, study.figure("search"))
    _write_recipe(study, config, ranked[0])
    log.info("%s\n\nrecipe: %s", _table(ranked), study.recipe)
    best = _train_best(study, config)
    write_page(study.report, tune_page(study, trials, figure, best))
    log.info("report: %s", study.report)
    return study


def _check(config: TuneConfig) -> dict[str, Range]:
    """Stop at settings that cannot be used, before any image is read; return the search space."""
    check_engine(config)
    check_count("trials", config.trials)
    if config.folds < 0 or config.folds == 1:
        raise ArgumentError("folds", config.folds, "it takes 2 or more, or 0 for the validation part only.")
    if config.refit:
        problem = "search first, then give its run `best` to `python -m leukemia_tf.train --refit`."
        raise ArgumentError("refit", config.refit, problem)
    if config.split.startswith("image"):
        problem = "a search with leaking parts selects the settings that leak most: split by patient."
        raise ArgumentError("split", config.split, problem)
    check_method(config.method)
    return space_of(config.over)


def _start(config: TuneConfig, requested: dict[str, Any], source: Source) -> Study:
    study = Study(config.out or new_run_path(f"{config.base}-{KIND}"))
    study.write_config(KIND, asked=requested, data={"name": source.name, "folder": source.folder})
    return study


def _search(study: Study, config: TuneConfig, prepared: Prepared, space: Mapping[str, Range]) -> list[Trial]:
    """Run the trials; each is written down when it has ended, and finished ones are kept."""
    folds, trials = search_folds(prepared, config.folds, config.seed), read_trials(study.trials)

    def objective(values: dict[str, Value]) -> float:
        return mean_score(config.of_train(**settings_of(values)), folds, study.path / "work", config)

    def on_trial(trial: Trial) -> None:
        trials.append(trial)
        write_trials(study.trials, trials, list(space))
        result = f"failed: {trial.failure}" if trial.score is None else f"AUROC by patient {trial.score:.3f}"
        log.info("trial %d of %d, %.0f s: %s: %s", trial.number + 1, config.trials, trial.seconds, result, trial.values)

    try:
        search(objective, space, study.path, on_trial, config.method, config.trials, config.seed)
    except KeyboardInterrupt:
        log.warning("finished trials are kept; continue with: python -m leukemia_tf.tune --out %s --resume", study)
        raise
    return trials


def _rank(study: Study, trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials with a score, the best first."""
    ranked = sorted((trial for trial in trials if trial.score is not None), key=lambda trial: -(trial.score or 0.0))
    if not ranked:
        raise RunError(f"every trial failed, the first with: {trials[0].failure}. See {study.trials}.")
    return ranked


def _write_recipe(study: Study, config: TuneConfig, best: Trial) -> None:
    """Write a recipe for `train`: the settings that differ from the defaults, the best trial's among them."""
    default, settings = asdict(TrainConfig()), asdict(config.of_train(**settings_of(best.values)))
    changed = {key: value for key, value in settings.items() if value != default[key] and key not in NOT_IN_RECIPES}
    if "contrast" in changed:
        changed["stain_normalization"] = settings["stain_normalization"]  # a recipe says both or neither
    over = f"{config.folds} folds of the training patients" if config.folds else "the validation patients"
    about = (
        f"Found by {config.method} search in {config.trials} trials: AUROC by patient {best.score:.3f} over {over}. "
        "The best score of many trials is too optimistic: evaluate it on test patients."
    )
    write_json(study.recipe, {"about": about, "settings": changed})


def _train_best(study: Study, config: TuneConfig) -> RunFolder:
    out = study.run("best").path
    return train_once(from_recipe(str(study.recipe), data=config.data, split=config.split, seed=config.seed, out=out))


def _table(ranked: Sequence[Trial]) -> str:
    """Return the best trials as text."""
    lines = ["", f"{'trial':<7}{'score':<8}" + "".join(f"{name:<16}" for name in ranked[0].values)]
    for trial in ranked[:LISTED]:
        texts = "".join(f"{text_of(value):<16}" for value in trial.values.values())
        lines.append(f"{trial.number + 1:<7}{trial.score:<8.3f}{texts}")
    return "\n".join(lines)
