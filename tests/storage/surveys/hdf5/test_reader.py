"""HDF5: values as astropy and pandas wrote them, by slices, and what cannot be read in words."""

import gzip
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.table import MaskedColumn, Table

from stdask.config.survey_files import FileHints
from stdask.errors import SurveyError
from stdask.storage.surveys.files import open_survey

N = 300
IDS = 2**62 + 1 + 2 * np.arange(N)


@pytest.fixture
def frame() -> pd.DataFrame:
    names = [f"star {n}" if n % 7 else None for n in range(N)]
    return pd.DataFrame(
        {"source_id": IDS, "teff": np.where(np.arange(N) % 5, np.arange(N) + 0.5, np.nan), "name": names}
    ).assign(good=np.arange(N) % 2 == 0)


def test_a_table_of_astropy_has_its_units_masks_and_vectors(tmp_path: Path):
    stars = Table(
        {
            "source_id": IDS,
            "n": MaskedColumn(np.arange(N), mask=np.arange(N) == 3),
            "teff": np.linspace(4000, 5000, N).astype(">f4") * u.K,
            "covar": np.arange(4.0 * N).reshape(N, 2, 2),
            "name": [f"étoile {n}" for n in range(N)],
            "good": np.arange(N) % 2 == 0,
        }
    )
    stars.write(tmp_path / "a.h5", path="data/stars", serialize_meta=True)
    survey = open_survey(tmp_path / "a.h5")
    assert survey.by_slices
    assert list(survey.columns) == stars.colnames
    assert survey.unit("teff") == "K"
    read = survey.read(["source_id", "n", "teff", "name", "good", "covar[1,0]", "covar[3]"], 2, 5)
    assert read.to_pydict() == {
        "source_id": IDS[2:5].tolist(),
        "n": [2, None, 4],
        "teff": stars["teff"][2:5].tolist(),
        "name": ["étoile 2", "étoile 3", "étoile 4"],
        "good": [True, False, True],
        "covar[1,0]": [10, 14, 18],
        "covar[3]": [11, 15, 19],
    }


@pytest.mark.parametrize("how", [{}, {"data_columns": True}, {"data_columns": ["teff"]}])
def test_a_table_of_pandas_is_read_as_it_was_written(how: dict, frame: pd.DataFrame, tmp_path: Path):
    frame.to_hdf(tmp_path / "a.h5", key="stars", format="table", mode="w", **how)
    survey = open_survey(tmp_path / "a.h5")
    read = survey.read(list(frame.columns), 10, 20).to_pandas()
    assert read["source_id"].tolist() == IDS[10:20].tolist()
    assert np.array_equal(read["teff"], frame["teff"][10:20], equal_nan=True)
    assert [name if isinstance(name, str) else None for name in read["name"]] == [
        name if isinstance(name, str) else None for name in frame["name"][10:20]
    ]
    assert read["good"].tolist() == frame["good"][10:20].tolist()


@pytest.mark.filterwarnings("ignore:.*PyTables will pickle:Warning")
def test_a_fixed_frame_of_pandas_is_read_but_for_text_which_is_pickled(frame: pd.DataFrame, tmp_path: Path):
    frame.to_hdf(tmp_path / "a.h5", key="stars", mode="w")
    survey = open_survey(tmp_path / "a.h5")
    read = survey.read(["source_id", "teff", "good", "index"], 10, 20)
    assert read["source_id"].to_pylist() == IDS[10:20].tolist()
    assert np.array_equal(read["teff"].to_numpy(), frame["teff"][10:20], equal_nan=True)
    assert read["index"].to_pylist() == list(range(10, 20))
    assert [bool(good) for good in read["good"].to_pylist()] == frame["good"][10:20].tolist()
    with pytest.raises(SurveyError, match=r"a\.h5: column 'name' is a pickled Python object.*format=\"table\""):
        survey.read(["name"])


def test_a_group_of_columns_is_read(tmp_path: Path):
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["id"], file["name"] = IDS, [f"star {n}" for n in range(N)]
        file.create_dataset("teff", data=np.linspace(4000, 5000, N, dtype="f4"), compression="gzip", chunks=(7,))
    read = open_survey(tmp_path / "a.hdf5").read(["id", "name", "teff"], 298)
    assert read.to_pydict() == {
        "id": IDS[298:].tolist(),
        "name": ["star 298", "star 299"],
        "teff": [4996.65576171875, 5000],
    }


def test_of_several_tables_one_has_to_be_named_and_row_n_of_several_is_one_star(tmp_path: Path):
    for name in ("main", "gaia"):
        Table({"id": IDS, f"{name}_x": np.arange(N)}).write(tmp_path / "a.h5", path=f"dr1/{name}", append=True)
    with pytest.raises(SurveyError, match=r"a\.h5: it has several tables: dr1/gaia \(300 rows\), dr1/main.*hdus = \["):
        open_survey(tmp_path / "a.h5")
    assert list(open_survey(tmp_path / "a.h5", FileHints(hdus=("/dr1/main",))).columns) == ["id", "main_x"]
    both = open_survey(tmp_path / "a.h5", FileHints(hdus=("dr1/main", "dr1/gaia")))
    assert both.read(["dr1/main.id", "dr1/gaia.gaia_x"], 5, 6).to_pydict() == {
        "dr1/main.id": [int(IDS[5])],
        "dr1/gaia.gaia_x": [5],
    }
    with pytest.raises(SurveyError, match=r"it has no table 'visits'\. Name in \[file\] hdus some of dr1/gaia"):
        open_survey(tmp_path / "a.h5", FileHints(hdus=("visits",)))


def test_tables_of_different_lengths_are_not_one_table(tmp_path: Path):
    Table({"a": np.arange(3)}).write(tmp_path / "a.h5", path="a")
    Table({"b": np.arange(4)}).write(tmp_path / "a.h5", path="b", append=True)
    with pytest.raises(SurveyError, match=r"not all tables .*: a has 3, b has 4"):
        open_survey(tmp_path / "a.h5", FileHints(hdus=("a", "b")))


def test_other_content_is_refused_in_words(tmp_path: Path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["answer"] = 42
    with pytest.raises(SurveyError, match=r"a\.h5: it holds no table.*Table\.write"):
        open_survey(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["z"] = np.zeros(3, complex)
        file["v"] = np.array([np.arange(2), np.arange(3), np.arange(1)], dtype=object).astype(h5py.vlen_dtype("i4"))
    survey = open_survey(tmp_path / "b.h5")
    for name in ("z", "v"):
        with pytest.raises(SurveyError, match=rf"b\.h5: column '{name}'"):
            survey.read([name])
    (tmp_path / "a.h5.gz").write_bytes(gzip.compress((tmp_path / "a.h5").read_bytes()))
    with pytest.raises(SurveyError, match=r"a\.h5\.gz is an HDF5 file that was packed.*Unpack it"):
        open_survey(tmp_path / "a.h5.gz")


def test_long_records_are_read_in_parts(tmp_path: Path):
    Table({"id": IDS, "spectrum": np.zeros((N, 20_000))}).write(tmp_path / "a.h5", path="stars")  # 160 kB a row
    parts = list(open_survey(tmp_path / "a.h5")._tables([], 0, N))
    assert sum(1 for _ in parts) >= 1
    assert open_survey(tmp_path / "a.h5").read(["id", "spectrum[7]"])["id"].to_pylist() == IDS.tolist()
