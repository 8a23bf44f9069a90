"""HATS catalogues as the programs of others read them: LSDB, the hats-import Verifier, astropy."""

import hashlib
from pathlib import Path

import healpy as hp
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from numpy.testing import assert_array_equal

from stdask.errors import CatalogueError
from stdask.schema import HEALPIX, POSITION
from stdask.science.sky.healpix import Pixel
from stdask.storage import paths
from stdask.storage.catalogue import hats
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from stdask.storage.catalogue.hats import (
    clear_catalogue,
    fault_of_partition,
    finish_catalogue,
    remove_partitions,
    write_partition,
)
from stdask.storage.catalogue.votable_header import votable_metadata
from stdask.storage.tables import to_table
from tests.storage.sky import COLUMNS, write_sky

# nested-pandas 0.7 calls drop(inplace=True) on its own frames, which pandas 3.1 deprecates: theirs to mend
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword in NestedFrame:DeprecationWarning")


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> tuple[Catalogue, pa.Table]:
    return write_sky(tmp_path_factory.mktemp("hats") / "sky")


@pytest.fixture
def opened(sky: tuple[Catalogue, pa.Table]):
    return pytest.importorskip("lsdb").open_catalog(sky[0].folder)


def test_lsdb_opens_it_with_all_stars_and_columns(sky: tuple[Catalogue, pa.Table], opened):
    _, stars = sky
    assert len(opened) == stars.num_rows
    assert ["_healpix_29", *opened.columns] == stars.column_names  # lsdb makes the index its own
    frame = opened.compute()
    assert sorted(frame["STAR_KEY"]) == sorted(stars["STAR_KEY"].to_pylist())


@pytest.mark.parametrize(("ra", "dec", "radius_deg"), [(56.0, 24.0, 2.0), (359.5, 0.0, 25.0), (10.0, 89.0, 30.0)])
def test_a_cone_search_of_lsdb_finds_what_brute_force_finds(
    sky: tuple[Catalogue, pa.Table], opened, ra: float, dec: float, radius_deg: float
):
    _, stars = sky
    places = SkyCoord(stars["ra"].to_numpy(), stars["dec"].to_numpy(), unit="deg")
    inside = places.separation(SkyCoord(ra, dec, unit="deg")).deg <= radius_deg
    found = opened.cone_search(ra, dec, radius_deg * 3600).compute()
    assert inside.sum() > 5
    assert sorted(found["STAR_KEY"]) == sorted(stars.filter(pa.array(inside))["STAR_KEY"].to_pylist())


def test_hats_knows_what_it_is_given(sky: tuple[Catalogue, pa.Table]):
    info = pytest.importorskip("hats").read_hats(sky[0].folder).catalog_info
    assert (info.catalog_name, info.catalog_type, info.total_rows) == ("sky", "object", 600)
    assert (info.ra_column, info.dec_column) == ("ra", "dec")
    assert (info.healpix_column, info.healpix_order) == ("_healpix_29", 29)
    assert (info.skymap_order, info.npix_suffix) == (6, ".parquet")


def test_it_passes_the_verifier_of_hats_import(tmp_path: Path):
    pytest.importorskip("hats_import")
    from hats_import.verification.arguments import VerificationArguments
    from hats_import.verification.run_verification import run

    catalogue, stars = write_sky(tmp_path / "sky")
    verifier = run(
        VerificationArguments(
            input_catalog_path=catalogue.folder,
            output_path=tmp_path / "report",
            truth_total_rows=stars.num_rows,
            verbose=False,
        )
    )
    assert verifier.results_df.query("not passed").empty, verifier.results_df.to_string()
    assert len(verifier.results) >= 7  # valid hats, file sets, 3 of rows, 3 of schemas


def test_units_ucds_and_meanings_survive_in_every_partition_and_in_the_common_metadata(
    sky: tuple[Catalogue, pa.Table],
):
    catalogue, _ = sky
    common = pq.read_schema(catalogue.folder / "dataset" / "_common_metadata")
    partition = pq.read_schema(catalogue.path(catalogue.pixels[0]))
    assert partition.metadata[b"stdask.made_by"] == b"a test"
    for fields in (common, partition):
        assert fields.field("TEFF").metadata == {
            b"unit": b"K",
            b"ucd": b"phys.temperature.effective",
            b"description": b"Effective temperature",
            **{k: v for k, v in fields.field("TEFF").metadata.items() if k.startswith(b"PARQUET:")},
        }
        assert fields.field("RV_ERR").metadata[b"ucd"] == b"stat.error;spect.dopplerVeloc"
    assert open_catalogue(catalogue.folder).columns == COLUMNS


