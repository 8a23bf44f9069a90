"""Columns are those that the fields of a row declare, in their order."""

from dataclasses import dataclass

import pytest

from stdask.schema import Column
from stdask.schema.rows import column, columns_of


@dataclass(frozen=True)
class _First:
    name: str = column("Name of the star")


@dataclass(frozen=True)
class _Row(_First):
    teff: float = column("Effective temperature", "K")
    n: int = column("Spectra")


def test_columns_are_those_of_the_fields_those_of_the_base_first():
    assert columns_of(_Row) == (
        Column("name", "string", description="Name of the star"),
        Column("teff", "float64", "K", description="Effective temperature"),
        Column("n", "int64", description="Spectra"),
    )


def test_a_declared_column_needs_a_value():
    with pytest.raises(TypeError, match="missing 1 required"):
        _Row("a", 5000.0)  # type: ignore[call-arg]
