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


def test_the_error_of_a_label_is_half_the_difference_of_its_percentiles():
    label = {"column": "v", "percentile_16": "low", "percentile_84": "high", "typical_error": 9, "valid": [-50, 50]}
    columns = {
        "v": np.array([1000.0, 2000.0, 3000.0, NAN, 4000.0, 60000.0]),
        "low": np.array([500.0, 2000.0, -9999.0, 1.0, 30000.0, 59000.0]),
        "high": np.array([2500.0, 2000.0, 4000.0, 2.0, 70000.0, 61000.0]),  # beyond `valid` is fine for a percentile
    }
    source = SurveyColumns(columns, {"v": "m/s", "high": "m/s"})  # `low` takes the unit of `v`
    arrays, counts, _ = catalogue_columns(definition(labels={"RV": label}), source)
    assert_allclose(arrays["RV_ERR"], [1.0, 9, 9, NAN, 20.0, NAN], rtol=1e-15)
    assert counts["RV", "v"]["n_typical_error"] == 2


def test_no_value_of_an_expression_stands_for_missing():
    columns = {"1000 * v": np.array([99999.0, 5.0]), "v": np.array([99999.0, 5.0])}
    cuts = [{"column": name, "op": ">", "value": 0} for name in columns]
    labels = {name: {"column": column} for name, column in zip(("TEFF", "LOGG"), columns, strict=True)}
    source = SurveyColumns(columns, {}, computed={"1000 * v"})
    arrays, _, passing = catalogue_columns(definition(labels=labels, cuts=cuts), source)
    assert_array_equal(arrays["TEFF"], [99999.0, 5.0])
    assert_array_equal(arrays["LOGG"], [NAN, 5.0])
    assert_array_equal(passing, [[True, True], [False, True]])


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


def photometry_of(**bands: dict[str, object]) -> dict[str, object]:
    return {
        "g": "g",
        "ebv": "ebv",
        "typical_error": 0.01,
        "bands": {name: {"column": name.lower()} | own for name, own in bands.items()},
    }


def test_absolute_magnitudes_of_distances_are_those_worked_out_by_hand():
    asked = definition(
        photometry=photometry_of(KS={"error": "e_ks", "extinction": "a_ks"}, J={}),
        distances=[{"column": "d", "unit": "pc", "error": "e_d"}],
        derived=["M_G", "M_KS", "J_KS_0"],
    )
    columns = {
        "g": np.array([12.0, 12.0, 12.0, 12.0]),
        "ks": np.array([9.5, 9.5, 9.5, 99.0]),
        "e_ks": np.array([0.02, NAN, 0.02, 0.02]),
        "j": np.array([10.2, 10.2, 10.2, 10.2]),
        "a_ks": np.array([0.1, 0.1, -9999.0, 0.1]),
        "ebv": np.array([0.5, NAN, 0.5, 0.5]),
        "d": np.array([2000.0, 2000.0, 2000.0, 2000.0]),
        "e_d": np.array([100.0, NAN, 100.0, 100.0]),
    }
    arrays, counts, _ = catalogue_columns(asked, SurveyColumns(columns, {}))
    # modulus 5 log10(200) = 11.505150; A_G = 0.85926 x 2.742 x 0.5 = 1.178045; A_J = 0.723 x 0.5
    assert_allclose(arrays["DISTANCE_MODULUS"], [11.505150] * 4, atol=1e-6)
    assert_allclose(arrays["DISTANCE_MODULUS_ERR"], [0.108574, NAN, 0.108574, 0.108574], atol=1e-6)
    assert_allclose(arrays["M_G"], [-0.683195, NAN, -0.683195, -0.683195], atol=1e-6)
    assert_allclose(arrays["M_KS"], [-2.105150, -2.105150, NAN, NAN], atol=1e-6)
    assert_allclose(arrays["J_KS_0"], [0.7 - 0.3615 + 0.1, NAN, NAN, NAN], atol=1e-12)
    assert_allclose(arrays["KS_MAG_ERR"], [0.02, 0.01, 0.02, NAN])
    assert_array_equal(arrays["A_KS"], [0.1, 0.1, NAN, 0.1])
    assert (counts["A_KS", "a_ks"]["n_sentinel"], counts["KS_MAG", "ks"]["n_typical_error"]) == (1, 1)
    assert "BP_G_0" not in arrays
    names = {column.name for column in asked.catalogue_columns}
    assert names - {"STAR_KEY", "ra", "dec"} == arrays.keys()
    assert set(asked.source_columns) - {"id", "ra", "dec"} == columns.keys()


