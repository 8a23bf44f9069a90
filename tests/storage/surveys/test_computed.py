"""Expressions of the columns of survey files: what a text names, what is missing, and what is read from the file."""

import contextlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy.table import Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from stdask.config.survey import SENTINELS
from stdask.errors import ExpressionError, SurveyError
from stdask.storage.surveys.computed import ComputedColumns
from stdask.storage.surveys.files import open_survey

COLUMNS = {
    "id": np.array([11, 12, 13, 14]),
    "mg_h": np.array([-0.5, -9999.0, 0.25, np.nan], np.float32),
    "fe_h": np.array([-0.75, 0.0, 99999.0, 0.0], np.float32),
    "B-V": np.array([0.5, 0.75, 1.0, 1.25]),
    "E(B-V)": np.array([0.1, 0.2, 0.3, 0.4]),
    "B": np.array([10.0, 10.0, 10.0, 10.0]),
    "V": np.array([9.0, 8.0, 7.0, 6.0]),
    "flags": np.array(["0129", "9900", "0", ""]),
    "FPARAM": np.arange(16.0).reshape(4, 4),
    "bits": np.array([0, 1, 2, -9999], np.int32),
}


@pytest.fixture
def columns(tmp_path: Path) -> ComputedColumns:
    Table(COLUMNS).write(tmp_path / "stars.fits")
    return ComputedColumns(open_survey(tmp_path / "stars.fits"), SENTINELS)


def test_a_column_is_read_as_the_file_has_it(columns: ComputedColumns):
    names = ["mg_h", "bits", "B-V", "E(B-V)", "FPARAM[3]"]
    assert columns.read(names, 1, 3).equals(columns.survey.read(names, 1, 3))
    names = ["`mg_h`", "( bits )", "FPARAM[ 3 ]"]
    own = columns.survey.read(["mg_h", "bits", "FPARAM[3]"], 0, 3)
    assert columns.read(names, 0, 3).equals(own.rename_columns(names))


def test_the_name_of_a_column_is_no_expression_unless_it_is_written_as_one(columns: ComputedColumns):
    read = columns.read(["B-V", "B - V", "`B-V` - `E(B-V)`"])
    assert_array_equal(read["B-V"], COLUMNS["B-V"])
    assert_array_equal(read["B - V"], COLUMNS["B"] - COLUMNS["V"])
    assert_array_equal(read["`B-V` - `E(B-V)`"], COLUMNS["B-V"] - COLUMNS["E(B-V)"])


def test_what_is_missing_in_a_column_is_missing_in_its_expressions(columns: ComputedColumns):
    read = columns.read(["mg_h - fe_h", "bits + 1", "substr(flags, 0, 1)", "mg_h > -1 and bits < 5"])
    assert_array_equal(read["mg_h - fe_h"], [0.25, np.nan, np.nan, np.nan])
    assert_array_equal(read["bits + 1"], [1, 2, 3, np.nan])
    assert read["substr(flags, 0, 1)"].to_pylist() == ["0", "9", "0", None]
    assert read["mg_h > -1 and bits < 5"].to_pylist() == [True, None, True, None]
    assert [field.type for field in read.schema] == [pa.float64(), pa.float64(), pa.string(), pa.bool_()]


def test_the_columns_behind_expressions_are_listed_once(columns: ComputedColumns):
    assert columns.behind(["id", "mg_h - fe_h", "B-V", "B - V", "fe_h", "sqrt(FPARAM[1])"]) == [
        "id", "mg_h", "fe_h", "B-V", "B", "V", "FPARAM[1]",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mgh", "has no column 'mgh'. Did you mean 'mg_h'?"),
        ("E(B-W)", "The expression 'E(B-W)': 'E(B-W)' is not possible. Expressions have"),
        ("E(B-W)", "Nor is it a column: "),
        ("E(B-W)", "has no column 'E(B-W)'. Did you mean 'E(B-V)'?"),
        ("[Fe/H]", "has no column '[Fe/H]'"),
        ("mgh - fe_h", "The expression 'mgh - fe_h': "),
        ("mgh - fe_h", "has no column 'mgh'. Did you mean 'mg_h'?"),
        ("FPARAM - 1", "column 'FPARAM' holds 4 values a row, FPARAM[0] to FPARAM[3]. Name one of them."),
        ("FPARAM[7] - 1", "The expression 'FPARAM[7] - 1': "),
        ("sqr(B)", "'sqr(B)' is not possible. Expressions have"),
        ("flags + 1", "The expression 'flags + 1': 'flags' is text."),
        ("B + " * 500 + "B", "has 2,001 characters. Use at most 2,000."),
    ],
)
def test_what_is_neither_a_column_nor_an_expression_is_named(columns: ComputedColumns, name: str, message: str):
    with pytest.raises((SurveyError, ExpressionError)) as caught:
        columns.require([name]) or columns.read([name])
    assert message in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("separator", [",", ";"])
def test_characters_of_flags_are_those_of_the_file_even_if_all_are_digits(tmp_path: Path, separator: str):
    lines = ["id,flags,n", "1,0012,1", "2,9912,2", "3,,3", "4,1" + "0" * 40 + ",4"]
    path = tmp_path / "stars.csv"
    path.write_text("\n".join(lines).replace(",", separator) + "\n")
    columns = ComputedColumns(open_survey(path), SENTINELS)
    name = "substr(flags, 0, 2)"
    assert columns.read([name])[name].to_pylist() == ["00", "99", None, "10"]
    assert columns.read(["n", name, "flags"], 1, 3)[name].to_pylist() == ["99", None]
    columns.survey.copy(columns.behind(["id", name, "n"]), tmp_path / "copy")
    copied = ComputedColumns(open_survey(tmp_path / "copy"), SENTINELS)
    assert copied.read([name])[name].to_pylist() == ["00", "99", None, "10"]
    assert copied.survey.columns.keys() == {"id", "flags as text", "n"}


@given(st.text(alphabet="BVE-()[]FPARM_hgfesubtrl,.`'\"+*/<>= 0123\\#", max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_read_or_refused(columns: ComputedColumns, text: str):
    with contextlib.suppress(SurveyError, ExpressionError):
        columns.require([text])
        assert columns.has(text)
        assert isinstance(columns.unit(text), str)
        assert columns.read([text]).num_rows == 4


def test_a_column_that_is_not_there_is_none(columns: ComputedColumns):
    assert columns.has("B - V")
    assert not columns.has("B - W")
    assert not columns.has("B -")
