"""The pairwise bitmask against a brute-force histogram."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stdask.science.translation.validity import (
    FEWEST_BINS,
    MOST_BINS,
    WANTED_INSIDE,
    choose_n_bins,
    describe_flags,
    fit_domain,
    share_held_out_inside,
)

RNG = np.random.default_rng(1)
STARS = np.column_stack([RNG.normal(4800, 300, 500), RNG.normal(2.4, 0.5, 500), RNG.normal(-0.3, 0.3, 500)])
NAMES = ("TEFF", "LOGG", "FE_H")


def test_occupied_bins_are_those_of_numpys_histogram():
    domain = fit_domain(STARS, NAMES, n_bins=30, min_stars=2)
    assert domain.pairs == [(0, 1), (0, 2), (1, 2)]
    assert domain.pair_names == ["TEFF-LOGG", "TEFF-FE_H", "LOGG-FE_H"]
    for n, (i, j) in enumerate(domain.pairs):
        counts, *edges = np.histogram2d(STARS[:, i], STARS[:, j], bins=30)
        np.testing.assert_array_equal(domain.occupied[n], counts >= 2)
        np.testing.assert_allclose(domain.edges[[i, j]], edges, rtol=1e-12)  # rounding


def test_a_star_is_inside_where_its_bin_is_occupied():
    domain = fit_domain(STARS, NAMES, n_bins=10, min_stars=3)
    probes = RNG.uniform(STARS.min(axis=0) - 0.2, STARS.max(axis=0) + 0.2, (2000, 3))
    inside = domain.contains(probes)
    edges = domain.edges
    for star, values in enumerate(probes):
        for n, (i, j) in enumerate(domain.pairs):
            a, b = (np.searchsorted(edges[k], values[k], side="right") - 1 for k in (i, j))
            expected = 0 <= a < 10 and 0 <= b < 10 and domain.occupied[n, a, b]
            assert inside[star, n] == expected


# widths down to 1e-3 of values up to 1e4, float32 as in a catalogue
@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 40), st.integers(1, 4)),
        elements=st.floats(-1e4, 1e4, width=32),
    ),
    st.integers(2, 40),
)
@settings(max_examples=200, deadline=None)
def test_every_training_star_is_inside_its_own_domain(stars: np.ndarray, n_bins: int):
    stars = stars.astype(np.float64)
    domain = fit_domain(stars, [f"C{i}" for i in range(stars.shape[1])], n_bins, min_stars=1)
    assert domain.contains(stars).all()


@pytest.mark.parametrize(("n_bins", "min_stars"), [(2, 1), (8, 1), (30, 1), (10, 3)])
@pytest.mark.parametrize("n_columns", [1, 3])
def test_the_share_of_held_out_stars_inside_is_that_of_domains_fitted_without_each(
    n_bins: int, min_stars: int, n_columns: int
):
    # rounded, so that stars share extremes and lie on edges
    stars = np.round(STARS[:120, :n_columns] / [100, 0.1, 0.1][:n_columns])
    inside = []
    for star in range(len(stars)):
        domain = fit_domain(np.delete(stars, star, axis=0), NAMES[:n_columns], n_bins, min_stars)
        inside.append(domain.contains(stars[[star]]).all())
    assert share_held_out_inside(stars, n_bins, min_stars) == pytest.approx(np.mean(inside))


def test_a_value_that_is_missing_counts_in_no_bin_and_against_no_star():
    lacking = STARS.copy()
    lacking[::2, 2] = np.nan
    domain, complete = fit_domain(lacking, NAMES, 10, 1), fit_domain(STARS[1::2], NAMES, 10, 1)
    np.testing.assert_array_equal(domain.occupied[0], fit_domain(STARS, NAMES, 10, 1).occupied[0])
    np.testing.assert_array_equal(domain.minima[2], complete.minima[2])
    expected, *_ = np.histogram2d(STARS[1::2, 1], STARS[1::2, 2], 10, [[*domain.edges[k][[0, -1]]] for k in (1, 2)])
    np.testing.assert_array_equal(domain.occupied[2], expected > 0)
    inside = domain.contains(lacking)
    assert inside[1::2].all()
    assert inside[::2, 0].all()
    # a column of nothing but missing values beyond the first two has no say
    assert share_held_out_inside(lacking, 10, 1) > share_held_out_inside(STARS[1::2], 10, 1)


@pytest.mark.parametrize("n_stars", [300, 1000, 3000])
def test_new_stars_pass_the_chosen_bins_at_the_wanted_rate_where_the_paper_s_30_lose_many(n_stars: int):
    rng = np.random.default_rng(n_stars)

    def drawn(n: int) -> np.ndarray:  # giants and dwarfs, four columns that depend on each other
        logg = np.where(rng.random(n) < 0.5, rng.normal(2.4, 0.4, n), rng.normal(4.3, 0.2, n))
        metallicity = rng.normal(-0.3, 0.3, n)
        teff = 5600 - 400 * np.abs(logg - 4) + rng.normal(0, 150, n)
        return np.column_stack([teff, logg, metallicity, 0.1 - 0.2 * metallicity + rng.normal(0, 0.08, n)])

    training, new = drawn(n_stars), drawn(20_000)
    n_bins = choose_n_bins(training, min_stars=1)
    inside, published = (fit_domain(training, "ABCD", n, 1).contains(new).all(axis=1).mean() for n in (n_bins, 30))
    # the share is estimated from n_stars stars, of which 5 % lie outside: 4 sigma of the binomial
    assert inside > WANTED_INSIDE - 4 * np.sqrt(0.05 * 0.95 / n_stars)
    assert FEWEST_BINS <= n_bins < MOST_BINS
    if n_bins > FEWEST_BINS:
        assert share_held_out_inside(training, n_bins + 1, 1) < WANTED_INSIDE
    assert published < inside


def test_many_stars_have_the_bins_of_the_paper_and_very_few_the_fewest():
    rng = np.random.default_rng(4)
    assert choose_n_bins(rng.uniform(0, 1, (20_000, 2)), min_stars=1) == MOST_BINS
    assert choose_n_bins(rng.normal(0, 1, (30, 4)), min_stars=1) == FEWEST_BINS


def test_what_lies_beyond_the_range_or_is_missing_is_outside():
    domain = fit_domain(STARS, NAMES, 30, 1)
    star = STARS[:1]
    for wrong in (
        np.nan,
        np.inf,
        -np.inf,
        np.nextafter(STARS[:, 0].max(), np.inf),
        np.nextafter(STARS[:, 0].min(), -np.inf),
    ):
        probe = star.copy()
        probe[0, 0] = wrong
        assert domain.contains(probe).tolist() == [[False, False, True]]


def test_a_lone_label_has_a_range_and_occupancy_of_its_own():
    velocities = np.concatenate([RNG.uniform(-300, -100, 300), RNG.uniform(100, 300, 300)])[:, None]  # km/s
    domain = fit_domain(velocities, ["VHELIO"], 30, 1)
    assert domain.pair_names == ["VHELIO"]
    probes = np.array([[200.0], [1e9], [0.0], [np.nan]])
    assert domain.contains(probes)[:, 0].tolist() == [True, False, False, False]


def test_comments_name_what_is_wrong_and_nothing_else():
    parts = [
        ("missing", ["TEFF", "LOGG"], np.array([[False, True], [False, False], [True, True]])),
        ("outside", ["TEFF-LOGG"], np.array([[True], [False], [False]])),
    ]
    assert describe_flags(parts).tolist() == ["missing LOGG; outside TEFF-LOGG", "", "missing TEFF, LOGG"]


@pytest.mark.parametrize("n_stars", [0, 1])
def test_comments_of_few_stars(n_stars: int):
    assert describe_flags([("missing", ["TEFF"], np.zeros((n_stars, 1), bool))]).tolist() == [""] * n_stars


def test_each_star_is_told_its_own_faults_whatever_those_of_others():
    rng = np.random.default_rng(3)
    names = [f"{number}" for number in range(11)]  # more than fit one byte
    wrong = rng.random((200, 11)) < 0.3
    wrong[:20] = False
    comments = describe_flags([("outside", names, wrong)])
    for star, row in enumerate(wrong):
        faults = ", ".join(name for name, bad in zip(names, row, strict=True) if bad)
        assert comments[star] == (f"outside {faults}" if faults else "")


def test_a_star_that_lacks_a_column_counts_in_the_pairs_of_those_that_it_has():
    gaps = STARS.copy()
    gaps[RNG.random(500) < 0.6, 2] = np.nan
    known = np.isfinite(gaps[:, 2])
    domain, complete = (fit_domain(values, NAMES, n_bins=10, min_stars=1) for values in (gaps, STARS))
    np.testing.assert_array_equal(domain.occupied[0], complete.occupied[0])  # TEFF-LOGG
    np.testing.assert_array_equal(domain.edges[:2], complete.edges[:2])
    for n, (i, j) in enumerate(domain.pairs[1:], start=1):
        counts, *_ = np.histogram2d(STARS[known, i], STARS[known, j], domain.edges[[i, j]])
        np.testing.assert_array_equal(domain.occupied[n], counts >= 1)
