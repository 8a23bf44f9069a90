"""Tables whose rows are dataclasses: each field declares a column on disk."""

from dataclasses import field, fields
from typing import Any, get_type_hints

from stdask.schema.catalogues import Column

DTYPES = {str: "string", int: "int64", float: "float64"}


def column(description: str, unit: str = "") -> Any:
    """Return the field of a row that declares a column: its name and type are those of the field."""
    return field(metadata={"description": description, "unit": unit})


def columns_of(kind: type) -> tuple[Column, ...]:
    """Return the columns that the fields of a dataclass declare, in their order."""
    types = get_type_hints(kind)
    return tuple(
        Column(f.name, DTYPES[types[f.name]], f.metadata["unit"], description=f.metadata["description"])
        for f in fields(kind)
    )
