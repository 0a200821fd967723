from leukemia_tf.config import CrossvalConfig as CrossvalConfig
from leukemia_tf.config import EvaluateConfig as EvaluateConfig
from leukemia_tf.config import ExportConfig as ExportConfig
from leukemia_tf.config import GradcamConfig as GradcamConfig
from leukemia_tf.config import PredictConfig as PredictConfig
from leukemia_tf.config import TrainConfig as TrainConfig
from leukemia_tf.core.version import __version__ as __version__
from leukemia_tf.data.loading import load_cells as load_cells
from leukemia_tf.inference.predictor import Predictor as Predictor
from leukemia_tf.inference.predictor import heat_map as heat_map
from leukemia_tf.models.table import register_architecture as register_architecture
from leukemia_tf.runs.run import Run as Run
from leukemia_tf.training.build import build_model as build_model

__all__: list[str]
