"""The page of an audit: what a folder of cells contains, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from leukemia_tf.core.errors import BadImageError
from leukemia_tf.core.version import __version__
from leukemia_tf.data.acquisition import CUES
from leukemia_tf.data.catalog import LABELS
from leukemia_tf.data.patient_groups import NearDuplicate
from leukemia_tf.evaluation.acquisition_lines import SETS, together_text
from leukemia_tf.evaluation.predictions import LABEL_NAMES
from leukemia_tf.evaluation.scores import format_score, title_over_cells
from leukemia_tf.reporting.blocks import Block, Gallery, Page, Picture, Section, Table, Text, Thumb, section
from leukemia_tf.reporting.montage import SIDE, picture_of
from leukemia_tf.reporting.page import picture_source
from leukemia_tf.reporting.provenance import DATE

LISTED, PAIRS, WARNED = 100, 12, 24  # rows of a table; pairs and cells that are shown
COUNTS = {
    "identical": "groups of identical pictures",
    "near_duplicates": "groups of one cell photographed several times",
    "shared_patients": "groups of names that are one patient",
    "rejected": "rejected images",
    "warnings": "warnings",
}


def audit_page(
    report: Mapping[str, Any],
    figures: Mapping[str, Figure],
    folder: Path,
    near_duplicates: Sequence[NearDuplicate],
) -> Page:
    """Return the page of an audit.

    Parameters
    ----------
    report : mapping
        The content of audit.json.
    figures : mapping of str to matplotlib.figure.Figure
        `audit`, and `acquisition` and `leak` where there are such.
    folder : pathlib.Path
        The data folder.
    near_duplicates : sequence of (Cell, Cell, float)
        With the similarity of each pair.
    """
    acquisition = report.get("acquisition") or {}
    cautions = [acquisition["warning"]] if acquisition.get("warning") else []
    problems = [f"{len(report[key]):,} {title}" for key, title in COUNTS.items() if report[key]]
    return Page(
        title=f"Audit of {folder.resolve().name}",
        name=f"Audit of {folder.resolve().name}",
        subtitle="What a folder of cells contains, and what is wrong with it",
        headline=f"{report['images']:,} images of {report['patients']} patients",
        details=f"{'; '.join(problems) or 'no problem found'}.",
        cautions=[f"{text[0].upper()}{text[1:]}." for text in cautions],
        about={"Report written": f"{datetime.now(UTC):{DATE}}", "leukemia_tf": __version__},
        sections=[
            _contents(report, figures["audit"]),
            *_repeated(report, folder, near_duplicates),
            *_listed(report, folder),
            *_acquisition(acquisition, figures),
            *_leak(report, figures),
        ],
    )


def _contents(report: Mapping[str, Any], figure: Figure) -> Section:
    sizes = ", ".join(f"{count:,} of {size}" for size, count in list(report["sizes"].items())[:LISTED])
    rows = [
        ["images", f"{report['images']:,}"],
        ["patients", str(report["patients"])],
        ["images without a label", f"{report['unlabelled']:,}"],
        ["sizes in pixels", sizes],
        *([title, f"{len(report[key]):,}"] for key, title in COUNTS.items()),
    ]
    titles = ["patient", "label", "images", "distinct", "mean area, pixels"]
    counts = ("images", "distinct", "mean_area")
    patients = [
        [row["patient"], LABEL_NAMES[row["label"]], *(f"{row[key]:,}" for key in counts)]
        for row in report["per_patient"]
    ]
    caption = "Cells of each patient (left), and the area of the cells by class (right)."
    return section(
        "contents",
        "What the folder contains",
        Table("contents", "Counts; audit.json has all of them by file.", (), rows),
        Picture("audit", figure, caption, f"{caption} The table below has the numbers.", wide=True),
        Table("patients", "The patients, as they are named.", titles, patients),
    )


def _repeated(report: Mapping[str, Any], folder: Path, near_duplicates: Sequence[NearDuplicate]) -> list[Section]:
    """Return the section of identical pictures, near-duplicates, and patients with several names."""
    blocks: list[Block] = []
    if report["shared_patients"]:
        groups = "; ".join(" = ".join(group) for group in report["shared_patients"])
        blocks.append(Text(f"Names that are one patient: {groups}. They stay in one part of a split."))
    if report["identical"]:
        rows = [[str(len(group)), ", ".join(group)] for group in report["identical"]]
        blocks.append(_table("identical", "Identical pictures", ["pictures", "files"], rows))
    pairs = sorted(near_duplicates, key=lambda pair: (pair[0].patient == pair[1].patient, -pair[2]))[:PAIRS]
    if pairs:
        thumbs = []
        for one, other, similarity in pairs:
            more = f"patient {one.patient} and {other.patient}; similarity\u00a0{similarity:.3f}"
            thumbs += [_thumb(folder, one.path, more), _thumb(folder, other.path, more)]
        title = f"{len(pairs)} of {len(near_duplicates):,} pairs of near-duplicates, those of two patients first"
        blocks.append(Gallery(title, thumbs, small=True))
    return [section("repeated", "Repeated cells", *blocks)] if blocks else []


def _listed(report: Mapping[str, Any], folder: Path) -> list[Section]:
    """Return the section of rejected images and warnings, with pictures of those that can be read."""
    blocks: list[Block] = []
    for key, title in (("rejected", "Rejected images"), ("warnings", "Warnings")):
        rows = [[row["path"], row["reason"]] for row in report[key]]
        if rows:
            blocks.append(_table(key, title, ["image", "reason"], rows))
    reasons = {row["path"]: row["reason"] for row in report["warnings"]}
    thumbs = list(islice(_readable(folder, reasons), WARNED))
    if thumbs:
        blocks.append(Gallery(f"{len(thumbs)} of {len(reasons):,} images with a warning", thumbs, small=True))
    return [section("problems", "Rejected images and warnings", *blocks)] if blocks else []


def _readable(folder: Path, reasons: Mapping[str, str]) -> Iterator[Thumb]:
    """Yield pictures with a warning; what is passed over, such as `._cell.jpg`, may be none."""
    for path, reason in reasons.items():
        with suppress(BadImageError):
            yield _thumb(folder, path, reason)


def _table(name: str, title: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    some = f": the first {LISTED} of {len(rows):,}; audit.json has all" if len(rows) > LISTED else ""
    return Table(name, f"{title}{some}.", titles, rows[:LISTED])


def _thumb(folder: Path, path: str, more: str) -> Thumb:
    text = f"Image {Path(path).name}: {more}"
    return Thumb(picture_source(picture_of(folder / path)), SIDE, SIDE, text, f"{Path(path).name}: {more}")


def _acquisition(comparison: Mapping[str, Any], figures: Mapping[str, Figure]) -> list[Section]:
    if not comparison or "acquisition" not in figures:
        return []
    names = {name: str(cue) for name, cue in CUES.items() if any(comparison["cues"][name][label] for label in LABELS)}
    records = [(title, comparison["cues"][name]) for name, title in names.items()]
    rows = [_cue(title, record) for title, record in [*records, ("cell area (px), for comparison", comparison["area"])]]
    rows += [[title, "", "", together_text(comparison[key])] for key, title in SETS.items()]
    titles = ["cue", *(f"mean, {name}" for name in LABEL_NAMES.values()), "AUROC by patient, alone"]
    caption = "Each cue by class: a point is a patient, larger with more cells; a line is the mean over patients."
    about = "What the pictures show besides the cell. A cue that separates the classes may be learnt in its place."
    return [
        section(
            "acquisition",
            "Acquisition",
            Text(about),
            Picture("acquisition", figures["acquisition"], caption, f"{caption} The table has the means.", wide=True),
            Table(
                "acquisition",
                "Means over patients, and how well each cue separates the classes.",
                titles,
                rows,
                stacked=True,
            ),
        )
    ]


def _cue(title: str, record: Mapping[str, Any]) -> list[str]:
    means = ["" if record[label] is None else f"{record[label]:,.3g}" for label in LABEL_NAMES]
    score = record["auroc_by_patient"]
    return [title, *means, "the same in all cells" if score is None else format_score(score)]


def _leak(report: Mapping[str, Any], figures: Mapping[str, Figure]) -> list[Section]:
    if "leak" not in report:
        return []
    leak = report["leak"]
    metrics = list(leak["image"])
    rows = [[f"folds by {by}", *(format_score(leak[by][name]) for name in metrics)] for by in ("image", "patient")]
    caption = "One classifier with folds by image, which leak patients, and with folds by patient."
    return [
        section(
            "leak",
            "Leak of a split by image",
            Text(f"The classifier: {leak['classifier']}."),
            Picture("leak", figures["leak"], caption, f"{caption} The table has the numbers."),
            Table("leak", caption, ["", *map(title_over_cells, metrics)], rows, stacked=True),
        )
    ]
