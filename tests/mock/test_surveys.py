"""The mock surveys have the Galaxy, the offsets, the noise and the flaws that they claim."""

from collections.abc import Mapping
from pathlib import Path

import astropy.units as u
import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import ICRS, Galactic
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from stdask.config.survey import SurveyDefinition, load_definition
from stdask.errors import ConfigError
from stdask.mock.galaxy import GALAXY, disc_densities, thin_shares, true_magnesium, true_metallicity
from stdask.mock.observing import offsets_a
from stdask.mock.sky import CLUSTERS
from stdask.mock.stars import atmospheres, intrinsic_colours
from stdask.mock.surveys import MockSurveys, mock_surveys
from stdask.science.measurements.cuts import passes

Pairs = tuple[np.ndarray, np.ndarray]
N_ROWS, N_COMMON = 60_000, 8_000
LABELS = {"TEFF": "TEFF", "LOGG": "LOGG", "FE_H": "M_H", "MG_FE": "MG_FE", "RV": "VHELIO"}  # of A and of B
TRUTHS = {"M_H": "FE_H", "VHELIO": "RV"}  # where the truth table calls a label of B otherwise
# Thomas et al. 2024, A&A 690, A54, sect. 3.3: standard deviation of GALAH - APOGEE on held-out stars
PUBLISHED_SCATTER = {"TEFF": 103.9, "LOGG": 0.120, "FE_H": 0.097, "MG_FE": 0.096, "RV": 0.47}


@pytest.fixture(scope="module")
def surveys() -> MockSurveys:
    return mock_surveys(N_ROWS, N_ROWS, N_COMMON, seed=1)


@pytest.fixture(scope="module")
def pairs(surveys: MockSurveys) -> Pairs:
    """Rows of A and of B of the stars in both that pass the cuts of the shipped definitions."""
    rows, ids = [], []
    for table, definition in both_sides(surveys):
        assert definition.duplicates is not None
        assert definition.gaia_id is not None
        ok = np.logical_and.reduce([passes(term, table) for term in definition.cuts])
        ok &= np.logical_and.reduce(
            [passes(t, table) for label in definition.labels.values() for t in label.good] or [ok]
        )
        best = best_rows(table[definition.duplicates.by], table[definition.duplicates.best])
        rows.append(best[ok[best]])
        ids.append(table[definition.gaia_id][rows[-1]])
    _, in_a, in_b = np.intersect1d(*ids, return_indices=True)
    rows_a, rows_b = rows[0][in_a], rows[1][in_b]
    clear = surveys.a["ebv"][rows_a] <= 0.3
    return rows_a[clear], rows_b[clear]


def both_sides(surveys: MockSurveys) -> list[tuple[dict[str, np.ndarray], SurveyDefinition]]:
    return [(surveys.a, load_definition("mock_a")), (surveys.b, load_definition("mock_b"))]


def best_rows(stars: np.ndarray, merits: np.ndarray) -> np.ndarray:
    order = np.lexsort((-merits, stars))
    return order[np.concatenate([[True], stars[order][1:] != stars[order][:-1]])]


def measured(table: Mapping[str, np.ndarray], definition: SurveyDefinition, label: str) -> np.ndarray:
    return table[definition.labels[label].column].astype(float)


def stated_errors(table: Mapping[str, np.ndarray], definition: SurveyDefinition, label: str) -> np.ndarray:
    column = definition.labels[label].error
    assert column is not None
    return table[column].astype(float)


def differences(surveys: MockSurveys, pairs: Pairs) -> dict[str, np.ndarray]:
    """Return A - B of each label of A, outliers beyond 5 sigma taken out of the velocities as in sect. 3.2."""
    (a, definition_a), (b, definition_b) = both_sides(surveys)
    found = {
        of_a: measured(a, definition_a, of_a)[pairs[0]] - measured(b, definition_b, of_b)[pairs[1]]
        for of_a, of_b in LABELS.items()
    }
    for _ in range(5):
        centred = found["RV"] - np.median(found["RV"])
        found["RV"] = found["RV"][np.abs(centred) < 5 * centred.std()]
    return found


