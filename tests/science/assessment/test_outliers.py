"""The iterated clip on velocity differences."""

import numpy as np
import pytest

from stdask.science.assessment.outliers import clip_outliers


def test_the_clip_is_that_of_a_loop():
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(0.3, 0.5, 2000), rng.normal(0, 30, 1000), [np.nan, np.inf]])  # km/s
    left = values[np.isfinite(values)]
    while True:
        centre = np.median(left)
        sigma = 1.482602218505602 * np.median(np.abs(left - centre))
        kept = left[np.abs(left - centre) <= 5 * sigma]
        if kept.size == left.size:
            break
        left = kept
    mask = clip_outliers(values, 5.0)
    np.testing.assert_array_equal(values[mask], left)
    assert not mask[-2:].any()


@pytest.mark.parametrize("values", [[], [np.nan], [np.nan, np.nan]])
def test_nothing_known_keeps_nothing(values: list):
    assert not clip_outliers(np.array(values, dtype=float), 5.0).any()
