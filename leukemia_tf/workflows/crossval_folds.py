"""The folds of a cross-validation: who is held out, who is tested where, and each fold's split file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from leukemia_tf.config import CrossvalConfig
from leukemia_tf.data.catalog import Cell, write_cells
from leukemia_tf.data.folds import FoldTable, draw_folds
from leukemia_tf.data.patient_groups import groups_by_patient, natural_key
from leukemia_tf.data.split_protocols import hold_out, hold_out_by_image
from leukemia_tf.data.splits import Split, write_split
from leukemia_tf.runs.study_folder import Study


def draw_fold_table(config: CrossvalConfig, cells: Sequence[Cell], groups: Sequence[Sequence[str]]) -> FoldTable:
    """Draw the held-out patients, and for every seed the fold in which each other cell is tested.

    Parameters
    ----------
    config : CrossvalConfig
        Seeds, number and kind of folds, share of the hold-out.
    cells : sequence of Cell
        Labelled.
    groups : sequence of sequence of str
        Names of one patient.
    """
    group_of = groups_by_patient(groups)
    held_out = set(hold_out(cells, config.seed, group_of, config.holdout)[1]) if config.holdout else set()
    inside = [index for index, cell in enumerate(cells) if cell.patient not in held_out]
    by_seed = {}
    for seed in range(config.seed, config.seed + config.repeats):
        folds = draw_folds([cells[index] for index in inside], group_of, config.split, seed, config.folds)
        fold_of: list[int | None] = [None] * len(cells)
        for fold, (_, test) in enumerate(folds):
            for place in test:
                fold_of[inside[place]] = fold
        by_seed[seed] = fold_of
    return FoldTable(tuple(cells), by_seed)


def write_fold_split(
    study: Study, config: CrossvalConfig, name: str, test: Sequence[Cell], others: Sequence[Cell], seed: int
) -> str:
    """Write the split of a fold, with a share of the other cells for validation; return it as `split` of `train`."""
    if config.split == "image":
        parts = hold_out_by_image(others, seed, config.validation)
        cells = [*parts, *(replace(cell, split="test") for cell in test)]
        return f"image:{write_cells(study.split(name, '.csv'), cells)}"
    group_of = groups_by_patient(study.read_config()["data"]["same_patients"])
    train, val = hold_out(others, seed, group_of, config.validation) if config.validation else (_patients(others), ())
    return str(write_split(study.split(name, ".json"), Split("patient", seed, train, val, _patients(test))))


def _patients(cells: Iterable[Cell]) -> tuple[str, ...]:
    return tuple(sorted({cell.patient for cell in cells}, key=natural_key))
