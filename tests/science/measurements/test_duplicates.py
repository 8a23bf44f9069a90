"""One row a star."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stdask.science.measurements.duplicates import superseded

NAN = np.nan


def test_the_best_row_stays_and_of_equals_the_first():
    stars = np.array([1, 1, 2, 2, 3, 3, 4, 4])
    merits = np.array([5.0, 7.0, 3.0, 3.0, NAN, 1.0, NAN, NAN])
    assert superseded(stars, merits).tolist() == [True, False, False, True, True, False, False, True]


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([1.0, 2.0, NAN])), max_size=30))
def test_one_row_of_each_star_stays_and_none_is_better(rows: list[tuple[int, float]]):
    stars = np.array([star for star, _ in rows], dtype=np.int64)
    merits = np.array([merit for _, merit in rows])
    kept = ~superseded(stars, merits)
    assert sorted(stars[kept]) == sorted(set(stars))
    for row in np.flatnonzero(kept):
        rivals = merits[stars == stars[row]]
        assert not (rivals > merits[row]).any()
        assert not np.isnan(merits[row]) or np.isnan(rivals).all()
