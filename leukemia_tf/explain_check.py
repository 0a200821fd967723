"""`python -m leukemia_tf.explain_check`: whether heat maps tell the truth."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from leukemia_tf.assemble import check_count
from leukemia_tf.cli import run_command
from leukemia_tf.config import ExplainCheckConfig
from leukemia_tf.errors import UserError
from leukemia_tf.run import run_or_newest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from leukemia_tf.evaluation.predictions import Prediction
    from leukemia_tf.explain.target import Target

log = logging.getLogger("leukemia_tf")

SHEET = 24  # cells


def explain_check(config: ExplainCheckConfig | None = None) -> dict:
    """Measure methods of explanation on a run's test cells, with 95 % intervals over patients.

    How far the answer's logit falls while the hottest squares are blurred (deletion) and rises while they come back
    (insertion), in standard deviations of the logit; where the heat is; whether maps change when the network's weights
    are shuffled; how alike the methods are; beside a random map and a blob in the centre. Every patient weighs the
    same.

    Parameters
    ----------
    config : ExplainCheckConfig, optional
        The newest run, all methods, 60 cells by default.

    Returns
    -------
    dict
        The content of explain-check.json.

    Raises
    ------
    UserError
        For what the user can mend.
    """
    config = config or ExplainCheckConfig()
    check_count("cells", config.cells, 2)
    run = run_or_newest(config.run)
    import numpy as np

    from leukemia_tf import explain_scores
    from leukemia_tf.evaluation.plots import save
    from leukemia_tf.explain import evidence_plots as draw
    from leukemia_tf.explain.evidence import gather
    from leukemia_tf.explain.frame import frame_of
    from leukemia_tf.explain.methods import METHODS, find_method
    from leukemia_tf.explain.target import Target
    from leukemia_tf.files import write_json
    from leukemia_tf.members import read_members
    from leukemia_tf.models.member import members_of
    from leukemia_tf.models.network import load_network

    names = tuple(dict.fromkeys(config.method)) or tuple(METHODS)
    for name in names:
        find_method(name)
    model = load_network(run.model)
    if len(members_of(model)) > 1:
        raise UserError(f"{run} is an ensemble: name the run of one of its members.")
    target = Target(model, config.layer)
    folder = config.data or run.data
    every = read_members([run.path])[0].rows
    rows = _drawn(every, config.cells, config.seed)
    frames = [frame_of(model, folder / row.path, row) for row in rows]
    found = gather(target, frames, names, max(2, len(rows) // 10), config.seed)

    scale = float(np.std([row.logit for row in every])) or 1.0
    told = {
        **{"run": str(run), "layer": target.layer, "cells": len(rows)},
        **explain_scores.patients_of(rows),
        **{"seed": config.seed, "deviation_of_the_logit": scale},
        **explain_scores.scores(found, frames, scale, config.seed),
        "layers": explain_scores.layers(model, frames, config.seed),
    }
    pictures = {
        "curves": draw.draw_curves(found, scale),
        "shuffled": draw.draw_shuffled(found),
        "agreement": draw.draw_agreement(told["agreement"]),
        **_sheets(config, target, every, folder),
    }
    for name, figure in pictures.items():
        save(figure, config.out / f"{name}.png")
    path = write_json(config.out / "explain-check.json", told)
    log.info("%s", path.read_text(encoding="utf-8") if config.json else explain_scores.table(told))
    if not config.json:
        log.info("\n%s: explain-check.json and %d pictures", config.out, len(pictures))
    return told


def _drawn(rows: Sequence[Prediction], count: int, seed: int) -> list[Prediction]:
    """Return so many rows, drawn by seed, each patient in turn."""
    import numpy as np

    from leukemia_tf.evaluation.predictions import in_turns

    return in_turns([rows[place] for place in np.random.default_rng(seed).permutation(len(rows))])[:count]


def _sheets(config: ExplainCheckConfig, target: Target, rows: Sequence[Prediction], folder: Path) -> dict[str, Figure]:
    """Draw contact sheets of right and of wrong cells."""
    from leukemia_tf.explain.frame import frame_of
    from leukemia_tf.explain.maps import explainer
    from leukemia_tf.explain.methods import DEFAULT, METHODS
    from leukemia_tf.explain.pictures import draw_sheet
    from leukemia_tf.views import Shown, captioned, overlay_of

    explain, sheets = explainer(target.model, DEFAULT, config.layer), {}
    for word, right in (("right", True), ("wrong", False)):
        some = _drawn([row for row in rows if (row.prediction == row.label) == right], SHEET, config.seed)
        if some:
            frames = [frame_of(target.model, folder / row.path, row) for row in some]
            shown = [Shown(Path(row.path), [frame], [maps]) for row, frame, maps in zip(some, frames, explain(frames))]
            title = f"{METHODS[DEFAULT].title} of {len(some)} cells that are {word}"
            sheets[word] = draw_sheet([captioned(one, overlay_of(one)) for one in shown], title=title)
    return sheets


if __name__ == "__main__":
    run_command("explain_check", ExplainCheckConfig, explain_check)
