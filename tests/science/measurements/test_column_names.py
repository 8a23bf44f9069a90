"""Columns are recognised by the names that surveys have for them."""

import pytest

from stdask.config.survey import load_definition, shipped_names
from stdask.science.measurements.column_names import (
    GAIA_ID,
    ID,
    LABELS,
    find_column,
    find_columns,
    find_error,
    find_flag,
    find_percentiles,
    find_positions,
    find_release,
    is_gaia_table,
    plain,
)


@pytest.mark.parametrize("name", ["[Fe/H]", "fe_h", "FeH", "FE_H", "Fe-H "])
def test_spellings_of_one_name_are_one(name: str):
    assert plain(name) == "feh"


def test_the_most_wanted_name_is_taken_wherever_it_stands():
    assert find_column(["id", "x", "SOBJECT_ID"], ID) == "SOBJECT_ID"
    assert find_column(["x"], ID) is None


@pytest.mark.parametrize(
    ("column", "error"),
    [
        ("teff", "e_teff"),
        ("TEFF", "TEFF_ERR"),
        ("rv", "rv_error"),
        ("logg", "err_logg"),
        ("VHELIO_AVG", "VERR"),  # APOGEE
        ("logg(seis)", "s_logg(seis)"),  # at the CDS
    ],
)
def test_errors_are_found_by_the_forms_of_their_names(column: str, error: str):
    assert find_error(["other", error, column], column) == error


@pytest.mark.parametrize("name", [name for name in shipped_names() if not name.startswith("mock")])
def test_the_columns_that_definitions_name_are_recognised(name: str):
    """Truth: the shipped definitions, each of which was written by hand."""
    definition = load_definition(name)
    if definition.draft or len(definition.file.hdus) > 1:
        pytest.skip("its columns are not known for certain, or have the names of tables before them")
    names = definition.source_columns
    assert find_positions(names)[0] == (definition.position.ra, definition.position.dec)
    if definition.gaia_id:
        assert find_column(names, GAIA_ID) == definition.gaia_id
    found = find_columns(names, LABELS)
    for label in ("TEFF", "LOGG"):
        assert found[label] == definition.labels[label].column


@pytest.mark.parametrize(
    ("names", "pair"),
    [
        (["dec_dr2", "ra_icrs", "dec_icrs", "ra_dr2"], ("ra_icrs", "dec_icrs")),
        (["DEdeg", "RAdeg"], ("RAdeg", "DEdeg")),
        (["RA_ICRS", "DE_ICRS"], ("RA_ICRS", "DE_ICRS")),
        (["_RA", "_DE", "_RAJ2000", "_DEJ2000"], ("_RAJ2000", "_DEJ2000")),
        (["ra", "dec_icrs", "RAJ2000", "DEJ2000"], ("RAJ2000", "DEJ2000")),
        (["tdb_ra", "tdb_dec"], ("tdb_ra", "tdb_dec")),
    ],
)
def test_the_two_coordinates_are_of_one_system(names: list[str], pair: tuple[str, str]):
    assert find_positions(names)[0] == pair


@pytest.mark.parametrize(
    ("column", "low", "high"),
    [
        ("teff_gspphot", "teff_gspphot_lower", "teff_gspphot_upper"),  # Gaia DR3
        ("teff_val", "teff_percentile_lower", "teff_percentile_upper"),  # Gaia DR2
        ("r_med_photogeo", "r_lo_photogeo", "r_hi_photogeo"),  # Bailer-Jones et al. 2021
        ("GAIA_R_EST", "GAIA_R_LO", "GAIA_R_HI"),  # of 2018, in APOGEE
        ("dist50", "dist16", "dist84"),  # StarHorse
        ("[Fe/H]", "b_[Fe/H]_x", "B_[Fe/H]_xa"),  # Gaia at the CDS
    ],
)
def test_percentiles_are_found_by_the_forms_of_their_names(column: str, low: str, high: str):
    assert find_percentiles([high, "other", column, low], column) == (low, high)
    assert find_percentiles([column, low], column) is None


@pytest.mark.parametrize("flag", ["flag_mg_fe", "mg_fe_flag", "MG_FE_FLAG", "mg_fe_flags"])
def test_the_flag_of_one_quantity_is_found(flag: str):
    assert find_flag(["flag_sp", flag, "flag_fe_h"], "mg_fe") == flag


def test_a_table_of_the_archive_and_its_release_are_known_by_columns_that_no_other_has():
    assert is_gaia_table(["source_id", "ra", "teff_gspphot"])
    assert not is_gaia_table(["source_id", "ra", "teff", "dist"])  # a survey with ids of Gaia
    assert find_release(["source_id", "teff_gspphot"]) == "DR3"
    assert find_release(["source_id", "priam_flags"]) == "DR2"
    assert find_release(["ra", "dec"]) is None
