"""Values and errors: what is no measurement becomes NaN, and is counted once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from stdask.errors import SurveyError
from stdask.science.measurements.values import clean_errors, clean_values, complete_errors

NAN, INF = np.nan, np.inf


def test_every_way_of_being_missing_is_counted_under_its_name():
    column = np.array([4500.0, NAN, INF, -9999.0, 99.0, 4800.0])
    good = np.array([True, True, True, True, True, False])
    values, counts = clean_values(column, 1.0, (3000.0, 8000.0), good)
    assert_array_equal(values, [4500.0, NAN, NAN, NAN, NAN, NAN])
    assert counts == {
        "n_missing": 1, "n_infinite": 1, "n_sentinel": 1, "n_outside": 1, "n_not_good": 1, "n_measured": 1
    }  # fmt: skip


def test_the_valid_range_is_closed_and_in_the_unit_of_the_catalogue():
    values, _ = clean_values(np.array([499.0, 500.0, 2000.0, 2001.0]), 0.001, (0.5, 2.0))
    assert_array_equal(values, [NAN, 0.5, 2.0, NAN])


def test_a_masked_integer_is_missing_and_the_others_are_numbers():
    values, counts = clean_values(np.ma.masked_array([5, 6], mask=[True, False]), 2.0, None)
    assert_array_equal(values, [NAN, 12.0])
    assert counts["n_missing"] == 1


def test_a_value_too_large_for_32_bits_is_infinite():
    values, counts = clean_values(np.array([1e300, 1e39]), 1e30, None)
    assert np.isnan(values).all()
    assert counts["n_infinite"] == 2


def test_text_is_no_measurement():
    with pytest.raises(SurveyError, match="no numbers"):
        clean_values(np.array(["a"], dtype=object), 1.0, None)


@given(st.lists(st.floats(width=64), min_size=1, max_size=50))
def test_the_counts_add_up_to_the_stars(numbers: list[float]):
    values, counts = clean_values(np.array(numbers), 1.0, (-100.0, 100.0))
    assert sum(counts.values()) == len(numbers)
    assert counts["n_measured"] == np.isfinite(values).sum()
    assert (np.abs(values[np.isfinite(values)]) <= 100).all()


def test_an_error_that_is_none_gives_way_to_the_typical_one():
    stored = np.array([0.1, 0.0, -0.2, NAN, INF, -9999.0, 0.1])
    values = np.array([1.0, 1, 1, 1, 1, 1, NAN])
    errors = clean_errors(stored, values, 10.0)
    assert_array_equal(errors, [1.0, NAN, NAN, NAN, NAN, NAN, NAN])
    completed, counts = complete_errors(errors, values, typical=0.3)
    assert_array_equal(completed, [1.0, 0.3, 0.3, 0.3, 0.3, 0.3, NAN])
    assert counts == {"n_typical_error": 5, "n_no_error": 0}
    completed, counts = complete_errors(errors, values, typical=None)
    assert_array_equal(completed, [1.0, NAN, NAN, NAN, NAN, NAN, NAN])
    assert counts == {"n_typical_error": 0, "n_no_error": 5}


def test_the_floor_raises_small_errors_and_invents_none():
    errors, _ = complete_errors(np.array([0.01, 0.5, NAN]), np.ones(3), typical=None, floor=0.05)
    assert_array_equal(errors, [0.05, 0.5, NAN])


def test_a_survey_without_errors_has_typical_ones_where_it_measured():
    errors, counts = complete_errors(None, np.array([1.0, NAN]), typical=0.2)
    assert_array_equal(errors, [0.2, NAN])
    assert counts["n_typical_error"] == 1
