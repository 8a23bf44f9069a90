"""Members and draws combined, against numpy and loops."""

import numpy as np
import pytest
from scipy.stats import kstest, norm, wasserstein_distance

from stdask.science.keys.star_keys import star_keys
from stdask.science.translation.combining import (
    mean_of_unseen,
    member_spread,
    sample_labels,
    summarise_draws,
    trimmed_mean,
)


def test_five_members_lose_their_extremes():
    members = np.random.default_rng(1).normal(size=(5, 40, 7, 2))
    values, errors = trimmed_mean(members)
    for place in np.ndindex(40, 7, 2):
        middle = sorted(members[(slice(None), *place)])[1:4]
        assert values[place] == pytest.approx(sum(middle) / 3, abs=1e-15)  # rounding of three terms
        assert errors[place] == pytest.approx(np.std(middle, ddof=0), abs=1e-15)


def test_one_wild_member_does_not_move_the_value():
    members = np.array([1.0, 1.1, 0.9, 1.0, 1e9])[:, None]
    assert trimmed_mean(members)[0] == pytest.approx((1.0 + 1.0 + 1.1) / 3)


@pytest.mark.parametrize(
    ("members", "value", "error"), [([3.0], 3.0, 0.0), ([3.0, 5.0], 4.0, 1.0), ([3.0, 9.0, 5.0], 5.0, 0.0)]
)
def test_few_members_are_averaged_as_far_as_they_go(members: list, value: float, error: float):
    values, errors = trimmed_mean(np.array(members)[:, None])
    assert (values[0], errors[0]) == (value, error)


def test_the_published_error_is_2_36_times_smaller_than_a_gaussian_scatter():
    # spec of the method: the middle three of five Gaussian members, ddof 0
    _, errors = trimmed_mean(np.random.default_rng(1).normal(size=(5, 200_000)))
    assert 1 / errors.mean() == pytest.approx(2.36, abs=0.02)  # 57 % scatter / sqrt(200,000) is 0.13 %


def test_draws_become_the_published_percentiles_and_the_median_error():
    rng = np.random.default_rng(1)
    values, errors = rng.normal(size=(6, 100, 2)), rng.random(size=(6, 100, 2))
    percentiles, systematic = summarise_draws(values, errors)
    assert percentiles.shape == (5, 6, 2)
    for star, label in np.ndindex(6, 2):
        ranks = (np.arange(100) + 0.5) / 100  # Hazen 1914
        expected = np.interp([0.05, 0.16, 0.5, 0.84, 0.95], ranks, np.sort(values[star, :, label]))
        np.testing.assert_allclose(percentiles[:, star, label], expected, rtol=0, atol=1e-14)  # rounding of two terms
        assert systematic[star, label] == np.median(errors[star, :, label])


def test_the_range_of_evenly_spaced_draws_is_not_too_narrow():
    n_draws = 32
    values = norm.ppf((np.arange(n_draws) + 0.5) / n_draws)[None, :, None]  # one in the middle of each 1/32
    (_, low, middle, high, _), _ = summarise_draws(values, np.zeros_like(values))
    # between draws the distribution function is taken as straight: 0.5 % of sigma at this number
    assert (high - low)[0, 0] / 2 == pytest.approx(norm.ppf(0.84), abs=0.005)
    assert middle[0, 0] == pytest.approx(0, abs=1e-12)


def test_the_member_spread_is_the_sample_deviation_of_all_members_about_their_mean_over_the_draws():
    outputs = np.random.default_rng(3).normal(size=(5, 7, 20, 2))
    expected = np.array([[np.std(outputs[:, s, :, n].mean(axis=1), ddof=1) for n in range(2)] for s in range(7)])
    means = outputs.mean(axis=2)
    np.testing.assert_allclose(member_spread(means), expected, rtol=1e-12)  # the same sums in another order
    assert (member_spread(means[:1]) == 0).all()  # one member cannot disagree


def test_only_members_that_had_not_seen_a_star_have_a_say():
    members = np.array([[[1.0], [10.0], [5.0]], [[3.0], [20.0], [6.0]]])
    held_out = np.array([[True, False, True], [True, True, False]])
    np.testing.assert_array_equal(mean_of_unseen(members, held_out), [[2.0], [20.0], [5.0]])
    draws = np.repeat(members[:, :, None], 4, axis=2)  # whatever comes behind the stars
    assert mean_of_unseen(draws, held_out).shape == (3, 4, 1)


