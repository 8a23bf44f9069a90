"""A catalogue read into tables of astropy, pandas and pyarrow: some columns of some stars, with their units."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.table import Table
from numpy.testing import assert_array_equal

import stdask
from stdask.errors import CatalogueError, ExpressionError
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from tests.storage.sky import write_sky


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return write_sky(tmp_path_factory.mktemp("catalogue") / "sky")[0]


@pytest.fixture(scope="module")
def stars(sky: Catalogue) -> pa.Table:
    return sky.read()


def test_a_catalogue_says_what_it_is_without_reading_stars(sky: Catalogue):
    opened = stdask.open_catalogue(str(sky.folder))
    assert len(opened) == 600
    assert repr(opened) == f"<Catalogue sky: 600 stars, 13 columns, {len(sky.rows)} partitions in {sky.folder}>"
    (line,) = [line for line in repr(opened.columns).splitlines() if line.startswith("TEFF ")]
    assert line.split(maxsplit=4) == ["TEFF", "float32", "K", "phys.temperature.effective", "Effective temperature"]


def test_an_astropy_table_has_units_descriptions_and_masks(sky: Catalogue, stars: pa.Table):
    table = open_catalogue(sky.folder).to_astropy(["SOURCE_ID", "TEFF", "survey_id", "GOOD"])
    assert type(table) is Table
    assert table.colnames == ["SOURCE_ID", "TEFF", "survey_id", "GOOD"]
    assert table["TEFF"].unit == u.K
    assert table["TEFF"].description == "Effective temperature"
    assert table["TEFF"].meta["ucd"] == "phys.temperature.effective"
    assert_array_equal(table["TEFF"], stars["TEFF"].to_numpy())  # NaN stays NaN
    assert table["SOURCE_ID"].dtype == np.int64
    assert table["SOURCE_ID"].tolist() == stars["SOURCE_ID"].to_pylist()  # masked where null, no digit lost
    assert table["survey_id"].tolist() == stars["survey_id"].to_pylist()
    assert table["GOOD"].dtype == bool


def test_a_pandas_frame_loses_no_digit_of_an_id(sky: Catalogue, stars: pa.Table):
    frame = open_catalogue(sky.folder).to_pandas()
    assert list(frame.columns) == stars.column_names
    assert frame["SOURCE_ID"].dtype == pd.Int64Dtype()
    assert [None if pd.isna(n) else n for n in frame["SOURCE_ID"]] == stars["SOURCE_ID"].to_pylist()
    assert frame["STAR_KEY"].tolist() == stars["STAR_KEY"].to_pylist()
    assert frame["TEFF"].dtype == np.float32


def test_a_condition_selects_stars_and_need_not_be_among_the_columns(sky: Catalogue, stars: pa.Table):
    chosen = open_catalogue(sky.folder).to_arrow(["TEFF", "RV"], where="GOOD and TEFF < 4800 and not visits > 4")
    teff, visits = stars["TEFF"].to_numpy(), stars["visits"].fill_null(9).to_numpy()  # a missing value never passes
    passing = stars["GOOD"].to_numpy() & (teff < 4800) & (visits <= 4)
    assert 0 < passing.sum() < 600
    assert chosen.column_names == ["TEFF", "RV"]
    assert_array_equal(chosen["RV"].to_numpy(), stars["RV"].to_numpy()[passing])
    assert chosen.schema.field("RV").metadata[b"unit"] == b"km/s"


def test_no_star_is_a_table_of_the_same_columns(sky: Catalogue):
    opened = open_catalogue(sky.folder)
    none, every = opened.to_astropy(where="TEFF < 0"), opened.to_astropy()
    assert len(none) == 0
    assert none.colnames == every.colnames
    assert [none[name].dtype.kind for name in none.colnames] == [every[name].dtype.kind for name in every.colnames]


def test_a_wrong_name_is_one_line_with_the_nearest_one(sky: Catalogue, tmp_path: Path):
    opened = open_catalogue(sky.folder)
    with pytest.raises(CatalogueError, match=r"^The catalogue sky has no column 'Tef'. Did you mean 'TEFF'\?$"):
        opened.to_astropy(["ra", "Tef"])
    with pytest.raises(CatalogueError, match=r"^'TEFF' appears twice in the columns"):
        opened.to_astropy(["TEFF", "TEFF"])
    with pytest.raises(CatalogueError, match=r"^The columns are a list of names: write \['TEFF'\]"):
        opened.to_astropy("TEFF")
    with pytest.raises(ExpressionError, match="there is no column 'TEF'"):
        opened.to_pandas(where="TEF < 5000")
    with pytest.raises(CatalogueError, match="is not a finished catalogue"):
        stdask.open_catalogue(tmp_path)
    (tmp_path / "catalogues" / "mock_a").mkdir(parents=True)
    with pytest.raises(CatalogueError, match=r"is the folder of a run\. Name one of its catalogues/: mock_a"):
        stdask.open_catalogue(tmp_path)
