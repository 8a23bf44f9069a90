"""Columns of text: missing values, spellings of numbers, and the type that holds all values."""

import pyarrow as pa
import pytest

from stdask.errors import SurveyError
from stdask.storage.surveys.text.columns import NULL_TEXTS, clean_text, find_kinds, parse_text


def test_text_becomes_numbers_or_is_told_with_its_column_and_the_way_out():
    assert parse_text("teff", pa.array(["4800", None, "1e3"]), pa.float64()).to_pylist() == [4800.0, None, 1000.0]
    with pytest.raises(SurveyError, match=r"column 'teff': .*4800 K.*Correct this value.*\[file\] null"):
        parse_text("teff", pa.array(["4800 K"]), pa.float64())


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [
        ("+36.75", pa.float64(), 36.75),
        ("+3", pa.int64(), 3),
        ("-3", pa.int64(), -3),
        ("1.25D+02", pa.float64(), 125.0),
        ("-1d-1", pa.float64(), -0.1),
    ],
)
def test_numbers_are_read_as_archives_spell_them(text: str, kind: pa.DataType, number: float):
    assert parse_text("x", pa.array([text, None]), kind).to_pylist() == [number, None]


def test_words_for_missing_values_are_null_with_blanks_around_them_and_other_words_are_not():
    texts = ["", "  ", "null", " None ", "--", "\\N", "<NA>", "NA", "nan", "none of them", "-99.9"]
    known = clean_text(pa.array(texts), pa.array([*NULL_TEXTS, "-99.9"])).to_pylist()
    assert known == [None] * 8 + ["nan", "none of them", None]


def test_the_type_of_a_column_is_the_narrowest_for_all_its_parts():
    parts = [pa.table({"a": ["1", "+2"], "b": ["1", None]}), pa.table({"a": ["3", None], "b": ["2.5", "x"]})]
    assert find_kinds(iter(parts)) == {"a": pa.int64(), "b": pa.string()}