def test_a_parallax_takes_the_place_of_the_distance_and_is_counted():
    asked = definition(
        photometry=photometry_of(KS={"extinction": 0}),
        parallax={"column": "plx", "error": "e_plx", "unit": "arcsec"},
        distances=[{"column": "d"}],
        derived=["M_KS"],
    )
    columns = {
        "plx": np.array([0.5e-3, -1e-3, 0.1e-3, 2e-3, NAN]),
        "e_plx": np.array([0.01e-3, 0.1e-3, 0.03e-3, NAN, 1e-3]),
        "d": np.full(5, 7.0),
        "ks": np.full(5, 9.5),
        "g": np.full(5, 12.0),
        "ebv": np.full(5, NAN),
    }
    arrays, counts, _ = catalogue_columns(asked, SurveyColumns(columns, {}))
    assert_allclose(arrays["M_KS"], [9.5 - 11.505150, NAN, NAN, 9.5 - 8.494850, NAN], atol=1e-6)
    assert_allclose(arrays["DISTANCE_MODULUS_ERR"], [0.043429, NAN, NAN, NAN, NAN], atol=1e-6)
    assert_allclose(arrays["DISTANCE"], 7.0)
    found = counts["DISTANCE_MODULUS", "plx"]
    assert {name: found[name] for name in ("n_missing", "n_outside", "n_measured", "n_no_error")} == {
        "n_missing": 1,
        "n_outside": 2,
        "n_measured": 2,
        "n_no_error": 1,
    }


def test_a_definition_without_derived_quantities_reads_a_parallax_for_nothing():
    asked = definition(photometry=photometry_of(), parallax={"column": "plx"})
    columns = {name: np.array([1.0]) for name in ("g", "ebv", "plx")}
    arrays, _, _ = catalogue_columns(asked, SurveyColumns(columns, {}))
    assert arrays.keys() == {"G_MAG", "G_MAG_ERR", "EBV", "GOOD"}


@pytest.mark.parametrize("of", ["parallax", "distances"])
def test_absolute_magnitudes_scatter_about_the_truth_by_their_errors(of: str):
    rng, n = np.random.default_rng(11), 20_000
    absolute, kpc, ebv = rng.uniform(-2, 6, n), rng.uniform(0.1, 3, n), rng.uniform(0, 0.5, n)
    e_g, relative = rng.uniform(0.005, 0.05, n), rng.uniform(0.01, 0.08, n)
    measured = {
        "parallax": {"plx": (1 / kpc) * (1 + relative * rng.normal(size=n)), "e_plx": relative / kpc},
        "distances": {"d": kpc * (1 + relative * rng.normal(size=n)), "e_d": relative * kpc},
    }
    tables = {
        "parallax": {"parallax": {"column": "plx", "error": "e_plx"}},
        "distances": {"distances": [{"column": "d", "error": "e_d"}]},
    }
    g = absolute + 5 * np.log10(kpc) + 10 + 0.85926 * 2.742 * ebv + e_g * rng.normal(size=n)
    asked = definition(photometry={"g": "g", "g_error": "e_g", "ebv": "ebv"}, derived=["M_G"], **tables[of])
    arrays, _, _ = catalogue_columns(asked, SurveyColumns({"g": g, "e_g": e_g, "ebv": ebv, **measured[of]}, {}))
    pulls = (arrays["M_G"] - absolute) / np.hypot(arrays["G_MAG_ERR"], arrays["DISTANCE_MODULUS_ERR"])
    # 4 sigma of 20,000 stars, and 0.02 to second order in a relative error of at most 8 per cent
    assert abs(np.median(pulls)) < 4 * 1.253 / np.sqrt(n) + 0.02
    assert pulls.std() == pytest.approx(1, abs=4 / np.sqrt(2 * n) + 0.02)
