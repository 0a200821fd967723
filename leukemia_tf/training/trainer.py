"""The stages of a training, one after another, each from the weights that are kept so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from leukemia_tf.core.timing import timed
from leukemia_tf.models.freezing import disable_frozen_dropout, learning_rate_multipliers, set_trainable
from leukemia_tf.models.network import preprocessing_of
from leukemia_tf.training.callbacks import StopRequest
from leukemia_tf.training.checkpoints import Progress, assign, load_state, network_variables
from leukemia_tf.training.devices import explain_lack_of_memory, has_gpu
from leukemia_tf.training.epochs import StageRun, train_epochs
from leukemia_tf.training.inputs import make_inputs
from leukemia_tf.training.job import TrainingJob
from leukemia_tf.training.many_steps import ManySteps
from leukemia_tf.training.optimizers import build_loss, build_optimizer, training_accuracy
from leukemia_tf.training.stages import Stage


def train_stages(job: TrainingJob, stages: Sequence[Stage]) -> list[dict[str, Any]]:
    """Train a network stage by stage, and leave it with the weights that are kept.

    These are the last epoch's or, where the job keeps the best, those of the lowest `val_loss` at the last image size;
    the moving averages where the optimizer has them. Each stage starts from the weights kept so far.

    Parameters
    ----------
    job : TrainingJob
        What is trained.
    stages : sequence of Stage
        In order.

    Returns
    -------
    list of dict
        The rows of history.csv.

    Raises
    ------
    RunError
        If the loss is not a number, or no saved state can be used.
    KeyboardInterrupt
        After a Ctrl-C, once the step is done and the state is saved.
    """
    run_size = preprocessing_of(job.network.model)["image_size"]
    progress, saved = load_state(job.state_folder) if job.state_folder else (Progress(), [])
    with StopRequest() as stop:
        while progress.stage < len(stages):
            stage = stages[progress.stage]
            resumed = bool(progress.stage_epoch or progress.losses)
            size = stage.image_size or run_size
            if not resumed:
                before = stages[progress.stage - 1].image_size or run_size if progress.stage else size
                progress.begin_stage(other_size=size != before)
            model = job.network.model if size == run_size else job.resized(size)
            with (
                timed(f"stage {stage.name}" if job.history_path else "inner folds"),
                explain_lack_of_memory(job.batch_size, size),
            ):
                _train_stage(job, stage, model, size, progress, saved if resumed else [], stop)
            progress.stage, progress.stage_epoch = progress.stage + 1, 0
    assign(network_variables(job.network.model), progress.kept_variables)
    return progress.history


def _train_stage(
    job: TrainingJob,
    stage: Stage,
    model: keras.Model,
    size: int,
    progress: Progress,
    saved: list[np.ndarray],
    stop: StopRequest,
) -> None:
    blocks, pretrained = job.network.blocks, job.network.pretrained
    start = progress.kept_variables or [variable.numpy() for variable in network_variables(job.network.model)]
    assign(network_variables(model), start)
    set_trainable(model, blocks, stage.learning, pretrained, stage.train_batchnorm, job.network.folded)
    with disable_frozen_dropout(model, blocks, stage.learning):
        train, val = job.examples("train", size), job.examples("val", size)
        augmentation = job.objects.augment if job.objects.augmentation else None
        inputs = make_inputs(
            model,
            train,
            val,
            job.sampling,
            job.batch_size,
            job.seed,
            job.cache_features,
            augmentation,
            job.shared,
            in_step=has_gpu(),
            map_dtype=job.map_dtype,
        )
        multipliers = learning_rate_multipliers(model, blocks, stage.layer_decay)
        optimizer = job.objects.stage_optimizer(stage) or build_optimizer(
            job.optimization, stage.learning_rate, multipliers
        )
        inputs.trainer.compile(
            optimizer, job.objects.loss or build_loss(job.optimization), metrics=[training_accuracy()]
        )
        inputs.trainer.optimizer.build(inputs.trainer.trainable_variables)
        many_steps = ManySteps(inputs.trainer) if takes_many_steps(job, inputs.trainer) else None
        run = StageRun(job, stage, model, inputs, progress, stop, many_steps)
        if saved:
            assign(run.variables(), saved)
        train_epochs(run)


def takes_many_steps(job: TrainingJob, trainer: keras.Model) -> bool:
    """Return whether a call takes many steps: on a GPU, from pooled features, with nothing of the caller's between."""
    pooled = all(len(tensor.shape) == 2 for tensor in trainer.inputs)
    return has_gpu() and pooled and not (job.objects.callbacks or job.objects.optimizer)
