"""`python -m leukemia_tf.train`: from cells to a trained network, judged on patients it has never seen."""

from __future__ import annotations

import logging
import shutil
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from leukemia_tf.cli import run_command
from leukemia_tf.config import TrainConfig
from leukemia_tf.errors import RunError, UserError
from leukemia_tf.run import RunFolder, check_vacant, environment, new_run_path, open_run

if TYPE_CHECKING:
    import numpy as np

    from leukemia_tf.data.balance import Sampling
    from leukemia_tf.data.catalog import Cell
    from leukemia_tf.data.prepare import Prepared
    from leukemia_tf.data.source import Source
    from leukemia_tf.models.architecture import Architecture
    from leukemia_tf.models.head import Head
    from leukemia_tf.models.pretrained import Network
    from leukemia_tf.training.stages import Stage

log = logging.getLogger("leukemia_tf")

EMBEDDED_SIZE = 96  # pixels: enough for the phantom cells, and minutes on two cores


def train(config: TrainConfig | None = None) -> RunFolder:
    """Train a network and judge it on its test patients.

    Parameters
    ----------
    config : TrainConfig, optional
        ResNet50 on the embedded cells by default.

    Returns
    -------
    RunFolder
        The run's folder, with everything in it.

    Raises
    ------
    UserError
        For what the user can mend: cells, weights, flags; nothing is written then.
    """
    config = config or TrainConfig()
    from leukemia_tf.data.prepare import prepare_cells
    from leukemia_tf.data.settings import Preprocessing
    from leukemia_tf.data.source import find_source
    from leukemia_tf.models.table import find_architecture

    if config.resume:
        config = _resumed(config)
    elif config.out:
        check_vacant(config.out)
    architecture = find_architecture(config.base)
    _check(config, architecture)
    source = find_source(config.data)
    log.info("%s", source)
    prepared = prepare_cells(source.folder, config.split, config.seed, config.on_bad_image)

    from leukemia_tf.evaluate import evaluate_run, show  # from here on with TensorFlow, which takes seconds to import
    from leukemia_tf.models.architecture import network_name
    from leukemia_tf.models.pretrained import build_pretrained
    from leukemia_tf.training.devices import compute_deterministically
    from leukemia_tf.training.stages import progressive

    compute_deterministically()
    size = config.image_size or _default_size(architecture, config.framing, source.embedded)
    settings = Preprocessing(size, config.framing, config.contrast)
    drop_blocks, head = drop_blocks_of(config), head_of(config, architecture)
    asked = (drop_blocks, asdict(settings), config.weights, config.seed)
    network = build_pretrained(architecture, *asked, must=not source.embedded, head=head, cut=config.cut)
    stages = progressive([block.name for block in network.blocks], network.pretrained, config.epochs)
    name = network_name(architecture, drop_blocks, config.cut) + ("-split-by-image" * (config.split == "image"))
    run = RunFolder(config.out or new_run_path(name))
    if config.resume:
        _check_same(run, source, prepared)
    else:
        _write_beginning(run, config, name, head, source, prepared, network, stages)
    log.info("run folder: %s", run)
    log.info("stages: %s\n", ", ".join(f"{stage.name} (rate {stage.learning_rate:g})" for stage in stages))
    if not run.model.is_file():
        _fit(run, config, source, prepared.cells, network, stages)
    show(run, evaluate_run(run, source.folder))
    return run


def drop_blocks_of(config: TrainConfig) -> int:
    """Return how many of the base's blocks a run leaves out."""
    return config.drop_blocks or int(config.drop_last_block)


def head_of(config: TrainConfig, architecture: Architecture) -> Head:
    """Return the head that a run puts on its base."""
    from leukemia_tf.models.head import find_head

    own = architecture.cut_head if drop_blocks_of(config) or config.cut else architecture.head
    changes = {name: getattr(config, name) for name in ("pooling", "depths", "units", "dropout", "dropout_before")}
    return find_head(config.head or own, **changes)


def _check(config: TrainConfig, architecture: Architecture) -> None:
    """Stop at flags that cannot be, before anything is read."""
    from leukemia_tf.data.prepare import check_policy
    from leukemia_tf.data.settings import Preprocessing, check_cache
    from leukemia_tf.models.architecture import kept_blocks

    for flag in ("image_size", "epochs", "batch_size"):
        value = getattr(config, flag)
        if value is not None and value < 1:
            raise UserError(f"--{flag.replace('_', '-')} {value}: it takes a number of 1 or more.")
    kept_blocks(architecture, drop_blocks_of(config), config.cut)
    head_of(config, architecture)
    check_policy(config.on_bad_image)
    sampling_of(config)
    Preprocessing(1, config.framing, config.contrast)
    check_cache(config.cache)


