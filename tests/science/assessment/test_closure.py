"""Two translations of the same stars: their offset, their scatter, and what their errors foresee."""

import numpy as np
from numpy.testing import assert_allclose

from stdask.science.assessment.closure import (
    MOST_CORRELATED,
    Translated,
    compare,
    correlation_of,
    excess_errors,
    robust_sigma_of,
)

N_STARS, N_MEMBERS = 4000, 5
RESAMPLED = (200, 3)


def translated(truth: np.ndarray, sigma: np.ndarray, rng: np.random.Generator, shared: float = 0.0) -> Translated:
    """Return values with noise of single stars, and members that a common error of each moves."""
    moved = shared * rng.standard_normal(N_MEMBERS)
    values = truth + sigma * rng.standard_normal(truth.size)
    return Translated(values + moved.mean(), sigma, values + moved[:, None])


def two(seed: int, offset: float = 0.0, shared: float = 0.0) -> tuple[Translated, Translated]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(-0.3, 0.3, N_STARS)
    first = translated(truth + offset, rng.uniform(0.03, 0.08, N_STARS), rng, shared)
    return first, translated(truth, rng.uniform(0.05, 0.12, N_STARS), rng, shared)


def test_a_planted_offset_is_found_with_its_sign() -> None:
    found = compare(*two(1, offset=0.02), (1.0, 1.0), RESAMPLED)
    assert_allclose(found.offset, 0.02, atol=4 * found.stars_err)
    assert found.offset > 5 * found.offset_err


def test_without_an_offset_nineteen_of_twenty_seeds_are_consistent_with_zero() -> None:
    pulls = [found.offset / found.offset_err for s in range(20) if (found := compare(*two(s), (1.0, 1.0), RESAMPLED))]
    assert sum(abs(pull) < 2 for pull in pulls) >= 18  # 0.954 x 20; fewer than 18 with 7 % chance for right errors
    assert np.std(pulls) > 0.6  # the errors are not too large either: 1 +- 0.16, 2.5 sigma


def test_errors_that_are_right_foresee_the_scatter() -> None:
    found = compare(*two(2), (1.0, 1.0), RESAMPLED)
    assert_allclose(found.scatter, found.expected, atol=4 * found.scatter_err)
    assert_allclose(found.pull, 1.0, atol=4 * found.pull_err)


def test_errors_stated_too_small_by_half_double_the_pull() -> None:
    first, second = (own._replace(errors=own.errors / 2) for own in two(2))
    found = compare(first, second, (1.0, 1.0), RESAMPLED)
    assert_allclose(found.pull, 2.0, atol=4 * found.pull_err)
    assert_allclose(found.expected, found.scatter / 2, rtol=0.1)  # 4 sigma of the scatter is 8 %


def test_what_the_networks_of_an_ensemble_share_is_an_error_of_the_offset() -> None:
    found = compare(*two(3, shared=0.01), (1.0, 2.0), RESAMPLED)
    # 0.01 from the one ensemble and twice that from the other; a deviation of five members is known to 35 %
    assert_allclose(found.translation_err, 0.01 * np.hypot(1, 2), rtol=0.7)
    assert found.offset_err > found.stars_err


def test_each_ensemble_adds_the_scatter_of_its_networks_times_its_own_factor() -> None:
    first, second = two(3, shared=0.01)
    moved = [np.median(own.members - own.values, axis=1).std(ddof=1) for own in (first, second)]
    for factors in ((1.0, 1.0), (2.0, 1.0), (1.0, 3.0)):
        found = compare(first, second, factors, RESAMPLED)
        assert_allclose(found.translation_err, np.hypot(*np.multiply(factors, moved)))


def test_stars_that_lack_a_value_or_an_error_are_left_out() -> None:
    first, second = two(4)
    first.values[:10], second.errors[10:15] = np.nan, np.nan
    whole = slice(15, None)
    stars = np.arange(N_STARS)[whole]
    assert compare(first, second, (1.0, 1.0), RESAMPLED) == compare(
        first.take(stars), second.take(stars), (1.0, 1.0), RESAMPLED
    )


def test_without_stars_nothing_is_known() -> None:
    nothing = Translated(np.empty(0), np.empty(0), np.empty((N_MEMBERS, 0)))
    found = compare(nothing, nothing, (1.0, 1.0), RESAMPLED)
    assert found.n == 0
    assert np.isnan(found.offset)


def test_the_robust_sigma_of_mixed_noise_is_that_of_many_draws() -> None:
    sigma = np.concatenate([np.full(300, 0.02), np.full(100, 0.3)])
    draws = np.random.default_rng(5).standard_normal((2000, 400)) * sigma
    brute_force = 1.482602 * np.median(np.abs(draws))
    assert_allclose(robust_sigma_of(sigma), brute_force, rtol=0.01)  # 800,000 draws: 0.15 %
    assert_allclose(robust_sigma_of(np.full(7, 0.1)), 0.1)


def test_errors_with_a_common_part_are_found_to_be_correlated_and_independent_ones_not() -> None:
    rng = np.random.default_rng(6)
    first, second = rng.uniform(0.03, 0.08, N_STARS), rng.uniform(0.05, 0.12, N_STARS)
    for planted in (0.3, 0.6):
        common = np.sqrt(planted) * rng.standard_normal(N_STARS)
        own = np.sqrt(1 - planted) * rng.standard_normal((2, N_STARS))
        truth = np.zeros(N_STARS)
        sides = [
            Translated(truth + sigma * (common + noise), sigma, np.empty((0, N_STARS)))
            for sigma, noise in zip((first, second), own, strict=True)
        ]
        found = compare(sides[0], sides[1], (1.0, 1.0), RESAMPLED)
        # the scatter of 4000 differences is known to 2 %: the correlation to 0.02 / (share of it in the variance, 1/2)
        assert_allclose(found.correlation, planted, atol=0.1)
    assert compare(*two(2), (1.0, 1.0), RESAMPLED).correlation < 0.1


def test_a_correlation_is_neither_negative_nor_complete() -> None:
    sigma = np.full(9, 0.05)
    assert correlation_of(0.2, sigma, sigma) == 0
    assert correlation_of(1e-9, sigma, sigma) == MOST_CORRELATED
    assert_allclose(correlation_of(0.05, sigma, sigma), 0.5)  # 2 s^2 (1 - r) = s^2


def test_the_excess_of_three_surveys_is_halved_between_the_two_of_a_pair() -> None:
    found = excess_errors({("a", "b"): 0.04, ("a", "c"): 0.02, ("b", "c"): np.nan})
    assert_allclose(found["a"][0], np.sqrt((0.04**2 / 2 + 0.02**2 / 2) / 2))
    assert_allclose([found["b"][0], found["c"][0]], [0.04 / np.sqrt(2), 0.02 / np.sqrt(2)])
    assert [n for _, n in found.values()] == [2, 1, 1]


def test_the_excess_is_what_the_errors_do_not_explain() -> None:
    first, second = (own._replace(errors=own.errors / 2) for own in two(2))
    found = compare(first, second, (1.0, 1.0), RESAMPLED)
    assert_allclose(found.excess, found.scatter * np.sqrt(3) / 2, rtol=0.05)  # half the errors: 3/4 of the variance
    assert compare(*two(2), (1.0, 1.0), RESAMPLED).excess < 0.4 * found.excess  # right errors leave what chance makes
