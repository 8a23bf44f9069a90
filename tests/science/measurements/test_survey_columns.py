"""What a definition makes of survey columns."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from stdask.config.survey import SurveyDefinition
from stdask.errors import SurveyError
from stdask.science.measurements.survey_columns import SurveyColumns, catalogue_columns

NAN = np.nan


def definition(**tables: object) -> SurveyDefinition:
    content = {"name": "test", "title": "Test", "reference": "none", "id": "id", "labels": {}} | tables
    return SurveyDefinition.model_validate(content)


def test_a_label_takes_the_unit_of_the_quantity_and_its_errors_follow():
    asked = definition(labels={"RV": {"column": "v", "error": "e_v", "error_floor": 0.2}})
    source = SurveyColumns({"v": np.array([1000.0, -2000.0]), "e_v": np.array([100.0, 500.0])}, {"v": "m/s"})
    arrays, _, _ = catalogue_columns(asked, source)
    assert_allclose(arrays["RV"], [1.0, -2.0], rtol=1e-15)  # one rounding
    assert_allclose(arrays["RV_ERR"], [0.2, 0.5], rtol=1e-15)


def test_what_stands_for_missing_is_what_the_survey_writes_for_it():
    source = SurveyColumns(
        {"v": np.array([-9999.0, -1.0, 3.0]), "e_v": np.array([1.0, 1.0, -1.0])}, {}, sentinels=(-1.0,)
    )
    values, counts = source.values("v", "", "")
    assert_array_equal(values, [-9999.0, np.nan, 3.0])
    assert counts["n_sentinel"] == 1
    assert_array_equal(source.errors("e_v", values, "v", "", ""), [1.0, np.nan, np.nan])


def test_a_flagged_label_is_missing_but_its_star_stays_good():
    asked = definition(
        labels={"MG_FE": {"column": "mg", "good": [{"column": "flag", "op": "=", "value": 0}]}},
        cuts=[{"column": "snr", "op": ">", "value": 30}],
    )
    columns = {"mg": np.array([0.1, 0.2, 0.3]), "flag": np.array([0, 1, 0]), "snr": np.array([50, 50, 20])}
    arrays, counts, passing = catalogue_columns(asked, SurveyColumns(columns, {}))
    assert_array_equal(arrays["MG_FE"], [0.1, NAN, 0.3])
    assert_array_equal(arrays["GOOD"], [True, True, False])
    assert counts["MG_FE", "mg"]["n_not_good"] == 1
    assert_array_equal(passing, [[True, True, False]])


def test_the_first_distance_a_star_has_is_taken_with_its_own_error():
    asked = definition(
        distances=[
            {"column": "d1", "error": "e1", "accept": [{"column": "flags", "op": "is_null"}]},
            {"column": "d2", "unit": "pc", "percentile_16": "lo", "percentile_84": "hi"},
            {"column": "d3", "error_low": "e3_low", "error_high": "e3_high"},
        ]
    )
    columns = {
        "d1": np.array([1.0, 2.0, NAN, NAN]),
        "e1": np.array([0.1, 0.2, 0.3, 0.4]),
        "flags": np.ma.masked_array(np.array(["", "bad", "", ""], object), mask=[1, 0, 1, 1]),
        "d2": np.array([9000.0, 3000.0, -9999.0, NAN]),
        "lo": np.array([1.0, 2700.0, NAN, NAN]),
        "hi": np.array([2.0, 3500.0, NAN, NAN]),
        "d3": np.array([5.0, 6.0, 7.0, NAN]),
        "e3_low": np.array([1.0, 1.0, 1.0, 1.0]),
        "e3_high": np.array([1.0, 1.0, 2.0, 2.0]),
    }
    arrays, counts, _ = catalogue_columns(asked, SurveyColumns(columns, {}))
    assert_allclose(arrays["DISTANCE"], [1.0, 3.0, 7.0, NAN], rtol=1e-15)  # one rounding
    assert_allclose(arrays["DISTANCE_ERR"], [0.1, 0.4, 1.5, NAN], rtol=1e-15)
    assert [counts["DISTANCE", name]["n_measured"] for name in ("d1", "d2", "d3")] == [1, 1, 1]
    assert [counts["DISTANCE", name]["n_not_good"] for name in ("d1", "d2", "d3")] == [1, 0, 0]


def test_proper_motions_are_in_mas_a_year_with_the_errors_there_are():
    asked = definition(proper_motion={"pmra": "pm1", "pmdec": "pm2", "pmra_error": "e1"})
    columns = {
        "pm1": np.array([0.005, -2.0, NAN]),
        "e1": np.array([1e-4, 0.0, 1e-4]),
        "pm2": np.array([3.0, -9999.0, 1]),
    }
    arrays, counts, _ = catalogue_columns(asked, SurveyColumns(columns, {"pm1": "arcsec/yr"}))
    assert_allclose(arrays["PMRA"], [5.0, -2000.0, NAN], rtol=1e-15)  # one rounding
    assert_allclose(arrays["PMRA_ERR"], [0.1, NAN, NAN], rtol=1e-15)
    assert_array_equal(arrays["PMDEC"], [3.0, NAN, 1.0])
    assert np.isnan(arrays["PMDEC_ERR"]).all()
    assert (counts["PMRA", "pm1"]["n_measured"], counts["PMDEC", "pm2"]["n_sentinel"]) == (2, 1)


def test_a_survey_with_proper_motions_has_their_columns_and_others_have_not():
    asked = definition(proper_motion={"pmra": "pm1", "pmdec": "pm2", "pmdec_error": "e2"})
    assert asked.source_columns[-3:] == ("pm1", "pm2", "e2")
    names = {column.name for column in asked.catalogue_columns}
    assert {"PMRA", "PMRA_ERR", "PMDEC", "PMDEC_ERR"} <= names
    assert not any(column.name.startswith("PM") for column in definition().catalogue_columns)


def test_colours_are_dereddened_and_missing_without_reddening():
    photometry = {"g": "g", "bp": "bp", "rp": "rp", "typical_error": 0.003}
    columns = {name: np.array([m, m]) for name, m in {"g": 12.0, "bp": 12.6, "rp": 11.3}.items()}
    columns["ebv"] = np.array([0.2, -9999.0])
    arrays, _, _ = catalogue_columns(definition(photometry=photometry | {"ebv": "ebv"}), SurveyColumns(columns, {}))
    assert_allclose(arrays["BP_G_0"], [0.48556, NAN], atol=2e-6)  # by hand, as in test_dereddening
    assert_allclose(arrays["EBV"], [0.2, NAN])
    assert_array_equal(arrays["G_MAG_ERR"], [0.003, 0.003])
    arrays, _, _ = catalogue_columns(definition(photometry=photometry), SurveyColumns(columns, {}))
    assert np.isnan(arrays["BP_G_0"]).all()
    arrays, _, _ = catalogue_columns(definition(photometry=photometry, ebv="ebv"), SurveyColumns(columns, {}))
    assert_allclose(arrays["BP_G_0"], [0.48556, NAN], atol=2e-6)


def test_placeholder_magnitudes_are_no_measurements():
    photometry = {"g": "g", "bp": "bp", "rp": "rp"}
    columns = {name: np.array([12.0, 99.0, -9999.0]) for name in photometry}
    arrays, _, _ = catalogue_columns(definition(photometry=photometry), SurveyColumns(columns, {}))
    assert_array_equal(arrays["G_MAG"], [12.0, NAN, NAN])


def test_a_unit_that_does_not_fit_names_the_column():
    asked = definition(distances=[{"column": "parallax"}])
    with pytest.raises(SurveyError, match="Column 'parallax': unit 'mas' cannot be converted to 'kpc'"):
        catalogue_columns(asked, SurveyColumns({"parallax": np.array([1.0])}, {"parallax": "mas"}))
