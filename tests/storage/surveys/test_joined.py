"""Tables of a survey as one: whose column a name is, and what is said of one that is nowhere."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stdask.config.survey import SurveyDefinition
from stdask.errors import SurveyError
from stdask.stages.ingest.joins.tables import as_one
from stdask.storage.surveys.files import open_survey
from stdask.storage.surveys.format import ROWS_AT_ONCE, SurveyFile

DEFINITION = {
    "name": "own",
    "title": "Own",
    "reference": "none",
    "id": "id",
    "labels": {"TEFF": {"column": "gaia.teff"}, "LOGG": {"column": "far.g"}, "FE_H": {"column": "feh"}},
    "join": [{"name": "gaia", "by": "row"}, {"name": "far", "by": "row"}],
}


def tables(folder: Path, main: pa.Table, **others: pa.Table) -> SurveyFile:
    for name, table in {"main": main, **others}.items():
        pq.write_table(table, folder / f"{name}.parquet")
    opened = {name: open_survey(folder / f"{name}.parquet") for name in others}
    definition = SurveyDefinition.model_validate(DEFINITION)
    return as_one(definition, open_survey(folder / "main.parquet"), opened)


def test_columns_of_all_tables_are_read_side_by_side_in_any_rows(tmp_path: Path):
    n = ROWS_AT_ONCE + 10
    teff = pa.field("teff", pa.float64(), metadata={"unit": "K"})
    gaia = pa.table(
        [pa.array(range(n), pa.float64()), [[i, -i] for i in range(n)]],
        schema=pa.schema([teff, ("v", pa.list_(pa.int64(), 2))]),
    )
    survey = tables(tmp_path, pa.table({"id": range(n), "teff": range(n)}), gaia=gaia, far=pa.table({"g": range(n)}))
    start = n - 13
    read = survey.read(["gaia.teff", "id", "far.g", "gaia.v[1]", "teff"], start)
    assert read.column_names == ["gaia.teff", "id", "far.g", "gaia.v[1]", "teff"]
    assert read["id"].to_pylist() == read["far.g"].to_pylist() == read["gaia.teff"].to_pylist() == list(range(start, n))
    assert read["gaia.v[1]"].to_pylist() == [-i for i in range(start, n)]
    assert survey.read(["gaia.teff", "id"], 0, 0).num_rows == 0
    assert sum(batch.num_rows for batch in survey.batches(["far.g", "id"])) == survey.n_rows == n
    assert (survey.unit("gaia.teff"), survey.unit("teff")) == ("K", "")


def test_a_column_that_is_missing_is_named_with_the_file_of_its_table(tmp_path: Path):
    survey = tables(tmp_path, pa.table({"id": [1]}), gaia=pa.table({"teff": [1.0]}), far=pa.table({"g": [1.0]}))
    with pytest.raises(SurveyError, match=r"gaia\.parquet has no column 'tef'\. Did you mean 'teff'"):
        survey.require(["gaia.tef"])
    with pytest.raises(SurveyError, match=r"main\.parquet has no column 'nothing'"):
        survey.require(["nothing"])


def test_columns_of_a_table_without_a_file_are_looked_for_in_the_main_one(tmp_path: Path):
    survey = tables(tmp_path, pa.table({"id": [1], "teff": [5.0], "gaia.source_id": [9], "feh": [0.1]}))
    assert survey.read(["gaia.teff", "gaia.source_id", "teff"]).to_pylist() == [
        {"gaia.teff": 5.0, "gaia.source_id": 9, "teff": 5.0}
    ]
    assert not survey.has("gaia.feh")  # that is another column of the definition: [Fe/H] of the main table
    with pytest.raises(
        SurveyError, match=r"No file is named for the table 'far', and .*main\.parquet has no column 'g'"
    ):
        survey.require(["far.g"])
