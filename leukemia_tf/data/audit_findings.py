"""The findings of an audit, as audit.json and as a table for the terminal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from leukemia_tf.data.catalog import LABELS, Catalog, Cell
from leukemia_tf.data.patient_groups import NearDuplicate, groups_by_patient, natural_key
from leukemia_tf.data.scan import Scan


def findings(
    catalog: Catalog,
    scanned: Scan,
    near_duplicates: Sequence[NearDuplicate],
    known: Sequence[Sequence[str]] = (),
) -> dict[str, Any]:
    """Return the content of audit.json.

    Parameters
    ----------
    catalog : Catalog
        Of the folder.
    scanned : Scan
        Of its images, those without a label too.
    near_duplicates : sequence of (Cell, Cell, float)
        Pairs that show one cell photographed twice.
    known : sequence of sequence of str
        Names that are known to be one patient.
    """
    cells = [cell for cell in scanned.cells if cell.label]
    sizes = Counter(f"{statistics.width}x{statistics.height}" for statistics in scanned.statistics)
    identical = [[cell.path for cell in group] for group in scanned.identical()]
    shared = _groups(
        [(one.patient, other.patient) for one, other in _pairs(scanned, near_duplicates)]
        + [(group[0], name) for group in known for name in group[1:]]
    )
    return {
        "images": len(catalog.cells) + len(catalog.unlabelled) + len(catalog.rejected),
        "patients": _count_patients({cell.patient for cell in cells}, shared),
        "rejected": [{"path": row.path, "reason": row.reason} for row in scanned.rejected],
        "identical": identical,
        "near_duplicates": _groups((one.path, other.path) for one, other, _ in near_duplicates),
        "warnings": _warnings(catalog, scanned, near_duplicates),
        "shared_patients": shared,
        "sizes": dict(sizes.most_common()),
        "unlabelled": len(catalog.unlabelled),
        "rows_without_image": catalog.rows_without_image,
        "rows_unread": catalog.rows_unread,
        "per_patient": _per_patient(cells, scanned),
    }


def _count_patients(names: set[str], shared: Iterable[Iterable[str]]) -> int:
    """Return how many patients some names are; the names of a group in `shared` are one."""
    group_of = groups_by_patient(shared)
    return len({group_of.get(name, frozenset({name})) for name in names})


def _pairs(scanned: Scan, near_duplicates: Sequence[NearDuplicate]) -> list[tuple[Cell, Cell]]:
    """Return the pairs of labelled cells of different patients that are one picture or show one cell."""
    pairs = [(group[0], other) for group in scanned.identical() for other in group[1:]]
    pairs += [(one, other) for one, other, _ in near_duplicates]
    return [(one, other) for one, other in pairs if one.patient != other.patient and one.label and other.label]


def _groups(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Join pairs into groups, directly or through others."""
    group_of: dict[str, set[str]] = {}
    for one, other in pairs:
        union = group_of.get(one, {one}) | group_of.get(other, {other})
        group_of |= dict.fromkeys(union, union)
    distinct = {id(group): group for group in group_of.values()}.values()
    return sorted(sorted(group, key=natural_key) for group in distinct)


def _warnings(catalog: Catalog, scanned: Scan, near_duplicates: Sequence[NearDuplicate]) -> list[dict[str, str]]:
    warnings = [
        (cell.path, statistics.warning)
        for cell, statistics in zip(scanned.cells, scanned.statistics)
        if statistics.warning
    ]
    for one, other in _pairs(scanned, near_duplicates):
        what = "the same picture" if one.sha256 == other.sha256 else "the same cell"
        warnings.append((other.path, f"{what} as {one.path}, under patient {one.patient}: the two count as one"))
        if one.label != other.label:
            warnings.append((other.path, f"labelled {other.label}, and {one.label} as {one.path}: one label is wrong"))
    warnings += [(note.path, note.reason) for note in catalog.notes if note.warning]
    warnings += [(respelt.path, respelt.reason) for respelt in catalog.respelt]
    warnings += [(path, "no rule gives it a label: left for predict") for path in catalog.unlabelled]
    return [{"path": path, "reason": reason} for path, reason in warnings]


def _per_patient(cells: Sequence[Cell], scanned: Scan) -> list[dict[str, Any]]:
    areas = {cell.path: statistics.area for cell, statistics in zip(scanned.cells, scanned.statistics)}
    by_patient = defaultdict(list)
    for cell in cells:
        by_patient[cell.label, cell.patient].append(cell)
    return [
        {
            "patient": patient,
            "label": label,
            "images": len(members),
            "distinct": len({cell.sha256 for cell in members}),
            "mean_area": round(sum(areas[cell.path] for cell in members) / len(members)),
        }
        for (label, patient), members in sorted(
            by_patient.items(), key=lambda item: (item[0][0], natural_key(item[0][1]))
        )
    ]


def findings_table(report: Mapping[str, Any]) -> str:
    """Return the findings as text: one line per patient, then the totals."""
    rows = report["per_patient"]
    lines = [f"{'patient':<10} {'label':<6} {'images':>7} {'distinct':>9} {'mean area':>10}"]
    lines += [
        f"{r['patient']:<10} {r['label']:<6} {r['images']:>7} {r['distinct']:>9} {r['mean_area']:>10,}" for r in rows
    ]
    for label in LABELS[::-1]:
        of_class = [row for row in rows if row["label"] == label]
        patients = _count_patients({row["patient"] for row in of_class}, report["shared_patients"])
        lines.append(f"{label}: {sum(row['images'] for row in of_class):,} images of {patients} patients")
    sizes = ", ".join(f"{count:,} of {size}" for size, count in report["sizes"].items())
    shared = "; ".join(" = ".join(group) for group in report["shared_patients"])
    lines += [
        f"images: {report['images']:,}; {report['unlabelled']:,} without a label; sizes: {sizes}",
        f"rows of a labels CSV without an image: {report['rows_without_image']:,}; unread: {report['rows_unread']:,}",
        f"identical pictures: {sum(len(group) - 1 for group in report['identical']):,}",
        f"groups of one cell photographed several times: {len(report['near_duplicates']):,}",
        f"names that are one patient: {shared or 'none'}",
        f"rejected: {len(report['rejected']):,}; warnings: {len(report['warnings']):,}",
    ]
    return "\n".join(lines)
