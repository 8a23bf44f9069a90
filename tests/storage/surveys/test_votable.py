"""VOTable: the same values as astropy reads, in parts where the rows are written out."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy.io.votable import parse_single_table
from astropy.table import MaskedColumn, Table

from stdask.errors import SurveyError
from stdask.storage.surveys.files import open_survey

N = 10_000  # rows: several parts
DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<!-- <TABLEDATA> no rows yet -->
<v:VOTABLE version="1.4" xmlns:v="http://www.ivoa.net/xml/VOTable/v1.3">
<v:RESOURCE type="meta"><v:TABLE><v:FIELD name="other" datatype="int"/></v:TABLE></v:RESOURCE>
<v:RESOURCE type="results"><v:DESCRIPTION>a &lt; b &amp; "c"</v:DESCRIPTION>
<v:TABLE name="stars" nrows="3">
<v:FIELD name="id" datatype="long"/>
<v:FIELD name="name" datatype="char" arraysize="*"/>
<v:FIELD name="x" datatype="double" unit="mas.yr-1"/>
<v:FIELD name="x" datatype="short"><v:VALUES null="-1"/></v:FIELD>
<v:FIELD name="pair" datatype="float" arraysize="2"/>
<v:FIELD name="list" datatype="float" arraysize="*"/>
<v:DATA><v:TABLEDATA>
<v:TR><v:TD>4611686018427387905</v:TD><v:TD><![CDATA[<TR>&]]></v:TD><v:TD>1.5</v:TD><v:TD>1</v:TD>
<v:TD>1 2</v:TD><v:TD>1</v:TD></v:TR>
<!-- <TR> --><v:TR><v:TD>2</v:TD><v:TD>&lt;b&gt;</v:TD><v:TD/><v:TD>-1</v:TD><v:TD>3 4</v:TD><v:TD/></v:TR>
<v:TR><v:TD>3</v:TD><v:TD> </v:TD><v:TD>NaN</v:TD><v:TD>3</v:TD><v:TD>5 NaN</v:TD><v:TD>1 2 3</v:TD></v:TR>
</v:TABLEDATA></v:DATA></v:TABLE></v:RESOURCE></v:VOTABLE>
"""


@pytest.fixture
def table() -> Table:
    rng = np.random.default_rng(1)
    mask = rng.random(N) < 0.1
    return Table(
        {
            "id": 2**62 + 1 + np.arange(N),
            "teff": MaskedColumn(rng.normal(size=N), mask=mask),
            "single": rng.normal(size=N).astype("float32"),
            "count": MaskedColumn(rng.integers(-9, 9, N).astype("int32"), mask=mask),
            "small": rng.integers(0, 200, N).astype("uint8"),
            "good": rng.random(N) < 0.5,
            "name": [f"<star & {n}>" for n in range(N)],
            "vector": rng.normal(size=(N, 3)),
            "matrix": rng.integers(0, 9, (N, 2, 2)),
        }
    )


@pytest.mark.parametrize("serialization", ["tabledata", "binary2"])
def test_the_columns_are_those_that_were_written(serialization: str, table: Table, tmp_path: Path):
    path = tmp_path / "a.vot"
    table.write(path, format="votable", tabledata_format=serialization)
    survey = open_survey(path)
    assert survey.n_rows == N
    assert list(survey.columns) == table.colnames
    names = [name for name in table.colnames if table[name].ndim == 1]
    names += ["vector[0]", "vector[2]", "matrix[2]"]
    truth = {name: table[name] for name in names if "[" not in name}
    truth |= {
        "vector[0]": table["vector"][:, 0],
        "vector[2]": table["vector"][:, 2],
        "matrix[2]": table["matrix"][:, 1, 0],
    }
    read = survey.read(names, 3000, 9000)
    for name in names:
        expected, column = truth[name][3000:9000], read[name]
        if expected.dtype.kind == "f":
            numbers = np.ma.filled(np.ma.asarray(expected), np.nan)
            assert np.array_equal(column.to_numpy(), numbers, equal_nan=True), name
            assert column.to_numpy().dtype == expected.dtype
        else:
            missing = np.ma.getmaskarray(expected)
            assert column.to_pylist() == [None if m else v for v, m in zip(expected.tolist(), missing, strict=True)]


def test_comments_character_data_and_prefixes_are_xml_and_no_rows(tmp_path: Path):
    path = tmp_path / "a.xml"
    path.write_text(DOCUMENT)
    survey = open_survey(path)
    assert survey.n_rows == 3
    assert survey.columns == {"id": "", "name": "", "x": "mas / yr", "x2": "", "pair": "", "list": ""}
    read = survey.read(["id", "name", "x2", "pair[1]"]).to_pydict()
    assert read["id"] == [2**62 + 1, 2, 3]
    assert read["name"] == ["<TR>&", "<b>", None]
    assert read["x2"] == [1, None, 3]
    assert np.array_equal(read["pair[1]"], [2, 4, np.nan], equal_nan=True)
    assert np.array_equal(survey.read(["x"])["x"].to_numpy(), [1.5, np.nan, np.nan], equal_nan=True)
    with pytest.raises(SurveyError, match=r"a\.xml: column 'list' holds a list a row"):
        survey.read(["list"])
    with pytest.raises(SurveyError, match=r"a\.xml: column 'list'"):
        survey.read(["list[0]"])
    truth = parse_single_table(path, table_number=1).to_table(use_names_over_ids=True)
    assert truth.colnames == list(survey.columns)


def test_a_document_of_one_row_says_the_types_of_all(tmp_path: Path):
    path = tmp_path / "a.vot"
    Table({"name": ["", ""], "n": [1, 2]}).write(path, format="votable")
    assert open_survey(path).read(["name"])["name"].type == pa.string()


@pytest.mark.parametrize("serialization", ["BINARY", "BINARY2", "FITS"])
def test_rows_in_another_file_are_not_fetched(serialization: str, tmp_path: Path):
    (tmp_path / "a.vot").write_text(
        '<VOTABLE version="1.3"><RESOURCE><TABLE><FIELD name="a" datatype="int"/><DATA>'
        f'<{serialization}><STREAM href="http://127.0.0.1:9/rows"/></{serialization}></DATA></TABLE></RESOURCE></VOTABLE>'
    )
    with pytest.raises(SurveyError, match=r"a\.vot: its rows lie in another file"):
        open_survey(tmp_path / "a.vot")


def test_a_value_that_is_no_number_is_told_by_its_column(tmp_path: Path):
    path = tmp_path / "a.xml"
    path.write_text(DOCUMENT.replace("<v:TD>2</v:TD>", "<v:TD>two</v:TD>"))
    with pytest.raises(SurveyError, match=r"Cannot read .*a\.xml.*'two'.*col 'id'"):
        open_survey(path).read(["id"])


def test_a_word_that_is_no_float_is_told_unless_it_stands_for_missing(tmp_path: Path):
    path = tmp_path / "a.vot"
    texts = ["null", "N/A", "--"] * 7 + ["good"]
    Table({"snr": np.arange(100.0, 100.0 + len(texts))}).write(path, format="votable")
    document = path.read_text()
    for n, text in enumerate(texts):
        path.write_text(document := document.replace(f">{100 + n}<", f">{text}<"))
    with pytest.raises(SurveyError, match=r"a\.vot: 'good' stands where a number belongs"):
        open_survey(path).read(["snr"])
    path.write_text(document.replace("good", "1e3"))
    assert np.array_equal(open_survey(path).read(["snr"])["snr"].to_numpy(), [np.nan] * 21 + [1000], equal_nan=True)
