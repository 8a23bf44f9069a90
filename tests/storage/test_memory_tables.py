"""Tables of astropy, pandas and pyarrow: read as survey files are, and extended in their own kind."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.table import Column, MaskedColumn, QTable, Table
from numpy.testing import assert_array_equal

from stdask.errors import SurveyError
from stdask.schema import measured_columns
from stdask.storage.memory_tables import MemoryTable, append_columns, library_of, to_astropy, to_pandas
from stdask.storage.tables import to_table

NEW = to_table(
    [*measured_columns("TEFF")],
    {"TEFF": np.array([5000.0, np.nan, 4000.0]), "TEFF_ERR": np.array([50.0, np.nan, 40.0])},
)
# the same values in each kind of table: a missing float, integer and text
IDS, TEMPERATURES, NAMES = [2**60 + 1, None, 7], [5000.0, np.nan, 4000.0], ["a", None, "c"]
KINDS = {
    "astropy": Table(
        {
            "id": MaskedColumn([2**60 + 1, 0, 7], mask=[False, True, False]),
            "teff": Column(TEMPERATURES, unit="K"),
            "name": MaskedColumn(["a ", "", "c"], mask=[False, True, False]),
        }
    ),
    "masked quantities": QTable(
        {
            "id": MaskedColumn([2**60 + 1, 0, 7], mask=[False, True, False]),
            "teff": MaskedColumn([5000.0, -1.0, 4000.0], mask=[False, True, False], unit="K"),
            "name": [b"a", b" ", b"c"],
        }
    ),
    "pandas": pd.DataFrame({"id": pd.array(IDS, dtype="Int64"), "teff": TEMPERATURES, "name": NAMES}),
    "pandas on pyarrow": pd.DataFrame(
        {
            "id": pd.array(IDS, dtype="int64[pyarrow]"),
            "teff": pd.array(TEMPERATURES, dtype="double[pyarrow]"),
            "name": pd.array(NAMES, dtype="string[pyarrow]"),
        }
    ),
    "pyarrow": pa.table(
        {"id": pa.array(IDS), "teff": pa.array([5000.0, None, 4000.0]), "name": pa.array(NAMES).dictionary_encode()}
    ).cast(
        pa.schema(
            [
                pa.field("id", pa.int64()),
                pa.field("teff", pa.float64(), metadata={"unit": "K"}),
                pa.field("name", pa.dictionary(pa.int32(), pa.string())),
            ]
        )
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_missing_values_and_digits_are_those_of_a_survey_file(kind: str):
    given = MemoryTable(KINDS[kind])
    assert (given.n_rows, given.names) == (3, ["id", "teff", "name"])
    read = given.read(["name", "id", "teff"])
    assert [str(field.type) for field in read.schema] == ["string", "int64", "double"]
    assert read["id"].to_pylist() == IDS
    assert read["name"].to_pylist() == NAMES
    assert_array_equal(read["teff"].to_numpy(), TEMPERATURES)
    assert given.unit("teff") == ("" if kind.startswith("pandas") else "K")
    assert given.unit("id") == ""


@pytest.mark.parametrize("kind", KINDS)
def test_new_columns_follow_the_old_ones_in_a_table_of_the_same_kind(kind: str):
    before = KINDS[kind]
    after = append_columns(before, NEW)
    assert type(after) is type(before)
    assert MemoryTable(after).names == ["id", "teff", "name", "TEFF", "TEFF_ERR"]
    assert MemoryTable(before).names == ["id", "teff", "name"]  # the given table stays as it was
    assert_array_equal(MemoryTable(after).read(["TEFF"])["TEFF"].to_numpy(), NEW["TEFF"].to_numpy())
    if not kind.startswith("pandas"):
        assert MemoryTable(after).unit("TEFF") == MemoryTable(after).unit("teff") == "K"


def test_astropy_keeps_descriptions_and_pandas_its_index_and_kind_of_columns():
    assert append_columns(KINDS["astropy"], NEW)["TEFF_ERR"].description == "1-sigma error of TEFF"
    quantity = append_columns(KINDS["masked quantities"], NEW)["TEFF"]
    assert (quantity.unit, quantity.info.description) == (u.K, "Effective temperature")
    frame = KINDS["pandas"].set_axis([30, 10, 20])
    assert append_columns(frame, NEW).index.tolist() == [30, 10, 20]
    assert append_columns(frame, NEW)["TEFF"].dtype == np.float32
    assert str(append_columns(KINDS["pandas on pyarrow"], NEW)["TEFF"].dtype) == "float[pyarrow]"
    field = append_columns(KINDS["pyarrow"], NEW).schema.field("TEFF")
    assert field.metadata[b"description"] == b"Effective temperature"


def test_elements_of_vectors_are_columns_as_in_survey_files():
    vectors = np.arange(12.0).reshape(3, 4)
    lists = pa.table({"FPARAM": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 4)})
    masked = Table({"FPARAM": MaskedColumn(vectors, mask=vectors == 7, unit="K")})
    for table in (Table({"FPARAM": vectors}), lists):
        given = MemoryTable(table)
        assert given.columns == {"FPARAM", *(f"FPARAM[{n}]" for n in range(4))}
        assert_array_equal(given.read(["FPARAM[3]"])["FPARAM[3]"].to_numpy(), vectors[:, 3])
    assert_array_equal(MemoryTable(masked).read(["FPARAM[3]"])["FPARAM[3]"].to_numpy(), [3, np.nan, 11])
    assert MemoryTable(masked).unit("FPARAM[3]") == "K"


def test_elements_of_matrices_are_named_by_both_of_their_places():
    matrices = np.arange(12.0).reshape(2, 2, 3)
    given = MemoryTable(Table({"COVAR": matrices}))
    for name in ("COVAR[1,2]", "COVAR[5]"):
        assert given.has(name)
        assert_array_equal(given.read([name], 1)[name].to_numpy(), [matrices[1, 1, 2]])
    assert not given.has("COVAR[2,0]")
    with pytest.raises(SurveyError, match=r"no column 'COVR'\. Did you mean 'COVAR'\?"):
        given.require(["COVR"])


def test_byte_order_and_logarithmic_units_are_understood():
    table = QTable({"logg": [2.0, 3.0] * u.dex(u.cm / u.s**2), "teff": np.array([4000, 5000], ">f4")})
    given = MemoryTable(table)
    assert given.unit("logg") == "dex(cm / s2)"
    assert given.read(["logg"])["logg"].to_pylist() == [2.0, 3.0]
    assert given.read(["teff"])["teff"].to_pylist() == [4000.0, 5000.0]


def test_what_is_no_table_or_no_column_of_numbers_is_one_line():
    with pytest.raises(SurveyError, match=r"^A ndarray is no table. Give an astropy Table"):
        library_of(np.zeros(3))
    with pytest.raises(SurveyError, match="two columns are called 'a'"):
        MemoryTable(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    mixed = pd.DataFrame({"x": pd.Series([1, "b", 2.5], dtype=object)})
    with pytest.raises(SurveyError, match=r"^column 'x' is of mixed or unknown kind"):
        MemoryTable(mixed).read(["x"])
    for vectors in (Table({"x": np.zeros((2, 3))}), pa.table({"x": [[1.0], [2.0]]})):
        with pytest.raises(SurveyError, match=r"^column 'x' "):
            MemoryTable(vectors).read(["x"])


def test_a_table_without_rows_keeps_its_types():
    empty = NEW.slice(0, 0)
    assert to_pandas(empty)["TEFF"].dtype == np.float32
    assert to_astropy(empty)["TEFF"].dtype == np.float32
    assert to_astropy(empty)["TEFF"].unit == u.K
    for kind in KINDS:
        table = KINDS[kind][:0]
        assert MemoryTable(append_columns(table, empty)).n_rows == 0
