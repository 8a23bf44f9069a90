"""The tables of atlas in words: gradients, north and south, where the surveys meet, and every two of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stdask.display.numbers import DASH, MINUS, count, measured, number
from stdask.schema.products import INDEPENDENT
from stdask.stages.report.shown import ShownTable, heads, named
from stdask.storage.documents import read_rows

MERGED, BEFORE = "MERGED", "UNTRANSLATED"
NAMES = {"HEIGHT": "|Z|"}  # of what is no label
SLICES = {
    "radial": "along R, |Z| {} to {} kpc",
    "vertical": "along |Z|, R {} to {} kpc",
    "azimuthal": "along R, azimuth {} to {}°",
    "flare": "along R, all heights",
}
Row = dict[str, Any]


class ProductTables(NamedTuple):
    """The tables of atlas, those that were written."""

    gradients: ShownTable | None
    asymmetry: ShownTable | None
    seam: ShownTable | None
    consistency: ShownTable | None


def product_tables(folder: Path, words: Mapping[str, str], where: str) -> ProductTables:
    """Return the tables of atlas.

    Parameters
    ----------
    folder, where
        Of the products, and how the page names it.
    words
        What the samples are called.
    """
    gradients, asymmetry, seam, consistency = (read_rows(folder / f"{name}.ecsv") for name in ProductTables._fields)
    return ProductTables(
        _gradients(gradients, words, f"{where}gradients.ecsv") if gradients else None,
        _asymmetry(asymmetry, words, f"{where}asymmetry.ecsv") if asymmetry else None,
        _seam(seam, f"{where}seam.ecsv") if seam else None,
        _consistency(consistency, f"{where}consistency.ecsv") if consistency else None,
    )


def _gradients(rows: Sequence[Row], words: Mapping[str, str], file: str) -> ShownTable:
    """Return the slopes of both sides of the midplane together, before the translation and after it."""
    sample = _main_sample(rows)
    shown = [row for row in rows if row["SIDE"] == "both" and row["SEGMENT"] == 1]
    before = {_slope_of(row): row for row in shown if row["SAMPLE"] == BEFORE}
    groups: dict[str, list[tuple[str, ...]]] = {}
    for row in (row for row in shown if row["SAMPLE"] == sample):
        cells = [
            f"{number(row['FIT_LOW'])} to {number(row['FIT_HIGH'])}",
            *([_value(before.get(_slope_of(row), {}), "INNER")] if before else []),
            _value(row, "INNER"),
            _value(row, "OUTER") if _is_known(row["BREAK"]) else DASH,
            _value(row, "BREAK"),
            count(row["N"]),
        ]
        slices = SLICES[row["KIND"]].format(number(row["LOW"]), number(row["HIGH"]))
        groups.setdefault(named(NAMES.get(row["LABEL"]) or row["LABEL"], row["UNIT"] or ""), []).append(
            (slices, *cells)
        )
    caption = (
        f"Slopes of the medians in each slice, with total errors: {words.get(sample, sample)}. The outer slope holds "
        "beyond the break, where there is one. Of bins with gaps between them, those with the most stars."
    )
    of = ["Slope before translation", "Slope after it"] if before else ["Slope"]
    columns = heads("Slice", "Fitted [kpc]", *of, "Outer slope", "Break [kpc]", "Stars")
    return ShownTable("t-gradients", caption, columns, groups, file)


def _slope_of(row: Row) -> tuple[Any, ...]:
    return row["LABEL"], row["KIND"], row["LOW"], row["HIGH"]


def _asymmetry(rows: Sequence[Row], words: Mapping[str, str], file: str) -> ShownTable:
    sample = _main_sample(rows)
    groups: dict[str, list[tuple[str, ...]]] = {}
    for row in rows:
        if row["SAMPLE"] == sample:
            stars = f"{count(row['N_FIRST'])} and {count(row['N_SECOND'])}"
            cells = (_ring(row), measured(row["DIFFERENCE"], row["ERR"], signed=True), count(row["N_CELLS"]), stars)
            groups.setdefault(named(row["LABEL"], row["UNIT"] or ""), []).append(cells)
    caption = (
        "Medians north of the midplane minus those south of it, in the same cells of R and |Z|: "
        f"{words.get(sample, sample)}."
    )
    columns = heads("Ring", "North minus south", "Cells", "Stars north and south")
    return ShownTable("t-asymmetry", caption, columns, groups, file)


def _seam(rows: Sequence[Row], file: str) -> ShownTable:
    by_place: dict[tuple[str, str, str], dict[str, Row]] = {}
    for row in rows:
        by_place.setdefault((row["LABEL"], row["UNIT"] or "", _ring(row)), {})[row["SAMPLE"]] = row
    groups: dict[str, list[tuple[str, ...]]] = {}
    for (label, unit, ring), found in by_place.items():
        samples = (BEFORE, MERGED, f"{MERGED}{INDEPENDENT}")
        numbers = [
            measured(own["DIFFERENCE"], own["ERR"], signed=True) if (own := found.get(sample)) else DASH
            for sample in samples
        ]
        first = next(iter(found.values()))
        stars = f"{count(first['N_FIRST'])} and {count(first['N_SECOND'])}"
        groups.setdefault(named(label, unit), []).append((ring, *numbers, stars))
    caption = (
        "Median of A minus median of B in the cells of R and |Z| that both fill, before and after the translation. "
        "Independent: without the stars in both surveys, on which the networks may have been trained."
    )
    columns = heads("Ring", "Before", "After", "After, independent", "Stars of A and B")
    return ShownTable("t-seam", caption, columns, groups, file)


def _consistency(rows: Sequence[Row], file: str) -> ShownTable:
    groups: dict[str, list[tuple[str, ...]]] = {}
    for row in rows:
        cells = (
            f"{row['FIRST']} {MINUS} {row['SECOND']}",
            measured(row["BEFORE"], row["BEFORE_ERR"], signed=True),
            measured(row["AFTER"], row["AFTER_ERR"], signed=True),
            count(row["N_CELLS"]),
            f"{count(row['N_FIRST'])} and {count(row['N_SECOND'])}",
        )
        groups.setdefault(named(row["LABEL"], row["UNIT"] or ""), []).append(cells)
    caption = (
        "Mean of one survey minus mean of another in the cells of the sky, R and |Z| (and of the labels that stars are "
        "selected by) that both fill, as measured and on the scale of B."
    )
    return ShownTable("t-consistency", caption, heads("Surveys", "Before", "After", "Cells", "Stars"), groups, file)


def _main_sample(rows: Sequence[Row]) -> str:
    """Return the sample that the page shows: the merged one, if it was drawn."""
    samples = dict.fromkeys(row["SAMPLE"] for row in rows)
    return MERGED if MERGED in samples else next(iter(samples))


def _ring(row: Row) -> str:
    return f"R {number(row['R_LOW'])} to {number(row['R_HIGH'])} kpc"


def _is_known(value: float | None) -> bool:
    return value is not None and value == value  # NaN is not itself


def _value(row: Row, name: str) -> str:
    total = row.get(f"{name}_TOTAL")
    return measured(row.get(name), total if _is_known(total) else row.get(f"{name}_ERR"))
