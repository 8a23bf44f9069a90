"""Where the colours of maps end, and that they can be read without colour."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from stdask.figures.maps.scales import (
    COUNTS,
    DIFFERENCES,
    ERRORS,
    HEIGHTS,
    VALUES,
    Scale,
    count_scale,
    difference_limits,
    error_limits,
    value_limits,
)


def greys(colours):
    """Return the luminance along a colour map (ITU-R BT.601), 1 for white: what a greyscale print shows."""
    return colours(np.linspace(0, 1, 64))[:, :3] @ [0.299, 0.587, 0.114]


@pytest.mark.parametrize("colours", [COUNTS, HEIGHTS, ERRORS, VALUES], ids=lambda c: c.name)
def test_a_grey_print_has_the_order_of_the_values(colours):
    steps = np.diff(greys(colours))
    assert (steps > 0).all() or (steps < 0).all()


def test_few_stars_are_pale_and_many_dark_and_even_one_is_not_white():
    pale, dark = greys(COUNTS)[[0, -1]]
    assert dark < 0.3 < pale < 0.92


def test_zero_is_white_and_a_difference_darker_the_larger_it_is():
    assert DIFFERENCES(0.5)[:3] == pytest.approx((1, 1, 1), abs=0.01)
    grey = greys(DIFFERENCES)
    assert (np.diff(grey[:32]) > 0).all()
    assert (np.diff(grey[32:]) < 0).all()
    assert grey[0] < grey[-1] - 0.15  # the signs differ in grey where differences are large


def test_limits_are_percentiles_of_stars_not_of_pixels():
    rng = np.random.default_rng(1)
    inner, outer = rng.normal(0.0, 0.1, 100), np.full(900, -2.0)  # many pixels with few stars
    stars = np.concatenate([np.full(100, 1000), np.ones(900)])
    values = np.concatenate([inner, outer])
    low, high = value_limits([values[:500], values[500:]], [stars[:500], stars[500:]])
    expected = np.percentile(np.repeat(values, stars.astype(int)), [2, 98])  # star by star
    assert_allclose([low, high], expected, atol=0.06)  # widened to full steps, and to the values of pixels
    assert low <= expected[0]
    assert high >= expected[1]


def test_scales_of_differences_and_errors_end_as_far_from_zero_as_the_largest():
    changes, stars = np.linspace(-0.3, 0.1, 401), np.ones(401)
    low, high = difference_limits([changes], [stars])
    assert low == -high
    assert 0.29 <= high <= 0.31
    assert error_limits([np.abs(changes)], [stars]) == (0.0, high)


def test_hardly_any_change_is_not_stretched_over_all_colours():
    assert difference_limits([np.full(9, 1e-5)], [np.ones(9)]) == pytest.approx((-0.01, 0.01))


@pytest.mark.parametrize("values", [[], [np.nan], [0.3]], ids=["none", "unknown", "one"])
def test_there_is_a_scale_whatever_is_known(values):
    images, stars = [np.array(values, dtype=float)], [np.ones(len(values))]
    for low, high in (value_limits(images, stars), difference_limits(images, stars)):
        assert low < high
    assert count_scale("stars", images).limits == (1, 10)


def test_a_scale_says_at_which_ends_values_lie_beyond_it():
    scale = Scale("[Fe/H]", (-1.0, 0.5), VALUES)
    image = np.array([[np.nan, 0.0]])
    assert scale.beyond([image]) == "neither"
    assert scale.beyond([image - 2, image]) == "min"
    assert scale.beyond([image + 1]) == "max"
    assert scale.beyond([image - 2, image + 1]) == "both"
    assert count_scale("stars", [np.array([5000])]).norm(1) == 0
