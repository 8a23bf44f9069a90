"""Scores and covered shares against numpy and known sampling errors."""

import numpy as np
import pytest
from scipy.stats import kstest

from stdask.science.assessment.metrics import (
    compare_mae,
    coverage,
    coverage_of_errors,
    percentile_errors,
    probability_integral,
    score,
)


def test_scores_are_those_of_numpy():
    x = np.random.default_rng(1).normal(3, 2, 1001)
    scores = score(np.append(x, np.nan), 50, 1)
    assert scores.n == 1001
    assert scores.bias == pytest.approx(np.mean(x), rel=1e-12)
    assert scores.std == pytest.approx(np.std(x), rel=1e-12)
    assert scores.mae == pytest.approx(np.abs(x).mean(), rel=1e-12)
    # the factor that makes the MAD of a Gaussian its sigma
    assert scores.robust == pytest.approx(1.482602 * np.median(np.abs(x - np.median(x))), rel=1e-5)


def test_bootstrap_errors_are_the_known_sampling_errors_of_a_gaussian():
    n, sigma = 4000, 2.0
    scores = score(np.random.default_rng(1).normal(0, sigma, n), 1000, 1)
    # sigma/sqrt(n), sigma/sqrt(2n), and for the MAD 1.166 sigma/sqrt(n): efficiency 0.368 (Rousseeuw & Croux 1993);
    # 1000 bootstraps know an error to 2.2 %, the sample itself its own scale to 1-3 %
    assert scores.bias_err == pytest.approx(sigma / np.sqrt(n), rel=0.12)
    assert scores.std_err == pytest.approx(sigma / np.sqrt(2 * n), rel=0.12)
    assert scores.robust_err == pytest.approx(1.166 * sigma / np.sqrt(n), rel=0.25)


def test_one_outlier_moves_the_standard_deviation_but_not_the_robust_sigma():
    x = np.random.default_rng(1).normal(size=1000)
    wild = np.append(x, 1e4)
    assert score(wild, 50, 1).std > 100
    assert score(wild, 50, 1).robust == pytest.approx(score(x, 50, 1).robust, rel=0.01)  # one rank of 1000


def test_scores_repeat_with_the_seed_and_are_missing_without_stars():
    x = np.random.default_rng(1).normal(size=200)
    assert score(x, 100, 5) == score(x, 100, 5)
    empty = score(np.array([np.nan]), 100, 5)
    assert empty.n == 0
    assert np.isnan(empty[1:]).all()


def test_coverage_counts_the_stars_between_the_percentiles():
    truth = np.array([0.0, 1.5, -1.5, 3.0, np.nan, 1.0])
    ones = np.ones(6)
    percentiles = {5: -2 * ones, 16: -ones, 84: ones, 95: 2 * ones}
    percentiles[84] = np.array([1, 1, 1, 1, 1, np.nan])
    inner, outer = coverage(percentiles, truth)
    assert (inner.nominal, inner.covered, inner.n) == (0.68, 0.25, 4)
    assert (outer.nominal, outer.covered, outer.n) == (0.9, 0.8, 5)


def test_right_errors_cover_their_nominal_share_at_every_level_and_half_as_large_ones_do_not():
    rng = np.random.default_rng(1)
    sigma = rng.uniform(0.5, 5, 20_000)
    residuals = sigma * rng.normal(size=20_000)
    levels = [0.05, 0.5, 0.68, 0.9, 0.95]
    for row in coverage_of_errors(np.append(residuals, np.nan), np.append(sigma, 1.0), levels):
        assert row.n == 20_000
        assert row.covered == pytest.approx(row.nominal, abs=4 * row.covered_err)
    halved = coverage_of_errors(residuals, sigma / 2)
    # erf(z / 2 / sqrt 2) for the z of 68 and 90 %: 0.9945 and 1.6449
    assert [row.covered for row in halved] == pytest.approx([0.3810, 0.5892], abs=4 * 0.0035)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_the_error_of_a_covered_share_is_its_scatter_over_many_samples(share: float):
    sigma, residuals = np.ones(400), np.random.default_rng(1).normal(size=(1000, 400))
    rows = [coverage_of_errors(r, sigma, [share])[0] for r in residuals]
    # 1000 samples know their scatter to 2.2 %: 4 sigma
    assert np.mean([row.covered_err for row in rows]) == pytest.approx(np.std([row.covered for row in rows]), rel=0.09)


