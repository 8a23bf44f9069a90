"""Means of surveys: those of numpy star by star, closer to the truth than any survey, with errors that cover."""

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
    """Return mean, error, scatter and number of one star, in plain Python."""
    if np.isfinite(values[0]) and not errors[0] > 0:
        return values[0], UNKNOWN, UNKNOWN, 1
    own = np.flatnonzero(np.isfinite(values) & (errors > 0)).tolist()
    if not own:
        return UNKNOWN, UNKNOWN, UNKNOWN, 0
    total = sum(1 / errors[k] ** 2 for k in own)
    scatter = np.std([values[k] for k in own], ddof=1) if len(own) > 1 else UNKNOWN
    variance = sum(correlations[i, j] / (errors[i] * errors[j]) for i in own for j in own) / total**2
    return sum(values[k] / errors[k] ** 2 for k in own) / total, variance**0.5, scatter, len(own)


STARS = st.tuples(st.integers(1, 4), st.integers(0, 6))


@given(st.data(), STARS)
def test_means_are_those_of_a_loop_over_the_stars(data, shape):
    number = st.one_of(st.floats(-3, 3, width=32), st.just(UNKNOWN))
    values = data.draw(arrays(np.float64, shape, elements=number))
    sizes = st.one_of(st.floats(2**-10, 1, width=32), st.sampled_from([UNKNOWN, 0.0]))
    errors = data.draw(arrays(np.float64, shape, elements=sizes))
    shared = data.draw(arrays(np.float64, shape[0], elements=st.floats(0, 0.9)))
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
    assert gains[0] < 0.93 < gains[1] < 1  # what is shared does not average out
    mistaken = average(values, errors, independent(3))  # errors of correlated translations, taken as independent
    assert (np.abs(mistaken.values - truth) < mistaken.errors).mean() < 0.66
