"""What an audit found, as audit.json and as a table for the terminal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from leukemia_tf.data.catalog import LABELS, Catalog, Cell
from leukemia_tf.data.examine import Examination
from leukemia_tf.data.splits import Twins, natural


def findings(catalog: Catalog, examination: Examination, twins: Sequence[Twins]) -> dict[str, object]:
    """Return the content of audit.json.

    Parameters
    ----------
    catalog : Catalog
        What lies in the folder.
    examination : Examination
        What its images show, those without a label too.
    twins : sequence of (Cell, Cell, float)
        Pairs that show one cell photographed twice.
    """
    cells = [cell for cell in examination.cells if cell.label]
    sizes = Counter(f"{look.width}x{look.height}" for look in examination.looks)
    identical = [[cell.path for cell in group] for group in examination.identical()]
    return {
        "images": len(catalog.cells) + len(catalog.unlabelled) + len(catalog.rejected),
        "patients": len({cell.patient for cell in cells}),
        "rejected": [{"path": row.path, "reason": row.reason} for row in examination.rejected],
        "identical": identical,
        "near_duplicates": _groups((one.path, other.path) for one, other, _ in twins),
        "warnings": _warnings(catalog, examination, twins),
        "shared_patients": _groups((one.patient, other.patient) for one, other in _pairs(examination, twins)),
        "sizes": dict(sizes.most_common()),
        "unlabelled": len(catalog.unlabelled),
        "rows_without_image": catalog.rows_without_image,
        "rows_unread": catalog.rows_unread,
        "per_patient": _per_patient(cells, examination),
    }


def _pairs(examination: Examination, twins: Sequence[Twins]) -> list[tuple[Cell, Cell]]:
    """Return pairs of cells of different patients that show one picture or one cell."""
    pairs = [(group[0], other) for group in examination.identical() for other in group[1:]]
    pairs += [(one, other) for one, other, _ in twins]
    return [(one, other) for one, other in pairs if one.patient != other.patient and one.label and other.label]


def _groups(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Join pairs into groups, directly or through others."""
    group: dict[str, set[str]] = {}
    for one, other in pairs:
        union = group.get(one, {one}) | group.get(other, {other})
        group |= dict.fromkeys(union, union)
    return sorted(sorted(members, key=natural) for members in {id(value): value for value in group.values()}.values())


def _warnings(catalog: Catalog, examination: Examination, twins: Sequence[Twins]) -> list[dict[str, str]]:
    found = [(cell.path, look.warning) for cell, look in zip(examination.cells, examination.looks) if look.warning]
    for one, other in _pairs(examination, twins):
        what = "the same picture" if one.sha256 == other.sha256 else "the same cell"
        found.append((other.path, f"{what} as {one.path}, under patient {one.patient}: the two count as one"))
        if one.label != other.label:
            found.append((other.path, f"labelled {other.label}, and {one.label} as {one.path}: one label is wrong"))
    found += [(path, "no rule gives it a label: left for predict") for path in catalog.unlabelled]
    return [{"path": path, "reason": reason} for path, reason in found]


def _per_patient(cells: Sequence[Cell], examination: Examination) -> list[dict[str, object]]:
    areas = {cell.path: look.area for cell, look in zip(examination.cells, examination.looks)}
    members = defaultdict(list)
    for cell in cells:
        members[cell.label, cell.patient].append(cell)
    return [
        {
            "patient": patient,
            "label": label,
            "images": len(own),
            "distinct": len({cell.sha256 for cell in own}),
            "mean_area": round(sum(areas[cell.path] for cell in own) / len(own)),
        }
        for (label, patient), own in sorted(members.items(), key=lambda item: (item[0][0], natural(item[0][1])))
    ]


def table(found: dict) -> str:
    """Return the findings as text: a line a patient, then what a person must know."""
    rows = found["per_patient"]
    lines = [f"{'patient':<10} {'label':<6} {'images':>7} {'distinct':>9} {'mean area':>10}"]
    lines += [
        f"{r['patient']:<10} {r['label']:<6} {r['images']:>7} {r['distinct']:>9} {r['mean_area']:>10,}" for r in rows
    ]
    for label in LABELS[::-1]:
        own = [row for row in rows if row["label"] == label]
        lines.append(f"{label}: {sum(row['images'] for row in own):,} images of {len(own)} patients")
    sizes = ", ".join(f"{count:,} of {size}" for size, count in found["sizes"].items())
    shared = "; ".join(" = ".join(group) for group in found["shared_patients"])
    lines += [
        f"images: {found['images']:,}; {found['unlabelled']:,} without a label; sizes: {sizes}",
        f"rows of a labels CSV without an image: {found['rows_without_image']:,}; unread: {found['rows_unread']:,}",
        f"identical pictures: {sum(len(group) - 1 for group in found['identical']):,}",
        f"groups of one cell photographed several times: {len(found['near_duplicates']):,}",
        f"patients who share a picture and count as one: {shared or 'none'}",
        f"rejected: {len(found['rejected']):,}; warnings: {len(found['warnings']):,}",
    ]
    return "\n".join(lines)
