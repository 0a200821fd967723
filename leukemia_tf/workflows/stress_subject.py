"""What `stress` is run on: the tested cells of a run, or the out-of-fold cells of a cross-validation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from leukemia_tf.core.errors import BadImageError, DataError, RunError
from leukemia_tf.core.files import read_json
from leukemia_tf.data.catalog import read_cells
from leukemia_tf.data.cell_picture import CellPicture, cell_picture
from leukemia_tf.data.folds import read_folds
from leukemia_tf.data.integrity import pixel_hash, read_image
from leukemia_tf.data.split_protocols import REFIT
from leukemia_tf.data.splits import read_split
from leukemia_tf.evaluation.predictions import LABEL_NAMES, Prediction, by_patient_group
from leukemia_tf.reporting.finished_runs import read_finished_runs
from leukemia_tf.runs.open_runs import run_or_newest
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.runs.study_folder import Study, open_study
from leukemia_tf.workflows import crossval
from leukemia_tf.workflows.out_of_fold import read_out_of_fold


@dataclass(frozen=True)
class Subject:
    """A run or a study, with the cells that its networks were tested on.

    Parameters
    ----------
    folder : RunFolder or Study
        Finished.
    data : pathlib.Path
        Where its cells lie.
    predictions : list of Prediction
        Of all tested cells, as from `by_patient_group`.
    hashes : dict of str to str
        Each cell's `sha256`, by its path.
    runs : dict of str to RunFolder
        The run that was tested on it, by its path.
    """

    folder: RunFolder | Study
    data: Path
    predictions: list[Prediction]
    hashes: dict[str, str]
    runs: dict[str, RunFolder]

    def read(self, path: str) -> CellPicture:
        """Read a cell, and check that it is the picture that was tested.

        Raises
        ------
        DataError
            If it is gone, or another.
        """
        try:
            pixels = read_image(self.data / path)[1]
        except BadImageError as error:
            raise DataError(f"{error}. If the run's cells have moved, name their folder as `data`.") from None
        if pixel_hash(pixels) != self.hashes[path]:
            raise DataError(
                f"{self.data / path} is not the picture that the run was tested on: name its folder as `data`."
            )
        return cell_picture(pixels, int(self.hashes[path][:8], 16))


def open_subject(path: Path | None, data: Path | None) -> Subject:
    """Open a finished run, a finished cross-validation, or the newest run.

    Raises
    ------
    RunError
        If it is not finished, or was tested on no cells, or on those of one class.
    """
    is_study = path is not None and Study(path).config.is_file()
    subject = _open_study(path, data) if path is not None and is_study else _open_run(run_or_newest(path), data)
    labels = {row.label for row in subject.predictions}
    if len(labels) < 2:
        raise RunError(
            f"{subject.folder} was tested on {LABEL_NAMES[labels.pop()]} cells alone: name one tested on both classes."
        )
    return subject


def _open_run(run: RunFolder, data: Path | None) -> Subject:
    run.check_files(run.splits)
    if read_split(run.splits).protocol == REFIT:
        evaluated = run.read_config()["train"]["refit"]
        raise RunError(f"{run} was trained on all its patients, so it has no test cells: name {evaluated}.")
    (finished,) = read_finished_runs([run.path])
    if not finished.predictions:
        raise RunError(f"{run} was tested on no cells: name a run with test patients.")
    hashes = {cell.path: cell.sha256 for cell in read_cells(run.cells)}
    runs = {row.path: run for row in finished.predictions}
    return Subject(run, data or run.data, finished.predictions, hashes, runs)


def _open_study(path: Path, data: Path | None) -> Subject:
    study = open_study(path, crossval.KIND)
    tested, settings = read_out_of_fold([study]), study.read_config()["data"]
    table = read_folds(study.folds)
    seed = next(iter(table.by_seed))
    of_fold = {row["fold"]: study.run(row["run"]) for row in read_json(study.metrics)["runs"] if row["seed"] == seed}
    runs = {row.path: of_fold[fold] for row, fold in zip(tested.predictions, tested.folds.tolist())}
    predictions = by_patient_group(tested.predictions, settings["same_patients"])
    hashes = {cell.path: cell.sha256 for cell in table.cells}
    return Subject(study, data or Path(settings["folder"]), predictions, hashes, runs)
