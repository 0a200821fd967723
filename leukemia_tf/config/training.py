"""Settings of `train`, and those that it shares with other commands that build or train a network."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from leukemia_tf.config.reading import Reading
from leukemia_tf.config.settings import Augmentation, mild_augmentation


@dataclass(frozen=True)
class SetupConfig(Reading):
    """The network, its training cells and the optimization of a step."""

    base: str = "resnet50"
    """Base network, one of `python -m leukemia_tf.models`."""
    drop_last_block: bool = False
    """Truncate the base before its last block."""
    drop_blocks: int = 0
    """Truncate the base by this many blocks."""
    cut: str | None = None
    """Truncate the base after this layer or block."""
    head: str | None = None
    """Classifier on the base: dense256, dense512, linear, linear-no-dropout, flat256, flat256-two-dropouts, flat128,
    flat-two-dense, three-depths or multi-depth. Default: multi-depth on a truncated base, else the reports'."""
    pooling: str | None = None
    """Change the head: mean, max, mean-std, cell (both inside the cell only), cell-and-frame or flatten."""
    depths: int | None = None
    """Change the head: number of last blocks whose pooled outputs are concatenated."""
    units: tuple[int, ...] | None = None
    """Change the head: width of each dense layer, 0 to 2 of them."""
    dropout: float | None = None
    """Change the head: dropout rate before the logit."""
    dropout_before: float | None = None
    """Change the head: dropout rate before the first dense layer."""
    l2: float | None = None
    """Change the head: L2 penalty on the weights of the logit."""
    weights: str = "imagenet"
    """imagenet (from the folder LEUKEMIA_TF_WEIGHTS, Keras's cache, or a download), a file, or none."""
    from_: Path | None = None
    """Start from the network of this run: its base, head, image size, framing and weights, the head's too."""
    data: Path | None = None
    """Folder of cells: C-NMC's download, all/ and hem/, or any other with --labels and --patients. Default:
    LEUKEMIA_TF_DATA, else embedded phantom cells."""
    seed: int = 0
    """Seed of the split, the weights, the shuffling and the augmentation."""
    image_size: int | None = None
    """Side of the network's input, in pixels. Default: a fixed frame's; the base's with another framing or a head that
    flattens; 96 on the embedded cells."""
    train_batchnorm: bool = False
    """Train BatchNormalization with loaded weights, statistics too, with the layer before it. Default: it is fixed."""
    batch_size: int | Literal["auto"] = 32
    """Cells per batch; auto: on a GPU as many as still make it faster, and the learning rates grow with them."""
    split: str = "patient"
    """patient (60/20/20 of the patients), official (C-NMC's test set), image (leaks!), or a splits.json file."""
    pseudo_labels: Path | None = None
    """File of further training cells with predicted labels, as written by `noisy_student`."""
    on_bad_image: str = "fail"
    """fail, skip (leave it out), or quarantine (move it out of the data folder); both list each with its reason."""
    cnmc_doubles: str = "merge"
    """Patients whom C-NMC files under several names: merge (one patient each), or ignore (as they are named)."""
    framing: str = "fixed"
    """fixed[:N] (N pixels around the cell; 330), cell (crop, pad to a square), tight (crop), centre:N, or none."""
    stain_normalization: str = "none"
    """reinhard (brings mean and standard deviation of the colours inside the cell to fixed values), or none."""
    register_channels: bool = False
    """Move red and blue onto green inside the cell, by the displacement measured there; before the framing."""
    contrast: str = "none"
    """none, clahe, equalize, or grey-equalize; after the stain normalisation."""
    balance: str = "oversample"
    """none, oversample, double (each cell of the smaller class twice), undersample, class-weight, or mean (both classes
    to their mean size)."""
    multiply: int = 1
    """Differently augmented copies of each training cell per epoch."""
    patient_weight: str = "equal"
    """equal, sqrt, or none: keeps a patient with many cells from dominating the loss."""
    augment: Augmentation = field(default_factory=mild_augmentation)
    """Augmentation of the training cells."""
    cache: str = "auto"
    """Cache of preprocessed cells: memory, disk, none (turns off the cache of frozen layers' outputs too), or auto."""
    optimizer: str = "adam"
    """adam, adamw, sgd or rmsprop."""
    momentum: float = 0.9
    """Momentum of sgd, 0 to below 1. A one-cycle schedule moves it itself."""
    loss: str = "cross-entropy"
    """cross-entropy, or focal[:EXPONENT]."""
    label_smoothing: float = 0.0
    """Share of each label moved to one half."""
    weight_decay: float | None = None
    """Decoupled weight decay, multiplied by the learning rate. Default: none; 0.004 for adamw."""
    clip: float = 0.0
    """Largest global norm of the gradients; 0: no clipping."""
    precision: str = "auto"
    """float32, mixed, or auto: mixed on a GPU. On a processor mixed needs AMX."""
    devices: str = "auto"
    """Number of GPUs that share a batch, or auto: one. Without a GPU, the number of logical CPU devices."""


