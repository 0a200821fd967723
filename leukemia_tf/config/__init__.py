"""Settings of the commands: frozen dataclasses, from which the flags and config.json follow."""

from leukemia_tf.config.cells import AuditConfig, PreviewConfig, SegmentConfig
from leukemia_tf.config.networks import ConvertWeightsConfig, LrfindConfig, ModelsConfig, RecipesConfig
from leukemia_tf.config.predictions import ActivationsConfig, ExplainCheckConfig, GradcamConfig, PredictConfig
from leukemia_tf.config.reading import Reading
from leukemia_tf.config.runs import (
    CompareConfig,
    EnsembleConfig,
    EvaluateConfig,
    ExportConfig,
    ServeConfig,
    StressConfig,
)
from leukemia_tf.config.settings import Augmentation, EngineConfig, Images, Settings
from leukemia_tf.config.studies import CrossvalConfig, NoisyStudentConfig, TuneConfig
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
    "Reading",
    "RecipesConfig",
    "SegmentConfig",
    "ServeConfig",
    "Settings",
    "SetupConfig",
    "StressConfig",
    "TrainConfig",
    "TuneConfig",
]