@pytest.mark.parametrize("n_members", [3, 4, 5, 8])
def test_any_number_of_members_loses_its_largest_and_its_smallest(n_members: int):
    members = np.random.default_rng(n_members).normal(size=(n_members, 200))
    kept = np.sort(members, axis=0)[1:-1]
    values, errors = trimmed_mean(members)
    np.testing.assert_allclose(values, kept.mean(axis=0), rtol=0, atol=1e-14)  # the same terms in another order
    np.testing.assert_allclose(errors, kept.std(axis=0), rtol=0, atol=1e-14)


def test_samples_of_a_star_depend_on_its_key_the_label_and_the_seed_alone():
    keys, labels = star_keys(np.arange(1000)), ("TEFF", "LOGG")
    medians, sigmas = np.random.default_rng(2).uniform(1, 5, (2, 1000, 2))
    samples = sample_labels(medians, sigmas, keys, labels, seed=3)
    some = np.random.default_rng(3).permutation(1000)[:70]
    np.testing.assert_array_equal(sample_labels(medians[some], sigmas[some], keys[some], labels, seed=3), samples[some])
    turned = sample_labels(medians[:, ::-1], sigmas[:, ::-1], keys, labels[::-1], seed=3)
    np.testing.assert_array_equal(turned[:, ::-1], samples)
    assert (sample_labels(medians, sigmas, keys, labels, seed=4) != samples).all()


def test_samples_scatter_about_the_median_as_a_gaussian_of_the_error():
    keys = star_keys(np.arange(20_000))
    medians, sigmas = np.random.default_rng(2).uniform(1, 5, (2, 20_000, 2))
    deviates = (sample_labels(medians, sigmas, keys, ("FE_H", "MG_FE"), seed=1) - medians) / sigmas
    for own in deviates.T:
        assert kstest(own, "norm").pvalue > 0.01
    assert abs(np.corrcoef(deviates.T)[0, 1]) < 4 / np.sqrt(20_000)  # four standard errors


def test_correlated_samples_have_the_correlation_and_the_same_errors():
    correlations = np.array([[1.0, 0.65, 0.3], [0.65, 1.0, 0.55], [0.3, 0.55, 1.0]])  # of LAMOST giants on APOGEE
    sizes, axes = np.linalg.eigh(correlations)
    root = (axes * np.sqrt(sizes)) @ axes.T
    keys, sigmas = star_keys(np.arange(20_000)), np.array([60.0, 0.1, 0.05])
    samples = sample_labels(np.zeros((20_000, 3)), np.tile(sigmas, (20_000, 1)), keys, ("A", "B", "C"), 1, root)
    # four standard errors: 4 / sqrt(20,000) at most of a correlation, 4 / sqrt(40,000) of a scatter
    np.testing.assert_allclose(np.corrcoef(samples.T), correlations, atol=0.028)
    np.testing.assert_allclose(samples.std(axis=0), sigmas, rtol=0.02)
    one = sample_labels(np.zeros((1, 3)), sigmas[None], keys[70:71], ("A", "B", "C"), 1, root)
    np.testing.assert_array_equal(one[0], samples[70])  # to the last bit, whatever stars are with it


def test_the_distribution_of_samples_is_that_of_b_where_medians_are_too_narrow():
    """Two sequences of [Mg/Fe] seen by noisy A and by B: the best prediction from A, worked out by Bayes' theorem."""
    rng, n_stars = np.random.default_rng(5), 40_000
    centres, width, noise_a, noise_b = np.array([0.05, 0.25]), 0.04, 0.05, 0.03
    truth = centres[rng.integers(0, 2, n_stars)] + rng.normal(0, width, n_stars)
    a, b = truth + rng.normal(0, noise_a, n_stars), truth + rng.normal(0, noise_b, n_stars)
    weights = norm.pdf(a[:, None], centres, np.hypot(width, noise_a))
    weights /= weights.sum(axis=1, keepdims=True)
    gain = width**2 / (width**2 + noise_a**2)
    means = centres + gain * (a[:, None] - centres)
    medians = (weights * means).sum(axis=1)
    variances = (weights * (means - medians[:, None]) ** 2).sum(axis=1) + gain * noise_a**2 + noise_b**2
    keys = star_keys(np.arange(n_stars))
    samples = sample_labels(medians[:, None], np.sqrt(variances)[:, None], keys, ("MG_FE",), seed=1)[:, 0]
    distances = {"median": medians, "sample": samples, "measured": a}
    found = {name: wasserstein_distance(values, b) for name, values in distances.items()}
    # two samples of 40,000 stars of one distribution of sigma 0.11 are 0.001 apart; B given A is not quite Gaussian
    assert found["sample"] < 0.004
    assert found["sample"] < 0.5 * min(found["median"], found["measured"]), found