def test_a_share_of_all_stars_has_an_error_and_a_share_of_none_is_missing():
    everyone = coverage_of_errors(np.zeros(30), np.ones(30))[0]
    # one miss in 31 to 32 is not unlikely: sqrt(31 x 1 / (32^2 x 33)), the Beta(31, 1) distribution
    assert (everyone.covered, everyone.covered_err) == (1.0, pytest.approx(np.sqrt(31 / (32**2 * 33))))
    nobody = coverage_of_errors(np.array([np.nan]), np.ones(1))[0]
    assert nobody.n == 0
    assert np.isnan([nobody.covered, nobody.covered_err]).all()


def test_the_probability_integral_is_uniform_if_errors_are_right_and_piles_up_at_the_ends_if_too_small():
    rng = np.random.default_rng(1)
    predicted, sigma = rng.normal(5000, 300, 4000), rng.uniform(20, 80, 4000)
    truth = predicted + sigma * rng.normal(size=4000)
    assert kstest(probability_integral(truth, predicted, sigma), "uniform").pvalue > 1e-3
    small = probability_integral(truth, predicted, sigma / 2)
    assert np.mean((small < 0.05) | (small > 0.95)) == pytest.approx(0.4108, abs=4 * 0.0078)  # 2 Phi(-1.645 / 2)
    assert probability_integral(np.array([2.0]), np.array([0.0]), np.array([1.0]))[0] > 0.97  # truth above: near 1


def test_what_a_star_adds_to_both_methods_cancels_in_their_comparison():
    rng = np.random.default_rng(1)
    n, shared = 4000, 10 + rng.normal(0, 2, 4000)  # the noise of B: positive, so |r| = r
    ours, theirs = shared + 0.1 + rng.normal(0, 0.3, n), shared + rng.normal(0, 0.4, n)
    result = compare_mae(ours, theirs, 1000, 1)
    assert result.mae == pytest.approx(ours.mean(), rel=1e-12)
    assert result.other_mae == pytest.approx(theirs.mean(), rel=1e-12)
    assert result.difference == pytest.approx(ours.mean() - theirs.mean(), rel=1e-9)  # theirs is closer: positive
    # of the difference of two independent noises, 0.5 / sqrt(n); unpaired it would be 2.9 / sqrt(n).
    # 1000 bootstraps know an error to 2.2 %, the sample its own scale to 1.1 %
    assert result.difference_err == pytest.approx(0.5 / np.sqrt(n), rel=0.1)


def test_equal_methods_differ_by_more_than_the_error_as_often_as_a_gaussian_does():
    rng = np.random.default_rng(1)
    results = [compare_mae(*rng.normal(size=(2, 200)), 100, seed) for seed in range(400)]
    share = np.mean([result.difference > result.difference_err for result in results])
    assert share == pytest.approx(0.159, abs=0.06)  # one-sided; 400 trials know it to 0.018, 3 sigma


def test_a_comparison_takes_the_stars_that_both_methods_have():
    ours, theirs = np.array([1.0, -3.0, np.nan, 5.0]), np.array([2.0, 1.0, 7.0, np.nan])
    result = compare_mae(ours, theirs, 50, 1)
    assert (result.mae, result.other_mae, result.difference) == (2.0, 1.5, 0.5)
    assert np.isnan(compare_mae(ours, np.full(4, np.nan), 50, 1)).all()


def test_labels_that_do_not_vary_have_no_errors_of_percentiles():
    still = np.ones((5, 3, 2))
    assert np.isnan(list(percentile_errors(still, still).values())).all()


def test_errors_of_percentiles_are_in_half_widths_of_each_star_and_label_and_what_does_not_vary_is_left_out():
    half_widths = np.array([[100.0, 0.1, 0.0], [50.0, 0.3, 0.0]])  # two stars, three labels
    reference = 5000 + np.array([-1.5, -1, 0, 1, 1.5])[:, None, None] * half_widths
    found = reference + np.array([-0.2, -0.1, 0.05, 0.3, 0.4])[:, None, None] * half_widths
    errors = percentile_errors(found, reference)
    for name, size in {"5": 0.2, "16": 0.1, "50": 0.05, "84": 0.3, "95": 0.4}.items():
        assert errors[f"rms_{name}"] == pytest.approx(size, rel=1e-9)  # rounding of 5000 by 0.1
        assert errors[f"median_{name}"] == pytest.approx(size, rel=1e-9)
    assert errors["width_bias"] == pytest.approx(0.2, rel=1e-9)
