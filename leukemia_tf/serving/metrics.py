"""What the server's `/metrics` counts and measures, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from leukemia_tf.serving.watched_model import WatchedModel

NAMESPACE = "leukemia_tf"
SIZES = (1, 2, 4, 8, 16, 32, 64, 128)  # images of a batch


class Metrics:
    """The metrics of one application, in a registry.

    Parameters
    ----------
    model : WatchedModel
        The served model.
    waiting : callable
        Returns the number of images that wait for a prediction.
    """

    def __init__(self, model: WatchedModel, waiting: Callable[[], int]) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "requests", "requests by path and status", ["path", "status"], namespace=NAMESPACE, registry=registry
        )
        self.seconds = Histogram(
            "request_seconds", "seconds until the response", ["path"], namespace=NAMESPACE, registry=registry
        )
        self.images = Histogram(
            "batch_images", "images per batch", namespace=NAMESPACE, registry=registry, buckets=SIZES
        )
        queued = Gauge("waiting_images", "images that wait for a prediction", namespace=NAMESPACE, registry=registry)
        queued.set_function(waiting)
        version = Gauge("model_version", "the served version", namespace=NAMESPACE, registry=registry)
        version.set_function(lambda: max((one.number for one in model.versions), default=0))

    def observe(self, path: str, status: int, seconds: float) -> None:
        """Count a request and its time."""
        label = _label(path)
        self.requests.labels(label, status).inc()
        self.seconds.labels(label).observe(seconds)


def _label(path: str) -> str:
    """Return a path's label; arbitrary paths must not become labels."""
    if path in ("/", "/healthz", "/metrics"):
        return path
    return "predict" if path.endswith(":predict") else "model" if path.startswith("/v1/models/") else "other"
