"""The tables of gradients and differences, shown as they are on disk."""

from pathlib import Path
from typing import Any, NamedTuple

from astropy.table import Table

from stdask.storage.documents import read_ecsv, rows_of

TABLES = {
    "gradients": (
        "Gradients",
        "Slopes of the medians of neighbouring bins in each slice, inside and outside of a break, with total errors. "
        "Their parts are in products/gradients.ecsv.",
    ),
    "asymmetry": ("North and south", "Medians north of the midplane minus those south of it."),
    "seam": (
        "Where the surveys meet",
        "Median of A minus median of B in the cells that both fill, before and after the translation. "
        "Independent: without the stars in both surveys.",
    ),
}
ERRORS = ("_TOTAL", "_ERR")  # endings of the columns with the error of another: the first is shown in its cell
PARTS = (*ERRORS, "_TRANSLATION", "_NOISE", "_NOISE_SHIFT")  # of errors: they have no columns of their own


class ShownColumn(NamedTuple):
    """One column of a table of the page."""

    name: str
    title: str
    unit: str
    numeric: bool
    error: str  # column with its error, empty for none


class ShownTable(NamedTuple):
    """A table of the page."""

    name: str
    title: str
    caption: str
    columns: list[ShownColumn]
    rows: list[dict[str, Any]]


def product_tables(folder: Path) -> list[ShownTable]:
    """Return those of the tables of atlas that were written."""
    return [
        ShownTable(name, title, caption, _columns(table), rows_of(table))
        for name, (title, caption) in TABLES.items()
        if (path := folder / f"{name}.ecsv").exists()
        for table in [read_ecsv(path)]
    ]


def _columns(table: Table) -> list[ShownColumn]:
    errors = {f"{name}{ending}" for name in table.colnames for ending in PARTS}
    names = [name for name in table.colnames if name not in errors]
    return [
        ShownColumn(
            name,
            name.replace("_", " ").capitalize(),
            str(table[name].unit or ""),
            table[name].dtype.kind in "iuf",
            next((f"{name}{ending}" for ending in ERRORS if f"{name}{ending}" in table.colnames), ""),
        )
        for name in names
    ]
