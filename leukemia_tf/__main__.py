"""`python -m leukemia_tf`: the table of commands."""

from leukemia_tf import __version__, config

COMMANDS = {
    "train": config.TrainConfig,
    "recipes": config.RecipesConfig,
    "lrfind": config.LrfindConfig,
    "models": config.ModelsConfig,
    "convert_weights": config.ConvertWeightsConfig,
    "audit": config.AuditConfig,
    "preview": config.PreviewConfig,
    "crossval": config.CrossvalConfig,
    "tune": config.TuneConfig,
    "ensemble": config.EnsembleConfig,
    "noisy_student": config.NoisyStudentConfig,
    "evaluate": config.EvaluateConfig,
    "compare": config.CompareConfig,
    "predict": config.PredictConfig,
    "gradcam": config.GradcamConfig,
    "activations": config.ActivationsConfig,
    "explain_check": config.ExplainCheckConfig,
    "export": config.ExportConfig,
    "serve": config.ServeConfig,
}


def main() -> None:
    """Print each command with what it does."""
    print(f"leukemia_tf {__version__}: leukemic B-lymphoblasts told from normal cells.\n")
    for name, settings in COMMANDS.items():
        print(f"  python -m leukemia_tf.{name:<16} {settings.__doc__.splitlines()[0]}")
    print("\nEach has --help. Research use, not for diagnosis.")


if __name__ == "__main__":
    main()
