"""`python -m leukemia_tf.tune`: which settings carry over to patients that a training has not seen."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from leukemia_tf.assemble import check_count, read_setup
from leukemia_tf.cli import run_command
from leukemia_tf.config import TrainConfig, TuneConfig
from leukemia_tf.engine import check_engine
from leukemia_tf.errors import RunError, UserError
from leukemia_tf.recipes import from_recipe, recipe_asked
from leukemia_tf.run import new_run_path
from leukemia_tf.study import Study, study_asked
from leukemia_tf.train import settled, train_once

if TYPE_CHECKING:
    from leukemia_tf.tuning.search import Tried

log = logging.getLogger("leukemia_tf")

KIND = "tune"
SHOWN = 10  # trials of the table
NOT_OF_A_RECIPE = ("data", "out", "seed", "split", "resume", "refit", "recipe", "tensorboard", "cache", "devices")


def tune(asked: TuneConfig | None = None) -> Study:
    """Search for the settings with the best mean AUROC by patient over folds of the training patients, and train them.

    Parameters
    ----------
    asked : TuneConfig, optional
        Dropout, rate and weight decay of ResNet50 on the embedded cells by default.

    Returns
    -------
    Study
        The folder: trials.csv, recipe.json (for `train --recipe`), the figure, and `best/`, a run by that recipe.

    Raises
    ------
    UserError
        For what the user can mend, and if no trial came to a score.
    """
    asked = asked or TuneConfig()
    begun, config, words = study_asked(asked, KIND)
    _check(config)

    from leukemia_tf.evaluation.plots import save
    from leukemia_tf.tuning.search import check_method
    from leukemia_tf.tuning.space import space_of
    from leukemia_tf.tuning.trials import draw_search

    space = space_of(config.over)
    check_method(config.method)
    _, source, prepared = read_setup(settled(config))
    study = begun or Study(asked.out or new_run_path(f"{config.base}-{KIND}"))
    if not begun:
        study.write_config(KIND, asked=words, data={"folder": source.folder})
    tried = _search(study, config, prepared, space)
    scored = sorted((trial for trial in tried if trial.score is not None), key=lambda trial: -trial.score)
    if not scored:
        raise RunError(f"no trial came to a score; the first failed so: {tried[0].failure}. See {study.trials}.")
    save(draw_search(tried, space), study.figure("search"))
    _write_recipe(study, config, scored[0])
    log.info("\n%s\n\nrecipe: %s", _table(scored), study.recipe)
    own = {"data": config.data, "split": config.split, "seed": config.seed, "out": study.run("best").path}
    train_once(from_recipe(str(study.recipe), **own))
    return study


def _check(config: TuneConfig) -> None:
    """Stop at flags that cannot be, before anything is read."""
    check_engine(config)
    check_count("trials", config.trials)
    if config.folds < 0 or config.folds == 1:
        raise UserError(f"--folds {config.folds}: it takes 2 or more, or 0 for the validation part alone.")
    if config.refit:
        raise UserError("--refit trains what was found already: search first, then `train --refit` the run in `best`.")
    if config.split.startswith("image"):
        raise UserError(f"--split {config.split}: a search on leaking parts finds what leaks best; split by patient.")


def _search(study: Study, config: TuneConfig, prepared: object, space: dict) -> list[Tried]:
    """Try so many configurations; each is written down when it has ended."""
    from leukemia_tf.objective import mean_score, search_folds
    from leukemia_tf.tuning.search import search
    from leukemia_tf.tuning.space import settings_of
    from leukemia_tf.tuning.trials import read_trials, write_trials

    folds, tried = search_folds(prepared, config.folds, config.seed), read_trials(study.trials)

    def ask(values: dict) -> float:
        return mean_score(config.of_train(**settings_of(values)), folds, study.path / "work", config)

    def note(trial: Tried) -> None:
        tried.append(trial)
        write_trials(study.trials, tried, list(space))
        told = f"failed: {trial.failure}" if trial.score is None else f"AUROC by patient {trial.score:.3f}"
        log.info("trial %d of %d, %.0f s: %s: %s", trial.number + 1, config.trials, trial.seconds, told, trial.values)

    try:
        search(ask, space, study.path, note, config.method, config.trials, config.seed)
    except KeyboardInterrupt:
        log.warning("finished trials are kept; go on: python -m leukemia_tf.tune --out %s --resume", study)
        raise
    return tried


def _write_recipe(study: Study, config: TuneConfig, best: Tried) -> None:
    """Write what `train --recipe` takes: the settings that are not the defaults, the best trial's among them."""
    from leukemia_tf.files import write_json
    from leukemia_tf.tuning.space import settings_of

    plain, own = asdict(TrainConfig()), asdict(config.of_train(**settings_of(best.values)))
    kept = {key: value for key, value in own.items() if value != plain[key] and key not in NOT_OF_A_RECIPE}
    over = f"{config.folds} folds of the training patients" if config.folds else "the validation patients"
    about = (
        f"Found by {config.method} search in {config.trials} trials: AUROC by patient {best.score:.3f} over {over}. "
        "The best of so many is too good: judge it on test patients."
    )
    write_json(study.recipe, {"about": about, "settings": kept})


def _table(scored: Sequence[Tried]) -> str:
    """Return the best trials as text."""
    lines = [f"{'trial':<7}{'score':<8}" + "".join(f"{name:<16}" for name in scored[0].values)]
    for trial in scored[:SHOWN]:
        told = (f"{value:.4g}" if isinstance(value, float) else str(value) for value in trial.values.values())
        lines.append(f"{trial.number + 1:<7}{trial.score:<8.3f}" + "".join(f"{text:<16}" for text in told))
    return "\n".join(lines)


if __name__ == "__main__":
    run_command(KIND, TuneConfig, tune, partial(recipe_asked, kind=TuneConfig))
