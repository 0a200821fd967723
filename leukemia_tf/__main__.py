"""`python -m leukemia_tf COMMAND`, and the console script `leukemia-tf`: the table of commands."""

from __future__ import annotations

import runpy
import sys

from leukemia_tf import config
from leukemia_tf.core.errors import nearest
from leukemia_tf.core.version import __version__

COMMANDS = {
    "train": config.TrainConfig,
    "recipes": config.RecipesConfig,
    "lrfind": config.LrfindConfig,
    "models": config.ModelsConfig,
    "convert_weights": config.ConvertWeightsConfig,
    "segment": config.SegmentConfig,
    "audit": config.AuditConfig,
    "preview": config.PreviewConfig,
    "crossval": config.CrossvalConfig,
    "tune": config.TuneConfig,
    "ensemble": config.EnsembleConfig,
    "noisy_student": config.NoisyStudentConfig,
    "evaluate": config.EvaluateConfig,
    "stress": config.StressConfig,
    "compare": config.CompareConfig,
    "predict": config.PredictConfig,
    "gradcam": config.GradcamConfig,
    "activations": config.ActivationsConfig,
    "explain_check": config.ExplainCheckConfig,
    "export": config.ExportConfig,
    "serve": config.ServeConfig,
}


def main() -> None:
    """Run the command that the first argument names; without one print the table.

    Exit status 2 if there is no such command.
    """
    name = sys.argv[1].replace("-", "_") if len(sys.argv) > 1 and sys.argv[1] not in ("-h", "--help") else ""
    if name == "__version":  # --version
        print(f"leukemia_tf {__version__}")
    elif not name:
        _print_table()
    elif name in COMMANDS:
        sys.argv = [f"leukemia_tf.{name}", *sys.argv[2:]]
        runpy.run_module(f"leukemia_tf.{name}", run_name="__main__", alter_sys=True)
    else:
        print(f"error: no such command as {sys.argv[1]}: {nearest(name, COMMANDS)}", file=sys.stderr)
        sys.exit(2)


def _print_table() -> None:
    print(f"leukemia_tf {__version__}: tell leukemic B-lymphoblasts from normal cells.\n")
    for name, settings in COMMANDS.items():
        print(f"  python -m leukemia_tf.{name:<16} {(settings.__doc__ or '').splitlines()[0]}")
    print("\nEach has --help, -q (quiet) and -v (verbose). `leukemia-tf COMMAND` is the same.")
    print("Research use, not for diagnosis.")


if __name__ == "__main__":
    main()
