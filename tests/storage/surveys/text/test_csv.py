"""CSV: types that hold all values of a column, other delimiters, and errors that name the line."""

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from stdask.config.survey_files import FileHints
from stdask.errors import SurveyError
from stdask.storage.surveys.files import open_survey

LATE = 100_000  # a row far behind the first block of a megabyte


def write(path: Path, lines: list[str], name: str = "x") -> Path:
    path.write_text("\n".join([f"{name},rest", *(f"{line},{'-' * 20}" for line in lines)]) + "\n")
    return path


@pytest.mark.parametrize(
    ("first", "late", "kind"),
    [
        ("1", "2", pa.int64()),
        ("1", "2.5", pa.float64()),
        ("-1", "1e30", pa.float64()),
        ("1", "nan", pa.float64()),
        ("1", "2M0001+1234", pa.string()),
        ("1", "", pa.int64()),
        ("", "7", pa.int64()),
        ("", "text", pa.string()),
        ("true", "False", pa.bool_()),
        ("1", "true", pa.bool_()),
        ("2", "true", pa.string()),
        ("-1", str(2**63 + 1), pa.float64()),
        ("1", str(2**64 - 1), pa.uint64()),
        (str(2**62 + 1), str(2**62 + 3), pa.int64()),
        ("0x1F", "0x2A", pa.string()),
        ("NA", "null", pa.float64()),
    ],
)
def test_the_type_is_the_narrowest_that_holds_all_values_however_late_they_come(first, late, kind, tmp_path: Path):
    path = write(tmp_path / "a.csv", [first] * LATE + [late])
    column = open_survey(path).read(["x"])["x"]
    assert column.type == kind
    missing = {"", "NA", "null"}
    exact = {pa.int64(): int, pa.uint64(): int, pa.string(): str}.get(kind)
    if exact:
        told = [column[0].as_py(), column[LATE].as_py()]
        assert told == [None if text in missing else exact(text) for text in (first, late)]


def test_ids_that_look_like_numbers_at_first_stay_the_text_they_are(tmp_path: Path):
    ids = [f"{n:07d}" for n in range(LATE)] + ["J0001"]
    assert open_survey(write(tmp_path / "a.csv", ids)).read(["x"])["x"].to_pylist() == ids


def test_all_parts_of_a_column_have_its_one_type(tmp_path: Path):
    survey = open_survey(write(tmp_path / "a.csv", ["1"] * LATE + ["2.5"]))
    parts = list(survey.batches(["x"]))
    assert len(parts) > 1
    assert {part.schema.field("x").type for part in parts} == {pa.float64()}
    assert survey.read(["x"], 3, 5)["x"].to_pylist() == [1.0, 1.0]
    assert sum(part.num_rows for part in parts) == survey.n_rows == LATE + 1


@pytest.mark.parametrize(("delimiter", "name"), [("|", "stars.csv.gz"), ("\t", "stars.tsv"), (";", "stars.txt")])
def test_the_definition_tells_the_delimiter_and_the_format(delimiter: str, name: str, tmp_path: Path):
    text = delimiter.join(["obsid", "ra"]) + "\n" + delimiter.join(["7", "10.5"]) + "\n"
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    survey = open_survey(tmp_path / name, FileHints(format="csv", delimiter=delimiter))
    assert survey.read(["ra", "obsid"]).to_pydict() == {"ra": [10.5], "obsid": [7]}


def test_a_delimiter_that_is_not_in_the_file_gives_way_to_the_one_that_is(tmp_path: Path):
    (tmp_path / "a.csv").write_text("obsid,ra\n7,10.5\n")
    survey = open_survey(tmp_path / "a.csv", FileHints(format="csv", delimiter="|"))
    assert survey.read(["ra", "obsid"]).to_pydict() == {"ra": [10.5], "obsid": [7]}


def test_quoted_values_hold_delimiters_and_new_lines(tmp_path: Path):
    (tmp_path / "a.csv").write_text('name,x\n"one, two",1\n"two\nlines",2\n"a ""quote""",3\n')
    read = open_survey(tmp_path / "a.csv").read(["name", "x"]).to_pydict()
    assert read == {"name": ["one, two", "two\nlines", 'a "quote"'], "x": [1, 2, 3]}


def test_blanks_around_a_number_and_marks_of_byte_order_and_line_ends_of_other_systems_are_no_matter(tmp_path: Path):
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfx,y\r\n 1 , NA \r\n 2,3.5\r\n")
    read = open_survey(tmp_path / "a.csv").read(["x", "y"])
    assert read["x"].to_pylist() == [1, 2]
    assert np.array_equal(read["y"].to_numpy(), [np.nan, 3.5], equal_nan=True)


def test_a_line_of_another_length_is_named(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "1,2\n" * LATE + "3\n")
    with pytest.raises(SurveyError, match=rf"a\.csv: line {LATE + 2} has 1 values, the line of names 2"):
        open_survey(path)


@pytest.mark.parametrize("n_lines", [0, 10, 100_000, 1_000_000])
@pytest.mark.parametrize("line", ['1,"2', '"1,2'])
def test_a_quote_that_is_never_closed_swallows_no_rows(line: str, n_lines: int, tmp_path: Path):
    (tmp_path / "a.csv").write_text(f"a,b\n7,8\n{line}\n" + "1,2\n" * n_lines)
    with pytest.raises(SurveyError, match=r"a\.csv: (a line is longer|row 2, the last one|line 3 has 1 values)"):
        open_survey(tmp_path / "a.csv")


def test_text_in_another_encoding_is_refused_where_it_is_read(tmp_path: Path):
    (tmp_path / "a.csv").write_bytes(b"a,b\n1,caf\xe9\n")
    survey = open_survey(tmp_path / "a.csv")
    assert survey.read(["a"])["a"].to_pylist() == [1]
    with pytest.raises(SurveyError, match=r"a\.csv is not UTF-8"):
        survey.read(["b"])


def test_a_name_that_two_columns_have_is_refused(tmp_path: Path):
    (tmp_path / "a.csv").write_text("a,b,a\n1,2,3\n")
    with pytest.raises(SurveyError, match=r"a\.csv: two columns are called 'a'"):
        open_survey(tmp_path / "a.csv")


def test_a_table_of_cds_without_its_description_is_told_what_it_lacks(tmp_path: Path):
    (tmp_path / "table2.dat").write_text("47 Tuc  -0.82 i 3 stars; Gratton, Quarta and Ortolani\n47 Tuc  -0.61\n")
    with pytest.raises(SurveyError, match=r"table2\.dat: .* A table of CDS needs its ReadMe in the same folder"):
        open_survey(tmp_path / "table2.dat")
