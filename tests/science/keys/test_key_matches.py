"""Rows of two tables with the same key, compared with pandas."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from stdask.science.keys.key_matches import match_keys

NUMBERS = st.lists(st.integers(0, 9), max_size=30).map(lambda numbers: np.array(numbers, dtype=np.int64))


@given(NUMBERS, NUMBERS)
def test_rows_are_those_of_a_left_merge_with_the_first_row_of_each_key(keys: np.ndarray, others: np.ndarray):
    found = match_keys(keys, others)
    right = pd.DataFrame({"key": others, "row": np.arange(others.size)})
    left = pd.DataFrame({"key": keys})
    merged = left.merge(right.drop_duplicates("key"), on="key", how="left")
    assert_array_equal(found.rows, merged["row"].fillna(-1).to_numpy(dtype=np.int64))
    assert_array_equal(found.repeats, np.flatnonzero(right["key"].duplicated() & np.isin(others, keys)))


def test_every_row_of_a_repeated_key_gets_the_same_row():
    assert_array_equal(match_keys(np.array([7, 5, 7, 7]), np.array([5, 6, 7])).rows, [2, 0, 2, 2])


def test_keys_above_the_signed_integers_are_exact():
    keys = np.array([2**63 + 1, 2**63 + 3], dtype=np.uint64)
    assert_array_equal(match_keys(keys, keys[::-1]).rows, [1, 0])
    assert_array_equal(match_keys(keys, keys + np.uint64(1)).rows, [-1, -1])