def test_astropy_reads_every_partition_with_units_and_meanings_and_no_warning(sky: tuple[Catalogue, pa.Table]):
    catalogue, stars = sky
    parts = [Table.read(catalogue.path(pixel), format="parquet.votable") for pixel in catalogue.pixels]
    for part in parts:
        assert part.colnames == [column.name for column in COLUMNS]
        assert [part[c.name].unit for c in COLUMNS] == [u.Unit(c.unit) if c.unit else None for c in COLUMNS]
        assert [part[c.name].description for c in COLUMNS] == [c.description or None for c in COLUMNS]
    assert [key for part in parts for key in part["STAR_KEY"].tolist()] == stars["STAR_KEY"].to_pylist()
    plain = Table.read(catalogue.path(catalogue.pixels[0]), format="parquet")
    assert plain["TEFF"].tolist() == parts[0]["TEFF"].tolist()


def test_the_common_metadata_has_the_header_of_the_partitions(sky: tuple[Catalogue, pa.Table]):
    catalogue, _ = sky
    header = {k.encode(): v.encode() for k, v in votable_metadata(COLUMNS).items()}
    files = [catalogue.folder / "dataset" / "_common_metadata", *map(catalogue.path, catalogue.pixels)]
    assert all(header.items() <= pq.read_metadata(path).metadata.items() for path in files)


def test_partitions_are_sorted_and_begin_with_the_index(sky: tuple[Catalogue, pa.Table]):
    catalogue, stars = sky
    for pixel, n_rows in catalogue.rows.items():
        table = pq.ParquetFile(catalogue.path(pixel)).read()
        index = table.column(0).to_numpy()
        assert table.column_names[0] == HEALPIX.name
        assert (np.diff(index) >= 0).all()
        assert table.num_rows == n_rows <= 60
    assert catalogue.read().select(stars.column_names).column("STAR_KEY").to_pylist() == stars["STAR_KEY"].to_pylist()


def test_dir_counts_in_ten_thousands():
    # HATS note: Dir = 10,000 floor(Npix / 10,000)
    assert paths.partition(Path("c"), Pixel(7, 123_456)) == Path("c/dataset/Norder=7/Dir=120000/Npix=123456.parquet")


def test_the_sky_map_counts_the_stars(sky: tuple[Catalogue, pa.Table]):
    catalogue, stars = sky
    counts = hp.read_map(catalogue.folder / "skymap.fits", nest=True, dtype=np.int64)
    pixels = hp.ang2pix(64, stars["ra"].to_numpy(), stars["dec"].to_numpy(), nest=True, lonlat=True)
    assert_array_equal(counts, np.bincount(pixels, minlength=hp.nside2npix(64)))


@pytest.mark.parametrize("order", [0, 1, 4, 6, 29])
def test_any_pixel_reads_the_stars_that_lie_in_it(sky: tuple[Catalogue, pa.Table], order: int):
    catalogue, stars = sky
    index = stars["_healpix_29"].to_numpy()
    pixels = {*range(12)} if order == 0 else {*(index[::97] >> 2 * (29 - order)).tolist(), 1}
    for number in pixels:
        inside = index >> 2 * (29 - order) == number
        for columns in (None, ["STAR_KEY", "TEFF"]):
            read = catalogue.read_pixel(Pixel(order, number), columns)
            expected = stars.filter(pa.array(inside))
            assert read.column_names == (columns or expected.column_names)
            assert sorted(read["STAR_KEY"].to_pylist()) == sorted(expected["STAR_KEY"].to_pylist())
            assert read.schema.field("TEFF").metadata[b"unit"] == b"K"


def test_a_pixel_holds_its_first_and_last_index_and_no_neighbour(tmp_path: Path):
    pixel = Pixel(6, 16_900)
    index = np.array([pixel.first_index - 1, pixel.first_index, pixel.end_index - 1, pixel.end_index])
    columns = (HEALPIX, *POSITION)
    ra, dec = hp.pix2ang(1 << 29, index, nest=True, lonlat=True)
    write_partition(tmp_path, Pixel(0, 4), to_table(columns, {"_healpix_29": index, "ra": ra, "dec": dec}), {})
    catalogue = finish_catalogue(tmp_path, "edge", columns, {Pixel(0, 4): 4}, {})
    assert catalogue.read_pixel(pixel)["_healpix_29"].to_pylist() == index[1:3].tolist()


def test_a_star_outside_its_pixel_is_refused(sky: tuple[Catalogue, pa.Table], tmp_path: Path):
    with pytest.raises(CatalogueError, match="outside Norder=0, Npix=0"):
        write_partition(tmp_path, Pixel(0, 0), sky[1], {})
    assert list(tmp_path.iterdir()) == []


