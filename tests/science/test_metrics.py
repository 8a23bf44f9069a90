"""Scores against numpy and known sampling errors."""

import numpy as np
import pytest

from stdask.science.metrics import coverage, score


def test_scores_are_those_of_numpy():
    x = np.random.default_rng(1).normal(3, 2, 1001)
    scores = score(np.append(x, np.nan), 50, 1)
    assert scores["n"] == 1001
    assert scores["bias"] == pytest.approx(np.mean(x), rel=1e-12)
    assert scores["std"] == pytest.approx(np.std(x), rel=1e-12)
    assert scores["mae"] == pytest.approx(np.abs(x).mean(), rel=1e-12)
    # the factor that makes the MAD of a Gaussian its sigma
    assert scores["robust"] == pytest.approx(1.482602 * np.median(np.abs(x - np.median(x))), rel=1e-5)


def test_bootstrap_errors_are_the_known_sampling_errors_of_a_gaussian():
    n, sigma = 4000, 2.0
    scores = score(np.random.default_rng(1).normal(0, sigma, n), 1000, 1)
    # sigma/sqrt(n), sigma/sqrt(2n), and for the MAD 1.166 sigma/sqrt(n): efficiency 0.368 (Rousseeuw & Croux 1993);
    # 1000 bootstraps know an error to 2.2 %, the sample itself its own scale to 1-3 %
    assert scores["bias_err"] == pytest.approx(sigma / np.sqrt(n), rel=0.12)
    assert scores["std_err"] == pytest.approx(sigma / np.sqrt(2 * n), rel=0.12)
    assert scores["robust_err"] == pytest.approx(1.166 * sigma / np.sqrt(n), rel=0.25)


def test_one_outlier_moves_the_standard_deviation_but_not_the_robust_sigma():
    x = np.random.default_rng(1).normal(size=1000)
    wild = np.append(x, 1e4)
    assert score(wild, 50, 1)["std"] > 100
    assert score(wild, 50, 1)["robust"] == pytest.approx(score(x, 50, 1)["robust"], rel=0.01)  # one rank of 1000


def test_scores_repeat_with_the_seed_and_are_missing_without_stars():
    x = np.random.default_rng(1).normal(size=200)
    assert score(x, 100, 5) == score(x, 100, 5)
    empty = score(np.array([np.nan]), 100, 5)
    assert empty["n"] == 0
    assert all(np.isnan(value) for name, value in empty.items() if name != "n")


def test_coverage_counts_the_stars_between_the_percentiles():
    truth = np.array([0.0, 1.5, -1.5, 3.0, np.nan, 1.0])
    ones = np.ones(6)
    percentiles = {5: -2 * ones, 16: -ones, 84: ones, 95: 2 * ones}
    percentiles[84] = np.array([1, 1, 1, 1, 1, np.nan])
    inner, outer = coverage(percentiles, truth)
    assert inner == (0.68, 0.25, 4)
    assert outer == (0.9, 0.8, 5)
