"""Masks: training stars lack what the catalogue's stars lack, as often."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stdask.science.translation.masking import count_patterns, join_patterns, mask_inputs

CATALOGUE = np.zeros((1000, 3))
CATALOGUE[:140, 2] = np.nan
CATALOGUE[140:150, :2] = np.nan
CATALOGUE[150:152] = np.nan
KEYS = np.random.default_rng(1).integers(0, 2**64, 20_000, dtype=np.uint64)


def test_stars_are_masked_in_the_patterns_of_the_catalogue_at_their_rates():
    masked = np.isnan(mask_inputs(np.ones((20_000, 3)), count_patterns(CATALOGUE), KEYS, 7, "test"))
    for pattern, share in (([0, 0, 1], 0.14), ([1, 1, 0], 0.01), ([1, 1, 1], 0.002), ([0, 0, 0], 0.848)):
        found = (masked == np.array(pattern, bool)).all(axis=1).mean()
        assert abs(found - share) < 4 * np.sqrt(share / 20_000)  # 4 sigma of the binomial
    assert len(np.unique(masked, axis=0)) == 4


def test_partial_patterns_leave_out_complete_stars_and_those_without_any_input():
    partial = count_patterns(CATALOGUE).partial
    assert sorted(map(tuple, partial.missing.tolist())) == [(False, False, True), (True, True, False)]
    assert sorted(partial.counts.tolist()) == [10, 140]
    assert not len(count_patterns(np.ones((5, 3))).partial.counts)


def test_a_stars_mask_is_its_own_and_differs_from_stream_to_stream():
    inputs, patterns = np.arange(60_000.0).reshape(20_000, 3), count_patterns(CATALOGUE)
    whole = mask_inputs(inputs, patterns, KEYS, 7, "member 0")
    np.testing.assert_array_equal(mask_inputs(inputs[5:9], patterns, KEYS[5:9], 7, "member 0"), whole[5:9])
    other = mask_inputs(inputs, patterns, KEYS, 7, "member 1")
    assert (np.isnan(whole) != np.isnan(other)).any()
    kept = ~np.isnan(whole)
    np.testing.assert_array_equal(whole[kept], inputs[kept])


@given(arrays(float, (30, 3), elements=st.sampled_from([1.0, np.nan])), st.integers(1, 29))
def test_patterns_of_parts_add_up_to_those_of_the_whole(inputs: np.ndarray, cut: int):
    whole, joined = count_patterns(inputs), join_patterns([count_patterns(inputs[:cut]), count_patterns(inputs[cut:])])
    np.testing.assert_array_equal(joined.missing, whole.missing)
    np.testing.assert_array_equal(joined.counts, whole.counts)
