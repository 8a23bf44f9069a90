"""The columns of a table, printed with their types, units, UCDs and descriptions."""

from dataclasses import astuple
from html import escape

from stdask.schema.catalogues import Column

HEADINGS = ("column", "type", "unit", "UCD", "description")


class Columns(tuple[Column, ...]):
    """The columns of a table, in their order. It is printed as a table itself, in a notebook as HTML.

    Examples
    --------
    >>> Columns([Column("TEFF", "float32", "K", "phys.temperature.effective", "Effective temperature")])
    column type    unit UCD                        description
    TEFF   float32 K    phys.temperature.effective Effective temperature
    """

    __slots__ = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self)

    def __repr__(self) -> str:
        """Return one line a column."""
        rows = [HEADINGS, *map(astuple, self)]
        widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
        lines = (" ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        """Return an HTML table, for notebooks."""
        head, *rows = [HEADINGS, *map(astuple, self)]
        lines = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
        return f"<table><tr><th>{'</th><th>'.join(head)}</th></tr><tr>{'</tr><tr>'.join(lines)}</tr></table>"
