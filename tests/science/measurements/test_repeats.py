"""Errors that are off by a known factor: repeat visits tell it."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from stdask.science.measurements.repeats import (
    MAX_BINS,
    MIN_PAIRS,
    PAIRS_PER_BIN,
    Pairs,
    compare_visits,
    fit_factors,
    sample_pairs,
)

NAN = np.nan


class Visits(NamedTuple):
    """What `compare_visits` is given."""

    stars: np.ndarray
    rows: np.ndarray
    merits: np.ndarray
    values: np.ndarray
    errors: np.ndarray


def true_factors(merits: np.ndarray) -> np.ndarray:
    """Return factors from 1.5 at merit 0 to 0.7 at 100, whose squares are linear in the merit."""
    return np.sqrt(2.25 - 1.76 * merits / 100)


def draw_visits(n_stars: int, seed: int = 1) -> Visits:
    """Return one to four visits to each star, whose true errors are `true_factors` times the stated ones."""
    rng = np.random.default_rng(seed)
    stars = np.repeat(np.arange(n_stars), rng.integers(1, 5, n_stars))
    merits = np.clip(rng.uniform(5, 95, n_stars)[stars] + rng.normal(0, 10, stars.size), 1, 99)
    errors = 200 / merits * rng.uniform(0.8, 1.25, stars.size)
    truth = rng.normal(5000, 500, n_stars)[stars]
    values = truth + errors * true_factors(merits) * rng.normal(size=stars.size)
    return Visits(stars, np.arange(stars.size), merits, values, errors)


def drawn_pairs(n_pairs: int, seed: int = 1) -> Pairs:
    """Return pairs whose errors are right."""
    rng = np.random.default_rng(seed)
    return Pairs(np.arange(n_pairs, dtype=np.uint64), rng.uniform(0, 100, n_pairs), rng.normal(size=n_pairs))


def pairs_of(*visits: tuple[int, float, float, float]) -> Pairs:
    """Return the pairs of visits (star, merit, value, error)."""
    stars, merits, values, errors = (np.array(column) for column in zip(*visits, strict=True))
    return compare_visits(stars, np.arange(stars.size), merits, values, errors)


def test_factors_known_as_a_function_of_merit_are_found_within_their_errors():
    pairs = compare_visits(*draw_visits(20_000))
    found = fit_factors(pairs)
    assert found.n_pairs.size == MAX_BINS
    assert found.n_pairs.sum() == pairs.z.size
    bins = np.searchsorted(found.edges, pairs.merits, side="right")
    squares = np.bincount(bins, true_factors(pairs.merits) ** 2) / found.n_pairs
    assert_allclose(found.errors / found.factors, 1.1664 / np.sqrt(found.n_pairs))
    offsets = (found.factors - np.sqrt(squares)) / found.errors
    assert np.abs(offsets).max() < 4
    assert np.sum(offsets**2) < 30  # chi^2 of 10 bins: 0.1 %
    assert found.factors[0] > 1.3
    assert found.factors[-1] < 0.9


def test_an_error_of_a_factor_is_how_far_it_scatters():
    found = [fit_factors(drawn_pairs(2000, seed)) for seed in range(100)]
    scatter = np.std([one.factors for one in found])
    assert scatter == pytest.approx(
        np.mean([one.errors for one in found]), rel=0.1
    )  # 4 sigma of 1 / sqrt(2 x 1000) is 0.09


def test_rescaled_errors_are_those_that_values_scatter_by():
    visits = draw_visits(20_000)
    found = fit_factors(compare_visits(*visits))
    ratios = found.at(visits.merits) / true_factors(visits.merits)
    assert np.abs(ratios - 1).max() < 0.12  # half the width of the widest bin, 4 %, and 4 sigma of 2.2 %


def test_a_factor_is_that_of_the_bin_and_an_unknown_merit_takes_the_largest():
    found = fit_factors(compare_visits(*draw_visits(20_000)))
    edge = found.edges[3]
    at = found.at(np.array([-np.inf, np.nextafter(edge, 0), edge, np.inf, NAN]))
    assert_array_equal(at, [*found.factors[[0, 3, 4, -1]], found.factors.max()])


def test_gross_outliers_hardly_matter():
    pairs = drawn_pairs(20_000)
    wild = np.where(np.arange(20_000) % 20 == 0, 1e6, pairs.z)  # 5 % of the pairs
    found = fit_factors(pairs._replace(z=wild))
    # Phi^-1(1/2 + 1/4/0.95) / Phi^-1(3/4): 5 % more lie outside of the median distance
    assert_allclose(found.factors, 1.062, atol=4 * 1.1 * 1.1664 / np.sqrt(2000))
    assert np.std(wild) > 1e5


def test_visits_pair_off_in_order_of_merit_and_none_is_in_two_pairs():
    found = pairs_of(
        (7, 10, 1.0, 3.0), (7, 50, 9.0, 3.0), (7, 40, 4.0, 4.0), (8, 9, 5.0, 1.0), (7, 20, 2.0, 4.0), (7, 5, 0.0, 1.0)
    )
    order = np.argsort(-found.merits)
    assert_allclose(found.z[order], [1.0, 0.2])  # (9 - 4) / 5, (2 - 1) / 5
    assert_allclose(found.merits[order], [(50 * 9 + 40 * 16) / 25, (20 * 16 + 10 * 9) / 25])


def test_of_equal_merits_the_rows_pair_off_in_their_order_and_not_the_nearest_values():
    found = pairs_of(*((1, 30.0, value, 1.0) for value in (0.0, 10.0, 1.0, 12.0)))
    assert_allclose(np.sort(found.z * np.sqrt(2)), [-11.0, -10.0])


def test_visits_without_a_value_an_error_or_a_merit_count_for_nothing():
    good = (1, 50.0, 2.0, 1.0)
    for bad in ((1, NAN, 1.0, 1.0), (1, 40.0, NAN, 1.0), (1, 40.0, 1.0, NAN), (1, 40.0, 1.0, 0.0), (2, 40.0, 1.0, 1.0)):
        assert pairs_of(good, bad).z.size == 0
    assert pairs_of(good, (1, 45.0, NAN, 1.0), (1, 40.0, 1.0, 1.0)).z.size == 1


def test_a_visit_that_is_listed_twice_is_one_visit():
    assert pairs_of((1, 50.0, 2.0, 1.0), (1, 50.0, 2.0, 1.0)).z.size == 0
    found = pairs_of((1, 50.0, 2.0, 3.0), (1, 50.0, 2.0, 3.0), (1, 50.0, 2.0, 3.0), (1, 40.0, 7.0, 4.0))
    assert found.z.tolist() == [-1.0]
    assert pairs_of((1, 50.0, 2.0, 1.0), (1, 51.0, 2.0, 1.0)).z.tolist() == [0.0]  # two visits that agree


def test_few_pairs_leave_the_errors_as_stated():
    found = fit_factors(drawn_pairs(MIN_PAIRS - 1))
    assert found.n_pairs.tolist() == [MIN_PAIRS - 1]
    assert found.factors.tolist() == [1.0]
    assert np.isnan(found.errors).all()
    assert fit_factors(drawn_pairs(MIN_PAIRS)).factors.tolist() != [1.0]


def test_values_rounded_to_their_errors_leave_the_errors_as_stated():
    pairs = drawn_pairs(300)
    found = fit_factors(pairs._replace(z=np.round(pairs.z / 5)))
    assert found.factors.tolist() == [1.0]
    assert np.isnan(found.errors).all()


def test_no_visits_give_no_pairs_and_a_factor_of_1():
    nothing = np.empty(0)
    pairs = compare_visits(nothing.astype(int), nothing.astype(int), nothing, nothing, nothing)
    found = fit_factors(sample_pairs([pairs, pairs], 10))
    assert (pairs.z.size, found.n_pairs.tolist(), found.factors.tolist()) == (0, [0], [1.0])
    assert found.at(np.array([3.0, NAN])).tolist() == [1.0, 1.0]


def test_equal_merits_lie_in_one_bin_and_every_bin_holds_enough_pairs():
    pairs = drawn_pairs(5000)
    for n_values in (1, 2, 3, 7):
        found = fit_factors(pairs._replace(merits=np.floor(pairs.merits / 100 * n_values)))
        assert found.n_pairs.size == n_values
        assert found.n_pairs.sum() == 5000
    rare = fit_factors(pairs._replace(merits=(pairs.merits < 2).astype(float)))  # 2 % of 5000 are too few for a bin
    assert rare.n_pairs.tolist() == [5000]
    assert fit_factors(drawn_pairs(2 * PAIRS_PER_BIN - 1)).n_pairs.size == 1
    assert fit_factors(drawn_pairs(2 * PAIRS_PER_BIN)).n_pairs.tolist() == [PAIRS_PER_BIN, PAIRS_PER_BIN]


VISITS = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.sampled_from([1.0, 2.0, 3.0, NAN]),
        st.sampled_from([0.0, 0.5, 4.0, NAN]),
        st.sampled_from([0.1, 1.0, 0.0, NAN]),
    ),
    max_size=25,
)


@given(rows=VISITS, seed=st.integers(0, 9))
def test_neither_the_order_of_visits_nor_the_numbers_of_stars_matter(rows: list, seed: int):
    stars, merits, values, errors = (np.array([row[n] for row in rows], dtype=float) for n in range(4))
    visits = Visits(stars.astype(int), np.arange(len(rows)), merits, values, errors)
    expected = compare_visits(*visits)
    assert (np.diff(expected.keys.astype(float)) >= 0).all()
    order = np.random.default_rng(seed).permutation(len(rows))
    shuffled = Visits(*(column[order] for column in visits))
    for one, other in zip(expected, compare_visits(*shuffled._replace(stars=(shuffled.stars * 3) % 5)), strict=True):
        assert_array_equal(one, other)
    assert 2 * expected.z.size <= len(rows)


@given(rows=VISITS, n_shares=st.integers(1, 4), most=st.integers(0, 8))
def test_a_sample_does_not_depend_on_how_the_stars_were_shared_out(rows: list, n_shares: int, most: int):
    stars, merits, values, errors = (np.array([row[n] for row in rows], dtype=float) for n in range(4))
    visits = Visits(stars.astype(int), np.arange(len(rows)), merits, values, errors)
    whole = sample_pairs([compare_visits(*visits)], most)
    assert whole.z.size == min(most, compare_visits(*visits).z.size)
    shares = [Visits(*(column[stars % n_shares == n] for column in visits)) for n in range(n_shares)]
    parts = [sample_pairs([compare_visits(*share)], most) for share in shares]
    for one, other in zip(whole, sample_pairs(parts[::-1], most), strict=True):
        assert_array_equal(one, other)
