"""The page of a search: the best trial's scores on test patients, and the trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from leukemia_tf.core.files import read_json
from leukemia_tf.evaluation.cautions import cautions
from leukemia_tf.reporting import sections, summary, tables
from leukemia_tf.reporting.blocks import Page, Picture, Table, Text, section
from leukemia_tf.reporting.command_line import study_command
from leukemia_tf.reporting.study_provenance import reproduce, study_provenance
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.runs.study_folder import Study
from leukemia_tf.tuning.search import Trial, Value

SEARCH = "The score of each trial in their order, with the best so far, and the score by each setting that was varied."


def tune_page(study: Study, trials: Sequence[Trial], figure: Figure, best: RunFolder) -> Page:
    """Return the page of a finished search.

    Parameters
    ----------
    study : Study
        With its settings.
    trials : sequence of Trial
        All of them, in their order.
    figure : matplotlib.figure.Figure
        As from `draw_search`.
    best : RunFolder
        The run by the best trial's settings.
    """
    settings, metrics = study.read_config(), read_json(best.metrics)
    search, files = settings["asked"], (study.config, study.trials)
    titles, *rows = tables.score_rows(metrics["parts"])
    about = f"The best of {len(trials)} trials is an optimistic choice: only these scores, on test patients, count. "
    return Page(
        title=f"{search['base']}: search of {len(trials)} trials",
        name=f"Search of {study.path.resolve().name}",
        subtitle=f"{search['base']}, {search['method']} search, {len(trials)} trials; data: {metrics['data']}",
        headline=summary.headline(metrics),
        details=f"by the best trial's settings, {summary.details(metrics)}",
        cautions=cautions(metrics, best.read_config()),
        about=study_provenance(study.path, files),
        sections=[
            section(
                "scores",
                "Scores of the best trial's settings",
                Text(f"{about}More of this run: {best.path.name}/{best.report.name} beside this file."),
                sections.how_scored(f"a probability of {metrics['decision']['threshold']:.3g}"),
                Table("scores", "Scores on the test patients, and in validation.", titles, rows, stacked=True),
            ),
            section("best", "Best trial", _best(trials)),
            section(
                "search",
                "Search",
                Text(_objective(search)),
                Picture("search", figure, SEARCH, f"Dots. {SEARCH} The table below has the numbers.", wide=True),
                _trials(trials),
            ),
            reproduce(study_command("tune", settings), files),
        ],
    )


def _objective(search: Mapping[str, Any]) -> str:
    over = f"{search['folds']} folds of the training patients" if search["folds"] else "the validation patients"
    return f"A trial's score is the mean AUROC by patient over {over}. Test patients took no part."


def _best(trials: Sequence[Trial]) -> Table:
    best = max((trial for trial in trials if trial.score is not None), key=lambda trial: trial.score or 0.0)
    rows = [["trial", str(best.number + 1)], ["score in the search", f"{best.score:.3f}"]]
    rows += [[name, text_of(value)] for name, value in best.values.items()]
    return Table("best", "The best trial's settings; recipe.json has them for train.", (), rows)


def _trials(trials: Sequence[Trial]) -> Table:
    names = list(trials[0].values)
    rows = [
        [
            str(trial.number + 1),
            "" if trial.score is None else f"{trial.score:.3f}",
            *(text_of(trial.values[name]) for name in names),
            f"{trial.seconds:.0f}",
            trial.failure,
        ]
        for trial in trials
    ]
    failed = any(trial.failure for trial in trials)
    titles = ["trial", "score", *names, "seconds", *(["failure"] if failed else [])]
    return Table("trials", "All trials.", titles, rows if failed else [row[:-1] for row in rows])


def text_of(value: Value) -> str:
    """Return a setting's value as text."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
