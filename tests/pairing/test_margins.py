"""Catalogues with margins, as LSDB makes and matches them."""

from pathlib import Path

import astropy.units as u
import healpy as hp
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.pairing.margins import MARGIN_ARCSEC, write_collection
from stdask.science.sky.healpix import sky_index
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from stdask.storage.catalogue.hats import clear_catalogue, unfinish_catalogue
from stdask.storage.tables import read_parquet, to_table
from tests.storage.sky import write_stars

COLUMNS = (schema.HEALPIX, schema.STAR_KEY, *schema.POSITION)
# nested-pandas 0.7 calls drop(inplace=True) on its own frames, which pandas 3.1 deprecates: theirs to fix
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword in NestedFrame:DeprecationWarning")


def near_borders(seed: int) -> SkyCoord:
    """Return stars within 12 arcsec of borders and corners of pixels of orders 0 to 4, and others anywhere."""
    rng = np.random.default_rng(seed)
    edges = [hp.boundaries(1 << k, n, step=3, nest=True) for k in range(5) for n in rng.integers(12 * 4**k, size=14)]
    on_edges = SkyCoord(*np.concatenate(edges, axis=1), representation_type="cartesian").spherical
    places = SkyCoord(on_edges.lon, on_edges.lat)
    places = places.directional_offset_by(
        rng.uniform(0, 360, len(places)) * u.deg, 12 * rng.random(len(places)) * u.arcsec
    )
    anywhere = SkyCoord(rng.uniform(0, 360, 500), np.degrees(np.arcsin(rng.uniform(-1, 0.2, 500))), unit="deg")
    return SkyCoord([*places.ra, *anywhere.ra], [*places.dec, *anywhere.dec])


def write(folder: Path, places: SkyCoord, most: int, workers: Workers) -> Catalogue:
    """Write stars as a catalogue with a margin."""
    ra, dec = places.ra.deg, places.dec.deg
    data = {"_healpix_29": sky_index(ra, dec), "STAR_KEY": np.arange(len(ra), dtype=np.uint64), "ra": ra, "dec": dec}
    catalogue, _ = write_stars(folder, to_table(COLUMNS, data), most)
    write_collection(workers, catalogue)
    return catalogue


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, client: Workers) -> tuple[Catalogue, Catalogue]:
    """Return two catalogues of nearly the same stars, cut into different partitions."""
    folder, rng = tmp_path_factory.mktemp("margins"), np.random.default_rng(3)
    places = near_borders(1)
    moved = places.directional_offset_by(
        rng.uniform(0, 360, len(places)) * u.deg, rng.uniform(0, 9.5, len(places)) * u.arcsec
    )
    a = write(folder / "a", places, 90, client)
    return a, write(folder / "b", moved[rng.random(len(moved)) < 0.9], 40, client)


@pytest.mark.parametrize("order", [1, -1])
def test_lsdb_finds_all_pairs_across_borders_and_does_not_warn(both: tuple[Catalogue, Catalogue], order: int):
    lsdb = pytest.importorskip("lsdb")
    catalogues = both[::order]
    left, right = (lsdb.open_catalog(paths.collection(catalogue.folder)) for catalogue in catalogues)
    found = left.crossmatch(
        right,
        radius_arcsec=MARGIN_ARCSEC,
        suffixes=("_1", "_2"),
        suffix_method="all_columns",
        require_right_margin=True,
    ).compute(progress_bar=False)
    stars = [catalogue.read() for catalogue in catalogues]
    near, distances, _ = places_of(stars[0]).match_to_catalog_sky(places_of(stars[1]))
    paired = distances <= MARGIN_ARCSEC * u.arcsec
    keys = [part["STAR_KEY"].to_numpy() for part in stars]
    expected = set(zip(keys[0][paired].tolist(), keys[1][near[paired]].tolist(), strict=True))
    assert set(zip(found["STAR_KEY_1"].tolist(), found["STAR_KEY_2"].tolist(), strict=True)) == expected
    assert len(found) == len(expected)
    assert across(catalogues, stars, paired, near) > 50  # without margins these are lost


def places_of(stars: pa.Table) -> SkyCoord:
    return SkyCoord(stars["ra"].to_numpy(), stars["dec"].to_numpy(), unit="deg")


def across(catalogues: tuple[Catalogue, ...], stars: list[pa.Table], paired: np.ndarray, near: np.ndarray) -> int:
    """Return how many pairs have a star that lies in no partition of the other catalogue, or in one apart."""
    here = stars[0]["_healpix_29"].to_numpy()[paired]
    there = stars[1]["_healpix_29"].to_numpy()[near[paired]]
    inside = np.zeros(here.size, dtype=bool)
    for pixel in catalogues[1].pixels:
        inside |= np.all([(pixel.first_index <= i) & (i < pixel.end_index) for i in (here, there)], axis=0)
    return int((~inside).sum())


