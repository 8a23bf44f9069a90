"""What all formats share: rows cut out of tables, names told apart, and whatever parsers raise in plain words."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stdask.errors import SurveyError
from stdask.storage.surveys.format import check_names, cut, explained

FILE = Path("/data/stars.fits")


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6), st.integers(0, 12), st.integers(0, 12))
def test_rows_cut_out_of_tables_are_those_of_the_whole(lengths: list[int], start: int, n_rows: int):
    whole = pa.table({"row": range(sum(lengths))})
    ends = [sum(lengths[: n + 1]) for n in range(len(lengths))]
    tables = [whole.slice(end - length, length) for end, length in zip(ends, lengths, strict=True)]
    found = pa.concat_tables(cut(tables, start, start + n_rows))
    assert found.column("row").to_pylist() == list(range(sum(lengths)))[start : start + n_rows]


def test_tables_behind_the_last_row_are_not_read():
    def tables():
        yield pa.table({"row": [0, 1, 2]})
        pytest.fail("a table was read that no row is wanted of")

    assert pa.concat_tables(cut(tables(), 1, 3)).column("row").to_pylist() == [1, 2]


def test_two_columns_of_one_name_are_refused_and_columns_without_a_name_are_not():
    check_names(["teff", "TEFF", "", ""])
    with pytest.raises(SurveyError, match="two columns are called 'teff'"):
        check_names(["teff", "logg", "teff"])


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (EOFError(), "/data/stars.fits is cut off: its last bytes are missing. Fetch the file again."),
        (ValueError("bad\n  magic. "), "Cannot read /data/stars.fits: bad magic. Check the file or fetch it again."),
        (KeyError(), "Cannot read /data/stars.fits: KeyError. Check the file or fetch it again."),
        (SurveyError("no column 'a'."), "/data/stars.fits: no column 'a'."),
        (SurveyError("/data/stars.fits has no column 'a'."), "/data/stars.fits has no column 'a'."),
    ],
)
def test_whatever_a_parser_raises_is_one_line_that_names_the_file_once(raised: Exception, said: str):
    with pytest.raises(SurveyError) as caught, explained(FILE):
        raise raised
    assert str(caught.value) == said