def _default_size(architecture: Architecture, framing: str, embedded: bool) -> int:
    """Return the input's side where nobody says: a fixed frame is not scaled, if the base takes any size."""
    from leukemia_tf.data.settings import parse_framing

    if embedded:
        return max(EMBEDDED_SIZE, architecture.blocks[-1].smallest_size)
    kind, side = parse_framing(framing)
    return side if kind == "fixed" and architecture.weights else architecture.image_size


def sampling_of(config: TrainConfig) -> Sampling:
    """Return how a run draws, weighs and varies its training cells."""
    from leukemia_tf.data.balance import Sampling

    return Sampling(config.balance, config.multiply, config.patient_weight, config.augment)


def _resumed(config: TrainConfig) -> TrainConfig:
    """Return what the run in `config.out` was asked."""
    if config.out is None:
        raise RunError("--resume goes on with the run in --out: name that folder.")
    run = open_run(config.out)
    settings = run.read_config()
    asked = TrainConfig(**settings["train"])
    weights = "none" if settings["weights"]["source"] == "random" else asked.weights
    size = settings["network"]["image_size"]
    return replace(asked, data=run.data, weights=weights, image_size=size, out=config.out, resume=True)


def _write_beginning(
    run: RunFolder,
    config: TrainConfig,
    name: str,
    head: Head,
    source: Source,
    prepared: Prepared,
    network: Network,
    stages: tuple[Stage, ...],
) -> None:
    """Write what is known before the first epoch; config.json last, so that a folder with it has the others too."""
    from leukemia_tf.data.catalog import write_cells
    from leukemia_tf.data.examine import quarantine, write_rejected
    from leukemia_tf.data.splits import write_split
    from leukemia_tf.files import write_json

    if prepared.rejected and config.on_bad_image == "quarantine":
        log.warning("the bad images were moved to %s", quarantine(source.folder, prepared.rejected))
    write_json(run.environment, environment())
    write_split(run.splits, prepared.split)
    write_cells(run.cells, prepared.cells)
    if prepared.rejected:
        write_rejected(run.rejected, prepared.rejected)
    loaded = asdict(network.loaded) if network.loaded else {"source": "random"}
    size, parameters = network.model.input_shape[1], network.model.count_params()
    run.write_config(
        train=asdict(config),
        network={"name": name, "parameters": parameters, "image_size": size, "head": asdict(head)},
        weights={"asked": config.weights, **loaded},
        data={"name": source.told_by if source.embedded else source.folder.name, "folder": source.folder},
        stages=[asdict(stage) for stage in stages],
    )


def _check_same(run: RunFolder, source: Source, prepared: Prepared) -> None:
    """Stop if the cells have changed since the run began."""
    from leukemia_tf.data.catalog import read_cells

    if read_cells(run.cells) != prepared.cells:
        raise RunError(f"the cells in {source.folder} are not those that {run} began with: put them back.")


def _fit(
    run: RunFolder,
    config: TrainConfig,
    source: Source,
    cells: tuple[Cell, ...],
    network: Network,
    stages: tuple[Stage, ...],
) -> None:
    """Train through the stages, and write the best network."""
    from leukemia_tf.data.settings import Preprocessing
    from leukemia_tf.files import write_atomically
    from leukemia_tf.models.network import preprocessing_of
    from leukemia_tf.training.examples import load_examples
    from leukemia_tf.training.loop import Task, train_stages

    settings = Preprocessing(**preprocessing_of(network.model))
    parts = (load_examples(source.folder, cells, part, settings, config.cache) for part in ("train", "val"))
    task = Task(
        network,
        *parts,
        sampling_of(config),
        _validation_scores,
        config.batch_size,
        config.seed,
        history_path=run.history,
        state_path=run.checkpoint,
    )
    try:
        train_stages(task, stages)
    except KeyboardInterrupt:
        log.warning("\nthe state is kept; go on: python -m leukemia_tf.train --out %s --resume", run)
        raise
    write_atomically(run.model, network.model.save)
    shutil.rmtree(run.checkpoint.parent)


def _validation_scores(labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray) -> dict[str, float]:
    from leukemia_tf.evaluation.metrics import all_metrics

    scores = all_metrics(labels, probabilities, patients)
    return {f"val_{name}": float(scores[name][0]) for name in ("auroc", "auroc_by_patient")}


if __name__ == "__main__":
    run_command("train", TrainConfig, train)