def test_a_catalogue_is_finished_only_by_its_properties(tmp_path: Path):
    catalogue, _ = write_sky(tmp_path / "sky", 100)
    properties = catalogue.folder / "hats.properties"
    text = properties.read_text()
    assert open_catalogue(catalogue.folder).rows == catalogue.rows
    properties.unlink()
    with pytest.raises(CatalogueError, match="not a finished catalogue"):
        open_catalogue(catalogue.folder)
    properties.write_text(text.replace("obs_collection", "obs_collectio"))
    with pytest.raises(CatalogueError, match="not a finished catalogue"):
        open_catalogue(catalogue.folder)


def test_properties_are_the_last_thing_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("stdask.storage.catalogue.hats._write_skymap", fail)
    with pytest.raises(OSError, match="disk full"):
        write_sky(tmp_path / "sky", 100)
    with pytest.raises(CatalogueError):
        open_catalogue(tmp_path / "sky")


def test_what_an_earlier_run_and_killed_workers_left_is_removed(tmp_path: Path):
    catalogue, _ = write_sky(tmp_path / "sky", 200)
    first, *others = catalogue.pixels
    litter = catalogue.path(first).with_name(f".{catalogue.path(first).name}.4711.part")
    litter.write_bytes(b"half")
    remove_partitions(catalogue.folder, keep=others)
    left = {path for path in catalogue.folder.glob("dataset/Norder=*/**/*") if path.is_file()}
    assert left == {catalogue.path(pixel) for pixel in others}
    clear_catalogue(catalogue.folder)
    assert not catalogue.folder.exists()
    clear_catalogue(catalogue.folder)  # nothing there is as good as cleared


def test_an_empty_catalogue_opens_and_reads_as_no_rows(tmp_path: Path):
    finish_catalogue(tmp_path / "sky", "sky", COLUMNS, {}, {})
    catalogue = open_catalogue(tmp_path / "sky")
    assert catalogue.n_rows == 0
    assert catalogue.read_pixel(Pixel(0, 0), ["TEFF"]).column_names == ["TEFF"]
    assert catalogue.read().num_rows == 0


def test_what_was_written_is_told_as_it_lies_on_disk(tmp_path: Path):
    catalogue, stars = write_sky(tmp_path / "sky", 100, most=100)
    pixel = catalogue.pixels[0]
    index = stars["_healpix_29"].to_numpy()
    inside = stars.filter(pa.array((index >= pixel.first_index) & (index < pixel.end_index)))
    written = write_partition(tmp_path / "again", pixel, inside, {"stdask.made_by": "a test"})
    content = paths.partition(tmp_path / "again", pixel).read_bytes()
    assert written == (inside.num_rows, len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path, _: path.write_bytes(path.read_bytes()[:-100]), "cannot be read"),
        (lambda path, table: pq.write_table(table.slice(1), path), "rows instead of"),
        (lambda path, table: pq.write_table(table.take(np.arange(table.num_rows)[::-1]), path), "is not sorted"),
    ],
)
def test_a_partition_that_came_out_wrong_gets_no_name(damage, said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    catalogue, _ = write_sky(tmp_path / "sky", 100, most=100)
    pixel = catalogue.pixels[0]
    path = catalogue.path(pixel)
    files = set(catalogue.folder.rglob("*"))
    before, table = path.read_bytes(), pq.ParquetFile(path).read()
    fill = hats.fill_parquet

    def fill_wrongly(temporary: Path, *arguments: object) -> None:
        fill(temporary, *arguments)
        damage(temporary, table)

    monkeypatch.setattr(hats, "fill_parquet", fill_wrongly)
    with pytest.raises(CatalogueError, match=said):
        write_partition(catalogue.folder, pixel, table, {})
    assert path.read_bytes() == before
    assert set(catalogue.folder.rglob("*")) == files


def test_a_star_of_another_pixel_is_a_fault_of_the_partition(tmp_path: Path):
    catalogue, _ = write_sky(tmp_path / "sky", 100)
    pixel, n_rows = next(iter(catalogue.rows.items()))
    assert fault_of_partition(catalogue.path(pixel), pixel, n_rows) == ""
    other = next(Pixel(0, number) for number in range(12) if not Pixel(0, number).overlaps(pixel))
    assert f"a star outside {other}" in fault_of_partition(catalogue.path(pixel), other, n_rows)


def test_a_catalogue_whose_properties_count_other_rows_is_not_opened(tmp_path: Path):
    catalogue, _ = write_sky(tmp_path / "sky", 100)
    properties = catalogue.folder / "hats.properties"
    properties.write_text(properties.read_text().replace("hats_nrows=100", "hats_nrows=99"))
    with pytest.raises(CatalogueError, match=r"100 rows in partition_info.csv, 99 in"):
        open_catalogue(catalogue.folder)
