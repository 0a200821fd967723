"""What a run's files say, in rows and lines for a report."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from leukemia_tf.config import TrainConfig
from leukemia_tf.data.catalog import LABELS, read_cells
from leukemia_tf.data.splits import PARTS, aliases, natural, people
from leukemia_tf.evaluation.predictions import Prediction
from leukemia_tf.evaluation.scores import UNITS, written
from leukemia_tf.evaluation.verdict import NAMES
from leukemia_tf.files import as_read
from leukemia_tf.run import RunFolder

TOLD = "train, labels told by a network"
STAGE = ("name", "learning", "image_size", "epochs", "learning_rate", "schedule")


def scores(test: dict) -> list[list[str]]:
    """Return a row a metric: its name, then over cells, by patient's mean, by patient's vote."""
    return [[label, *(_told(test, unit, metric) for unit in UNITS)] for metric, label in NAMES.items()]


def _told(test: dict, unit: str, metric: str) -> str:
    """Return a score as text; a share of votes is no probability, and has no calibration."""
    return "" if unit == "patient_vote" and metric in ("brier", "ece") else written(test[unit][metric])


def about(settings: dict) -> str:
    """Return the network and the view in one line."""
    network, asked = settings["network"], settings["train"]
    if "members" in settings:
        told = ", ".join(f"{member['name']} ({member['weight']:.3f})" for member in settings["members"])
        return (
            f"{network['parameters']:,} parameters; {settings['asked']['method']} of {told}; {settings['data']['name']}"
        )
    weights = Path(settings["weights"]["source"]).name
    size, view = network["image_size"], f"framing {asked['framing']}, contrast {asked['contrast']}"
    return f"{network['parameters']:,} parameters, {size} pixels, weights {weights}; {view}; {settings['data']['name']}"


def command(settings: dict) -> str:
    """Return the command that makes such a run: the flags that are not the defaults, and where the cells lay."""
    asked = settings["asked"]
    if "members" in settings:
        words = ["python", "-m", "leukemia_tf.ensemble", *asked["runs"], "--method", asked["method"]]
        return shlex.join([*words, "--threshold", asked["threshold"]])
    if settings["data"]["name"] != "embedded":
        asked = {**asked, "data": settings["data"]["folder"]}
    words = ["python", "-m", "leukemia_tf.train"]
    plain = _flags(as_read(asdict(TrainConfig())))
    for flag, value in _flags(asked).items():
        if value != plain.get(flag) and flag not in ("--out", "--resume"):
            plainly = isinstance(value, bool) and not flag.startswith("--augment")
            words += [flag] if plainly else [flag, *map(str, value if isinstance(value, list) else [value])]
    return shlex.join(words)


def _flags(settings: dict, prefix: str = "--") -> dict[str, object]:
    flags = {}
    for name, value in settings.items():
        flag = prefix + name.replace("_", "-")
        flags |= _flags(value, f"{flag}.") if isinstance(value, dict) else {flag: value}
    return flags


def leak(metrics: dict) -> str:
    """Return whether patients leak."""
    if metrics["protocol"] == "image":
        return "Split by image: cells of one patient stand in several parts, and every score is too high."
    return (
        "No patient stands in two parts, counting patients who share a picture, or one cell photographed twice, as "
        "one: every run checks that, or stops."
    )


def parts(run: RunFolder) -> list[list[str]]:
    """Return a row a part: its name, cells and people of either class, and who; told labels have a row of their own."""
    found, rows = defaultdict(list), []
    for cell in read_cells(run.cells):
        found[cell.split if cell.pseudo is None else TOLD].append(cell)
    alias = aliases(run.read_config()["data"].get("same_patients", ()))
    for part in (PARTS[0], *([TOLD] if TOLD in found else []), *PARTS[1:]):
        own = [[cell for cell in found[part] if cell.label == label] for label in LABELS[::-1]]
        counts = [len(cells) for cells in own] + [len(set(people(cells, alias))) for cells in own]
        whose = (name for cells in own for name in sorted({cell.patient for cell in cells}, key=natural))
        rows.append([part, *(f"{count:,}" for count in counts), ", ".join(whose)])
    return rows


def stages(settings: dict) -> list[list[str]]:
    """Return the titles, then a row a stage."""
    rows = [[str(name).replace("_", " ") for name in STAGE]]
    for stage in settings["stages"]:
        size = stage["image_size"] or settings["network"]["image_size"]
        told = {**stage, "image_size": size, "learning": ", ".join(stage["learning"]) or "the head"}
        rows.append([str(told[name]) for name in STAGE])
    return rows


def patients(predictions: Sequence[Prediction], threshold: float) -> list[list[str]]:
    """Return a row a patient: truth, cells, share right, mean probability, share that votes for `all`."""
    rows = []
    for patient in sorted({row.patient for row in predictions}, key=natural):
        own = [row.probability for row in predictions if row.patient == patient]
        truth = next(row.label for row in predictions if row.patient == patient)
        vote = sum(probability >= threshold for probability in own) / len(own)
        right = vote if truth == "all" else 1 - vote
        rows.append([patient, truth, f"{len(own):,}", f"{right:.0%}", f"{sum(own) / len(own):.3f}", f"{vote:.0%}"])
    return rows


def made_with(environment: dict) -> list[list[str]]:
    """Return versions and machine, a row each."""
    packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items())
    computed = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in environment["computed_on"].items())
    return [
        ["leukemia_tf", f"{environment['leukemia_tf']}, commit {environment['commit'] or 'unknown'}"],
        ["packages", f"Python {environment['python']}, {packages}"],
        ["machine", f"{environment['platform']}, {environment['cores']} cores"],
        ["computed on", computed],
    ]
