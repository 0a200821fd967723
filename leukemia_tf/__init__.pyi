from leukemia_tf.config import (
    ActivationsConfig,
    AuditConfig,
    Augmentation,
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
    SegmentConfig,
    ServeConfig,
    StressConfig,
    TrainConfig,
    TuneConfig,
)
from leukemia_tf.core.version import __version__
from leukemia_tf.data.loading import load_cells
from leukemia_tf.inference.predictor import Predictor, heat_map
from leukemia_tf.models.network import load_network
from leukemia_tf.models.table import register_architecture
from leukemia_tf.runs.run import Run
from leukemia_tf.training.build import build_model

__all__ = [
    "ActivationsConfig",
    "AuditConfig",
    "Augmentation",
    "CompareConfig",
    "ConvertWeightsConfig",
    "CrossvalConfig",
    "EnsembleConfig",
    "EvaluateConfig",
    "ExplainCheckConfig",
    "ExportConfig",
    "GradcamConfig",
    "LrfindConfig",
    "ModelsConfig",
    "NoisyStudentConfig",
    "PredictConfig",
    "Predictor",
    "PreviewConfig",
    "RecipesConfig",
    "Run",
    "SegmentConfig",
    "ServeConfig",
    "StressConfig",
    "TrainConfig",
    "TuneConfig",
    "__version__",
    "build_model",
    "heat_map",
    "load_cells",
    "load_model",
    "register_architecture",
]

load_model = load_network
