"""How a run starts: what is known before the first epoch is written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from leukemia_tf.config import TrainConfig
from leukemia_tf.core.errors import RunError
from leukemia_tf.core.files import write_json
from leukemia_tf.data.catalog import read_cells, write_cells
from leukemia_tf.data.fingerprints import write_fingerprints
from leukemia_tf.data.patient_table import read_patient_table, write_patient_table
from leukemia_tf.data.prepare import Prepared
from leukemia_tf.data.scan import write_rejected
from leukemia_tf.data.source import Source
from leukemia_tf.data.splits import write_split
from leukemia_tf.models.heads import Head
from leukemia_tf.runs.environment import software_environment
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.training.layer_summary import write_summary
from leukemia_tf.training.objects import TrainingObjects
from leukemia_tf.training.setup import TrainingSetup
from leukemia_tf.training.stage_plans import as_records
from leukemia_tf.training.stages import Stage


def write_run_start(
    run: RunFolder,
    requested: TrainConfig,
    config: TrainConfig,
    name: str,
    setup: TrainingSetup,
    stages: Sequence[Stage],
    computed_on: dict[str, Any],
    objects: TrainingObjects,
) -> None:
    """Write what is known before the first epoch; config.json last, so that a folder with it has the others too.

    Parameters
    ----------
    run : RunFolder
        Where to.
    requested, config : TrainConfig
        The settings as they were given, and as they were resolved.
    name : str
        The network's.
    setup : TrainingSetup
        Cells and network.
    stages : sequence of Stage
        The plan.
    computed_on : dict
        As from `prepare_devices`.
    objects : TrainingObjects
        The caller's own; config.json names them.
    """
    objects.warn()
    source, prepared, network = setup.source, setup.prepared, setup.network
    write_json(run.environment, {**software_environment(), "computed_on": computed_on})
    write_split(run.splits, prepared.split)
    write_cells(run.cells, prepared.cells)
    if config.patients and not (table := read_patient_table(config.patients)).is_cnmc:
        write_patient_table(run.patients, table)  # so that the run can be resumed and refitted without the sheet
    hashes = {cell.sha256 for cell in prepared.cells if cell.split}
    write_fingerprints(run.fingerprints, prepared.fingerprints.select(hashes))
    if prepared.rejected:
        write_rejected(run.rejected, prepared.rejected)
    write_summary(run.summary, network, stages)
    loaded = asdict(network.loaded) if network.loaded else {"source": "random"}
    size, parameters = network.model.input_shape[1], network.model.count_params()
    run.write_config(
        asked={**asdict(requested), "resume": False},
        train={**asdict(config), "resume": False},
        network={"name": name, "parameters": parameters, "image_size": size, "head": _described(setup.head)},
        weights={"asked": config.weights, **loaded},
        data={"name": source.name, "folder": source.folder, "same_patients": prepared.patient_groups},
        stages=as_records(stages),
        **({"objects": objects.names()} if objects.names() else {}),
    )


def _described(head: Head) -> dict[str, Any]:
    """Return a head for config.json: of a function its name."""
    function = head.function
    name = {"function": getattr(function, "__qualname__", type(function).__name__)} if function else {}
    return {**{key: value for key, value in vars(head).items() if key != "function"}, **name}


def check_same_cells(run: RunFolder, source: Source, prepared: Prepared) -> None:
    """Stop if the cells have changed since the run started."""
    if read_cells(run.cells) != prepared.cells:
        raise RunError(f"the cells in {source.folder} are not those that {run} started with: restore them.")
