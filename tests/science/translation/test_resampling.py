"""Monte Carlo realisations of a star's inputs."""

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import norm

from stdask.errors import CatalogueError
from stdask.science.translation.resampling import measured_behind, resample_inputs, uniform_draws

KEYS = np.random.default_rng(1).integers(0, 2**64, 400, dtype=np.uint64)
SAMPLERS = ("sobol", "random")


def draw(values, errors, keys, inputs, **options):
    columns, mixing = measured_behind(inputs)
    options = {"n_draws": 100, "seed": 7, "sampler": "random"} | options
    nominal = options.pop("include_nominal", False)
    uniform = uniform_draws(keys, columns=columns, **options)
    return resample_inputs(
        np.asarray(values), np.asarray(errors), mixing, uniform, columns=columns, include_nominal=nominal
    )


def standard_normals(*args):
    return ndtri(uniform_draws(*args))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_stars_draws_depend_on_the_star_alone(sampler: str):
    rng = np.random.default_rng(2)
    values, errors = rng.normal(size=(400, 3)), rng.uniform(0.1, 1, (400, 3))
    inputs = ("TEFF", "LOGG", "FE_H")
    whole = draw(values, errors, KEYS, inputs, sampler=sampler)
    order = rng.permutation(400)
    np.testing.assert_array_equal(
        draw(values[order], errors[order], KEYS[order], inputs, sampler=sampler), whole[order]
    )
    parts = [
        draw(values[rows], errors[rows], KEYS[rows], inputs, sampler=sampler)
        for rows in np.array_split(np.arange(400), [1, 2, 50, 399])
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_a_random_column_is_drawn_alike_whatever_the_other_columns():
    alone = standard_normals(KEYS, 16, ["FE_H"], 7, "random")[..., 0]
    among = standard_normals(KEYS, 16, ["TEFF", "FE_H", "RV"], 7, "random")[..., 1]
    np.testing.assert_array_equal(among, alone)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_column_is_drawn_alike_whether_others_of_the_dimensions_are_wanted_or_not(sampler: str):
    dimensions = ["TEFF", "FE_H", "component", "missing TEFF"]
    whole = uniform_draws(KEYS, 16, dimensions, 7, sampler)
    some = uniform_draws(KEYS[:9], 16, ["component", "FE_H"], 7, sampler, dimensions)
    np.testing.assert_array_equal(some, whole[:9, :, [2, 1]])


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_more_draws_begin_with_the_same_ones(sampler: str):
    np.testing.assert_array_equal(
        standard_normals(KEYS, 100, ["A", "B"], 7, sampler)[:, :32], standard_normals(KEYS, 32, ["A", "B"], 7, sampler)
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_draws_change_with_the_seed_and_the_star(sampler: str):
    normals = standard_normals(KEYS, 8, ["A"], 7, sampler)
    assert (normals != standard_normals(KEYS, 8, ["A"], 8, sampler)).all()
    assert (normals[0] != normals[1]).all()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_draws_scatter_about_the_measurement_by_its_error(sampler: str):
    values, errors = np.array([[5000.0, 2.5]]), np.array([[80.0, 0.1]])  # Teff [K], log g [dex]
    draws = draw(values, errors, KEYS[:1], ("TEFF", "LOGG"), n_draws=20_000, sampler=sampler)
    # 4 sigma of pseudo-random ones; Sobol draws are far closer
    assert (np.abs(draws.mean(axis=1) - values) < 4 * errors / np.sqrt(20_000)).all()
    np.testing.assert_allclose(draws.std(axis=1), errors, rtol=4 / np.sqrt(2 * 20_000))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_columns_of_a_star_and_one_draw_of_many_stars_are_independent(sampler: str):
    normals = standard_normals(KEYS, 64, ["TEFF", "LOGG", "FE_H", "MG_FE"], 7, sampler)
    within = np.corrcoef(normals.reshape(-1, 4).T) - np.eye(4)
    assert np.abs(within).max() < 5 / np.sqrt(400 * 64)
    # and between stars, at the same draw: 5 sigma of 400 stars
    assert abs(np.corrcoef(normals[:-1, 0, 0], normals[1:, 0, 0])[0, 1]) < 5 / np.sqrt(400)
    assert abs(normals[:, 0].mean()) < 5 / np.sqrt(400 * 4)


def test_colours_that_share_a_magnitude_are_anticorrelated_by_its_error():
    g, bp, rp = 0.03, 0.04, 0.05  # mag
    columns, _ = measured_behind(("TEFF", "BP_G_0", "G_RP_0"))
    assert columns == ("TEFF", "BP_MAG", "G_MAG", "RP_MAG")
    draws = draw([[5000.0, 0.5, 0.6]], [[50.0, bp, g, rp]], KEYS[:1], ("TEFF", "BP_G_0", "G_RP_0"), n_draws=40_000)
    covariance = np.cov(draws[0].T)
    # Gaussian error propagation; 5 sigma of a sample covariance of 40,000 draws is 2.5 to 4 per cent of sx sy
    assert covariance[1, 1] == pytest.approx(bp**2 + g**2, rel=0.04)
    assert covariance[2, 2] == pytest.approx(g**2 + rp**2, rel=0.04)
    assert covariance[1, 2] == pytest.approx(-(g**2), abs=0.04 * np.hypot(bp, g) * np.hypot(g, rp))
    assert abs(np.corrcoef(draws[0, :, 0], draws[0, :, 1])[0, 1]) < 5 / np.sqrt(40_000)


def test_one_colour_moves_with_both_of_its_magnitudes():
    columns, mixing = measured_behind(("G_RP_0",))
    assert columns == ("G_MAG", "RP_MAG")
    np.testing.assert_array_equal(mixing, [[1.0], [-1.0]])


@pytest.mark.parametrize("seed", range(4))
def test_fifty_six_sobol_draws_give_better_percentiles_than_a_hundred_random_ones(seed: int):
    # 56 is the number of the preset compact; 32 are as good as 100 random ones only for some seeds
    weights = np.array([1.0, -0.5, 2.0, 0.3])  # a linear label of four inputs: its percentiles are known
    truth = norm.ppf([0.16, 0.5, 0.84]) * np.linalg.norm(weights)
    wrong = {}
    for sampler, n_draws in (("sobol", 56), ("random", 100)):
        labels = standard_normals(KEYS, n_draws, list("ABCD"), seed, sampler) @ weights
        wrong[sampler] = np.sqrt(np.mean((np.percentile(labels, [16, 50, 84], axis=1).T - truth) ** 2))
    assert wrong["sobol"] < wrong["random"]


def test_the_nominal_draw_is_the_measurement_itself():
    values = np.array([[5000.0, 2.5]])
    draws = draw(values, [[80.0, 0.1]], KEYS[:1], ("TEFF", "LOGG"), include_nominal=True)
    np.testing.assert_array_equal(draws[:, 0], values)
    assert (draws[:, 1:] != values[:, None]).all()


def test_a_missing_value_is_missing_in_all_draws_and_a_missing_error_counts_as_none():
    draws = draw([[np.nan, 2.5]], [[80.0, np.nan]], KEYS[:1], ("TEFF", "LOGG"))
    assert np.isnan(draws[..., 0]).all()
    assert (draws[..., 1] == 2.5).all()


def test_a_negative_error_is_refused_with_its_column():
    with pytest.raises(CatalogueError, match=r"-0\.1 in row 0, column 'LOGG'"):
        draw([[5000.0, 2.5]], [[80.0, -0.1]], KEYS[:1], ("TEFF", "LOGG"))


def test_a_colour_and_absolute_magnitudes_are_drawn_as_the_measurements_behind_them_are():
    columns, mixing = measured_behind(("BP_G_0", "M_G", "TEFF", "M_KS"))
    assert columns == ("BP_MAG", "G_MAG", "DISTANCE_MODULUS", "TEFF", "KS_MAG")
    np.testing.assert_array_equal(mixing[:, 1], [0, 1, -1, 0, 0])
    # a star of BP = 13.1, G = 12.5, Ks = 10.6 with a parallax of 0.8 mas, without extinction; errors in mag and mas
    truth, sigmas = np.array([13.1, 12.5, 0.8, 10.6]), np.array([0.05, 0.08, 0.02, 0.06])
    bp, g, parallax, ks = np.random.default_rng(3).normal(truth, sigmas, (400_000, 4)).T
    modulus = 10 - 5 * np.log10(parallax)
    by_hand = np.cov([bp - g, g - modulus, ks - modulus])
    error = 5 / np.log(10) * 0.02 / 0.8
    values = [0.6, 12.5 - 10 + 5 * np.log10(0.8), 4800, 10.6 - 10 + 5 * np.log10(0.8)]
    names = ("BP_G_0", "M_G", "TEFF", "M_KS")
    draws = draw([values], [[0.05, 0.08, error, 30, 0.06]], KEYS[:1], names, n_draws=400_000)
    covariance = np.cov(draws[0][:, [0, 1, 3]].T)
    # 5 sigma of two sample covariances of 400,000 draws is 1.6 per cent of sx sy, second order 0.3 per cent
    scales = np.sqrt(np.diag(by_hand))
    np.testing.assert_allclose(covariance / np.outer(scales, scales), by_hand / np.outer(scales, scales), atol=0.019)
    correlation = covariance / np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    assert correlation[0, 1] == pytest.approx(-0.70, abs=0.01)  # -0.08^2 / (0.0943 x 0.0967), from G alone
    assert correlation[1, 2] > 0.35  # from the distance alone
