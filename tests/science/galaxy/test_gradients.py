"""Slopes and breaks that are known, and their errors against stars resampled by brute force."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from stdask.science.galaxy.gradients import fit_slopes
from stdask.science.galaxy.profiles import Windows, running_medians
from tests.science.keys.keys import pack_keys

WINDOWS = Windows.between(0.0, 16.0, 0.5, 0.0)
STARS_EACH = np.full(WINDOWS.number, 100)
BREAK, INNER, OUTER = 6.0, 0.01, -0.065  # kpc, dex per kpc


def truth(radii):
    beyond = radii - BREAK
    return 0.1 + np.where(beyond < 0, INNER * beyond, OUTER * beyond)


def stars(n_stars, seed):
    rng = np.random.default_rng(seed)
    radii = 3 + rng.gamma(4.0, 1.5, n_stars)
    return radii, (truth(radii) + rng.normal(0, 0.17, n_stars)).astype(np.float32)


def medians(radii, values, n_bootstraps=300, seed=1):
    members, bins = WINDOWS.members(radii)
    return running_medians(pack_keys(bins, values[members]), WINDOWS.number, 20, n_bootstraps, seed)


def fit(radii, values, n_bootstraps=300, with_break=None):
    found, drawn = medians(radii, values, n_bootstraps)
    return fit_slopes(WINDOWS.centres_kpc, found.medians, found.counts, drawn, with_break)


def test_points_on_a_broken_line_give_its_slopes_and_its_break():
    x = WINDOWS.centres_kpc
    rng = np.random.default_rng(2)
    slope = fit_slopes(x, truth(x), STARS_EACH[: len(x)], truth(x) + rng.normal(0, 1e-6, (50, len(x))), True)
    # breaks are tried every 0.05 kpc, 6 kpc among them but for rounding
    assert_allclose([slope.line.breaks[0], slope.line.inner[0], slope.line.outer[0]], [BREAK, INNER, OUTER], atol=1e-6)


def test_slopes_and_breaks_of_many_mocks_scatter_as_their_errors_say():
    pulls = []
    for seed in range(60):
        slope = fit(*stars(20_000, seed), n_bootstraps=100)
        found = [part[0] for part in slope.line[:3]]
        pulls.append((np.array(found) - [BREAK, INNER, OUTER]) / slope.errors[:3])
    # of 60 pulls the standard deviation is known to 9 %: 3 sigma, and the mean to 0.13
    assert_allclose(np.std(pulls, axis=0), 1, atol=0.3)
    assert_allclose(np.mean(pulls, axis=0), 0, atol=0.4)


@pytest.mark.parametrize("with_break", [True, False])
def test_errors_equal_those_of_stars_resampled_by_brute_force(with_break):
    radii, values = stars(6_000, 7)
    if not with_break:
        values -= (truth(radii) + 0.06 * radii).astype(np.float32)
    slope = fit(radii, values, n_bootstraps=1000, with_break=with_break)
    own, drawn = medians(radii, values)  # the weights of the fit to the stars themselves
    rng, fits = np.random.default_rng(8), []
    for _ in range(400):
        again = rng.integers(0, len(radii), len(radii))
        found, _ = medians(radii[again], values[again], n_bootstraps=10)
        line = fit_slopes(WINDOWS.centres_kpc, found.medians, own.counts, drawn, with_break).line
        fits.append(line.outer[0])
    # 400 resamplings know a standard deviation to 3.5 %; what is asked of the errors is 10 %
    assert_allclose(slope.errors.outer, np.std(fits), rtol=0.1)


@pytest.mark.parametrize("n_stars", [500, 2000])
def test_slopes_of_few_stars_a_bin_scatter_as_their_errors_say(n_stars):
    pulls = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        radii = rng.uniform(1, 12, n_stars)
        values = (-0.06 * radii + rng.normal(0, 0.17, n_stars)).astype(np.float32)
        slope = fit(radii, values, n_bootstraps=100, with_break=False)
        pulls.append((slope.line.outer[0] + 0.06) / slope.errors.outer)
    # of 150 pulls the standard deviation is known to 6 %: 3 sigma; weights from the bootstraps themselves give 1.25
    assert_allclose(np.std(pulls), 1, atol=0.18)


def test_without_a_break_both_slopes_are_that_of_a_weighted_straight_line():
    x, rng = np.arange(12.0), np.random.default_rng(3)
    counts = rng.integers(20, 400, 12)
    errors = 2 / np.sqrt(counts)
    drawn = -0.06 * x + errors * rng.normal(size=(500, 12))
    line = -0.06 * x + 0.5 * errors * rng.normal(size=12)  # within the errors: nothing is left over
    slope = fit_slopes(x, line, counts, drawn, with_break=False)
    expected = np.polyfit(x, line, 1, w=np.sqrt(counts))[0]
    assert_allclose([slope.line.inner[0], slope.line.outer[0]], expected, rtol=1e-9)
    assert np.isnan(slope.line.breaks[0])


def test_medians_on_no_line_are_not_decided_by_the_point_of_the_most_stars():
    x = np.arange(12.0)
    curve, counts = 0.05 * (x - 6) ** 2, np.where(x == 11, 10**8, 100)
    drawn = curve + np.random.default_rng(9).normal(size=(200, 12)) / np.sqrt(counts)
    slope = fit_slopes(x, curve, counts, drawn, with_break=False)
    assert abs(slope.line.outer[0]) < 0.1  # the parabola's own slope at that point is 0.5, over all points 0.05


def test_too_few_bins_for_a_break_have_one_slope_and_too_few_for_a_line_none():
    x = np.arange(8.0)
    drawn = np.random.default_rng(4).normal(0, 0.1, (20, 8)) + x
    known, few = (np.where(np.arange(8) < number, x, np.nan) for number in (5, 2))
    assert np.isnan(fit_slopes(x, known, STARS_EACH[:8], drawn, with_break=True).line.breaks[0])
    assert fit_slopes(x, few, STARS_EACH[:8], drawn, with_break=True) is None


def test_a_break_that_is_asked_for_is_fitted_where_none_is_worth_it():
    x = np.arange(10.0)
    drawn = np.random.default_rng(5).normal(0, 0.1, (50, 10)) + x
    straight, broken = (fit_slopes(x, x, STARS_EACH[:10], drawn, asked).line.breaks[0] for asked in (None, True))
    assert np.isnan(straight)
    assert np.isfinite(broken)


def test_medians_of_stars_all_alike_have_the_slope_without_an_error():
    x = np.arange(10.0)
    slope = fit_slopes(x, x, STARS_EACH[:10], np.tile(x, (50, 1)), with_break=False)
    assert_allclose(slope.line.outer[0], 1)
    assert_allclose(slope.errors.outer, 0, atol=1e-12)


def test_a_line_without_a_break_is_given_none():
    rng, found = np.random.default_rng(6), []
    for seed in range(40):
        radii, _ = stars(8_000, seed)
        values = (0.1 - 0.06 * radii + rng.normal(0, 0.17, len(radii))).astype(np.float32)
        found.append(fit(radii, values, n_bootstraps=100).line.breaks[0])
    # the criterion lets about one in fifteen pass, more with searched breaks: of 40 no more than 10
    assert np.isfinite(found).sum() <= 10
