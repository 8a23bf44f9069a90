"""The properties of catalogues, as hats and LSDB read them."""

from pathlib import Path

import numpy as np
import pytest
from jproperties import Properties

from stdask import schema
from stdask.schema import Column
from stdask.science.sky.healpix import sky_index
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.catalogue.hats import finish_catalogue
from stdask.storage.catalogue.properties import default_columns, parse_properties, properties_of, write_properties
from stdask.storage.tables import to_table
from tests.storage.sky import COLUMNS, star_data, write_sky, write_stars

ID = Column("obsid", "int64", "", "meta.id;meta.main")
SURVEY = (schema.HEALPIX, ID, schema.STAR_KEY, *schema.POSITION, *schema.measured_columns("TEFF"), schema.GOOD)
TRANSLATED = (
    *SURVEY,
    *schema.translated_columns("TEFF"),
    *schema.member_columns("TEFF", 2),
    *schema.flag_columns(["intrinsic"]),
)


def test_a_translated_catalogue_shows_ids_positions_values_errors_and_flags_first():
    first = ["obsid", "ra", "dec", "GOOD", "TEFF_PRED_50", "TEFF_PRED_SIGMA"]
    assert default_columns(TRANSLATED) == [*first, "QFLAG_INPUT_INTRINSIC", "QFLAG_OUTPUT_INTRINSIC"]


def test_a_merged_catalogue_shows_values_on_the_common_scale_and_places_first():
    columns = (
        schema.HEALPIX,
        schema.ID,
        schema.SURVEY,
        schema.STAR_KEY,
        *schema.POSITION,
        *schema.merged_columns("FE_H", "dex", 2),
        *schema.DISTANCE,
        *schema.GALACTOCENTRIC,
    )
    expected = ["ID", "SURVEY", "ra", "dec", "FE_H", "FE_H_ERR", "DISTANCE", "DISTANCE_ERR", "Z_GC", "R_GC"]
    assert default_columns(columns) == expected


def test_the_catalogue_of_a_survey_shows_all_columns():
    assert default_columns(SURVEY) == []


def test_a_name_that_a_list_cannot_hold_is_left_out():
    odd = Column("2MASS id", "string", "", "meta.id;meta.main")
    assert "2MASS id" not in default_columns((odd, *TRANSLATED))


@pytest.mark.filterwarnings("ignore:The inplace keyword in NestedFrame:DeprecationWarning")  # of nested-pandas 0.7
def test_lsdb_reads_the_default_columns_unless_told_otherwise(tmp_path: Path):
    lsdb = pytest.importorskip("lsdb")
    data = {c.name: np.zeros(50, bool if c.dtype == "bool" else float) for c in TRANSLATED if c.dtype != "string"}
    data |= {"obsid": np.arange(50), "QFLAG_COMMENTS": np.full(50, "", object)}
    data |= {name: values[:50] for name, values in star_data(100).items() if name in ("ra", "dec")}
    data["_healpix_29"] = sky_index(data["ra"], data["dec"])
    catalogue, _ = write_stars(tmp_path / "sky", to_table(TRANSLATED, data), 20)
    assert list(lsdb.open_catalog(catalogue.folder).columns) == default_columns(TRANSLATED)
    everything = lsdb.open_catalog(catalogue.folder, columns="all")
    assert list(everything.columns) == [column.name for column in TRANSLATED[1:]]
    assert len(everything.compute(progress_bar=False)) == 50


def test_hats_knows_every_property(tmp_path: Path):
    hats = pytest.importorskip("hats")
    catalogue, _ = write_sky(tmp_path / "sky")
    found = hats.read_hats(catalogue.folder)
    info = found.catalog_info
    assert (info.hats_max_rows, info.hats_order) == (max(catalogue.rows.values()), str(max(catalogue.rows)[0]))
    assert info.moc_sky_fraction == pytest.approx(found.partition_info.calculate_fractional_coverage(), abs=5e-6)
    assert (info.hats_cols_survey_id, info.hats_frame) == ("survey_id", "equatorial")
    assert info.default_columns is None


def test_the_epoch_of_the_positions_is_read_back(tmp_path: Path):
    finish_catalogue(tmp_path / "sky", "sky", COLUMNS, {}, {}, 2016.0)
    assert "hats_coordinate_epoch=2016.0\n" in (tmp_path / "sky" / "hats.properties").read_text()
    assert open_catalogue(tmp_path / "sky").epoch == 2016.0


def test_the_creation_date_is_that_of_the_sources(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1772323201")
    assert properties_of("sky", COLUMNS, {}, 0)["hats_creation_date"] == "2026-03-01T00:00UTC"


def test_without_such_a_date_a_catalogue_has_the_same_bytes_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    texts = [(write_sky(tmp_path / name / "sky")[0].folder / "hats.properties").read_text() for name in "ab"]
    assert texts[0] == texts[1]
    assert "date" not in texts[0].replace("hats_release_date", "")


HOSTILE = {
    "obs_title": "A = B, \u00fcber \u03b1 \\alpha C:\\new # ! :",
    "bib_reference": "\n@article{x,\nyear = 2021,\nhats_nrows=5\r\n\x00\x1b}\u2028end\x85",
    "stdask_source": "#a",
}


def test_a_text_of_several_lines_is_one_property_for_every_reader(tmp_path: Path):
    write_properties(tmp_path / "hats.properties", HOSTILE | {"hats_nrows": "12", "left_out": ""})
    content = (tmp_path / "hats.properties").read_bytes()
    plain = HOSTILE | {"bib_reference": "@article{x, year = 2021, hats_nrows=5 } end", "hats_nrows": "12"}
    assert parse_properties(content.decode()) == plain
    theirs = Properties()  # the reader of hats and LSDB
    theirs.load(content, "utf-8")
    assert theirs.properties == plain