def latitudes(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    return ICRS(ra * u.deg, dec * u.deg).transform_to(Galactic()).b.deg


def fitted_slopes(stars: Mapping[str, np.ndarray], chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return d[Fe/H]/dR and d[Fe/H]/d|Z| of a least-squares plane, and their errors."""
    design = np.stack([np.ones(chosen.sum()), stars["R_GC"][chosen], np.abs(stars["Z_GC"][chosen])], axis=1)
    fit, residual, *_ = np.linalg.lstsq(design, stars["FE_H"][chosen])
    covariance = np.linalg.inv(design.T @ design) * residual[0] / (len(design) - 3)
    return fit[1:], np.sqrt(np.diag(covariance))[1:]


def test_the_shipped_definitions_name_only_columns_that_the_tables_have(surveys: MockSurveys) -> None:
    for table, definition in both_sides(surveys):
        assert set(definition.source_columns) <= set(table)


def test_all_columns_of_all_tables_have_the_rows_asked_for(surveys: MockSurveys) -> None:
    for table in (surveys.a, surveys.b, surveys.truth_a, surveys.truth_b):
        assert {values.shape for values in table.values()} == {(N_ROWS,)}


def test_each_truth_row_belongs_to_the_survey_row_beside_it(surveys: MockSurveys) -> None:
    assert_array_equal(surveys.truth_a["id"], surveys.a["sobject_id"])
    assert_array_equal(surveys.truth_b["id"], surveys.b["APOGEE_ID"])


def test_the_same_seed_gives_the_same_surveys_and_another_seed_others() -> None:
    first, again, other = (mock_surveys(3000, 3000, 200, seed=seed) for seed in (4, 4, 5))
    for name, values in first.a.items():
        assert_array_equal(values, again.a[name])
    for name, values in first.b.items():
        assert_array_equal(values, again.b[name])
    assert not np.array_equal(first.a["teff"], other.a["teff"])


def test_as_many_stars_in_common_as_asked_pass_the_cuts_of_the_shipped_definitions(pairs: Pairs) -> None:
    assert len(pairs[0]) == N_COMMON


def test_stars_in_common_have_the_same_truth_in_both_surveys(surveys: MockSurveys, pairs: Pairs) -> None:
    for name in ("TEFF", "LOGG", "FE_H", "MG_FE", "RV", "DISTANCE"):
        assert_array_equal(surveys.truth_a[name][pairs[0]], surveys.truth_b[name][pairs[1]])


def test_too_many_stars_in_common_are_refused() -> None:
    with pytest.raises(ConfigError, match="Ask for fewer in common"):
        mock_surveys(3000, 30_000, 2000, seed=1)


def test_half_of_a_and_sixty_percent_of_b_pass_the_cuts(surveys: MockSurveys) -> None:
    # Thomas et al. 2024, sect. 3.1: 293,314 of 588,571 with [Mg/Fe] and 455,486 of 733,901; a mock need not be closer
    # than 0.05, which is also how far it moves with the share of the bright stars in common
    for (table, definition), published in zip(both_sides(surveys), (0.498, 0.621), strict=True):
        good = [passes(t, table) for label in definition.labels.values() for t in label.good]
        passing = np.logical_and.reduce([*(passes(term, table) for term in definition.cuts), *good])
        assert_allclose(passing.mean(), published, atol=0.05)


def test_the_thin_disc_has_its_gradients_and_their_break(surveys: MockSurveys) -> None:
    stars = surveys.truth_b
    thin = stars["population"] == "thin"
    outer, outer_error = fitted_slopes(stars, thin & (stars["R_GC"] > 6) & (stars["R_GC"] < 12))
    inner, inner_error = fitted_slopes(stars, thin & (stars["R_GC"] < 6))
    # 4 sigma of the fit: the scatter is not symmetric, but the same everywhere, so slopes are unbiased
    assert np.all(np.abs(outer - (GALAXY.outer_gradient, GALAXY.thin_vertical)) < 4 * outer_error)
    assert np.all(np.abs(inner - (GALAXY.inner_gradient, GALAXY.thin_vertical)) < 4 * inner_error)
    assert outer[0] - inner[0] < -10 * np.hypot(outer_error[0], inner_error[0])


def test_the_thick_disc_has_a_vertical_gradient_only(surveys: MockSurveys) -> None:
    slopes, errors = fitted_slopes(surveys.truth_b, surveys.truth_b["population"] == "thick")
    assert np.all(np.abs(slopes - (0.0, GALAXY.thick_vertical)) < 4 * errors)


def test_stars_scatter_about_the_true_median_metallicity_more_to_the_poor_side(surveys: MockSurveys) -> None:
    stars = surveys.truth_b
    for population, scatter in (("thin", GALAXY.thin_scatter), ("thick", GALAXY.thick_scatter)):
        own = stars["population"] == population
        away = stars["FE_H"][own] - true_metallicity(population, stars["R_GC"][own], stars["Z_GC"][own])
        assert_allclose(np.mean(away < 0), 0.5, atol=4 * 0.5 / np.sqrt(own.sum()))  # 4 sigma binomial
        # the mean of a half-normal is sqrt(2 / pi) sigma; 0.8 % sampling, and stars below -2.5 are cut off
        widths = [np.sqrt(np.pi / 2) * np.abs(away[side]).mean() for side in (away < 0, away > 0)]
        assert_allclose(widths, scatter, rtol=0.03)


def test_the_discs_follow_two_magnesium_tracks_with_few_stars_between(surveys: MockSurveys) -> None:
    stars = surveys.truth_b
    near_knee = (np.abs(stars["FE_H"] + 0.6) < 0.1) & (stars["cluster"] == "")
    mg_fe = stars["MG_FE"][near_knee]
    # by the constants the tracks are at 0.104 and 0.318 there, 8 times their scatter apart
    between = (mg_fe > 0.18) & (mg_fe < 0.24)
    assert between.mean() < 0.03  # 2.5 sigma from either track, and their slopes over 0.2 dex
    assert_allclose(np.median(mg_fe[mg_fe < 0.21]), 0.104, atol=0.01)
    assert_allclose(np.median(mg_fe[mg_fe > 0.21]), 0.318, atol=0.015)  # the knee is within the interval
    assert min(np.mean(mg_fe < 0.21), np.mean(mg_fe > 0.21)) > 0.2


def test_the_tracks_pass_through_their_named_points() -> None:
    thin = true_magnesium("thin", np.array([0.0, -0.5]))
    assert_allclose(thin, [0.02, 0.09], atol=1e-12)
    thick = true_magnesium("thick", np.array([-1.5, 0.0]))
    assert_allclose(thick, [0.33, 0.33 - 0.36 * 0.55], atol=1e-3)  # the knee is rounded


def test_north_of_the_plane_is_richer_in_metals_and_poorer_in_magnesium_only_in_the_outer_disc() -> None:
    stars = mock_surveys(1000, 300_000, 10, seed=1).truth_b  # one star in a hundred lies there

    def north_minus_south(name: str, inner: float, outer: float) -> tuple[float, float]:
        near = (np.abs(np.abs(stars["Z_GC"]) - 0.75) < 0.35) & (stars["R_GC"] > inner) & (stars["R_GC"] < outer)
        north, south = (stars[name][near & (np.sign(stars["Z_GC"]) == side)] for side in (1, -1))
        # error of a median of normal values: 1.25 sigma / sqrt(n)
        error = 1.25 * np.hypot(north.std() / np.sqrt(north.size), south.std() / np.sqrt(south.size))
        return float(np.median(north) - np.median(south)), float(error)

    iron, iron_error = north_minus_south("FE_H", 12, 14)
    magnesium, magnesium_error = north_minus_south("MG_FE", 12, 14)
    near, near_error = north_minus_south("FE_H", 8, 11)
    # the midplane lies up to 0.5 kpc to the north there: 2 x 0.35 kpc x 0.25 dex / kpc at most, and more thin disc
    assert 0.05 < iron < 0.25
    assert iron > 4 * iron_error
    assert magnesium < -3 * magnesium_error
    assert abs(near) < 4 * near_error + 0.01  # the surveys do not sample both sides at quite the same heights


def test_the_thin_disc_flares_and_the_thick_one_does_not() -> None:
    radii, steps = np.array([5.0, 10.0, 12.0]), np.array([1.0, 1.1])[:, None]
    thin, thick = disc_densities(radii, steps)
    thin_heights, thick_heights = (0.1 / np.log(d[0] / d[1]) for d in (thin, thick))
    assert_allclose(thin_heights, 0.28 * np.exp([0, 0.5, 0.75]), rtol=1e-9)  # e-folds in 8 kpc outside 6 kpc
    assert_allclose(thick_heights, 0.85, rtol=1e-9)
    assert np.all(np.diff(thin_shares(radii, np.full(3, 1.5))) > 0)


def test_the_sun_and_a_clump_giant_look_as_they_do() -> None:
    teff, logg = atmospheres(np.array([4.66, 0.5]), np.zeros(2), np.array([4.6, 4.0]), np.array([False, True]))
    # the Sun, M_G = 4.66, M_bol = 4.74; then the clump at 4650 to 4900 K and log g 2.3 to 2.6 (Girardi 2016, ARA&A 54,
    # 95). The tracks are drawn by hand: 40 K and 0.03 for the Sun, the range for the clump.
    assert np.all(np.abs(teff - (5772, 4775)) < (40, 125))
    assert np.all(np.abs(logg - (4.438, 2.45)) < (0.03, 0.15))
    bp_g, g_rp = intrinsic_colours(np.array([5772.0]), np.array([4.438]), np.zeros(1))
    assert_allclose(bp_g + g_rp, 0.82, atol=0.01)  # Casagrande & VandenBerg 2018, MNRAS 479, L102


def test_raw_differences_scatter_as_published(surveys: MockSurveys, pairs: Pairs) -> None:
    found = differences(surveys, pairs)
    for label, published in PUBLISHED_SCATTER.items():
        # 10 %: how well the offsets were set by hand; the error of a standard deviation is 1 % here
        assert_allclose(found[label].std(), published, rtol=0.10, err_msg=label)
    assert_allclose(found["RV"].mean(), 0.3, atol=0.03)


def test_a_smooth_function_of_the_inputs_takes_most_of_the_offsets_away(surveys: MockSurveys, pairs: Pairs) -> None:
    (a, definition_a), (b, definition_b) = both_sides(surveys)
    known = dict(list(LABELS.items())[:4])
    inputs = np.stack([measured(a, definition_a, name)[pairs[0]] for name in known], axis=1)
    labels = np.stack([measured(b, definition_b, name)[pairs[1]] for name in known.values()], axis=1)
    train = np.arange(len(inputs)) % 5 > 0
    cubic = make_pipeline(StandardScaler(), PolynomialFeatures(3), LinearRegression())
    predicted = cubic.fit(inputs[train], labels[train]).predict(inputs[~train])
    raw, left = (np.std(v - labels[~train], axis=0) for v in (inputs[~train], predicted))
    # a cubic, without the colours, stays behind a network; 4 sigma of the ratio of two deviations is 0.05
    assert np.all(left < (0.90, 0.95, 0.85, 0.75) * raw)


def test_b_is_the_truth_and_noise_of_its_stated_errors(surveys: MockSurveys, pairs: Pairs) -> None:
    definition = load_definition("mock_b")
    for label in ("TEFF", "LOGG", "M_H", "MG_FE"):
        truth = surveys.truth_b[TRUTHS.get(label, label)][pairs[1]]
        error = stated_errors(surveys.b, definition, label)[pairs[1]]
        pull = (measured(surveys.b, definition, label)[pairs[1]] - truth) / error
        assert_allclose(pull.mean(), 0, atol=4 / np.sqrt(N_COMMON))
        # errors are stated with 15 % of lognormal scatter: pulls are exp(0.15^2) = 1.02 wide; 4 sigma of sampling 0.03
        assert_allclose(pull.std(), 1.02, atol=0.04)


def test_a_is_the_truth_its_offsets_and_noise_of_its_stated_errors(surveys: MockSurveys, pairs: Pairs) -> None:
    definition, rows = load_definition("mock_a"), pairs[0]
    truth = {name: surveys.truth_a[name][rows] for name in ("TEFF", "LOGG", "FE_H", "MG_FE")}
    offsets = offsets_a(*truth.values())
    for (label, values), offset in zip(truth.items(), offsets, strict=False):
        error = stated_errors(surveys.a, definition, label)[rows]
        pull = (measured(surveys.a, definition, label)[rows] - values - offset) / error
        assert_allclose(pull.mean(), 0, atol=4 / np.sqrt(N_COMMON))
        assert_allclose(pull.std(), 1.02, atol=0.04)  # as for B


def test_the_noise_of_a_grows_towards_low_metallicity(surveys: MockSurveys) -> None:
    errors, fe_h = surveys.a["e_fe_h"], surveys.truth_a["FE_H"]
    # 1 + 0.6 x (-0.4 - [Fe/H]) at -1.2 or so is 1.5; the S/N of the two groups differs a little
    assert np.median(errors[fe_h < -1]) > 1.3 * np.median(errors[fe_h > -0.4])


def test_magnesium_is_missing_in_a_for_one_star_in_seven_and_more_often_where_lines_are_weak(
    surveys: MockSurveys,
) -> None:
    lacking = surveys.a["flag_mg_fe"] != 0
    poor = surveys.truth_a["FE_H"] < -1
    assert_allclose(lacking.mean(), 0.14, atol=0.015)  # Thomas et al. 2024, sect. 3.5; it moves with the mix of stars
    assert lacking[poor].mean() > 2 * lacking[~poor].mean()
    real = surveys.a["mg_fe"] != -9999
    assert_array_equal(np.isnan(surveys.a["mg_fe"][real]), surveys.a["flag_mg_fe"][real] == 32)


def test_flagged_values_of_a_are_worse_than_their_errors_say(surveys: MockSurveys) -> None:
    a, truth = surveys.a, surveys.truth_a
    offset = offsets_a(truth["TEFF"], truth["LOGG"], truth["FE_H"], truth["MG_FE"]).fe_h
    pull = np.where(a["fe_h"] > -9000, (a["fe_h"] - truth["FE_H"] - offset) / a["e_fe_h"], 0)
    flagged = (a["flag_sp"] != 0) | (a["flag_fe_h"] != 0)
    assert pull[flagged].std() > 3 * pull[~flagged].std()


def test_binaries_move_and_most_have_a_large_vscatter(surveys: MockSurveys) -> None:
    b = surveys.b
    moved = np.where(b["VHELIO_AVG"] > -9000, b["VHELIO_AVG"] - surveys.truth_b["RV"], 0)
    # medians, since a binary seen once has no VSCATTER: 0.3 x 2 km/s and more against a noise of 0.05
    assert np.median(np.abs(moved[b["VSCATTER"] >= 1])) > 4 * np.median(np.abs(moved[b["VSCATTER"] < 1]))
    # a quarter are binaries, 62 % of them with a half-amplitude above sqrt(2) km/s, 90 % seen more than once
    assert_allclose(np.mean(b["VSCATTER"] >= 1), 0.14, atol=0.01)


def test_some_rows_repeat_a_star_and_a_few_an_id(surveys: MockSurveys) -> None:
    for ids, stars, share in (
        (surveys.a["sobject_id"], surveys.a["dr3_source_id"], 0.04),
        (surveys.b["APOGEE_ID"], surveys.b["GAIAEDR3_SOURCE_ID"], 0.02),
    ):
        assert N_ROWS - np.unique(stars).size == int(share * N_ROWS) + 3
        repeated_ids = N_ROWS - np.unique(ids).size
        assert repeated_ids == (3 if ids is surveys.a["sobject_id"] else int(share * N_ROWS) + 3)


def test_a_few_rows_have_no_position_or_sentinels_for_labels(surveys: MockSurveys) -> None:
    for table, ra, dec, labels in (
        (surveys.a, "ra", "dec", ("teff", "logg", "fe_h", "mg_fe", "rv_galah")),
        (surveys.b, "RA", "DEC", ("TEFF", "LOGG", "M_H", "MG_FE", "VHELIO_AVG")),
    ):
        assert_array_equal(np.isnan(table[ra]), np.isnan(table[dec]))
        # 2 + 1e-4 of the rows, and 4 + 2e-4; one of them may stand twice
        assert 8 <= np.isnan(table[ra]).sum() <= 11
        assert 16 <= sum(np.sum(table[name] == -9999) for name in labels) <= 19


def test_the_surveys_look_at_different_skies_and_depths(surveys: MockSurveys) -> None:
    a, b, truth_a, truth_b = surveys.a, surveys.b, surveys.truth_a, surveys.truth_b
    field_a, field_b = ((t["cluster"] == "") for t in (truth_a, truth_b))
    height_a, height_b = latitudes(a["ra"], a["dec"]), latitudes(b["RA"], b["DEC"])
    assert np.nanmin(np.abs(height_a[field_a])) > 6.9  # centres beyond 8 deg, fields of 1 deg
    assert np.nanmax(a["dec"]) < 11.1  # centres south of 10 deg
    assert np.nanmax(b["DEC"]) > 60
    only_b = ~np.isin(b["GAIAEDR3_SOURCE_ID"], a["dr3_source_id"])
    # |b| < 8 deg is 14 % of the sky and has 4 times as many fields as the sky beyond 16 deg
    assert np.mean(np.abs(height_b[field_b & only_b]) < 8) > 0.25
    assert np.median(truth_b["DISTANCE"]) > 1.5 * np.median(truth_a["DISTANCE"])
    only_a = ~np.isin(a["dr3_source_id"], b["GAIAEDR3_SOURCE_ID"])
    assert np.mean(truth_a["LOGG"][only_a] < 3.5) < 0.5
    assert np.mean(truth_b["LOGG"] < 3.5) > 0.6
    assert np.sum(truth_a["R_GC"] > 12) > 100


def test_dereddened_colours_are_those_of_the_true_atmosphere(surveys: MockSurveys) -> None:
    a, truth = surveys.a, surveys.truth_a
    expected, _ = intrinsic_colours(truth["TEFF"], truth["LOGG"], truth["FE_H"])
    # E(BP-G) = (1.06794 - 0.85926) x 2.742 E(B-V): Thomas et al. 2024, sect. 3.2
    found = a["phot_bp_mean_mag"] - a["phot_g_mean_mag"] - (1.06794 - 0.85926) * 2.742 * a["ebv"]
    # scatter about the colours 0.012, magnitudes 0.006, E(B-V) 5 % of 0.05: 0.014 mag
    assert_allclose(np.std(found - expected), 0.014, atol=0.003)
    assert_allclose(np.mean(found - expected), 0, atol=0.001)


def test_dust_grows_towards_the_plane_and_with_distance(surveys: MockSurveys) -> None:
    b, distance = surveys.b, surveys.truth_b["DISTANCE"]
    height = np.abs(latitudes(b["RA"], b["DEC"]))
    assert np.median(b["EBV"][height < 4]) > 5 * np.median(b["EBV"][height > 45])
    near, far = (height < 4) & (distance < 1), (height < 4) & (distance > 4)
    assert np.median(b["EBV"][far]) > 3 * np.median(b["EBV"][near])


def test_each_cluster_has_members_of_its_own_kind_in_both_surveys(surveys: MockSurveys) -> None:
    for table, truth, ra, dec in (
        (surveys.a, surveys.truth_a, "ra", "dec"),
        (surveys.b, surveys.truth_b, "RA", "DEC"),
    ):
        for number, name in enumerate(surveys.clusters["name"]):
            own = (truth["cluster"] == name) & np.isfinite(table[ra])
            assert own.sum() >= 10
            centre = ICRS(surveys.clusters["ra"][number] * u.deg, surveys.clusters["dec"][number] * u.deg)
            separation = centre.separation(ICRS(table[ra][own] * u.deg, table[dec][own] * u.deg)).arcmin
            # positions of B are 0.1 arcsec off
            assert separation.max() < 5 * surveys.clusters["rhalf_arcmin"][number] + 0.01
            assert_allclose(truth["FE_H"][own].mean(), CLUSTERS["fe_h"][number], atol=4 * 0.03 / np.sqrt(10))
            assert np.all(truth["population"][own] == "cluster")


def test_clusters_are_where_the_catalogue_of_baumgardt_and_vasiliev_has_them(
    surveys: MockSurveys, data_dir: Path
) -> None:
    catalogue = pq.read_table(data_dir / "globular_clusters.parquet").to_pydict()
    rows = [catalogue["name"].index(name) for name in surveys.clusters["name"]]
    for column in ("ra", "dec", "distance", "rhalf_arcmin"):
        assert_allclose(surveys.clusters[column], [catalogue[column][row] for row in rows], atol=0.0051)  # as printed
