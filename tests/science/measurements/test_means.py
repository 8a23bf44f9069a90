"""Means of surveys: the best of all weights, star by star, closer to the truth than any survey, with honest errors."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from stdask.science.measurements.means import average

UNKNOWN = np.nan


def column(*numbers):
    return np.array(numbers, dtype=np.float64)[:, None]


def independent(n_surveys):
    return np.eye(n_surveys)


def by_hand(values, errors, correlations):
    """Return mean, error, scatter and number of one star: those of the best choice among all subsets of the surveys."""
    if np.isfinite(values[0]) and not errors[0] > 0:
        return values[0], UNKNOWN, UNKNOWN, 1
    own = [
        k for k, (v, e) in enumerate(zip(values, errors, strict=True)) if np.isfinite(v) and np.isfinite(e) and e > 0
    ]
    best = (np.inf, [], np.zeros(0))
    for chosen in (list(some) for n in range(1, len(own) + 1) for some in combinations(own, n)):
        covariance = np.outer(errors[chosen], errors[chosen]) * correlations[np.ix_(chosen, chosen)]
        shares = np.linalg.inv(covariance).sum(axis=0)
        if (shares > 0).all():
            best = min(best, (1 / shares.sum(), chosen, shares / shares.sum()), key=lambda option: option[0])
    variance, chosen, shares = best
    if not chosen:
        return UNKNOWN, UNKNOWN, UNKNOWN, 0
    scatter = np.std(values[chosen], ddof=1) if len(chosen) > 1 else UNKNOWN
    return shares @ values[chosen], variance**0.5, scatter, len(chosen)


STARS = st.tuples(st.integers(1, 4), st.integers(0, 6))


@given(st.data(), STARS)
def test_means_are_those_of_a_loop_over_the_stars(data, shape):
    number = st.one_of(st.floats(-3, 3, width=32), st.just(UNKNOWN))
    values = data.draw(arrays(np.float64, shape, elements=number))
    sizes = st.one_of(st.floats(2**-10, 1, width=32), st.sampled_from([UNKNOWN, 0.0]))
    errors = data.draw(arrays(np.float64, shape, elements=sizes))
    shared = data.draw(arrays(np.float64, shape[0], elements=st.sampled_from([0.0, 0.31, 0.57, 0.83])))
    correlations = np.outer(shared, shared)
    np.fill_diagonal(correlations, 1)
    found = average(values, errors, correlations)
    for star in range(shape[1]):
        expected = by_hand(values[:, star], errors[:, star], correlations)
        for own, number in zip(found[:4], expected, strict=True):
            assert_allclose(own[star], number, rtol=1e-9, atol=1e-7)  # cancellation in the scatter of equal values
    assert_allclose(found.weights.sum(axis=0), (found.numbers > 0).astype(float))


def test_a_value_alone_stays_as_it_is_to_the_last_bit():
    rng = np.random.default_rng(1)
    value, error = rng.normal(-0.3, 0.4, 1000).astype(np.float32), rng.uniform(0.01, 0.2, 1000).astype(np.float32)
    nothing = np.full_like(value, UNKNOWN)
    for values, errors in (([value, nothing], [error, nothing]), ([nothing, value], [nothing, error])):
        found = average(np.array(values), np.array(errors), independent(2))
        assert_array_equal(found.values.astype(np.float32), value)
        assert_allclose(found.errors, error, rtol=1e-12)
        assert np.isnan(found.scatter).all()


def test_the_first_survey_without_an_error_stays_alone_and_another_is_left_out():
    found = average(column(1.0, 2.0, 3.0), column(UNKNOWN, 0.1, 0.1), independent(3))
    assert (found.values[0], found.numbers[0]) == (1.0, 1)
    assert np.isnan(found.errors[0])
    found = average(column(1.0, 2.0, 3.0), column(0.1, UNKNOWN, 0.1), independent(3))
    assert_allclose([found.values[0], found.errors[0]], [2.0, 0.1 / np.sqrt(2)])


def test_other_numbers_are_averaged_with_the_same_weights_and_what_is_not_in_the_mean_may_be_unknown():
    found = average(column(1.0, UNKNOWN, 4.0), column(0.1, 0.1, 0.2), independent(3))
    assert_allclose(found.mean_of(column(0.0, UNKNOWN, 5.0)), 1.0)  # weights 4 and 1
    assert np.isnan(average(column(UNKNOWN), column(1.0), independent(1)).mean_of(column(UNKNOWN))).all()


def test_a_survey_whose_larger_errors_are_those_of_another_adds_nothing():
    found = average(column(1.0, 2.0), column(0.1, 0.3), np.array([[1.0, 0.5], [0.5, 1.0]]))
    assert (found.values[0], found.errors[0], found.numbers[0]) == (1.0, 0.1, 1)


def test_correlations_that_do_not_fit_together_are_reduced():
    """The first two surveys err alike, and so do the last two, but the first and the last do not: impossible."""
    correlations = np.array([[1.0, 0.99, 0.0], [0.99, 1.0, 0.99], [0.0, 0.99, 1.0]])
    found = average(column(0.0, 1.0, 2.0), column(0.1, 0.1, 0.1), correlations)
    assert_allclose(found.values[0], 1.0)
    assert 0.05 < found.errors[0] < 0.1


def test_means_are_closer_to_the_truth_than_the_best_survey_and_their_errors_cover():
    rng = np.random.default_rng(2)
    errors = rng.uniform([[0.03], [0.05], [0.08]], [[0.06], [0.2], [0.3]], (3, 40_000))
    truth = rng.normal(-0.3, 0.4, 40_000)
    gains = []
    for correlation in (0.0, 0.5):
        correlations = np.where(np.eye(3), 1.0, correlation)
        correlations[2, :2] = correlations[:2, 2] = 0  # the third is independent of the others, as B is
        values = truth + errors * (np.linalg.cholesky(correlations) @ rng.normal(size=errors.shape))
        values[1, ::3] = UNKNOWN
        found = average(values, errors, correlations)
        known = np.where(np.isnan(values), np.inf, errors)
        best = np.take_along_axis(values, known.argmin(axis=0)[None], axis=0)[0] - truth
        gains.append(np.std(found.values - truth) / np.std(best))
        covered = (np.abs(found.values - truth) < found.errors).mean()
        assert_allclose(covered, 0.6827, atol=4 * np.sqrt(0.68 * 0.32 / 40_000))
        assert_array_equal(np.isnan(found.scatter), found.numbers < 2)
    assert gains[0] < 0.93 < gains[1] < 0.97  # what is shared does not average out
    mistaken = average(values, errors, independent(3))  # errors of correlated translations, taken as independent
    assert (np.abs(mistaken.values - truth) < mistaken.errors).mean() < 0.66
