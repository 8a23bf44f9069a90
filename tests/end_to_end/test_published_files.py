"""Excerpts of published files: every column as astropy or pandas reads it; and files that were once read wrongly."""

import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from astropy.io import ascii as text_tables
from astropy.io import fits
from astropy.io.votable import parse_single_table
from astropy.table import Table

from stdask.config.survey_files import FileHints
from stdask.errors import SurveyError
from stdask.storage.surveys.files import open_survey
from stdask.storage.surveys.text.columns import NULL_TEXTS

FILES = (
    "Galah_data_filtered_1061.csv", "RAVE_group_llr.ecsv", "apogee_sgr.fits", "aspgap_omegacen.fits", "gaia_epoch.ecsv",
    "gdr2_sm.vot", "holmbeck20_mrt.txt", "hq_test_allStar_a.fits", "lamost_AFG_merged_params.csv",
    "mage_rcat_V0.05.fits", "mwsall_like.fits", "odette_gaia.vot", "pn_lamost_gaia.ecsv", "tgas_rave1.fits",
)  # fmt: skip


@pytest.fixture
def surveys(data_dir: Path) -> Path:
    if not (data_dir / "surveys").is_dir():
        pytest.skip(f"there are no excerpts of published files in {data_dir}")
    return data_dir / "surveys"


@pytest.fixture
def cases(data_dir: Path) -> Path:
    if not (data_dir.parent / "cases" / "files").is_dir():
        pytest.skip(f"there are no reduced files in {data_dir.parent}")
    return data_dir.parent / "cases" / "files"


