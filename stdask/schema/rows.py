"""Tables whose rows are dataclasses: each field declares a column on disk."""

from collections.abc import Sequence
from dataclasses import field, fields
from typing import Any, get_type_hints

from stdask.schema.catalogues import Column

DTYPES = {str: "string", int: "int64", float: "float64"}


UNIT = "unit"  # field of rows whose numbers have a unit of their own


def column(description: str, unit: str = "", *, in_unit: bool = False) -> Any:
    """Return the field of a row that declares a column: its name and type are those of the field.

    Parameters
    ----------
    description, unit
        Of the column.
    in_unit
        The numbers are in the unit that the field `unit` of their row names.
    """
    return field(metadata={"description": description, "unit": unit, "in_unit": in_unit})


def units_of(rows: Sequence[Any]) -> dict[str, str]:
    """Return the units of the columns of some rows of one kind, which may differ from row to row: empty then."""
    shared = {getattr(row, UNIT) for row in rows} if hasattr(rows[0], UNIT) else set()
    unit = shared.pop() if len(shared) == 1 else ""
    return {f.name: unit if f.metadata["in_unit"] else f.metadata["unit"] for f in fields(rows[0])}


def columns_of(kind: type) -> tuple[Column, ...]:
    """Return the columns that the fields of a dataclass declare, in their order."""
    types = get_type_hints(kind)
    return tuple(
        Column(f.name, DTYPES[types[f.name]], f.metadata["unit"], description=f.metadata["description"])
        for f in fields(kind)
    )
