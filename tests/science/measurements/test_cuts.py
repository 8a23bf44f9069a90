"""Cuts, against plain Python on every row."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from stdask.config.survey_tables import Term
from stdask.errors import SurveyError
from stdask.science.measurements.cuts import count_cuts, is_missing, is_sentinel, passes

NULL = np.ma.masked_array
COLUMNS = {
    "snr": np.array([10.0, 30.0, 31.0, np.nan, 500.0]),
    "flag": NULL([0, 1, 4, 0, 12], mask=[0, 0, 0, 1, 0]),
    "name": NULL(np.array(["a", "b", "", "c", "a"], dtype=object), mask=[0, 0, 1, 0, 0]),
    "primary": np.array([True, False, True, True, False]),
}
ROWS = [
    {name: None if is_missing(column)[row] else column[row] for name, column in COLUMNS.items()} for row in range(5)
]
CONDITIONS = {
    (">", 30): lambda v: v > 30,
    (">=", 30): lambda v: v >= 30,
    ("<", 30): lambda v: v < 30,
    ("<=", 30): lambda v: v <= 30,
    ("=", 30): lambda v: v == 30,
    ("!=", 30): lambda v: v != 30,
}


@pytest.mark.parametrize(("op", "value"), CONDITIONS)
@pytest.mark.parametrize("column", ["snr", "flag"])
def test_a_missing_value_fails_every_comparison(column: str, op: str, value: float):
    expected = [row[column] is not None and CONDITIONS[op, value](row[column]) for row in ROWS]
    assert_array_equal(passes(Term(column=column, op=op, value=value), COLUMNS), expected)


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ({"column": "flag", "op": "in", "value": [1, 12]}, [0, 1, 0, 0, 1]),
        ({"column": "name", "op": "in", "value": ["a", "c"]}, [1, 0, 0, 1, 1]),
        ({"column": "name", "op": "!=", "value": "a"}, [0, 1, 0, 1, 0]),
        ({"column": "name", "op": "is_null"}, [0, 0, 1, 0, 0]),
        ({"column": "snr", "op": "not_null"}, [1, 1, 1, 0, 1]),
        ({"column": "snr"}, [1, 1, 1, 0, 1]),
        ({"column": "primary", "op": "=", "value": True}, [1, 0, 1, 1, 0]),
        ({"column": "flag", "op": "bits_clear", "value": 2}, [1, 1, 0, 0, 0]),
        ({"column": "flag", "op": "bits_clear", "value": [0, 3]}, [1, 0, 1, 0, 0]),
        ({"column": "flag", "op": "bits_set", "value": [2, 3]}, [0, 0, 0, 0, 1]),
    ],
)
def test_each_condition_holds_where_it_should(term: dict, expected: list[int]):
    assert_array_equal(passes(Term(**term), COLUMNS), np.array(expected, dtype=bool))


def test_one_alternative_is_enough():
    term = Term(any_of=(Term(column="snr", op=">", value=100), Term(column="flag", op="=", value=1)))
    assert_array_equal(passes(term, COLUMNS), [False, True, False, False, True])


SENTINELS = (-9999.0, 99999.0)


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ({"column": "teff", "op": "<", "value": 5500}, [1, 0, 0, 0]),
        ({"column": "teff", "op": ">", "value": 5500}, [0, 0, 0, 1]),
        ({"column": "teff", "op": "!=", "value": 0}, [1, 0, 0, 1]),
        ({"column": "teff", "op": "!=", "value": -9999}, [1, 0, 0, 1]),
        ({"column": "teff", "op": "is_null"}, [0, 1, 1, 0]),
        ({"column": "teff"}, [1, 0, 0, 1]),
        ({"column": "flag", "op": "bits_clear", "value": 1}, [1, 0, 0, 1]),
        ({"column": "flag", "op": "in", "value": [0, 1]}, [1, 0, 0, 1]),
        ({"column": "flag", "op": "=", "value": -9999}, [0, 1, 0, 0]),  # the condition asks for it
        ({"column": "flag", "op": "in", "value": [0, 99999]}, [1, 0, 1, 0]),
        ({"any_of": [{"column": "flag", "op": "=", "value": -9999}, {"column": "teff", "op": ">", "value": 0}]},
         [1, 1, 0, 1]),
        ({"column": "name", "op": "=", "value": "-9999"}, [1, 0, 0, 0]),
        ({"column": "primary", "op": "=", "value": False}, [0, 1, 1, 0]),
    ],
)  # fmt: skip
def test_a_number_that_stands_for_missing_is_missing_unless_the_condition_asks_for_it(term: dict, expected: list[int]):
    columns = {
        "teff": np.float32([5000, -9999, np.nan, 6000]),
        "flag": np.array([0, -9999, 99999, 1]),
        "name": np.array(["-9999", "a", "b", "c"], dtype=object),
        "primary": np.array([True, False, False, True]),
    }
    assert_array_equal(passes(Term(**term), columns, lambda _: SENTINELS), np.array(expected, dtype=bool))
    assert_array_equal(passes(Term(column="flag", op="<", value=0), columns), [False, True, False, False])


def test_a_number_stands_for_missing_in_the_precision_of_its_column():
    sentinels = (-9.999, 1e300, 2.0**63)
    single, double = np.float32([-9.999, 1, np.inf]), np.array([-9.999, 1e300, np.inf])
    assert is_sentinel(single, sentinels).tolist() == [True, False, False]
    assert is_sentinel(double, sentinels).tolist() == [True, True, False]
    assert is_sentinel(np.array([2**63 - 1, 2**62]), sentinels).tolist() == [True, False]


def test_bits_of_a_large_id_are_not_rounded():
    flags = np.array([2**62 + 1, 2**62])  # equal as float64
    assert_array_equal(passes(Term(column="f", op="bits_set", value=[0, 62]), {"f": flags}), [True, False])
    assert_array_equal(passes(Term(column="f", op="=", value=2**62 + 1), {"f": flags}), [True, False])


def test_counts_are_those_of_going_through_the_cuts_one_by_one():
    rng = np.random.default_rng(1)
    passing = [rng.random(200) < share for share in (0.9, 0.5, 0.7)]
    left, by_hand = list(range(200)), []
    for fulfilled in passing:
        left = [star for star in left if fulfilled[star]]
        by_hand.append(len(left))
    n_failing, n_left = count_cuts(passing, 200)
    assert n_failing.tolist() == [list(fulfilled).count(False) for fulfilled in passing]
    assert n_left.tolist() == by_hand
    halves = [count_cuts([p[part] for p in passing], 100)[1] for part in (slice(100), slice(100, 200))]
    assert_array_equal(halves[0] + halves[1], n_left)


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ({"column": "name", "op": ">", "value": 3}, "'name', which holds text, with 3"),
        ({"column": "snr", "op": "=", "value": "good"}, "'snr', which holds floats, with 'good'"),
        ({"column": "snr", "op": "bits_set", "value": 3}, "asks for bits of column 'snr'"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(term: dict, message: str):
    with pytest.raises(SurveyError, match=message):
        passes(Term(**term), COLUMNS)


@pytest.mark.parametrize("value", [-1, 63, 1.5, "STAR_BAD", [3, 64]])
def test_only_bit_numbers_are_bits(value: object):
    with pytest.raises(ValueError, match="needs bit numbers"):
        Term(column="flag", op="bits_clear", value=value)


def test_blank_text_has_to_be_asked_for_as_missing():
    with pytest.raises(ValueError, match="is_null"):
        Term(column="name", op="=", value="")
