"""Map cubes and profile tables as other programs read them."""

import healpy as hp
import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import QTable
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal

from stdask.schema import products as schema_products
from stdask.science.galaxy.map_grid import MapGrid
from stdask.storage.products.maps import Axis, MapPlane, write_map_images, write_profile, write_sky_maps
from tests.map_cubes import read_map_cube

GRID = MapGrid.covering(2.0, 1.0, 0.5)
AXES = (Axis("R_GC", "R with the sign of X"), Axis("Z_GC", "height above the midplane"))
COUNTS = np.arange(32).reshape(GRID.shape)
MEDIANS = np.where(COUNTS > 3, -0.1 * COUNTS, np.nan).astype(np.float32)


def planes(shift=0):
    return [
        MapPlane("COUNT", "", "stars", COUNTS + shift),
        MapPlane("FE_H", "dex", "median FE_H", MEDIANS),
    ]


SAMPLES = {"ALONE": planes(), "MERGED": planes(1)}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "products" / "map_edge_on.fits"
    write_map_images(path, GRID, AXES, SAMPLES, {"SURVEYB": "apogee", "SUN_X": -8.122})
    return path


def test_the_wcs_of_a_pixel_centre_is_its_place_in_kpc(path):
    wcs = WCS(fits.getheader(path, "ALONE_COUNT"))
    columns, rows = np.meshgrid(np.arange(8), np.arange(4))
    radius, height = wcs.pixel_to_world_values(columns, rows)
    assert_allclose(radius, -1.75 + 0.5 * columns)
    assert_allclose(height, -0.75 + 0.5 * rows)
    assert [str(unit) for unit in wcs.wcs.cunit] == ["kpc", "kpc"]


def test_a_star_falls_into_the_pixel_that_the_wcs_names(path):
    wcs = WCS(fits.getheader(path, "ALONE_COUNT"))
    column, row = wcs.world_to_pixel_values(-0.6, 0.3)
    pixel = GRID.pixels(np.array([-0.6]), np.array([0.3]))[0]
    assert pixel == round(float(row)) * 8 + round(float(column))


def test_maps_come_back_by_name_with_their_units_bit_for_bit(path):
    for name, unit in (("COUNT", "count"), ("FE_H", "dex")):
        header = fits.getheader(path, f"MERGED_{name}")
        assert (header["SAMPLE"], header["QUANTITY"], header["BUNIT"]) == ("MERGED", name, unit)
        assert u.Unit(header["BUNIT"]) == u.Unit(unit)
    cube = read_map_cube(path, "MERGED")
    assert_array_equal(cube["COUNT"], COUNTS + 1)
    assert_array_equal(cube["FE_H"].astype(np.float32), MEDIANS)


def test_provenance_stands_in_the_primary_header(path):
    header = fits.getheader(path)
    assert header["SURVEYB"] == "apogee"
    assert header["SUN_X"] == -8.122
    assert header["CREATOR"].startswith("stdask ")


def test_the_file_keeps_to_the_fits_standard_and_its_checksums(path):
    with fits.open(path, checksum=True) as hdus:  # a wrong checksum warns, and warnings are errors
        hdus.verify("exception")
        names = [f"{sample}_{name}" for sample in ("ALONE", "MERGED") for name in ("COUNT", "FE_H")]
        assert [hdu.name for hdu in hdus] == ["PRIMARY", *names]


def test_the_same_maps_give_the_same_bytes(path, tmp_path):
    again = tmp_path / "again.fits"
    write_map_images(again, GRID, AXES, SAMPLES, {"SURVEYB": "apogee", "SUN_X": -8.122})
    assert again.read_bytes() == path.read_bytes()


def test_no_temporary_file_is_left_beside_a_product(path):
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_profile_comes_back_with_units_meanings_and_provenance(tmp_path):
    path = tmp_path / "profile_radial.ecsv"
    columns = schema_products.profile_columns("R", "Z", {"ALONE": "B alone"}, {"FE_H": "dex"})
    data = {column.name: np.array([1.0, 2.0]) for column in columns} | {
        "SAMPLE": np.array(["ALONE", "MERGED"]),
        "SIDE": np.array(["north", "south"]),
        "N_FE_H": np.array([20, 31]),
    }
    write_profile(path, columns, data, {"seed": 7, "select": ["1.5 < LOGG < 2.5"]})
    table = QTable.read(path, format="ascii.ecsv")
    assert table["R_CENTRE"].unit == u.kpc
    assert table["FE_H_P16"].unit == u.dex
    assert table["Z_LOW"].info.description == "Lower edge of the slice in |Z|"
    assert table["N_FE_H"].tolist() == [20, 31]
    assert table["SIDE"].tolist() == ["north", "south"]
    assert table.meta["seed"] == 7
    assert table.meta["select"] == ["1.5 < LOGG < 2.5"]


@pytest.mark.parametrize(("second", "expected"), [("dex", u.dex), ("K", None)])
def test_numbers_have_a_unit_where_all_rows_share_it(tmp_path, second, expected):
    columns = schema_products.ASYMMETRY
    data = {c.name: np.array(["text"] * 2 if c.dtype == "string" else [1, 2]) for c in columns}
    write_profile(tmp_path / "asymmetry.ecsv", columns, data | {"UNIT": np.array(["dex", second])}, {})
    table = QTable.read(tmp_path / "asymmetry.ecsv")
    for name in ("DIFFERENCE", "ERR"):
        assert getattr(table[name], "unit", None) == expected
    assert getattr(table["P_VALUE"], "unit", None) is None
    assert table["R_LOW"].unit == u.kpc


def test_maps_of_the_sky_open_in_healpy_with_their_order_and_frame(tmp_path):
    path, counts = tmp_path / "map_all_sky.fits", np.arange(48)
    medians = np.where(counts > 3, -0.1 * counts, np.nan).astype(np.float32)
    planes = [MapPlane("COUNT", "", "stars", counts), MapPlane("FE_H_MEDIAN", "dex", "median FE_H", medians)]
    write_sky_maps(path, 1, {"ALONE": planes, "MERGED": planes}, {"SURVEYB": "apogee"})
    found, header = hp.read_map(path, field=(0, 1), nest=True, hdu="MERGED", h=True)
    assert_array_equal(found, [counts, medians])
    assert {("COORDSYS", "C"), ("NSIDE", 2), ("ORDERING", "NESTED")} <= set(header)
    assert fits.getheader(path)["SURVEYB"] == "apogee"
