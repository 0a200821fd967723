"""How a run begins, and how one that was stopped goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from leukemia_tf.config import TrainConfig
from leukemia_tf.errors import RunError
from leukemia_tf.files import as_read
from leukemia_tf.run import RunFolder, check_vacant, environment, open_run

if TYPE_CHECKING:
    from leukemia_tf.assemble import Assembled
    from leukemia_tf.data.prepare import Prepared
    from leukemia_tf.data.source import Source
    from leukemia_tf.training.stages import Stage


def find_begun(config: TrainConfig) -> RunFolder | None:
    """Return the unfinished run in `config.out` that is to go on: by `resume`, or asked for in the same words.

    Raises
    ------
    RunError
        If there is none to resume, or if something else is in the way of a new one.
    """
    if config.out is None:
        if config.resume:
            raise RunError("--resume goes on with the run in --out: name that folder.")
        return None
    run = RunFolder(config.out)
    if run.only_begun():  # stopped before its settings were written: nothing is lost by starting again
        return None
    if config.resume or (run.config.is_file() and not run.metrics.is_file() and _same_words(config, run)):
        return open_run(config.out)
    check_vacant(config.out)
    return None


def _same_words(config: TrainConfig, run: RunFolder) -> bool:
    return open_run(run.path).read_config()["asked"] == as_read({**asdict(config), "resume": False})


def resumed(run: RunFolder) -> TrainConfig:
    """Return what a run was asked; its split is read from its own folder."""
    settings = run.read_config()
    asked = TrainConfig(**settings["train"])
    split = asked.split
    if asked.refit:
        split = f"refit:{run.splits}"
    elif split.startswith("image"):
        split = f"image:{run.cells}"
    elif split not in ("patient", "official"):
        split = str(run.splits)
    weights = "none" if settings["weights"]["source"] == "random" else asked.weights
    size = settings["network"]["image_size"]
    told = run.cells if asked.pseudo_labels else None
    return replace(
        asked, data=run.data, weights=weights, image_size=size, out=run.path, split=split, pseudo_labels=told
    )


def stages_of(run: RunFolder) -> tuple[Stage, ...]:
    """Return the stages that a run began with."""
    from leukemia_tf.training.stages import Stage

    return tuple(Stage(**record) for record in run.read_config()["stages"])


def write_beginning(
    run: RunFolder,
    asked: TrainConfig,
    config: TrainConfig,
    name: str,
    assembled: Assembled,
    stages: Sequence[Stage],
    computed: dict,
) -> None:
    """Write what is known before the first epoch; config.json last, so that a folder with it has the others too.

    Parameters
    ----------
    run : RunFolder
        Where to.
    asked, config : TrainConfig
        As the user said it, and as it is done.
    name : str
        The network's.
    assembled : Assembled
        Cells and network.
    stages : sequence of Stage
        The plan.
    computed : dict
        As from `prepare_devices`.
    """
    from leukemia_tf.data.catalog import write_cells
    from leukemia_tf.data.examine import write_rejected
    from leukemia_tf.data.splits import write_split
    from leukemia_tf.files import write_json
    from leukemia_tf.training.plans import as_records

    source, prepared, network = assembled.source, assembled.prepared, assembled.network
    write_json(run.environment, {**environment(), "computed_on": computed})
    write_split(run.splits, prepared.split)
    write_cells(run.cells, prepared.cells)
    if prepared.rejected:
        write_rejected(run.rejected, prepared.rejected)
    loaded = asdict(network.loaded) if network.loaded else {"source": "random"}
    size, parameters = network.model.input_shape[1], network.model.count_params()
    run.write_config(
        asked={**asdict(asked), "resume": False},
        train={**asdict(config), "resume": False},
        network={"name": name, "parameters": parameters, "image_size": size, "head": asdict(assembled.head)},
        weights={"asked": config.weights, **loaded},
        data={
            "name": source.name,
            "folder": source.folder,
            "same_patients": prepared.same,
        },
        stages=as_records(stages),
    )


def check_same(run: RunFolder, source: Source, prepared: Prepared) -> None:
    """Stop if the cells have changed since the run began."""
    from leukemia_tf.data.catalog import read_cells

    if read_cells(run.cells) != prepared.cells:
        raise RunError(f"the cells in {source.folder} are not those that {run} began with: put them back.")