@dataclass(frozen=True)
class TrainConfig(SetupConfig):
    """Train a network on cells and evaluate it on patients that it has never seen.

    Example: python -m leukemia_tf.train --base resnet50 --drop-last-block

    The defaults are the recipe of docs/recipe.md.
    """

    out: Path | None = None
    """Run folder to write. Default: runs/DATE-NAME."""
    recipe: str | None = None
    """Settings of a report (`python -m leukemia_tf.recipes`) or of a file; other flags override them."""
    stages: str | None = None
    """feature-extraction (only the head), fine-tune-top:N (then the last N blocks), last-layers:N (then the last N
    layers with weights, BatchNormalization not counted), progressive:N (then block by block, from the top, N of them;
    progressive: all), whole, or a .json file. Each stage goes on from the weights of the one before. Default:
    progressive on a GPU and on the embedded cells, else progressive:1."""
    epochs: int | None = None
    """Largest number of epochs of each stage. Default: 20 for the head, 1 for each block that progressive unfreezes,
    6 for other fine-tuning, 16 from random weights."""
    lr: float | Literal["auto"] = 1e-3
    """Learning rate of stages that train no pretrained block; auto: as suggested by `lrfind`."""
    fine_tune_lr: float | None = None
    """Learning rate of all other stages, head included. Default: a hundredth of --lr; of progressive a
    thousandth."""
    layer_decay: float = 1.0
    """Factor on the learning rate from each block to the one below."""
    schedule: str | None = None
    """constant, step[:EPOCHS:FACTOR], cosine, one-cycle, or plateau[:FACTOR:PATIENCE]; restarts in each stage.
    Default: the stages', cosine for the head and from random weights, else constant."""
    keep: Literal["last", "best"] = "last"
    """Weights that are kept: of the last epoch, or of the epoch with the lowest validation loss (best; each stage then
    starts from the best so far)."""
    patience: int | None = None
    """Epochs without a lower validation loss after which a stage stops; not one whose rate falls to zero (cosine,
    one-cycle), unless its JSON says so. Default: every stage runs all its epochs."""
    sizes: str | None = None
    """Progressive resizing: image sizes with their epochs, such as 64x3,128x5,224x8; all stages at each size."""
    threshold: str = "0.5"
    """Probability from which a cell counts as `all`: a number, or fitted on the validation part: youden (the highest
    sum of sensitivity and specificity), or sensitivity:0.95 and the like."""
    ema: float = 0.0
    """Decay of an exponential moving average of the weights, such as 0.99; the model uses the average. 0: none."""
    inner_folds: int | None = None
    """Folds of the training patients, in place of a validation part: each is predicted by networks trained on the
    others (first stage only). 0: none, a part of the patients validates. Default: 5 where the first stage trains the
    head alone on cached features."""
    tensorboard: bool = False
    """Write TensorBoard logs into the run folder."""
    resume: bool = False
    """Continue the run in --out; all other settings come from that run."""
    refit: Path | None = None
    """Run whose recipe, stages and epochs are trained on all its patients, for deployment, without a test score."""

    def of_train(self, **changes: Any) -> TrainConfig:
        """Return the settings of `train` among those of a command that extends it, some of them changed."""
        settings = {column.name: getattr(self, column.name) for column in fields(TrainConfig)}
        return TrainConfig(**(settings | changes))
