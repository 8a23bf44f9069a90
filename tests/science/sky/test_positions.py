"""Positions that can be."""

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from numpy.testing import assert_allclose, assert_array_equal

from stdask.science.sky.positions import check_positions, unit_vectors


def test_missing_and_impossible_positions_are_told_apart_and_360_is_0():
    ra = np.array([0.0, 360.0, -0.1, 360.1, 10.0, 10.0, np.nan, 10.0, 10.0])
    dec = np.array([0.0, 0.0, 0.0, 0.0, 90.0, -90.1, 0.0, np.inf, -90.0])
    wrapped, missing, impossible = check_positions(ra, dec)
    assert wrapped[1] == 0.0
    assert_array_equal(missing, [0, 0, 0, 0, 0, 0, 1, 1, 0])
    assert_array_equal(impossible, [0, 0, 1, 1, 0, 1, 0, 0, 0])


def test_unit_vectors_are_those_of_astropy():
    ra, dec = np.random.default_rng(1).uniform(0, 360, 100), np.linspace(-90, 90, 100)
    expected = SkyCoord(ra * u.deg, dec * u.deg).cartesian.xyz.value.T
    assert_allclose(unit_vectors(ra, dec), expected, atol=1e-15)  # a few roundings of 64-bit numbers
