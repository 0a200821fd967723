"""MODEL_CARD.md's front matter, as Hugging Face reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

from leukemia_tf.evaluation.scores import title_over_cells

HUB_TYPES = {"auroc_by_patient": "roc_auc", "auroc": "roc_auc", "weighted_f1": "f1"}  # by our key


def front_matter(metrics: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the front matter: keys of YAML, and values in JSON, which is YAML.

    The license is the user's to state. Scores that would mislead in a list of models are not published: those of
    phantom cells, and those of a split by image, which leaks.

    Parameters
    ----------
    metrics, settings : mapping
        The content of metrics.json and of config.json.

    Source: https://github.com/huggingface/hub-docs/blob/main/modelcard.md
    """
    front: dict[str, Any] = {
        "library_name": "keras",
        "pipeline_tag": "image-classification",
        "tags": ["leukemia", "microscopy", "white-blood-cells", settings["train"]["base"]],
    }
    scores = [] if _misleads(metrics, settings) else _scores(metrics)
    if scores:
        front["metrics"] = list(dict.fromkeys(score["type"] for score in scores))
        front["model-index"] = [{"name": settings["network"]["name"], "results": [_result(metrics, scores)]}]
    return {key: json.dumps(value) for key, value in front.items()}


def _misleads(metrics: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    return "embedded" in (metrics["data"], settings["data"]["name"]) or metrics["protocol"] == "image"


def _scores(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the defined scores on the test part."""
    test = metrics["parts"]["test"]["cell"]
    values = {key: test[key]["value"] for key in HUB_TYPES}
    return [
        {"type": HUB_TYPES[key], "name": title_over_cells(key), "value": value}
        for key, value in values.items()
        if value is not None and isfinite(value)
    ]


def _result(metrics: Mapping[str, Any], scores: list[dict[str, Any]]) -> dict[str, Any]:
    dataset = {"name": metrics["data"], "type": metrics["data"], "split": f"test, by {metrics['protocol']}"}
    return {"task": {"type": "image-classification"}, "dataset": dataset, "metrics": scores}
