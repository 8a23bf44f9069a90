"""Every column of tables of results is described, and has a unit or says which column has it."""

import re
from dataclasses import fields, replace
from typing import get_args, get_type_hints

import pytest

from stdask.schema.closure import ClosureTables
from stdask.schema.evaluation import EpochRow, EvaluationTables, ImportanceRow, StudyRow
from stdask.schema.rows import columns_of
from stdask.schema.validation import ClusterRow, ValidationTables

KINDS = {f"evaluate {name}": get_args(of)[0] for name, of in get_type_hints(EvaluationTables).items()}
KINDS |= {f"validate {name}": get_args(of)[0] for name, of in get_type_hints(ValidationTables).items()}
KINDS |= {f"closure {name}": get_args(of)[0] for name, of in get_type_hints(ClosureTables).items()}
KINDS |= {"history": EpochRow, "study": StudyRow}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_column_has_a_description_and_every_error_its_value(kind: type):
    columns = {c.name: c for c in columns_of(kind)}
    assert list(columns) == [field.name for field in fields(kind)]
    for name, own in columns.items():
        assert own.description, name
        assert own.description[-1] not in ".,;"
        if name.endswith("_err"):
            assert name.removesuffix("_err") in columns
            assert "1-sigma" in own.description


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if "unit" in get_type_hints(kind)])
def test_the_column_of_units_names_columns_that_exist(kind: type):
    (unit,) = [c for c in columns_of(kind) if c.name == "unit"]
    named = re.findall(r"\b\w+", unit.description.removeprefix("Unit of ").replace("their errors", ""))
    words = {"and", "the", "means", "standard", "deviations"}
    assert set(named) - words <= {c.name for c in columns_of(kind)}


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if "unit" in get_type_hints(kind)])
def test_a_column_is_in_the_unit_of_its_row_if_that_column_says_so(kind: type):
    (unit,) = [c for c in columns_of(kind) if c.name == "unit"]
    in_unit = {field.name for field in fields(kind) if field.metadata["in_unit"]}
    assert {name for name in in_unit if re.search(rf"\b{name}\b", unit.description)} or kind is ClusterRow
    for name in {name.removesuffix("_err") for name in in_unit}:
        assert re.search(rf"\b{name}\b|means and standard deviations", unit.description), name


def test_an_importance_is_shown_for_every_input_and_for_the_colours_as_one():
    row = ImportanceRow("intrinsic", "correction", "inputs", "all", "TEFF", "BP_G_0", 12.5, 1.0)
    assert row.is_shown
    assert replace(row, players="colours as one", input="colours").is_shown
    assert not replace(row, players="colours as one", input="TEFF").is_shown
