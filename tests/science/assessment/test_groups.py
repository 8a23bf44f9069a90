"""Means and trends of few stars have errors that contain the truth as often as they should."""

import numpy as np
import pytest
from scipy.stats import linregress, norm, sem

from stdask.science.assessment.groups import MIN_FOR_TREND, fit_trend, group_mean

N_TRIALS = 4000
SHARE = norm.cdf(1) - norm.cdf(-1)
FOUR_SIGMA = 4 * np.sqrt(SHARE * (1 - SHARE) / N_TRIALS)  # of the share of the trials


@pytest.mark.parametrize("n_stars", [2, 3, 10])
def test_the_error_of_the_mean_of_few_stars_contains_the_truth_in_68_per_cent_of_all_cases(n_stars: int):
    values = np.random.default_rng(1).normal(0.3, 0.05, (N_TRIALS, n_stars))
    means = [group_mean(own) for own in values]
    covered = np.mean([abs(own.mean - 0.3) < own.mean_err for own in means])
    assert covered == pytest.approx(SHARE, abs=FOUR_SIGMA)


@pytest.mark.parametrize("n_stars", [MIN_FOR_TREND, 20])
def test_the_error_of_a_slope_contains_the_truth_in_68_per_cent_of_all_cases(n_stars: int):
    rng = np.random.default_rng(2)
    x = rng.uniform(4000, 5000, (N_TRIALS, n_stars))
    y = 2e-5 * x + rng.normal(0, 0.03, x.shape)
    trends = [fit_trend(*own) for own in zip(x, y, strict=True)]
    covered = np.mean([abs(own.slope - 2e-5) < own.slope_err for own in trends])
    assert covered == pytest.approx(SHARE, abs=FOUR_SIGMA)


def test_many_stars_have_the_usual_mean_scatter_and_line():
    rng = np.random.default_rng(3)
    x, y = rng.normal(0, 1, (2, 500))
    own, line, usual = group_mean(np.append(y, np.nan)), fit_trend(x, y), linregress(x, y)
    assert (own.n, own.mean, own.std) == pytest.approx((500, y.mean(), y.std(ddof=1)))
    assert own.mean_err == pytest.approx(sem(y), rel=2e-3)  # t of 499 degrees of freedom: 1.001
    assert line.slope == pytest.approx(usual.slope)
    assert line.slope_err == pytest.approx(usual.stderr, rel=2e-3)
    assert line.level + line.slope * (2 - line.middle) == pytest.approx(usual.intercept + 2 * usual.slope)


def test_what_all_networks_share_is_in_the_error():
    rng = np.random.default_rng(4)
    x, y = rng.normal(0, 1, (2, 400))
    shifts, tilts = rng.normal(0, 0.5, (2, 5))
    networks = y + shifts[:, None] + tilts[:, None] * x
    plain, own = group_mean(y), group_mean(y, networks, factor=2.0)
    means = shifts + tilts * x.mean()
    assert own.mean_err == pytest.approx(np.hypot(plain.mean_err, 2 * means.std(ddof=1)))
    steep, line = fit_trend(x, y, networks, factor=2.0), fit_trend(x, y)
    assert steep.slope_err == pytest.approx(np.hypot(line.slope_err, 2 * tilts.std(ddof=1)))
    assert group_mean(y, networks[:1], factor=2.0) == plain  # of one network nothing is known


def test_too_few_stars_have_no_error_and_no_line():
    own = group_mean(np.array([0.2, np.nan]))
    assert (own.n, own.mean) == (1, 0.2)
    assert np.isnan([own.mean_err, own.std, own.std_err]).all()
    assert group_mean(np.full(3, np.nan)).n == 0
    few = np.arange(MIN_FOR_TREND - 1.0)
    assert np.isnan(fit_trend(few, few).slope)
    assert np.isnan(fit_trend(np.ones(9), np.arange(9.0)).slope)
