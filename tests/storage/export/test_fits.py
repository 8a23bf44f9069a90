"""A catalogue as FITS, read by astropy."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from numpy.testing import assert_array_equal

from stdask.errors import CatalogueError
from stdask.schema import Column
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.catalogue.hats import finish_catalogue
from stdask.storage.export import write_export
from stdask.storage.tables import to_table
from tests.storage.sky import COLUMNS, star_data, write_sky, write_stars


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pa.Table]:
    folder = tmp_path_factory.mktemp("fits")
    catalogue, stars = write_sky(folder / "sky")
    write_export(folder / "sky.fits", catalogue)
    # the catalogue's own order within a pixel of equal indices is free: compare by the unique key
    return folder / "sky.fits", stars.take(np.argsort(stars["STAR_KEY"].to_numpy()))


@pytest.fixture(scope="module")
def back(written: tuple[Path, pa.Table]) -> Table:
    table = Table.read(written[0])
    table.sort("STAR_KEY")
    return table


def test_the_file_is_standard_fits(written: tuple[Path, pa.Table]):
    with fits.open(written[0]) as hdus:
        hdus.verify("exception")
        assert hdus[1].name == "SKY"
        assert hdus[1].header["CREATOR"].startswith("stdask ")
    assert written[0].stat().st_size % 2880 == 0  # FITS Standard 4.0, sect. 3.1


def test_numbers_are_exact(written: tuple[Path, pa.Table], back: Table):
    _, stars = written
    assert back.colnames == [column.name for column in COLUMNS]
    for name in ("_healpix_29", "STAR_KEY", "ra", "dec", "RV", "RV_ERR", "flags"):
        assert_array_equal(np.asarray(back[name]), stars[name].to_numpy())
    assert back["STAR_KEY"].dtype == np.uint64
    assert stars["STAR_KEY"].to_numpy().max() > 2**63  # so that the offset of unsigned integers is tried


def test_missing_integers_are_masked_and_the_others_exact(written: tuple[Path, pa.Table], back: Table):
    _, stars = written
    for name in ("SOURCE_ID", "visits"):
        known = stars[name].is_valid().to_numpy()
        assert not known.all()
        assert_array_equal(np.ma.getmaskarray(back[name]), ~known)
        assert np.asarray(back[name])[known].tolist() == [v for v in stars[name].to_pylist() if v is not None]


def test_nan_text_and_truth_values_survive(written: tuple[Path, pa.Table], back: Table):
    _, stars = written
    assert_array_equal(np.ma.filled(back["TEFF"], np.nan), stars["TEFF"].to_numpy())
    assert np.isnan(stars["TEFF"].to_numpy()).any()
    text = ["" if v is np.ma.masked else str(v) for v in back["survey_id"]]
    assert text == [v or "" for v in stars["survey_id"].to_pylist()]
    assert_array_equal(np.asarray(back["GOOD"]), stars["GOOD"].to_numpy(zero_copy_only=False))
    assert back["GOOD"].dtype == bool


def test_units_ucds_and_meanings_stand_in_the_header(written: tuple[Path, pa.Table], back: Table):
    assert back["TEFF"].unit == u.K
    assert back["RV"].unit == u.km / u.s
    assert back["ra"].unit == u.deg
    header = fits.getheader(written[0], 1)
    for number, column in enumerate(COLUMNS, start=1):
        assert header[f"TTYPE{number}"] == column.name
        assert header.get(f"TUCD{number}", "") == column.ucd
        assert header[f"TCOMM{number}"] == column.description


def test_an_empty_catalogue_is_an_empty_table(tmp_path: Path):
    write_export(tmp_path / "a.fits", finish_catalogue(tmp_path / "sky", "sky", COLUMNS, {}, {}))
    back = Table.read(tmp_path / "a.fits")
    assert len(back) == 0
    assert back.colnames == [column.name for column in COLUMNS]


def test_an_interrupted_export_leaves_no_file(tmp_path: Path):
    catalogue, _ = write_sky(tmp_path / "sky", 100)
    missing = Catalogue(catalogue.folder, "sky", catalogue.rows, catalogue.columns)
    catalogue.path(catalogue.pixels[-1]).unlink()
    with pytest.raises(Exception, match="No file"):
        write_export(tmp_path / "a.fits", missing)
    assert not list(tmp_path.glob("*a.fits*"))


def test_a_name_that_fits_cannot_write_is_refused_in_words_and_leaves_no_file(tmp_path: Path):
    column = Column("é_teff", "float32", description="A column kept from the survey")
    table = to_table((*COLUMNS, column), star_data(20) | {"é_teff": np.ones(20)})
    catalogue, _ = write_stars(tmp_path / "sky", table, 20)
    with pytest.raises(
        CatalogueError, match=r"'é_teff' has a name that FITS cannot write.* Leave it out with --columns"
    ):
        write_export(tmp_path / "sky.fits", catalogue)
    assert [path.name for path in tmp_path.iterdir()] == ["sky"]
    write_export(tmp_path / "sky.fits", catalogue, columns=["ra", "dec"])
    write_export(tmp_path / "sky.parquet", catalogue)
