"""Layouts of tables in HDF5: of astropy, pandas, vaex and h5py; several tables are told apart."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from stdask.storage.surveys.hdf5.layouts import find_tables

X = np.arange(3.0)


@pytest.fixture
def file(tmp_path: Path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        yield file


def names(file: h5py.File) -> dict[str, list[str]]:
    return {name: list(table.columns) for name, table in find_tables(file).items()}


def test_a_group_of_columns_is_a_table_and_what_has_another_length_is_none_of_it(file: h5py.File):
    file["stars/teff"], file["stars/logg"], file["stars/wavelengths"] = X, X, np.arange(9)
    file["stars"].attrs["made"] = "by hand"
    assert names(file) == {"stars": ["logg", "teff"]}


def test_columns_at_the_root_are_a_table(file: h5py.File):
    file["teff"], file["covar"] = X, np.ones((3, 2, 2))
    assert names(file) == {"/": ["covar", "teff"]}
    assert find_tables(file)["/"].columns["covar"].shape == (2, 2)


def test_columns_of_vaex_are_a_table_with_units(file: h5py.File):
    file["table/columns/teff/data"] = X
    file["table/columns/teff/data"].attrs["unit"] = "K"
    assert names(file) == {"table": ["teff"]}
    assert find_tables(file)["table"].columns["teff"].unit == "K"


def test_datasets_of_records_are_tables(file: h5py.File):
    file["release/main"] = np.zeros(3, [("id", "i8"), ("covar", "f4", (2, 3))])
    file["release/visits"] = np.zeros(9, [("id", "i8")])
    assert names(file) == {"release/main": ["id", "covar"], "release/visits": ["id"]}
    assert find_tables(file)["release/main"].columns["covar"].shape == (2, 3)


def test_no_table_is_found_in_a_file_of_scalars_and_links_to_nothing(file: h5py.File):
    file["answer"] = 42
    file["gone"] = h5py.SoftLink("/nowhere")
    assert names(file) == {}


@pytest.mark.parametrize("how", [{"format": "fixed"}, {"format": "table"}, {"format": "table", "data_columns": True}])
@pytest.mark.filterwarnings("ignore:.*(PyTables will pickle|valid Python identifier):Warning")
def test_frames_of_pandas_have_their_columns_under_their_names(how: dict, tmp_path: Path):
    alpha = "\N{GREEK SMALL LETTER ALPHA}_fe"
    frame = pd.DataFrame({"teff": X, alpha: X, "n": [1, 2, 3], "name": ["a", "b", "c"]})
    frame.to_hdf(tmp_path / "f.h5", key="stars", mode="w", **how)
    with h5py.File(tmp_path / "f.h5") as file:
        assert names(file) == {"stars": ["index", "teff", alpha, "n", "name"]}
    frame.set_index(frame["n"].rename("source_id")).to_hdf(tmp_path / "f.h5", key="stars", mode="w", **how)
    with h5py.File(tmp_path / "f.h5") as file:
        assert next(iter(names(file)["stars"])) == "source_id"
