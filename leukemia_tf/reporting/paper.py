"""What a paper needs of a page: figures as PDF, SVG and PNG, tables as LaTeX and CSV, and a sentence on methods."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from leukemia_tf.core.files import write_atomically, write_csv
from leukemia_tf.evaluation.plots import fix_layout
from leukemia_tf.evaluation.scores import INTERVALS, count_text, format_score, title_over_cells
from leukemia_tf.reporting.blocks import Page, Table
from leukemia_tf.reporting.page import svg, write_text

DPI = 300  # of the PNG
FORMATS = ("pdf", "svg", "png")
METHODS = "methods"
SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}  # of LaTeX


def write_paper(page: Page, folder: Path, sentence: str) -> list[Path]:
    """Write each figure of a page as PDF, SVG and PNG, each table as LaTeX and CSV, and the sentence as text.

    Parameters
    ----------
    page : Page
        As from `run_page`.
    folder : pathlib.Path
        Where to write; made if it is not there.
    sentence : str
        For the methods section.

    Returns
    -------
    list of pathlib.Path
        What was written.
    """
    written = [write_text(folder / f"{METHODS}.txt", f"{sentence}\n")]
    for picture in page.pictures:
        written += [_write_figure(picture.figure, folder / f"{picture.name}.{kind}") for kind in FORMATS]
    for table in page.tables:
        written.append(_write_csv(table, folder / f"{table.name}.csv"))
        written.append(write_text(folder / f"{table.name}.tex", latex(table)))
    return written


def _write_figure(figure: Figure, path: Path) -> Path:
    def write(scratch: Path) -> None:
        if path.suffix == ".svg":
            scratch.write_bytes(svg(figure))
        else:
            fix_layout(figure)
            figure.savefig(scratch, format=path.suffix[1:], dpi=DPI)

    return write_atomically(path, write)


def _write_csv(table: Table, path: Path) -> Path:
    titles = list(table.titles) or ["name", "value"]
    return write_csv(path, titles, (dict(zip(titles, row)) for row in table.rows))


def latex(table: Table) -> str:
    r"""Return a table as LaTeX: a `table` with a `tabular` of plain rules, so that it needs no package."""
    columns = len(table.titles) or max(len(row) for row in table.rows)
    lines = [r"\begin{table}", r"\centering", rf"\caption{{{escape(table.caption)}}}", rf"\label{{tab:{table.name}}}"]
    lines += [rf"\begin{{tabular}}{{l{'r' * (columns - 1)}}}", r"\hline"]
    if table.titles:
        lines += [_row(table.titles), r"\hline"]
    for title, rows in table.bodies:
        lines += [rf"\multicolumn{{{columns}}}{{l}}{{{escape(title)}}} \\"] if title else []
        lines += map(_row, rows)
    return "\n".join([*lines, r"\hline", r"\end{tabular}", r"\end{table}", ""])


def _row(texts: Sequence[str]) -> str:
    return rf"{' & '.join(map(escape, texts))} \\"


def escape(text: str) -> str:
    """Return a text with LaTeX's special characters escaped."""
    return re.sub(r"[\\~^&%$#_{}]", lambda found: SPECIAL.get(found[0], rf"\{found[0]}"), text)


def methods_sentence(metrics: Mapping[str, Any]) -> str:
    """Return the sentence for the methods section: protocol, patients, interval, threshold and score of a run.

    Parameters
    ----------
    metrics : mapping
        The content of metrics.json.
    """
    test, val = metrics["parts"]["test"], metrics["parts"].get("val")
    score = f"{title_over_cells('auroc_by_patient')} {format_score(test['cell']['auroc_by_patient'])}"
    if metrics["protocol"] == "image":
        split = (
            "Cells were split by image, so cells of one patient are in training and test and the scores are too high"
        )
    else:
        split = f"Patients were split into training, validation and test (protocol: {metrics['protocol']}, seed "
        split += f"{metrics['seed']}), and no patient is in two parts"
    chosen = f"{count_text(val)} in validation" if val else "no validation patients"
    return (
        f"{split}. The network was tested on {count_text(test)}; threshold ({metrics['decision']['threshold']:.3g}) "
        f"and temperature ({metrics['decision']['temperature']:.3g}) come from {chosen}. "
        f"{score}; in brackets {INTERVALS}, each patient left out in turn."
    )


def pooled_methods_sentence(metrics: Mapping[str, Any]) -> str:
    """Return the sentence of a cross-validation; `metrics`: the content of its metrics.json."""
    part = next(iter(metrics["parts"].values()))
    score = f"{title_over_cells('auroc_by_patient')} {format_score(part['cell']['auroc_by_patient'])}"
    leak = "; cells of one patient are in several folds, so the scores are too high" if "caution" in metrics else ""
    seed = f"seed {metrics['seeds'][0]}"
    return (
        f"{metrics['folds']}-fold cross-validation by {metrics['protocol']} ({seed}){leak}. The out-of-fold "
        f"predictions of {count_text(part)} were pooled, each by the network of the fold that tests its patient, at "
        f"that fold's threshold. {score}; in brackets {INTERVALS}, each patient left out in turn."
    )
