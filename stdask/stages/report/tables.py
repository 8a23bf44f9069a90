"""The tables of gradients and differences, shown as they are on disk."""

from pathlib import Path
from typing import Any, NamedTuple

from astropy.table import Table

from stdask.storage.documents import read_ecsv, rows_of

TABLES = {
    "gradients": (
        "Gradients",
        "Slopes of the medians of neighbouring bins in each slice, inside and outside of a break.",
    ),
    "asymmetry": ("North and south", "Medians north of the midplane minus those south of it."),
    "seam": (
        "Where the surveys meet",
        "Median of A minus median of B in the cells that both fill, before and after the translation. "
        "Independent: without the stars in both surveys.",
    ),
}
ERROR = "_ERR"  # ending of the column with the error of another: both are shown in one cell


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
    names = [
        name for name in table.colnames if name.removesuffix(ERROR) not in table.colnames or not name.endswith(ERROR)
    ]
    return [
        ShownColumn(
            name,
            name.replace("_", " ").capitalize(),
            str(table[name].unit or ""),
            table[name].dtype.kind in "iuf",
            f"{name}{ERROR}" if f"{name}{ERROR}" in table.colnames else "",
        )
        for name in names
    ]
