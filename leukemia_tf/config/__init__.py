"""What each command can be asked: frozen dataclasses, from which the flags and config.json follow."""

from leukemia_tf.config.commands import (
    ActivationsConfig,
    AuditConfig,
    CompareConfig,
    ConvertWeightsConfig,
    CrossvalConfig,
    EnsembleConfig,
    EvaluateConfig,
    ExplainCheckConfig,
    ExportConfig,
    GradcamConfig,
    LrfindConfig,
    ModelsConfig,
    NoisyStudentConfig,
    PredictConfig,
    PreviewConfig,
    RecipesConfig,
    TuneConfig,
)
from leukemia_tf.config.settings import Augmentation, EngineConfig, Images, Settings
from leukemia_tf.config.training import SetupConfig, TrainConfig

__all__ = [
    "ActivationsConfig",
    "AuditConfig",
    "Augmentation",
    "CompareConfig",
    "ConvertWeightsConfig",
    "CrossvalConfig",
    "EngineConfig",
    "EnsembleConfig",
    "EvaluateConfig",
    "ExplainCheckConfig",
    "ExportConfig",
    "GradcamConfig",
    "Images",
    "LrfindConfig",
    "ModelsConfig",
    "NoisyStudentConfig",
    "PredictConfig",
    "PreviewConfig",
    "RecipesConfig",
    "Settings",
    "SetupConfig",
    "TrainConfig",
    "TuneConfig",
]
