"""Errors rescaled from repeat visits: known factors are found, whatever the order of the rows and despite outliers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from stdask.science.repeat_errors import MIN_PAIRS, fit_factors, normalised_differences, pair_visits


def visits(n_stars: int, factor, rng: np.random.Generator, outliers: float = 0.0):
    """Return stars, merits, values and stated errors of two or three visits; the true error is factor(merit) times."""
    stars = np.repeat(np.arange(n_stars), rng.integers(2, 4, n_stars))
    merits = rng.uniform(10, 100, n_stars)[stars] + rng.normal(0, 2, stars.size)
    stated = 5.0 / merits
    values = rng.normal(0, 1, n_stars)[stars] + rng.normal(0, stated * factor(merits))
    values += np.where(rng.random(stars.size) < outliers, rng.normal(0, 50, stars.size), 0)
    return stars, merits, values, stated


def fitted(stars, merits, values, stated):
    pairs = pair_visits(stars, merits)
    return fit_factors(normalised_differences(values, stated, pairs), merits[pairs[:, 1]])


def test_a_factor_that_depends_on_the_merit_is_found_within_its_error():
    def truth(merits):
        return 0.7 + 30 / merits

    found = fitted(*visits(20_000, truth, np.random.default_rng(1)))
    assert found.factors.size == 10
    middles = np.interp(np.arange(0.05, 1, 0.1), [0, 1], [10, 100])  # merits are uniform
    # 1 sigma is 2 per cent; within a bin the truth falls by up to a third, which the middle stands for to some per cent
    assert found.factors[1:] == pytest.approx(truth(middles)[1:], rel=0.08)
    assert found.errors[1:] / found.factors[1:] == pytest.approx(1.1666 / np.sqrt(found.n_pairs[1:]), rel=1e-3)
    assert found.at(np.array([95.0, 12.0, np.nan])).tolist() == found.factors[[9, 0, 0]].tolist()


def test_the_errors_of_the_factors_are_their_scatter():
    rng = np.random.default_rng(2)
    found = [fitted(*visits(150, lambda m: np.full(m.size, 1.5), rng)) for _ in range(300)]
    factors, errors = (np.array([getattr(f, name)[0] for f in found]) for name in ("factors", "errors"))
    assert factors.mean() == pytest.approx(1.5, abs=0.03)  # the mean of 300 of 0.14
    assert errors.mean() == pytest.approx(factors.std(), rel=0.15)  # a scatter of 300 is known to 4 per cent, 3 sigma


def test_outliers_matter_little():
    found = fitted(*visits(20_000, lambda m: np.ones(m.size), np.random.default_rng(3), outliers=0.025))
    # 5 per cent of the pairs: the median is the 52.6th percentile of the others, 1.06
    assert found.factors == pytest.approx(np.full(10, 1.06), abs=0.07)


def test_few_pairs_give_no_factor():
    few = fitted(*visits(MIN_PAIRS - 10, lambda m: np.full(m.size, 3.0), np.random.default_rng(4)))
    assert few.factors.tolist() == [1.0]
    assert np.isnan(few.errors).all()
    nothing = fit_factors(np.empty(0), np.empty(0))
    assert (nothing.factors.tolist(), nothing.n_pairs.tolist()) == ([1.0], [0])


def test_the_best_two_visits_are_a_pair_and_the_next_two():
    stars = np.array([7, 3, 7, 7, 7, 3, 9, 7])
    merits = np.array([1.0, 5.0, 9.0, np.nan, 4.0, 6.0, 2.0, 4.0])
    assert sorted(map(tuple, pair_visits(stars, merits))) == [(2, 4), (5, 1), (7, 0)]


def test_a_row_that_stands_twice_is_no_second_visit():
    values, errors = np.array([1.0, 1.0, 2.0, 2.0]), np.array([0.1, 0.1, 0.1, 0.2])
    found = normalised_differences(values, errors, np.array([[0, 1], [2, 3]]))
    assert_array_equal(found, [np.nan, 0.0])


STARS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 99)), max_size=40, unique=True)


@given(STARS, st.randoms())
def test_pairs_are_of_one_star_hold_no_visit_twice_and_do_not_depend_on_the_order(rows, random):
    stars, merits = (np.array(column, dtype=float) for column in zip(*rows, strict=True)) if rows else np.empty((2, 0))
    pairs = pair_visits(stars.astype(int), merits)
    assert (stars[pairs[:, 0]] == stars[pairs[:, 1]]).all()
    assert np.unique(pairs).size == pairs.size
    assert len(pairs) == sum(n // 2 for n in np.unique(stars, return_counts=True)[1])
    order = np.array(random.sample(range(len(rows)), len(rows)), dtype=int)
    again = order[pair_visits(stars.astype(int)[order], merits[order])]
    assert {tuple(p) for p in again.tolist()} == {tuple(p) for p in pairs.tolist()}
