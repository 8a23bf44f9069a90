"""Which pixels are near to stars."""

import healpy as hp
import numpy as np

from stdask.science.galaxy.reach import near_stars, near_stars_on_sky


def test_pixels_are_near_up_to_a_distance_from_the_next_star():
    counts = np.zeros((40, 60), dtype=int)
    counts[[3, 20, 20, 39], [5, 30, 31, 59]] = [1, 7, 2, 1]
    rows, columns = np.indices(counts.shape)
    stars = np.argwhere(counts)
    nearest = np.min([np.hypot(rows - r, columns - c) for r, c in stars], axis=0)
    np.testing.assert_array_equal(near_stars(counts, 3), nearest <= 3)
    assert not near_stars(np.zeros((4, 4), dtype=int), 3).any()


def test_on_the_sky_the_pixels_that_touch_one_with_stars_are_near():
    counts = np.zeros(12 * 4**3, dtype=int)
    counts[[0, 100, 700]] = 1
    near = near_stars_on_sky(counts)
    boundaries = [hp.boundaries(8, pixel, nest=True).T for pixel in range(len(counts))]
    corners = [{tuple(np.round(corner, 9)) for corner in own} for own in boundaries]
    for pixel in range(len(counts)):
        touches = any(corners[pixel] & corners[own] for own in (0, 100, 700))
        assert near[pixel] == touches
