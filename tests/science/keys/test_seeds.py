"""One seed, many streams: the same again, and none that meets another."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stdask.science.keys.seeds import generator, integer_seed

SEEDS, PURPOSES = st.integers(0, 2**32 - 1), st.text(max_size=20)


@given(seed=SEEDS, purpose=PURPOSES, number=st.integers(0, 2**31))
def test_a_stream_is_the_same_again(seed: int, purpose: str, number: int):
    first, second = (generator(seed, purpose, number).integers(2**63, size=3) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert integer_seed(seed, purpose, number) == integer_seed(seed, purpose, number)


@given(seed=SEEDS)
def test_members_of_neighbouring_seeds_share_no_stream(seed: int):
    """A sum of seed and member would give seeds 7 and 8 four of five networks in common."""
    streams = [(s, member) for s in (seed, seed + 1) for member in range(5)]
    drawn = {stream: integer_seed(stream[0], "network", stream[1]) for stream in streams}
    assert len(set(drawn.values())) == len(streams)


def test_streams_of_one_seed_are_not_correlated():
    purposes = ("validation split", "layer", "mock")
    drawn = {(p, n): generator(7, p, n).standard_normal(4000) for p in purposes for n in range(3)}
    for first, second in combinations(drawn.values(), 2):
        assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(4000)  # five standard errors


@given(seed=SEEDS, purpose=PURPOSES)
def test_an_integer_seed_is_one_that_every_library_takes(seed: int, purpose: str):
    assert 0 <= integer_seed(seed, purpose) < 2**31
