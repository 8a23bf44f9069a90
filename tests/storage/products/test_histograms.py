"""Histograms of planes and cells as other programs read them."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal

from stdask import schema
from stdask.science.galaxy.density import PlaneGrid
from stdask.storage.products.histograms import CellAxis, write_histograms

GRID = PlaneGrid((2999.5, -0.505), (25.0, 0.02), (40, 30))
LABELS = (schema.measured_columns("TEFF")[0], schema.measured_columns("LOGG")[0])
RINGS = CellAxis("R", "galactocentric radius", "kpc", tuple(2.0 * n for n in range(12)))
SLICES = CellAxis("Z", "height", "kpc", (0.0, 0.5, 2.0))
COUNTS = np.random.default_rng(2).poisson(0.1, (2, 11, *GRID.shape))
COUNTS[1, 3, 12, 7] = 2_000_000_000


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "products" / "diagram_kiel.fits"
    write_histograms(
        path, GRID, LABELS, (RINGS, SLICES), {"A_ONLY": COUNTS, "ALONE": COUNTS + 1}, {"SURVEYB": "apogee"}
    )
    return path


def test_counts_come_back_by_sample_bit_for_bit(path):
    with fits.open(path) as hdus:
        assert hdus[0].header["SURVEYB"] == "apogee"
        for name, counts in (("A_ONLY", COUNTS), ("ALONE", COUNTS + 1)):
            assert np.issubdtype(hdus[name].data.dtype, np.integer)
            assert_array_equal(hdus[name].data, counts)


def test_the_wcs_of_a_bin_is_the_middle_of_its_labels_and_the_number_of_its_cell(path):
    wcs = WCS(fits.getheader(path, "A_ONLY"))
    temperature, gravity, ring, part = wcs.pixel_to_world_values(7, 12, 3, 1)
    assert_allclose([temperature, gravity], [GRID.centres[0][7], GRID.centres[1][12]])
    assert (ring, part) == (4, 2)  # counted from 1, as in R_LO4 and Z_LO2
    assert str(wcs.wcs.cunit[0]) == "K"


def test_the_header_says_where_each_cell_begins_and_ends(path):
    header = fits.getheader(path, "ALONE")
    assert (header["CTYPE3"], header["R_LO11"], header["R_HI11"]) == ("R", 20.0, 22.0)
    assert (header["CTYPE4"], header["Z_LO2"], header["Z_HI2"]) == ("Z", 0.5, 2.0)
    assert header.comments["Z_LO2"] == "kpc"
    assert (header["CTYPE1"], header["CTYPE2"]) == ("TEFF", "LOGG")


def test_empty_bins_take_little_room(path):
    assert path.stat().st_size < 2 * COUNTS.size * 4 / 5  # of two samples in 4 bytes; the headers alone take 17 kB


def test_the_same_counts_give_the_same_bytes(path, tmp_path):
    again = tmp_path / "again.fits"
    write_histograms(
        again, GRID, LABELS, (RINGS, SLICES), {"A_ONLY": COUNTS, "ALONE": COUNTS + 1}, {"SURVEYB": "apogee"}
    )
    assert again.read_bytes() == path.read_bytes()


def test_a_long_description_is_cut_to_its_card_without_a_warning(tmp_path):
    labels = (schema.measured_columns("FE_H")[0], schema.measured_columns("ALPHA_FE")[0])
    write_histograms(tmp_path / "long.fits", GRID, labels, (RINGS, SLICES), {"ALONE": COUNTS}, {})
    comment = fits.getheader(tmp_path / "long.fits", "ALONE").comments["CTYPE2"]
    assert labels[1].description.startswith(comment)
    assert len(comment) > 40
