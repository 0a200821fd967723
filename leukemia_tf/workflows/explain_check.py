"""How faithful heat maps are to the network."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure

from leukemia_tf.config import ExplainCheckConfig
from leukemia_tf.core.errors import UserError
from leukemia_tf.core.files import write_json
from leukemia_tf.evaluation.plots import save
from leukemia_tf.evaluation.predictions import Prediction, sample_over_patients
from leukemia_tf.explain import faithfulness_plots, faithfulness_scores
from leukemia_tf.explain.faithfulness import Faithfulness, measure_faithfulness
from leukemia_tf.explain.frame import Frame, frame_of
from leukemia_tf.explain.maps import description, explainer
from leukemia_tf.explain.methods import DEFAULT, METHODS, find_method
from leukemia_tf.explain.pictures import draw_sheet
from leukemia_tf.explain.target import Target
from leukemia_tf.inference.heat_maps import ExplainedImage, captioned, overlay_of
from leukemia_tf.models.member import members_of
from leukemia_tf.models.network import load_network
from leukemia_tf.models.probability import get_calibration
from leukemia_tf.reporting.blocks import Gallery, Thumb
from leukemia_tf.reporting.explain_page import explain_page
from leukemia_tf.reporting.finished_runs import read_finished_runs
from leukemia_tf.reporting.page import picture_source, write_page
from leukemia_tf.runs.open_runs import run_or_newest
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.training.settings import check_count

log = logging.getLogger("leukemia_tf")

SHEET = 24  # cells
TITLES = {"right": "correctly classified", "wrong": "misclassified"}


@dataclass(frozen=True)
class _Subject:
    """A run's network with the test predictions that are explained.

    Parameters
    ----------
    run : RunFolder
        The run.
    target : Target
        Its network, at a layer.
    folder : pathlib.Path
        Where its cells are.
    predictions : list of Prediction
        Of all test cells.
    """

    run: RunFolder
    target: Target
    folder: Path
    predictions: list[Prediction]

    def frames(self, predictions: Sequence[Prediction]) -> list[Frame]:
        """Read the cells of predictions."""
        return [frame_of(self.target.model, self.folder / row.path, row) for row in predictions]

    @property
    def scale(self) -> float:
        """The standard deviation of the logit over the test cells: the unit of deletion and insertion."""
        return float(np.std(np.array([row.logit for row in self.predictions], float))) or 1.0


def explain_check(config: ExplainCheckConfig) -> dict[str, Any]:
    """Run the command `explain_check`; see `leukemia_tf.explain_check.explain_check`."""
    check_count("cells", config.cells, 2)
    run = run_or_newest(config.run)
    methods = _methods(config)
    subject = _open(run, config)
    sample = sample_over_patients(subject.predictions, config.cells, config.seed)
    frames = subject.frames(sample)
    measured = measure_faithfulness(subject.target, frames, methods, max(2, len(sample) // 10), config.seed)
    scores = _score(subject, measured, frames, config.seed)
    out, figures, sheets = config.out or run.explain_check.parent, _draw(subject, measured, scores), {}
    galleries = []
    for name, (title, pictures) in _examples(subject, config).items():
        sheets[name] = draw_sheet([picture[:2] for picture in pictures], title=title, wrong=name == "wrong")
        galleries.append(Gallery(title, [_thumb(*picture) for picture in pictures], small=True))
    for name, figure in {**figures, **sheets}.items():
        save(figure, out / f"{name}.png", _sheet_texts(subject) if name in sheets else None)
    path = out / run.explain_check.name
    for file in {run.explain_check, path}:  # the run's is for `gradcam` and `export`
        write_json(file, scores)
    report = write_page(RunFolder(out).report, explain_page(scores, figures, galleries))
    if config.json:
        log.info("%s", path.read_text(encoding="utf-8"))
    else:
        log.info("%s", faithfulness_scores.table(scores))
        log.info("\nreport: %s; beside it %s and %d pictures", report, path.name, len(figures) + len(sheets))
    return scores


def _methods(config: ExplainCheckConfig) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(config.method)) or tuple(METHODS)
    for name in names:
        find_method(name)
    return names


def _open(run: RunFolder, config: ExplainCheckConfig) -> _Subject:
    model: keras.Model = load_network(run.model)
    if len(members_of(model)) > 1:
        raise UserError(f"{run} is an ensemble: name the run of one of its members.")
    (finished,) = read_finished_runs([run.path])
    return _Subject(run, Target(model, config.layer), config.data or run.data, finished.predictions)


def _score(
    subject: _Subject, measured: Mapping[str, Faithfulness], frames: Sequence[Frame], seed: int
) -> dict[str, Any]:
    """Return the content of explain-check.json."""
    return {
        "run": str(subject.run),
        "explained": subject.target.layers,
        "cells": len(frames),
        **faithfulness_scores.patients_of([frame.prediction for frame in frames]),
        "seed": seed,
        "deviation_of_the_logit": subject.scale,
        **faithfulness_scores.scores(measured, frames, subject.scale),
        "layers": faithfulness_scores.layers(subject.target.model, frames),
    }


def _draw(subject: _Subject, measured: Mapping[str, Faithfulness], scores: Mapping[str, Any]) -> dict[str, Figure]:
    """Return the figures by file name."""
    return {
        "curves": faithfulness_plots.draw_curves(measured, subject.scale),
        "shuffled": faithfulness_plots.draw_shuffled(measured),
        "agreement": faithfulness_plots.draw_agreement(scores["agreement"]),
    }


def _sheet_texts(subject: _Subject) -> dict[str, str]:
    return description(METHODS[DEFAULT], [METHODS[DEFAULT].layers_of(subject.target.layers)])


def _examples(
    subject: _Subject, config: ExplainCheckConfig
) -> dict[str, tuple[str, list[tuple[str, np.ndarray, bool]]]]:
    """Return a title, and captioned overlays by the default method, of correct and of wrong cells."""
    explain, examples = explainer(subject.target.model, DEFAULT, config.layer), {}
    for name, right in (("right", True), ("wrong", False)):
        matching = [row for row in subject.predictions if (row.prediction == row.label) == right]
        sample = sample_over_patients(matching, SHEET, config.seed)
        if sample:
            frames = subject.frames(sample)
            images = [
                ExplainedImage(Path(row.path), [frame], [maps])
                for row, frame, maps in zip(sample, frames, explain(frames))
            ]
            threshold = get_calibration(subject.target.model).threshold
            title = f"{METHODS[DEFAULT].title} of {len(sample)} {TITLES[name]} cells; threshold {threshold:.3g}"
            examples[name] = (title, [(*captioned(image, overlay_of(image)), not right) for image in images])
    return examples


def _thumb(caption: str, pixels: np.ndarray, wrong: bool) -> Thumb:
    text = caption.replace("\n", ": ")
    return Thumb(picture_source(pixels), pixels.shape[1], pixels.shape[0], f"Heat map over cell {text}", text, wrong)
