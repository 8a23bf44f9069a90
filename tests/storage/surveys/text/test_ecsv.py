"""ECSV: the same values, types and units as astropy reads."""

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Column, MaskedColumn, Table

from stdask.errors import SurveyError
from stdask.storage.surveys.files import open_survey

N = 20_000  # rows: several parts


@pytest.fixture(scope="module")
def table() -> Table:
    rng = np.random.default_rng(1)
    mask = rng.random(N) < 0.1
    plain = {kind: rng.integers(0, 100, N).astype(kind) for kind in ("int8", "int16", "int32", "uint8", "uint16")}
    floats = {kind: rng.normal(size=N).astype(kind) for kind in ("float32", "float64")}
    return Table(
        {
            "id": 2**62 + 1 + np.arange(N),
            "flags": np.arange(N).astype("uint64") + 2**63,
            **plain,
            **floats,
            "masked": MaskedColumn(rng.normal(size=N), mask=mask, unit=u.km / u.s),
            "count": MaskedColumn(rng.integers(-9, 9, N), mask=mask),
            "good": MaskedColumn(rng.random(N) < 0.5, mask=mask),
            "name": MaskedColumn([f'star "{n}", of #{n}' for n in range(N)], mask=mask),
            "special": Column(np.resize([np.nan, np.inf, -np.inf, 1e-300], N), unit="mag"),
            "triple": MaskedColumn(rng.normal(size=(N, 3)), mask=np.stack([mask] * 3, axis=1)),
            "matrix": rng.integers(0, 9, (N, 2, 2)),
        }
    )


@pytest.mark.parametrize("delimiter", [" ", ","])
def test_the_columns_are_those_that_astropy_reads(delimiter: str, table: Table, tmp_path: Path):
    path = tmp_path / "a.ecsv"
    table.write(path, delimiter=delimiter)
    truth, survey = Table.read(path), open_survey(path)
    assert survey.n_rows == N
    assert list(survey.columns) == truth.colnames
    for name in set(truth.colnames) - {"triple", "matrix"}:
        assert survey.unit(name) == str(truth[name].unit or "")
        same_values(survey.read([name], 8000, 17_000)[name], truth[name][8000:17_000])
    for element in range(3):
        same_values(survey.read([f"triple[{element}]"])[0], truth["triple"][:, element])
    for element in range(4):
        same_values(survey.read([f"matrix[{element}]"])[0], truth["matrix"].reshape(N, 4)[:, element])


def same_values(column, truth) -> None:
    missing = np.ma.getmaskarray(truth)
    if truth.dtype.kind == "f":
        assert np.array_equal(column.to_numpy(), np.ma.filled(truth.astype(truth.dtype), np.nan), equal_nan=True)
        assert column.to_numpy().dtype == truth.dtype
    else:
        assert column.to_pylist() == [None if m else v for v, m in zip(truth.tolist(), missing, strict=True)]


def test_columns_set_by_hand_in_line_read_as_astropy_reads_them(tmp_path: Path):
    head = "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, datatype: int64}\n# - {name: b, datatype: string}\n"
    (tmp_path / "a.ecsv").write_text(f'{head}a   b\n1   one \n\n# a comment\n22  ""\n')
    truth = Table.read(tmp_path / "a.ecsv")
    assert truth["a"].tolist() == [1, 22]
    assert open_survey(tmp_path / "a.ecsv").read(["a", "b"]).to_pydict() == {"a": [1, 22], "b": ["one", None]}


def test_the_parts_of_a_coordinate_are_columns(tmp_path: Path):
    Table({"place": SkyCoord([1.5, 2], [3, 4], unit="deg")}).write(tmp_path / "a.ecsv")
    survey = open_survey(tmp_path / "a.ecsv")
    assert survey.read(["place.ra"])["place.ra"].to_pylist() == [1.5, 2.0]
    assert survey.unit("place.ra") == "deg"


def test_what_cannot_be_read_is_told_by_column_row_and_file(tmp_path: Path):
    path = tmp_path / "a.ecsv"
    Table({"a": [1, 2], "z": [1j, 2j], "v": Column([[1, 2], [3]], dtype=object)}).write(path)
    survey = open_survey(path)
    with pytest.raises(SurveyError, match=r"a\.ecsv: column 'z' holds complex128"):
        survey.read(["z"])
    with pytest.raises(SurveyError, match=r"a\.ecsv: column 'v' holds a list a row"):
        survey.read(["v"])
    text = path.read_text()
    path.write_text(text.replace("\n1 ", "\none "))
    with pytest.raises(SurveyError, match=r"a\.ecsv: column 'a'.*'one'"):
        open_survey(path).read(["a"])
    path.write_text(text + "5\n")
    with pytest.raises(
        SurveyError, match=rf"a\.ecsv: line {len(text.splitlines()) + 1} has 1 values, the line of names 3"
    ):
        open_survey(path)
    path.write_text(text.replace("\na z v\n", "\na v z\n"))
    with pytest.raises(SurveyError, match=r"a\.ecsv: its header names the columns a, z, v"):
        open_survey(path)
