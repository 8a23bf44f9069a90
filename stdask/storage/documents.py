"""Small tables and figures for people: ECSV, PNG and PDF, whole or not at all, the same bytes each time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, get_args, get_type_hints

import numpy as np
from astropy.io.ascii import InconsistentTableError
from astropy.table import Column, Table

from stdask.errors import CatalogueError, raise_machine_error
from stdask.schema.rows import columns_of, units_of
from stdask.storage.files import replacing

R = TypeVar("R")  # a dataclass whose fields declare columns (`schema.rows`), or whose fields are lists of such rows

DPI = 300  # of a printed page; lines and letters of a PDF have no pixels
# Without date and version, so that the same figure gives the same bytes: receipts have both.
METADATA = {".png": {"Software": "stdask"}, ".pdf": {"Creator": "stdask", "CreationDate": None}}


class Drawing(Protocol):
    """What can be saved as an image: a Matplotlib figure, which only `figures/` knows by name."""

    def savefig(self, fname: Any, **options: Any) -> Any:
        """Write the image to a path."""

    def set_layout_engine(self, layout: Any) -> None:
        """Choose what places the panels."""


def write_ecsv(path: Path, table: Table) -> None:
    """Write a table with units and descriptions as ECSV, atomically."""
    with replacing(path) as temporary:
        table.write(temporary, format="ascii.ecsv")


def read_ecsv(path: Path) -> Table:
    """Read an ECSV table.

    Raises
    ------
    CatalogueError
        If the file is missing or is not ECSV.
    """
    try:
        return Table.read(path, format="ascii.ecsv")
    except FileNotFoundError:
        raise CatalogueError(f"No file {path}. Run the stage that writes it.") from None
    except (InconsistentTableError, ValueError, OSError) as exc:
        raise_machine_error(exc, f"reading {path}")
        raise CatalogueError(f"Cannot read {path}: {exc}. Remove it and run its stage again.") from exc


def write_declared(path: Path, rows: Sequence[Any]) -> None:
    """Write rows of one declared kind as ECSV, atomically, with the units and descriptions of their columns.

    Parameters
    ----------
    path, rows
        At least one row: a dataclass whose fields declare columns (`schema.rows`).
    """
    write_ecsv(path, declared_table(rows))


def declared_table(rows: Sequence[Any]) -> Table:
    """Return rows of one declared kind, at least one, as a table with the units and descriptions of their columns."""
    table, units = Table(), units_of(rows)
    for c in columns_of(type(rows[0])):
        values = [getattr(row, c.name) for row in rows]
        dtype = str if c.dtype == "string" else c.dtype
        table[c.name] = Column(values, dtype=dtype, unit=units[c.name] or None, description=c.description or None)
    return table


def read_declared(path: Path, kind: type[R]) -> list[R]:
    """Return the rows of an ECSV table as a declared kind; none if it was not written.

    Raises
    ------
    CatalogueError
        If the file is not ECSV, or its columns are not those of the kind.
    """
    rows = read_rows(path)
    blanks = {c.name: "" if c.dtype == "string" else np.nan for c in columns_of(kind)}
    if rows and rows[0].keys() != blanks.keys():
        raise CatalogueError(
            f"{path} has other columns than this version of stdask writes. Remove it and run its stage again."
        )
    return [kind(**{name: blanks[name] if value is None else value for name, value in row.items()}) for row in rows]


def write_tables(folder: Path, tables: Any) -> list[Path]:
    """Write those of the tables that have rows, each to a file of its name; return the files.

    Parameters
    ----------
    folder, tables
        A dataclass whose fields are lists of rows of declared kinds.
    """
    written = []
    for name, rows in vars(tables).items():
        if rows:
            written.append(folder / f"{name}.ecsv")
            write_declared(written[-1], rows)
    return written


def read_tables(folder: Path, kind: type[R]) -> R:
    """Read tables that `write_tables` wrote; those without a file are empty.

    Raises
    ------
    CatalogueError
        If a file is not ECSV, or has other columns.
    """
    kinds = {name: get_args(of)[0] for name, of in get_type_hints(kind).items()}
    return kind(**{name: read_declared(folder / f"{name}.ecsv", row) for name, row in kinds.items()})


def write_figure(path: Path, figure: Drawing) -> None:
    """Write a figure as PNG or PDF, by the ending of the path, atomically; the same figure gives the same bytes."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:], dpi=DPI, metadata=METADATA[path.suffix])


def write_figures(stem: Path, figure: Drawing) -> list[Path]:
    """Write a figure as PNG and as PDF, `stem` being their path without its ending; return both."""
    image, page = stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}.pdf")
    write_figure(image, figure)
    figure.set_layout_engine("none")  # it stays where the image has it: laid out once
    write_figure(page, figure)
    return [image, page]


def read_bytes(path: Path) -> bytes:
    """Read a whole file.

    Raises
    ------
    CatalogueError
        If it is missing or unreadable.
    """
    try:
        return path.read_bytes()
    except OSError as exc:
        raise_machine_error(exc, f"reading {path}")
        raise CatalogueError(f"Cannot read {path}: {exc}. Run the stage that writes it.") from exc


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of an ECSV table; none if it was not written."""
    return rows_of(read_ecsv(path)) if path.exists() else []


def rows_of(table: Table) -> list[dict[str, Any]]:
    """Return the rows by the names of their columns; None for a masked value."""
    return [{name: None if row[name] is np.ma.masked else row[name].item() for name in table.colnames} for row in table]
