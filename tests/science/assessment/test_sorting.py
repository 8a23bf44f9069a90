"""Stars sorted into bins: each star once, by quantity and by place."""

import numpy as np
from astropy.coordinates import SkyCoord
from numpy.testing import assert_allclose, assert_array_equal

from stdask.science.assessment.sorting import bins_between, bins_of_shares, cells_of_sky, galactic_latitudes

RNG = np.random.default_rng(1)
RA, DEC = RNG.uniform(0, 360, 500), np.degrees(np.arcsin(RNG.uniform(-1, 1, 500)))


def test_every_star_with_a_value_is_in_one_bin():
    values = RNG.normal(size=1000)
    values[:7] = np.nan
    for bins in (bins_of_shares(values), bins_between(values, (-np.inf, 0.0, np.inf))):
        assert_array_equal(np.sum([own.stars for own in bins], axis=0), np.isfinite(values))


def test_bins_of_shares_hold_these_shares_and_leave_the_tails_alone():
    bins = bins_of_shares(RNG.normal(size=1000))
    assert_allclose([own.stars.sum() for own in bins], [50, 200, 250, 250, 200, 50], atol=1)
    assert all(own.low <= own.middle <= own.high for own in bins)


def test_equal_values_make_one_bin_and_no_values_none():
    assert [own.stars.sum() for own in bins_of_shares(np.full(10, 2.0))] == []
    assert bins_of_shares(np.full(5, np.nan)) == []


def test_an_edge_belongs_to_the_bin_above_and_the_last_one_to_the_last_bin():
    bins = bins_between(np.array([0.0, 0.5, 1.0]), (0.0, 0.5, 1.0))
    assert [own.stars.tolist() for own in bins] == [[True, False, False], [False, True, True]]
    assert [own.words for own in bins] == ["0 to 0.5", "0.5 to 1"]


def test_the_cells_of_the_sky_hold_every_star_once():
    bins = cells_of_sky(RA, DEC)
    assert_array_equal(np.sum([own.stars for own in bins], axis=0), 1)
    assert len(bins) == 48  # 500 stars all over the sky: an empty cell has a chance of 48 exp(-500 / 48) = 0.1 %


def test_galactic_latitudes_are_those_of_astropy():
    assert_allclose(galactic_latitudes(RA, DEC), SkyCoord(RA, DEC, unit="deg").galactic.b.deg, atol=1e-9)