def test_the_margin_has_the_stars_that_lsdb_would_put_there(both: tuple[Catalogue, Catalogue]):
    lsdb = pytest.importorskip("lsdb")
    from lsdb.loaders.dataframe.margin_catalog_generator import MarginCatalogGenerator

    for catalogue in both:
        alone = lsdb.open_catalog(catalogue.folder)
        theirs = MarginCatalogGenerator(alone, margin_threshold=MARGIN_ARCSEC).create_catalog()
        ours = lsdb.open_catalog(paths.collection(catalogue.folder)).margin
        assert set(ours.get_healpix_pixels()) == set(theirs.get_healpix_pixels())
        for pixel in ours.get_healpix_pixels():
            stars = [
                part.get_partition(pixel.order, pixel.pixel).compute(progress_bar=False) for part in (ours, theirs)
            ]
            assert sorted(stars[0]["STAR_KEY"]) == sorted(stars[1]["STAR_KEY"])


def test_hats_finds_the_collection_valid(both: tuple[Catalogue, Catalogue]):
    hats = pytest.importorskip("hats")
    from hats.io.validation import is_valid_collection

    for catalogue in both:
        folder = paths.collection(catalogue.folder)
        assert is_valid_collection(folder, strict=True)
        assert hats.read_hats(folder).get_margin_thresholds() == {"margin": MARGIN_ARCSEC}
        margin = hats.read_hats(paths.margin(catalogue.folder))
        files = paths.margin(catalogue.folder).rglob("Npix=*.parquet")
        assert margin.catalog_info.total_rows == sum(pq.read_metadata(path).num_rows for path in files)
        assert hats.read_hats(catalogue.folder).catalog_info.total_rows == catalogue.n_rows  # which is as it was
        assert open_catalogue(folder) == open_catalogue(catalogue.folder)


def test_partitions_smaller_than_the_cells_have_margins(tmp_path: Path, client: Workers):
    rng = np.random.default_rng(4)
    centre = SkyCoord(10, 41, unit="deg")
    places = centre.directional_offset_by(rng.uniform(0, 360, 300) * u.deg, 30 * rng.random(300) * u.arcsec)
    catalogue = write(tmp_path / "dense", places, 10, client)
    stars = catalogue.read()
    assert max(pixel.order for pixel in catalogue.pixels) > 14
    for pixel in catalogue.pixels:
        index = stars["_healpix_29"].to_numpy()
        inside = (index >= pixel.first_index) & (index < pixel.end_index)
        apart = places_of(stars)[:, None].separation(places_of(stars.filter(pa.array(inside)))).arcsec.min(axis=1)
        near = (apart <= MARGIN_ARCSEC) & ~inside
        margin = read_parquet(paths.partition(paths.margin(catalogue.folder), pixel))
        assert np.isin(stars["STAR_KEY"].to_numpy()[near], margin["STAR_KEY"].to_numpy()).all()
        assert not np.isin(margin["STAR_KEY"].to_numpy(), stars["STAR_KEY"].to_numpy()[inside]).any()


def test_a_catalogue_without_stars_near_borders_has_an_empty_margin(tmp_path: Path, client: Workers):
    lsdb = pytest.importorskip("lsdb")
    catalogue = write(tmp_path / "sparse", SkyCoord([45.0, 50.0], [3.0, 5.0], unit="deg"), 10, client)
    opened = lsdb.open_catalog(paths.collection(catalogue.folder))
    assert len(opened.margin) == 0
    found = opened.crossmatch(opened, radius_arcsec=1, suffixes=("_1", "_2"), suffix_method="all_columns")
    assert len(found.compute(progress_bar=False)) == 2


def test_a_margin_is_the_same_each_time_and_goes_with_its_catalogue(tmp_path: Path, client: Workers):
    catalogue = write(tmp_path / "sky", near_borders(5), 90, client)
    folder = paths.collection(catalogue.folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    left = folder / "margin" / "dataset" / "Norder=29" / "of an earlier catalogue"
    left.parent.mkdir()
    left.touch()
    files = write_collection(client, catalogue)
    assert {path: path.read_bytes() for path in files} == before
    assert set(files) == {path for path in folder.rglob("*") if path.is_file()}
    unfinish_catalogue(catalogue.folder)
    assert not (folder / "collection.properties").exists()
    clear_catalogue(catalogue.folder)
    assert not folder.exists()