def reference(path: Path) -> Table:
    """Read a table by astropy or pandas."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if path.suffix == ".vot":
            return parse_single_table(path).to_table()
        if path.suffix == ".ecsv":
            return Table.read(path, format="ascii.ecsv")
        if path.name == "holmbeck20_mrt.txt":
            return Table.read(path, format="ascii.fixed_width_two_line")
        if path.read_bytes().startswith(b"SIMPLE"):
            return Table.read(path, hdu=1, format="fits", strip_spaces=True)
        return Table.from_pandas(pd.read_csv(path))


def assert_same(read: pa.ChunkedArray, known: np.ma.MaskedArray) -> None:
    """Compare a column with what another program read: floats to the bit, whatever stands for missing."""
    values, missing = np.ma.getdata(known), np.ma.getmaskarray(known)
    if pa.types.is_string(read.type):
        texts = [text.decode() if isinstance(text, bytes) else str(text) for text in values.tolist()]
        texts = [
            None if lacks or not text.strip() else text.strip() for text, lacks in zip(texts, missing, strict=True)
        ]
        assert read.to_pylist() == texts
    elif pa.types.is_floating(read.type):
        expected = np.where(missing, np.nan, values.astype(np.float64))
        assert np.array_equal(read.to_numpy().astype(np.float64), expected, equal_nan=True)
    else:
        assert pc.is_null(read).to_pylist() == missing.tolist()
        assert [one for one in read.to_pylist() if one is not None] == values[~missing].tolist()


def compare(path: Path, known: Table, names: Sequence[str], hints: FileHints = FileHints()) -> int:  # noqa: B008
    survey = open_survey(path, hints)
    assert survey.n_rows == len(known)
    read = survey.read(names)
    for name in names:
        try:
            assert_same(read[name], known[name])
        except AssertionError as exc:
            exc.add_note(name)
            raise
    return len(names)


@pytest.mark.parametrize("name", FILES)
def test_every_column_is_as_another_program_reads_it(name: str, surveys: Path):
    path = surveys / name
    survey, known = open_survey(path), reference(path)
    assert list(survey.columns) == known.colnames
    plain = [own for own in survey.columns if own not in survey.vectors]
    assert compare(path, known, plain) + len(survey.vectors) == len(known.colnames)
    for own, shape in survey.vectors.items():
        if shape == (0,):
            continue
        assert known[own].shape[1:] == shape
        flat = np.ma.asarray(known[own]).reshape(len(known), -1)
        for element in (0, flat.shape[1] - 1):
            assert_same(survey.read([f"{own}[{element}]"])[f"{own}[{element}]"], flat[:, element])


def test_a_table_of_cds_is_as_astropy_reads_it(surveys: Path, cases: Path, tmp_path: Path):
    path = shutil.copy(surveys / "J_AJ_130_2140_table2.dat", tmp_path / "table2.dat")
    known = text_tables.read(str(path), format="cds", readme=str(cases / "cds" / "ReadMe"))
    hints = FileHints(readme=cases / "cds" / "ReadMe")
    assert compare(surveys / "J_AJ_130_2140_table2.dat", known, known.colnames, hints) == 44


def test_a_table_of_the_aas_is_as_astropy_reads_it(cases: Path):
    known = text_tables.read(str(cases / "aas_mrt.txt"), format="mrt")
    assert compare(cases / "aas_mrt.txt", known, known.colnames) == 19


@pytest.mark.parametrize(
    ("name", "n_rows", "column", "first"),
    [
        ("skyserver_table1.csv", 2, "teffadop", 5000),
        ("sdss_utf16.csv", 2, "apogee_id", "2M05353856-0508033"),
        ("csv_hash_header.csv", 2, "source_id", 1),
        ("csv_space_after_comma.csv", 2, "teff", 5000),
        ("csv_none_dash.csv", 4, "teff", 5000.0),
        ("lamost_dr9_comma.csv", 2, "teff", 5211.29),
        ("lamost_dr9.fits", 2, "teff", 5211.29),
        ("lamost_pipe.csv", 5, "class", "STAR"),
        ("vizier_pipe.tsv", 3, "_DEJ2000", 36.7499722),
        ("columns.h5", 2, "obsid", 993612097),
        ("columns.feather", 2, "teff", 5211.29),
        ("cds/table2.dat", 5, "[Fe/H]", -0.82),
        ("aas_mrt.txt", 30, "Teff", 4767),
    ],
)
@pytest.mark.parametrize("stated", [None, "csv", "|"])
def test_files_of_archives_are_read_whatever_the_definition_says(stated, name, n_rows, column, first, cases: Path):
    hints = {None: FileHints(), "csv": FileHints(format="csv"), "|": FileHints(format="csv", delimiter="|")}[stated]
    if stated == "|" and "/" in name:
        pytest.skip("the bars in the text of a table of CDS are no delimiters")
    survey = open_survey(cases / name, hints)
    assert survey.n_rows == n_rows
    assert survey.read([column])[column].to_pylist()[0] == first


def test_missing_values_of_archives_are_missing(cases: Path):
    teff = open_survey(cases / "csv_none_dash.csv").read(["teff"])["teff"]
    assert np.isfinite(teff.to_numpy()).tolist() == [True, False, False, False]
    gaia = open_survey(cases / "gaia_bulk_null.ecsv")
    read = gaia.read(["teff_gspphot", "rv_nb_transits", "libname_gspphot"])
    assert np.isfinite(read["teff_gspphot"].to_numpy()).tolist() == [False, True]
    assert read["rv_nb_transits"].to_pylist() == [None, 12]
    assert read["libname_gspphot"].to_pylist() == [None, "MARCS"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("astra_like_empty_first_table.fits", r'table has no rows; table 2 has 4: name it in \[file\] hdus = \["2"\]'),
        ("columns.npz", r"is a NumPy archive.*Write it in another format, e\.g\. by .*numpy\.load\('columns\.npz'\)"),
        ("cds/ReadMe", r"describes tables of CDS: table2\.dat, table3\.dat\. Name the file"),
    ],
)
def test_what_is_not_read_says_what_it_is_and_what_to_do(name: str, words: str, cases: Path):
    with pytest.raises(SurveyError, match=words):
        open_survey(cases / name)


def test_a_bulk_file_of_gaia_is_as_astropy_reads_its_numbers(cases: Path, tmp_path: Path):
    text = (cases / "gaia_bulk_null.ecsv").read_text()
    plain = tmp_path / "a.ecsv"
    plain.write_text(text.replace("null", "nan", 2).replace("null", "-1", 1).replace("null", '""'))
    known = Table.read(plain, format="ascii.ecsv")
    read = open_survey(cases / "gaia_bulk_null.ecsv").read(["source_id", "ra", "teff_gspphot"])
    for name in read.column_names:
        assert_same(read[name], known[name])


def test_matrices_count_as_numpy_counts(tmp_path: Path):
    covar = np.arange(2 * 3 * 4, dtype=float).reshape(2, 3, 4)
    columns = [fits.Column("COVAR", "12D", dim="(4,3)", array=covar), fits.Column("FLAT", "9D", array=np.ones((2, 9)))]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "a.fits")
    Table({"COVAR": covar, "FLAT": np.ones((2, 9))}).write(tmp_path / "a.ecsv")
    Table({"COVAR": covar, "FLAT": np.ones((2, 9))}).write(tmp_path / "a.vot", format="votable")
    Table({"COVAR": covar, "FLAT": np.ones((2, 9))}).write(tmp_path / "a.h5", path="a")
    votable = (tmp_path / "a.vot").read_text()  # astropy reads arraysize as VOTable has it, and writes it in reverse
    (tmp_path / "a.vot").write_text(votable.replace('"3x4"', '"4x3"'))
    for name in ("a.fits", "a.ecsv", "a.vot", "a.h5"):
        survey = open_survey(tmp_path / name)
        assert survey.vectors == {"COVAR": (3, 4), "FLAT": (9,)}, name
        read = survey.read(["COVAR[1,2]", "COVAR[2, 3]", "COVAR[6]", "FLAT[2,2]"])
        assert [column.to_pylist() for column in read.columns[:3]] == [[6, 18], [11, 23], [6, 18]], name
        with pytest.raises(SurveyError, match=r"has no COVAR\[3,0\].*COVAR\[11\], or COVAR\[0,0\] to COVAR\[2,3\]"):
            survey.read(["COVAR[3,0]"])
        with pytest.raises(SurveyError, match=r"has no COVAR\[0,0,0\]"):
            survey.read(["COVAR[0,0,0]"])


def test_every_word_for_a_missing_value_is_documented():
    docs = FileHints.model_fields["null"].description or ""
    assert [word for word in NULL_TEXTS if word and f"`{word}`" not in docs] == []
