"""Conditions of a survey definition in words, the columns they read, and what is refused."""

import pytest
from pydantic import ValidationError

from stdask.config.survey_tables import Distance, Duplicates, Term


@pytest.mark.parametrize(
    ("term", "text", "columns"),
    [
        ({"column": "snr", "op": ">", "value": 30}, "snr > 30", ("snr",)),
        ({"column": "dist"}, "dist not_null", ("dist",)),
        ({"column": "flag", "op": "bits_clear", "value": [19, 20]}, "flag bits_clear [19, 20]", ("flag",)),
        ({"column": "flag", "op": "=", "value": 0, "reason": "bad spectrum"}, "bad spectrum", ("flag",)),
        ({"column": "is_dwarf", "op": "=", "value": False}, "is_dwarf = False", ("is_dwarf",)),
        (
            {"any_of": [{"column": "a", "op": "<", "value": 1}, {"any_of": [{"column": "b"}, {"column": "c"}]}]},
            "a < 1 or b not_null or c not_null",
            ("a", "b", "c"),
        ),
    ],
)
def test_a_condition_says_what_it_asks_and_which_columns_it_reads(term: dict, text: str, columns: tuple[str, ...]):
    read = Term.model_validate(term)
    assert (read.text, read.columns) == (text, columns)


@pytest.mark.parametrize("value", [63, -1, [3, 64], 1.5, True, "3", [1.0]])
@pytest.mark.parametrize("op", ["bits_clear", "bits_set"])
def test_bits_are_numbers_that_a_64_bit_integer_has(op: str, value: object):
    Term.model_validate({"column": "flag", "op": op, "value": [0, 62]})
    with pytest.raises(ValidationError, match="needs bit numbers from 0 to 62"):
        Term.model_validate({"column": "flag", "op": op, "value": value})


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ({"column": "a", "any_of": [{"column": "b"}]}, "either `column` or `any_of`"),
        ({"column": "a", "op": "=", "value": ""}, "blank text counts as missing"),
        ({"column": "a", "op": "not_null", "value": 0}, "takes no `value`"),
    ],
)
def test_a_condition_that_means_nothing_is_refused(term: dict, said: str):
    with pytest.raises(ValidationError, match=said):
        Term.model_validate(term)


def test_a_distance_has_errors_of_one_kind():
    for errors in (
        {},
        {"error": "e"},
        {"error_low": "l", "error_high": "h"},
        {"percentile_16": "l", "percentile_84": "h"},
    ):
        Distance.model_validate({"column": "d", **errors})
    for errors in (
        {"error": "e", "error_low": "l", "error_high": "h"},
        {"error": "e", "percentile_16": "l", "percentile_84": "h"},
    ):
        with pytest.raises(ValidationError, match="give one kind of error"):
            Distance.model_validate({"column": "d", **errors})


def test_a_definition_without_rescaling_is_written_as_before_that_option_existed():
    """So that catalogues of earlier versions stay valid: their receipts have the definition without it."""
    least = {"by": "star", "best": "snr"}
    assert Duplicates.model_validate(least).model_dump() == least | {"keep": "highest"}
    assert Duplicates.model_validate(least | {"rescale_errors": True}).model_dump()["rescale_errors"] is True
