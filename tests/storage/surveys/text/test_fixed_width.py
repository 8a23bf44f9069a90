"""Tables of the AAS and of CDS: every column as astropy reads it, positions in degrees, and bounded memory."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import ascii as text_tables
from astropy.table import MaskedColumn, Table

from stdask.config.survey_files import FileHints
from stdask.errors import SurveyError
from stdask.storage.surveys.files import open_survey

FIELDS = """\
Byte-by-byte Description of file: table2.dat
--------------------------------------------------------------------------------
   Bytes Format Units     Label      Explanations
--------------------------------------------------------------------------------
   1-  6  A6    ---       Name       Name
   8-  9  I2    h         RAh        Hour of Right Ascension (J2000)
  11- 12  I2    min       RAm        Minute of Right Ascension (J2000)
  14- 17  F4.1  s         RAs        Second of Right Ascension (J2000)
      19  A1    ---       DE-        Sign of the Declination (J2000)
  20- 21  I2    deg       DEd        Degree of Declination (J2000)
  23- 24  I2    arcmin    DEm        Arcminute of Declination (J2000)
  26- 29  F4.1  arcsec    DEs        Arcsecond of Declination (J2000)
  31- 34  I4    K         Teff       ? Effective temperature
  36- 40  F5.2  [Sun]     [Fe/H]     ?=99.9 Iron abundance
  42- 50  E9.2  km/s      RV         [-999/999]?=- Radial velocity
--------------------------------------------------------------------------------
"""
ROWS = """\
star 1 17 20 07.4 +57 54 32.7 4767 -1.90  1.25E+02
star 2 00 00 30.0 -00 00 36.0      99.90 ---
# 3    23 59 59.9 -89 59 59.9 5000  0.10 -1.25D+01
"""
README = f"J/X/1/2  A catalogue\n{'=' * 80}\nFile Summary:\n{'-' * 80}\ntable2.dat 50 3 stars\n{'-' * 80}\n\n{FIELDS}"


@pytest.fixture
def mrt(tmp_path: Path) -> Path:
    path = tmp_path / "apj_mrt.txt"
    path.write_text(f"Title: A table\nAuthors: A. Nobody\nTable: Stars\n{'=' * 80}\n{FIELDS}{ROWS}")
    return path


@pytest.fixture
def cds(tmp_path: Path) -> Path:
    (tmp_path / "ReadMe").write_text(README)
    (tmp_path / "table2.dat").write_text(ROWS)
    return tmp_path / "table2.dat"


@pytest.fixture(params=["mrt", "cds"])
def path(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


def test_values_and_missing_ones_are_those_of_the_description(path: Path):
    survey = open_survey(path)
    read = survey.read(["Name", "Teff", "[Fe/H]", "RV", "RAm"]).to_pydict()
    assert read["Name"] == ["star 1", "star 2", "# 3"]
    assert read["Teff"] == [4767, None, 5000]
    assert read["RAm"] == [20, 0, 59]
    assert np.array_equal(read["[Fe/H]"], [-1.9, np.nan, 0.1], equal_nan=True)
    assert np.array_equal(read["RV"], [125, np.nan, -12.5], equal_nan=True)
    assert survey.columns["Teff"] == "K"
    assert survey.columns["RV"] == "km / s"
    assert survey.columns["Name"] == ""


def test_positions_in_hours_minutes_and_seconds_are_there_in_degrees_as_astropy_converts_them(path: Path):
    survey = open_survey(path)
    assert survey.unit("RAdeg") == survey.unit("DEdeg") == "deg"
    known = SkyCoord(
        ["17 20 07.4 +57 54 32.7", "00 00 30.0 -00 00 36.0", "23 59 59.9 -89 59 59.9"], unit=(u.hourangle, u.deg)
    )
    read = survey.read(["RAdeg", "DEdeg"])
    assert np.allclose(read["RAdeg"], known.ra.deg, rtol=0, atol=1e-12)
    assert np.allclose(read["DEdeg"], known.dec.deg, rtol=0, atol=1e-12)


def test_a_table_that_astropy_wrote_is_read_as_astropy_reads_it(tmp_path: Path):
    rng = np.random.default_rng(3)
    stars = Table({"Star": [f"S{n}" for n in range(50)], "Teff": rng.normal(5000, 500, 50).round(1) * u.K})
    stars["logg"] = MaskedColumn(rng.normal(3, 1, 50).round(3), mask=np.arange(50) % 7 == 0)
    path = tmp_path / "t_mrt.txt"
    text_tables.write(stars, path, format="mrt")
    read = open_survey(path).read(["Star", "Teff", "logg"])
    known = text_tables.read(path, format="mrt")
    assert read["Star"].to_pylist() == list(known["Star"])
    assert read["Teff"].to_pylist() == list(known["Teff"])
    assert np.array_equal(read["logg"].to_numpy(), known["logg"].filled(np.nan), equal_nan=True)


def test_a_readme_lies_beside_the_table_or_is_named(cds: Path, tmp_path: Path):
    (tmp_path / "readme").mkdir()
    other = tmp_path / "readme" / "ReadMe.txt"
    (tmp_path / "ReadMe").rename(other)
    with pytest.raises(SurveyError, match=r"table2\.dat"):
        open_survey(cds).read(["Teff"])
    with pytest.raises(SurveyError, match=r"No file .*ReadMe.*\[file\] readme"):
        open_survey(cds, FileHints(format="cds"))
    assert open_survey(cds, FileHints(readme=Path("readme/ReadMe.txt"))).read(["Teff"])["Teff"].to_pylist()[0] == 4767
    named = cds.rename(tmp_path / "J_X_1_2_table2.dat")  # as VizieR names it
    assert open_survey(named, FileHints(readme=other)).n_rows == 3


def test_a_readme_of_other_tables_is_refused_with_their_names(cds: Path, tmp_path: Path):
    other = cds.rename(tmp_path / "stars.dat")
    with pytest.raises(SurveyError, match=r"ReadMe does not describe stars\.dat, but table2\.dat"):
        open_survey(other, FileHints(readme=Path("ReadMe")))


def test_the_readme_itself_is_no_table(cds: Path):
    with pytest.raises(SurveyError, match=r"ReadMe describes tables of CDS: table2\.dat\. Name the file"):
        open_survey(cds.with_name("ReadMe"))


def test_packed_tables_are_read(mrt: Path, cds: Path, tmp_path: Path):
    for path in (mrt, cds):
        (tmp_path / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        assert open_survey(tmp_path / f"{path.name}.gz").read(["Teff"])["Teff"].to_pylist() == [4767, None, 5000]


def test_a_word_among_numbers_is_named(cds: Path):
    cds.write_text(ROWS.replace("4767", "good"))
    with pytest.raises(SurveyError, match=r"table2\.dat: column 'Teff'.*'good'"):
        open_survey(cds).read(["Teff"])


def test_a_large_table_is_read_in_parts(cds: Path):
    cds.write_text(ROWS * 40_000)  # 6 MB: several pieces
    survey = open_survey(cds)
    parts = list(survey.batches(["Teff", "RAdeg"]))
    assert len(parts) > 1
    assert survey.n_rows == sum(part.num_rows for part in parts) == 120_000
    assert survey.read(["Teff"], 119_997, 120_000)["Teff"].to_pylist() == [4767, None, 5000]
