"""Shipped survey definitions: each one loads, and those of files at hand fit them."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from stdask.config.survey import SurveyDefinition, load_definition, shipped_names
from stdask.errors import SurveyError
from stdask.storage.surveys.files import open_survey

FILES = {
    "lamost_dr3": "lamost_dr3_kgiants.fits",
    "apogee_dr17_giants": "apogee_dr17_giants.parquet",
    "apogee_dr14_kepler": "apogee_dr14_kepler.fits",
    "apogee_dr16_kepler": "apogee_dr16_kepler.parquet",
    "lamost_kepler": "lamost_kepler_giants.fits",
}
LEAST = {"name": "s", "title": "S", "reference": "none", "id": "id", "labels": {"TEFF": {"column": "teff"}}}


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_definition_loads_under_its_own_name(name: str):
    definition = load_definition(name)
    assert definition.name == name
    assert definition.reference
    assert definition.labels


@pytest.mark.parametrize("name", FILES)
def test_a_definition_names_only_columns_that_its_file_has(name: str, data_dir: Path):
    definition = load_definition(name)
    open_survey(data_dir / FILES[name], definition.file).require(definition.source_columns)


def test_the_papers_surveys_have_its_labels_and_cuts():
    galah, apogee = load_definition("galah_dr3"), load_definition("apogee_dr17")
    assert {"TEFF", "LOGG", "FE_H", "MG_FE", "RV"} <= set(galah.labels)
    assert {"TEFF", "LOGG", "M_H", "MG_FE", "VHELIO"} <= set(apogee.labels)
    # Thomas et al. 2024, sect. 3.1.1 and 3.1.2
    assert {term.column for term in galah.cuts} == {
        "snr_c3_iraf", "vbroad", "flag_sp", "flag_fe_h", "dr3_source_id"
    }  # fmt: skip
    assert {term.value for term in apogee.cuts if term.column == "ASPCAPFLAG"} == {19, 20, 23}


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(SurveyError, match=r"No survey definition 'lamost'.*lamost_dr3"):
        load_definition("lamost")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keep": ["TEFF"]}, "its own column 'TEFF'"),
        ({"keep": ["id"]}, "named twice"),
        ({"keep": ["a", "a"]}, "named twice"),
        ({"labels": {"teff": {"column": "teff"}}}, "capital letters"),
        ({"distances": [{"column": "d", "error_low": "e"}]}, "`error_low` and `error_high` together"),
        ({"distances": [{"column": "d", "percentile_16": "e"}]}, "`percentile_16` and `percentile_84` together"),
        (
            {"duplicates": {"by": "star", "best": "snr", "rescale_errors": True}},
            "duplicates.rescale_errors is set, but no label has a column of errors",
        ),
        ({"cuts": [{"op": ">", "value": 3}]}, "either `column` or `any_of`"),
        ({"cuts": [{"column": "a", "op": ">"}]}, "needs a `value`"),
        ({"cuts": [{"column": "a", "op": "is_null", "value": 1}]}, "takes no `value`"),
    ],
)
def test_a_definition_that_cannot_be_is_refused(change: dict, message: str):
    SurveyDefinition.model_validate(LEAST)
    with pytest.raises(ValueError, match=message):
        SurveyDefinition.model_validate(LEAST | change)


def test_where_a_definition_comes_from_does_not_change_catalogues():
    facts = {"data_model": "sdss.org", "checked": "2026-11-30", "unchecked": ["units"]}
    files = [{"file": "stars.fits", "address": "https://sdss.org"}]
    told = SurveyDefinition.model_validate(LEAST | facts | {"download": files})
    assert told.download[0].table == "main"
    assert told.model_dump() == SurveyDefinition.model_validate(LEAST).model_dump()


def test_a_table_is_joined_on_columns_of_those_before_it():
    joins = [{"name": "gaia", "on": "id"}, {"name": "far", "on": "gaia.source_id"}]
    content = {"name": "own", "title": "Own", "reference": "none", "id": "id", "labels": {"FE_H": {"column": "a.feh"}}}
    own = SurveyDefinition.model_validate(content | {"join": joins})
    assert own.in_one_table("gaia.parallax / plx_error - hypot(far.a, b)") == "parallax / plx_error - hypot(a, b)"
    assert own.in_one_table("sgaia.x + gaia.id") == "sgaia.x + gaia.id"  # the id is a column of the main table
    for wrong in (joins[::-1], [{"name": "gaia", "on": "gaia.id"}]):
        with pytest.raises(ValidationError, match="a column of a table that is not joined before it"):
            SurveyDefinition.model_validate(content | {"join": wrong})
