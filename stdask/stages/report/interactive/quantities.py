"""What the interactive maps can show: quantities, where their values are, and what the pointer reads on a pixel."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from stdask.figures.interactive.maps import Row
from stdask.figures.interactive.page import plain
from stdask.figures.style import unit_of

MEDIAN, ADAPTIVE, CHANGE = "_MEDIAN", "_ADAPTIVE", "_CHANGE"  # endings of columns
SHOWN = "_SHOWN"  # of the column that gives the colour: the adaptive median if there is one
EXCESS, SMOOTH, ERROR = "_EXCESS", "_EXCESS_SMOOTH", "_ERR"
HIGH_ALPHA, COUNT, HEIGHT = "HIGH_ALPHA", "COUNT", "HEIGHT"
BEFORE = {"MERGED": "UNTRANSLATED", "A_ONLY": "RAW_ONLY"}  # sample after translation -> before
SHARE = "share of high-\N{GREEK SMALL LETTER ALPHA} stars"
RANGE, PLUS_MINUS = " to ", " \N{PLUS-MINUS SIGN} "
OF_A = (CHANGE, "_TRANSLATION")  # what stars of A alone have


class ShownQuantity(NamedTuple):
    """Something that a map can show."""

    name: str
    text: str  # to choose it by
    title: str  # of its scale
    column: str  # with the values, without the sample
    counts: str  # column with the stars that they are of
    places: int  # decimals
    diverging: bool = False
    label: str = ""


def labels_of(table: pa.Table) -> list[str]:
    """Return the labels that a table of pixels has medians of."""
    return [name.removesuffix(MEDIAN) for name in table.column_names if name.endswith(MEDIAN)]


def quantities_of(table: pa.Table) -> list[ShownQuantity]:
    """Return what can be shown of a table of pixels: the labels first, each with its change and its excess."""
    found: list[ShownQuantity] = []
    samples = set(table.column("SAMPLE").unique().to_pylist())
    translated = any(before in samples and after in samples for after, before in BEFORE.items())
    for label in labels_of(table):
        unit, name = _unit(table, label), plain(label)
        own, places, counts = title_of(label, unit), places_of(unit_of(label, unit)), f"N_{label}"
        found.append(ShownQuantity(label, name, own, f"{label}{SHOWN}", counts, places, label=label))
        own = own.removeprefix("median ")
        trend = f"{own} minus its trend in R and |Z|"
        signed = {CHANGE: ("translated minus measured", f"change of {own} by the translation")} if translated else {}
        signed |= {EXCESS: ("excess over the trend", trend), SMOOTH: ("excess, smoothed", f"{trend}, smoothed")}
        found += [
            ShownQuantity(f"{label}{end}", f"{name}: {text}", title, f"{label}{end}", counts, places, True, label)
            for end, (text, title) in signed.items()
            if end == CHANGE or f"{label}{end}" in table.column_names
        ]
    if HIGH_ALPHA in table.column_names:
        found.append(ShownQuantity(HIGH_ALPHA, SHARE, SHARE, HIGH_ALPHA, COUNT, 3))
    found.append(ShownQuantity(COUNT, "number of stars", "stars per pixel", COUNT, COUNT, 0))
    found.append(ShownQuantity(HEIGHT, "height |Z|", "median |Z| [kpc]", HEIGHT, COUNT, 2))
    return found


def title_of(label: str, unit: str) -> str:
    """Return what the axis of a label's median is called."""
    unit = unit_of(label, unit)
    return f"median {plain(label)}" + (f" [{unit}]" if unit not in ("", "dex") else "")


def places_of(unit: str) -> int:
    """Return to how many decimals a value is told: of kelvin and km/s a tenth is enough."""
    return 3 if unit in ("", "dex") else 1


def rows_of(
    quantity: ShownQuantity, sample: str, titles: tuple[str, str], columns: Mapping[str, np.ndarray]
) -> list[Row]:
    """Return what the pointer reads on a pixel, without its place.

    Parameters
    ----------
    quantity
        What is shown.
    sample
        Whose values.
    titles
        Of A and B.
    columns
        `SAMPLE/COLUMN` -> shape (n_pixels,).
    """
    stars = {f"ALONE/{COUNT}": titles[1], f"A_ONLY/{COUNT}": titles[0]}
    rows = [*_own_rows(quantity, sample)]
    rows += [Row(f"stars of {title}", (column,), 0) for column, title in stars.items() if title]
    if not all(titles):
        rows.append(Row("stars", (f"{sample}/{COUNT}",), 0))
    return [row for row in rows if all(np.isfinite(columns.get(part, np.nan)).any() for part in row.columns)]


def _own_rows(quantity: ShownQuantity, sample: str) -> Iterator[Row]:
    label, places, own = quantity.label, quantity.places, f"{sample}/{quantity.label}"
    cell = Row("median of the cell drawn", (f"{own}{ADAPTIVE}", f"{own}{ADAPTIVE}{ERROR}"), places, PLUS_MINUS)
    if quantity.name == HIGH_ALPHA:
        own = f"{sample}/{HIGH_ALPHA}"
        yield Row(quantity.title, (own,), places)
        yield Row("68 % interval of the share", (f"{own}_P16", f"{own}_P84"), places, RANGE)
    elif not label:
        yield Row(quantity.title, (f"{sample}/{quantity.column}",), places)
    elif quantity.column == f"{label}{CHANGE}":
        yield Row("as measured", (f"{BEFORE.get(sample, '')}/{label}{SHOWN}",), places)
        yield Row("translated", (f"{own}{SHOWN}",), places)
        yield Row("translated minus measured", (f"{own}{CHANGE}",), places)
    elif quantity.diverging:
        yield Row("excess over the trend", (f"{own}{EXCESS}", f"{own}{EXCESS}{ERROR}"), places, PLUS_MINUS)
        yield Row("excess, smoothed", (f"{own}{SMOOTH}",), places)
        yield Row(f"median {plain(label)}", (f"{own}{MEDIAN}",), places)
    else:
        yield Row(quantity.title, (f"{own}{MEDIAN}",), places)
        yield Row("68 % interval of the median", (f"{own}_P16", f"{own}_P84"), places, RANGE)
        yield cell
        yield Row("stars in that cell", (f"{sample}/N_{label}{ADAPTIVE}",), 0)
        yield Row("error of one star", (f"{own}_ERROR",), places)
        yield Row("error from the choice of pairs", (f"{own}_TRANSLATION",), places)
    if label:
        yield Row(f"stars with {plain(label)}", (f"{sample}/N_{label}",), 0)


def _unit(table: pa.Table, label: str) -> str:
    return (table.field(f"{label}{MEDIAN}").metadata or {}).get(b"unit", b"").decode()
