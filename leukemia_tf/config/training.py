"""What `train` can be asked, and what it shares with commands that try things out."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

from leukemia_tf.config.settings import Augmentation, Settings


@dataclass(frozen=True)
class SetupConfig(Settings):
    """A network, the cells it is shown, and what a step does."""

    base: str = "resnet50"
    """Network to start from, one of `python -m leukemia_tf.models`."""
    drop_last_block: bool = False
    """Leave out the last block of the base's layers."""
    drop_blocks: int = 0
    """Leave out so many of its last blocks."""
    cut: str | None = None
    """Or let the base end at this layer or block."""
    head: str | None = None
    """Classifier on the base: dense256, dense512, linear, flat256, flat256-two-dropouts, flat128, flat-two-dense,
    three-depths or texture. Default: texture on a base that is cut, else the reports'."""
    pooling: str | None = None
    """Change the head: mean, max, mean-std, cell (both inside the cell alone), cell-and-frame or flatten."""
    depths: int | None = None
    """Change the head: how many of the last blocks are pooled side by side."""
    units: tuple[int, ...] | None = None
    """Change the head: width of each dense layer, 0 to 2 of them."""
    dropout: float | None = None
    """Change the head: share dropped before the logit."""
    dropout_before: float | None = None
    """Change the head: share dropped before the first dense layer."""
    weights: str = "imagenet"
    """imagenet (from the folder LEUKEMIA_TF_WEIGHTS, Keras's cache, or a download), a file, or none."""
    data: Path | None = None
    """Folder of cells: C-NMC's download, or all/ and hem/. Default: LEUKEMIA_TF_DATA, else embedded phantom cells."""
    seed: int = 0
    """Seed of the split, the weights, the shuffling and the augmentation."""
    image_size: int | None = None
    """Side of what the network sees, in pixels. Default: a fixed frame's, else the base's; 96 on the embedded cells."""
    batch_size: int = 32
    """Cells a step."""
    split: str = "patient"
    """patient (60/20/20 of the patients), official (C-NMC's test set), image (leaks!), or a splits.json of your own."""
    pseudo_labels: Path | None = None
    """Further training cells, with labels that a network told: a file of `noisy_student`."""
    on_bad_image: str = "fail"
    """fail, skip (leave it out), or quarantine (move it out of the data folder); both list each with its reason."""
    framing: str = "fixed"
    """fixed[:N] (N pixels around the cell; 330), cell (crop, pad to a square), tight (crop), centre:N, or none."""
    contrast: str = "stain"
    """stain (normalised inside the cell), none, clahe, equalize, or grey-equalize."""
    balance: str = "oversample"
    """none, oversample, undersample, class-weight, or main-report (both classes to their mean size)."""
    multiply: int = 1
    """Differently augmented copies of each training cell in an epoch."""
    patient_weight: str = "equal"
    """equal, sqrt, or none: keeps a patient with many cells from dominating the loss."""
    augment: Augmentation = field(default_factory=Augmentation)
    """Random views of the training cells."""
    cache: str = "auto"
    """Where prepared cells wait between epochs: memory, disk, none (nor are frozen layers' outputs kept), or auto."""
    optimizer: str = "adam"
    """adam, adamw, sgd (momentum 0.9) or rmsprop."""
    loss: str = "cross-entropy"
    """cross-entropy, or focal[:EXPONENT]."""
    label_smoothing: float = 0.0
    """Share of each label moved to one half."""
    weight_decay: float | None = None
    """Share of each weight taken away a step, times the rate. Default: none; 0.004 for adamw."""
    clip: float = 0.0
    """Largest norm of the gradients together; 0: any."""
    precision: str = "auto"
    """float32, mixed, or auto: mixed on a GPU that has it."""
    devices: str = "auto"
    """How many GPUs share a batch, or auto: all; without a GPU, as many parts of the processor."""


@dataclass(frozen=True)
class TrainConfig(SetupConfig):
    """Train a network on cells and judge it on patients it has never seen.

    Example: python -m leukemia_tf.train --base resnet50 --drop-last-block

    The defaults are the recipe of docs/recipe.md. Expected of its frozen stage on 1,997 cells of 33 patients of C-NMC
    2019, out of 5 folds of patients: AUROC 0.94 [0.88, 0.97] by patient and 0.84 [0.75, 0.91] over cells, by
    python -m leukemia_tf.crossval --base resnet50 --drop-last-block --stages feature-extraction --validation 0
    """

    out: Path | None = None
    """Run folder to write. Default: runs/DATE-NAME."""
    recipe: str | None = None
    """Settings of a report (`python -m leukemia_tf.recipes`) or of a file; flags beside it win."""
    stages: str = "progressive"
    """feature-extraction (the head alone), fine-tune-top:N (then the last N blocks), progressive (then block by block
    while that helps), whole, or a .json file."""
    epochs: int | None = None
    """The most epochs that any one stage may take. Default: the stages'."""
    lr: float | Literal["auto"] = 1e-3
    """Learning rate of stages in which no pretrained block learns; auto: as `lrfind` suggests."""
    fine_tune_lr: float | None = None
    """Of the other stages, head and all. Default: a hundredth of --lr."""
    layer_decay: float = 1.0
    """Each lower block's rate as a share of the one above."""
    schedule: str | None = None
    """constant, step[:EPOCHS:FACTOR], cosine, one-cycle, or plateau[:FACTOR:PATIENCE]; anew in each stage.
    Default: the stages', cosine for the head alone, else constant."""
    patience: int | None = None
    """Epochs without a better validation score after which a stage ends, unless its rate falls to nothing (cosine,
    one-cycle): then the last epoch is kept. Default: the stages'."""
    sizes: str | None = None
    """Progressive resizing: image sizes with their epochs, such as 64x3,128x5,224x8; all stages at each."""
    threshold: str = "0.5"
    """Probability from which a cell counts as `all`: a number, or of the validation part's cells: youden (the highest
    sensitivity and specificity together), or sensitivity:0.95 and the like."""
    ema: float = 0.0
    """Share that the moving average of the weights keeps a step, such as 0.99; the average is what is kept. 0: none."""
    tensorboard: bool = False
    """Write logs for TensorBoard into the run folder."""
    resume: bool = False
    """Go on where the run in --out stopped; other flags then come from that run."""
    refit: Path | None = None
    """A run whose recipe, stages and epochs are trained on all its patients, for use; it has no score of its own."""

    def of_train(self, **changes: object) -> TrainConfig:
        """Return what a command that takes train's flags too asks of `train`, with some of them changed."""
        return TrainConfig(**{**{field.name: getattr(self, field.name) for field in fields(TrainConfig)}, **changes})
