"""Dialects of text files, found from their first lines: delimiter, comments, names, units, encoding."""

from pathlib import Path

import pytest

from stdask.config.survey_files import FileHints
from stdask.errors import SurveyError
from stdask.storage.surveys.files import open_survey
from stdask.storage.surveys.text.dialects import TextDialect, read_dialect

NAMES = ("source_id", "ra", "dec", "teff")
ROWS = [("1", "10.1", "-5.0", "5000"), ("2", "11.1", "-6.0", "5100")]


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def table(delimiter: str, rows: list[tuple[str, ...]] = ROWS, names: tuple[str, ...] = NAMES) -> str:
    return "".join(delimiter.join(row) + "\n" for row in [names, *rows])


VIZIER = (
    "#\n#   VizieR Astronomical Server vizier.cds.unistra.fr\n#Column\tsource_id\t(I19)\tGaia id\n\n"
    "source_id\tra\tdec\tteff\n \tdeg\tdeg\tK\n---------\t----\t----\t----\n"
)
DIALECTS = {  # what is written -> the delimiter
    "commas": (table(","), ","),
    "bars": (table("|"), "|"),
    "semicolons": (table(";"), ";"),
    "tabs": (table("\t"), "\t"),
    "blanks": (table("   "), " "),
    "blanks before and after": ("".join(f"  {line}  \n" for line in table("  ").splitlines()), " "),
    "blanks and tabs": (table("  ").replace("10.1  -5.0", "10.1 \t-5.0"), " "),
    "blanks and tabs everywhere": (table(" \t "), "\t"),
    "blanks after commas": (table(", "), ","),
    "blanks around bars": (table(" | "), "|"),
    "a comment of SkyServer": ("#Table1\n" + table(","), ","),
    "several comments": ("# made by hand, on a Monday\n#\n\n" + table(","), ","),
    "names in a comment": ("# " + table(","), ","),
    "names in a comment without a blank": ("#" + table("\t"), "\t"),
    "names in a comment of TOPCAT": ("# " + table("  "), " "),
    "names in a comment after another": ("# a table\n# " + table(","), ","),
    "comments among and after the rows": (table(",").replace("2,11.1", "# 3,12.1,-7,5200\n#\n2,11.1") + "# end\n", ","),
    "blank lines": (table(",").replace("\n", "\n\n"), ","),
    "line ends of Windows": (table(",").replace("\n", "\r\n"), ","),
    "line ends of old": (table(",").replace("\n", "\r"), ","),
    "no line end at the end": (table(",").rstrip(), ","),
    "a delimiter at the end of each line": (table("|").replace("\n", "|\n"), "|"),
    "a delimiter at the end of each row": (table("|").replace("\n", "|\n").replace("teff|", "teff"), "|"),
    "dashes under the names, as of a database": (table("|").replace("teff\n", "teff\n----+----+----+----\n"), "|"),
    "names in quotes": ('"source_id","ra","dec","teff"\n' + table(",").partition("\n")[2], ","),
    "units and dashes of VizieR": (VIZIER + table("\t").partition("\n")[2], "\t"),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be-with-bom"])
@pytest.mark.parametrize("what", DIALECTS)
def test_a_table_is_the_same_in_every_dialect(what: str, encoding: str, tmp_path: Path):
    text, delimiter = DIALECTS[what]
    if encoding == "utf-16-be-with-bom":
        text, encoding = "\ufeff" + text, "utf-16-be"
    path = write(tmp_path / "stars.txt", text, encoding)
    survey = open_survey(path)
    names = [name for name in survey.columns if name]
    assert tuple(names) == NAMES
    assert list(zip(*survey.read(names).to_pydict().values(), strict=True)) == [
        (1, 10.1, -5.0, 5000),
        (2, 11.1, -6.0, 5100),
    ]
    assert read_dialect(path, None).delimiter == delimiter


def test_units_under_the_names_are_those_of_the_columns(tmp_path: Path):
    survey = open_survey(write(tmp_path / "asu.tsv", DIALECTS["units and dashes of VizieR"][0]))
    assert survey.columns == {"source_id": "", "ra": "deg", "dec": "deg", "teff": "K"}


def test_the_delimiter_that_is_stated_is_taken_where_the_names_have_it(tmp_path: Path):
    path = write(tmp_path / "a.csv", "a;b,c\n1;2,3\n")
    assert read_dialect(path, ";").names == ("a", "b,c")
    assert read_dialect(path, ",").names == ("a;b", "c")
    assert read_dialect(path, "|").names in [("a;b", "c"), ("a", "b,c")]


def test_the_delimiter_is_the_one_that_cuts_all_lines_alike(tmp_path: Path):
    text = 'name|note\nHD 1|"first, second; third"\nHD 2|one, two, three, four\nHD 3|\n'
    assert read_dialect(write(tmp_path / "a.txt", text), None).names == ("name", "note")


def test_commas_in_quotes_after_a_blank_stay_in_their_value(tmp_path: Path):
    survey = open_survey(write(tmp_path / "a.csv", 'id, name\n1, "one, two"\n2, three\n'))
    assert survey.read(["name"])["name"].to_pylist() == ["one, two", "three"]


def test_blanks_within_quotes_stay_where_blanks_are_between_values(tmp_path: Path):
    survey = open_survey(write(tmp_path / "a.txt", '# id name  x\n 1  "HD  1" 2.5\n 2 HD2   3.5\n'))
    assert survey.read(["name", "x"]).to_pydict() == {"name": ["HD  1", "HD2"], "x": [2.5, 3.5]}


def test_columns_that_dashes_mark_may_hold_blanks_and_nothing(tmp_path: Path):
    text = "   name  teff [Fe/H]\n------- ----- ------\n   HD 1  5000   -0.5\n            7\n   HD 3\n"
    survey = open_survey(write(tmp_path / "stars.txt", text))
    assert list(survey.columns) == ["name", "teff", "[Fe/H]"]
    read = survey.read(["name", "teff"]).to_pydict()
    assert read == {"name": ["HD 1", None, "HD 3"], "teff": [5000, 7, None]}


def test_a_row_of_dashes_and_nothing_is_a_row(tmp_path: Path):
    survey = open_survey(write(tmp_path / "a.csv", "a,b\n,----\n1,----\n"))
    assert survey.n_rows == 2


@pytest.mark.parametrize("text", ["10.5,20.5\n11.5,21.5\n", "1\t-0.5\n2\t0.5\n"])
def test_rows_without_names_are_refused(text: str, tmp_path: Path):
    with pytest.raises(SurveyError, match=r"a\.csv: its first line has values, such as .*no names.*Add a line"):
        open_survey(write(tmp_path / "a.csv", text))


def test_a_text_of_comments_alone_has_no_rows(tmp_path: Path):
    with pytest.raises(SurveyError, match="has no rows"):
        open_survey(write(tmp_path / "a.csv", "# a,b\n"))


def test_the_line_of_an_error_is_that_of_the_file_whatever_stands_before_it(tmp_path: Path):
    text = "#Table1\n\n" + table(",") + "# a comment\n\n3,12.1\n"
    with pytest.raises(SurveyError, match=r"a\.csv: line 8 has 2 values, the line of names 4"):
        open_survey(write(tmp_path / "a.csv", text))


def test_further_words_for_missing_values_are_those_of_the_definition(tmp_path: Path):
    path = write(tmp_path / "a.csv", "id,x\n1,...\n2,-99.9\n3,0.5\n")
    survey = open_survey(path, FileHints(null=("...", "-99.9")))
    assert survey.read(["x"])["x"].to_pylist()[2] == 0.5
    assert str(survey.read(["x"])["x"].to_pylist()[:2]) == "[nan, nan]"


def test_a_dialect_says_where_the_rows_begin(tmp_path: Path):
    found = read_dialect(write(tmp_path / "a.csv", "#Table1\n" + table(",")), None)
    assert found == TextDialect(NAMES, ("",) * 4, ",", 2, "utf-8")
