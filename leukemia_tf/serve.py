"""`python -m leukemia_tf.serve FOLDER`: an exported model as a web service, without TensorFlow Serving."""

from __future__ import annotations

from leukemia_tf.cli import loading, run_command
from leukemia_tf.config import ServeConfig


def serve(config: ServeConfig) -> None:
    """Serve a model until the process is stopped.

    Parameters
    ----------
    config : ServeConfig
        The model's folder, and the address.

    Raises
    ------
    UserError
        If there is no model, the port is taken, or the extra `serve` is not installed.

    Examples
    --------
    >>> serve(ServeConfig("saved_models/resnet50-cut", port=8501))  # doctest: +SKIP
    """
    with loading():
        from leukemia_tf.workflows.serve import serve as run
    run(config)


if __name__ == "__main__":
    run_command("serve", ServeConfig, serve)
