"""Positions that can be."""

import numpy as np
from numpy.testing import assert_array_equal

from stdask.science.sky.positions import check_positions


def test_missing_and_impossible_positions_are_told_apart_and_360_is_0():
    ra = np.array([0.0, 360.0, -0.1, 360.1, 10.0, 10.0, np.nan, 10.0, 10.0])
    dec = np.array([0.0, 0.0, 0.0, 0.0, 90.0, -90.1, 0.0, np.inf, -90.0])
    wrapped, missing, impossible = check_positions(ra, dec)
    assert wrapped[1] == 0.0
    assert_array_equal(missing, [0, 0, 0, 0, 0, 0, 1, 1, 0])
    assert_array_equal(impossible, [0, 0, 1, 1, 0, 1, 0, 0, 0])
