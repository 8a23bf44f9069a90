"""A survey in many files: rows one after the other, columns that agree, and errors that name both files."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from stdask.errors import SurveyError
from stdask.storage.surveys.files import open_survey

N_FILES, N_ROWS = 12, 5


def stars(number: int) -> Table:
    ids = np.arange(N_ROWS) + N_ROWS * number
    return Table({"id": ids, "teff": 5000.0 + ids, "name": [f"star {own}" for own in ids]}, units={"teff": "K"})


@pytest.fixture(scope="module", params=["fits", "ecsv", "csv", "csv.gz", "parquet"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("survey")
    for number in range(N_FILES):
        stars(number).write(
            folder / f"part_{number}.{request.param}", format={"csv.gz": "ascii.csv"}.get(request.param)
        )
    (folder / "_metadata").write_bytes(b"not a table")
    (folder / ".hidden").write_bytes(b"not a table")
    return folder


def write_csv(folder: Path, texts: Mapping[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


def test_rows_follow_one_another_in_the_order_of_the_names_with_numbers_as_numbers(folder: Path):
    survey = open_survey(folder)
    assert survey.n_rows == N_FILES * N_ROWS
    assert survey.read(["id"])["id"].to_pylist() == list(range(N_FILES * N_ROWS))
    assert [part.path.stem.split(".")[0] for part in survey.parts] == [f"part_{n}" for n in range(N_FILES)]


@pytest.mark.parametrize(("start", "stop"), [(0, 3), (3, 7), (5, 10), (12, 41), (59, 70), (60, 70), (7, 7)])
def test_a_slice_is_those_rows_of_the_whole(folder: Path, start: int, stop: int):
    survey = open_survey(folder)
    whole = survey.read(["name", "teff"])
    assert survey.read(["name", "teff"], start, stop) == whole.slice(start, max(min(stop, 60) - start, 0))
    assert whole["name"].to_pylist() == [f"star {n}" for n in range(60)]


def test_a_pattern_names_some_files(folder: Path):
    survey = open_survey(folder / "part_1*")
    assert survey.read(["id"])["id"].to_pylist() == [*range(5, 10), *range(50, 60)]
    with pytest.raises(SurveyError, match=r"No file fits .*nothing_\*"):
        open_survey(folder / "nothing_*")


def test_only_the_files_of_a_slice_are_read(folder: Path):
    survey = open_survey(folder)
    survey.read(["id"], 0, 1)  # now the types are known
    damaged = [part.path for part in survey.parts[:5]]
    kept = [path.read_bytes() for path in damaged]
    try:
        for path in damaged:
            path.write_bytes(b"")
        if survey.by_slices:
            assert survey.read(["id"], 25, 27)["id"].to_pylist() == [25, 26]
    finally:
        for path, content in zip(damaged, kept, strict=True):
            path.write_bytes(content)


def test_a_column_is_of_one_type_where_files_differ(tmp_path: Path):
    texts = {"1.csv": "id,x,y,z\n1,,,\n", "2.csv": "id,x,y,z\n2,7,1,a\n", "3.csv": "id,x,y,z\n3,8,1.5,\n"}
    read = open_survey(write_csv(tmp_path, texts)).read(["id", "x", "y", "z"])
    assert read["x"].to_pylist() == [None, 7, 8]
    assert read["y"].type == pa.float64()
    assert read["y"].to_pylist()[1:] == [1.0, 1.5]
    assert read["z"].to_pylist() == [None, "a", None]


def test_text_and_numbers_in_one_column_name_both_files(tmp_path: Path):
    folder = write_csv(tmp_path, {"1.csv": "id,x\n1,5\n", "2.csv": "id,x\n2,red\n"})
    with pytest.raises(SurveyError, match=r"'x' holds text in .*2\.csv, but not in .*1\.csv"):
        open_survey(folder).read(["x"])


def test_a_column_that_not_all_files_have_matters_only_if_it_is_read(tmp_path: Path):
    survey = open_survey(write_csv(tmp_path, {"1.csv": "id,x\n1,5\n", "2.csv": "id\n2\n"}))
    assert survey.read(["id"])["id"].to_pylist() == [1, 2]
    assert not survey.has("x")
    with pytest.raises(SurveyError, match=r"'x' is in .*1\.csv, but not in .*2\.csv"):
        survey.require(["id", "x"])
    with pytest.raises(SurveyError, match="has no column 'xx'"):
        survey.require(["xx"])


def test_two_units_of_one_column_name_both_files(tmp_path: Path):
    for number, unit in enumerate(("km / s", "m / s", "km / s")):
        Table({"rv": [1.0], "id": [1]}, units={"rv": unit}).write(tmp_path / f"{number}.fits")
    survey = open_survey(tmp_path)
    assert survey.read(["id"]).num_rows == 3
    with pytest.raises(SurveyError, match=r"'rv' is in km s-1 in .*0\.fits, but in m s-1 in .*1\.fits"):
        survey.require(["rv"])


def test_folders_that_are_no_survey_say_what_is_wrong(tmp_path: Path):
    with pytest.raises(SurveyError, match="has no files"):
        open_survey(tmp_path)
    write_csv(tmp_path, {"1.csv": "id\n1\n"})
    stars(0).write(tmp_path / "2.fits")
    with pytest.raises(SurveyError, match=r"1\.csv is CSV, 2\.fits is FITS"):
        open_survey(tmp_path)
    (tmp_path / "more").mkdir()
    with pytest.raises(SurveyError, match="holds the folder more"):
        open_survey(tmp_path)


def test_files_without_rows_do_not_matter_unless_all_are(tmp_path: Path):
    for number, n_rows in enumerate((0, 3, 0)):
        pq.write_table(pa.table({"id": pa.array(range(n_rows), pa.int64())}), tmp_path / f"{number}.parquet")
    assert open_survey(tmp_path).read(["id"], 1, 9)["id"].to_pylist() == [1, 2]
    (tmp_path / "1.parquet").unlink()
    with pytest.raises(SurveyError, match="has no rows"):
        open_survey(tmp_path)
