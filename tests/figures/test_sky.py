"""What a reader of the sky coverage sees: Galactic coordinates, counts, footprints."""

import healpy as hp
import numpy as np
import pytest
from matplotlib.collections import QuadMesh

from stdask.figures.sky import RASTER, draw_sky

ORDER = 4
N_PIXELS = hp.order2npix(ORDER)
NORTH_POLE, CENTRE = (192.8595, 27.1283), (266.405, -28.936)  # ra, dec of b = 90 deg and of l = b = 0


def pixel_at(ra, dec):
    return hp.ang2pix(1 << ORDER, ra, dec, nest=True, lonlat=True)


@pytest.fixture(scope="module")
def figure():
    counts = np.zeros((3, N_PIXELS), dtype=int)
    counts[0, [pixel_at(*NORTH_POLE), pixel_at(*CENTRE)]] = 1500, 7
    counts[1, pixel_at(*CENTRE)] = 30
    counts[2, pixel_at(*CENTRE)] = 2
    return draw_sky(counts, ("LAMOST DR3", "APOGEE DR17"))


def images(figure):
    """Return the layers of the three maps: A, B, footprints and stars in both."""
    maps = [axes for axes in figure.axes if axes.name == "mollweide"]
    return [[m.get_array() for m in axes.collections if isinstance(m, QuadMesh)] for axes in maps]


def places(image):
    """Return the Galactic longitudes and latitudes where an image is filled, degrees."""
    rows, columns = np.nonzero(~np.ma.getmaskarray(image))
    return 180 - (columns + 0.5) * 360 / RASTER[0], -90 + (rows + 0.5) * 180 / RASTER[1]


def test_maps_are_titled_with_their_stars(figure):
    titles = [axes.get_title(loc="left") for axes in figure.axes if axes.name == "mollweide"]
    assert titles == ["LAMOST DR3: 1,507 stars", "APOGEE DR17: 30 stars", "in both: 2 stars"]


def test_pixels_are_drawn_at_their_galactic_coordinates(figure):
    (of_a,), (of_b,), (_, both) = images(figure)
    for image in (of_b, both):
        longitudes, latitudes = places(image)
        # a pixel of order 4 is 3.7 degrees wide: its corners are 2.6 from its middle, and that 2.6 from the centre
        assert np.hypot(longitudes, latitudes).max() < 5.2
    assert places(of_a)[1].max() > 89
    assert set(of_a.compressed()) == {7, 1500}


def test_longitude_grows_to_the_left():
    counts = np.zeros((3, N_PIXELS), dtype=int)
    counts[0, pixel_at(310.36, 45.28)] = 5  # Deneb: l = 84.3, b = 2.0
    (of_a,), *_ = images(draw_sky(counts, ("A", "B")))
    columns = np.nonzero(~np.ma.getmaskarray(of_a))[1]
    assert (columns < RASTER[0] / 2).all()
    longitudes, latitudes = places(of_a)
    assert np.hypot(longitudes - 84.3, latitudes - 2.0).max() < 5.2


def test_footprints_tell_a_and_b_and_both_apart(figure):
    *_, (footprint, _) = images(figure)
    assert set(footprint.compressed()) == {1, 3}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["LAMOST DR3", "APOGEE DR17", "both surveys"]


def test_long_names_stay_on_the_page():
    counts = np.ones((3, N_PIXELS), dtype=int)
    figure = draw_sky(counts, ("LAMOST DR3 K giants", "APOGEE DR17 giants of the inner Galaxy"))
    figure.draw_without_rendering()
    width = figure.get_size_inches()[0] * figure.dpi
    boxes = [axes.get_tightbbox() for axes in figure.axes] + [figure.legends[0].get_window_extent()]
    assert all(box.x0 >= 0 and box.x1 <= width + 1 for box in boxes)
