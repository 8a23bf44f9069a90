"""Keys of two tables that store the same ids in different ways."""

from pathlib import Path

import pyarrow as pa
import pytest

from stdask.errors import SurveyError
from stdask.stages.ingest.joins.keys import INTEGERS, TEXT, clean_keys, kind_of_keys

FILE = Path("gaia.csv")


def keys(values: list, kind: str = INTEGERS, dtype: pa.DataType | None = None) -> list:
    return clean_keys(pa.array(values, dtype), kind, "source_id", FILE, start=100).to_pylist()


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([4295806720, 0, -1, -9999, None], None, [4295806720, None, None, None, None]),
        ([2**63 + 5, 0, None], pa.uint64(), [2**63 + 5, None, None]),
        (["4295806720", "0012", "+7", None], None, [4295806720, 12, 7, None]),
        (["0", "-9999", "0.0", "-1.0", "None", "nan", "NULL", "<NA>", "N/A", "--"], None, [None] * 10),
        ([140115002101042.0, 0.0, -9999.0, float("nan")], None, [140115002101042, None, None, None]),
        ([16777216.0], pa.float32(), [16777216]),
        ([], pa.string(), []),
    ],
)
def test_ids_are_the_same_integers_however_they_are_stored(values, dtype, expected):
    assert keys(values, dtype=dtype) == expected


def test_names_stay_text_and_digits_in_them_are_not_changed():
    assert keys(["2M0001+01", "0012", "None", "-9999", None], TEXT) == ["2M0001+01", "0012", None, None, None]


@pytest.mark.parametrize(
    ("values", "dtype", "message"),
    [
        (
            [4.0, 1e18],
            None,
            r"gaia\.csv: column 'source_id' is 1000000000000000000 in row 101, .*float64: .*lost",
        ),
        ([16777218.0], pa.float32(), "16777218 in row 100, stored as float32: ids of this size have lost"),
        ([1.0, 2.5], None, r"is 2\.5 in row 101, which is no id"),
        ([True], None, "holds bool, but keys are integers or text"),
        (["12", "HD 122563"], None, "is 'HD 122563' in row 101, but the keys of the other table are integers"),
        (["99999999999999999999"], None, "is '99999999999999999999' in row 100"),
        (["12.0"], None, r"is '12\.0' in row 100"),
    ],
)
def test_what_would_be_matched_wrongly_is_refused(values, dtype, message):
    with pytest.raises(SurveyError, match=message):
        keys(values, dtype=dtype)


def test_keys_are_compared_as_text_only_if_both_tables_have_text():
    assert kind_of_keys([pa.string(), pa.string()]) == TEXT
    assert kind_of_keys([pa.string(), pa.int64()]) == kind_of_keys([pa.float64(), pa.uint64()]) == INTEGERS
