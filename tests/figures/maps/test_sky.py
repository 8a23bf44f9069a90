"""What a reader of the maps of the sky sees."""

import healpy as hp
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from matplotlib.collections import QuadMesh

from stdask.figures.maps.scales import VALUES, Scale, count_scale
from stdask.figures.maps.sheet import MapImage, MapRow
from stdask.figures.maps.sky import RESOLUTION, draw_sky_maps
from tests.figures.printing import check_print

ORDER, PLACE = 3, SkyCoord(l=30, b=40, unit="deg", frame="galactic").icrs
PIXEL = hp.ang2pix(1 << ORDER, PLACE.ra.deg, PLACE.dec.deg, nest=True, lonlat=True)

STEP = 360 / RESOLUTION[0]  # degrees between points of the drawing


@pytest.fixture
def figure():
    counts = np.zeros(12 * 4**ORDER, dtype=int)
    counts[PIXEL] = 2
    numbers = MapImage(np.where(counts > 0, counts, np.nan), counts, count_scale("stars per pixel", [counts]))
    iron = MapImage(np.full(len(counts), np.nan), counts, Scale("median [Fe/H]", (-1, 0), VALUES))
    new = np.zeros(len(counts), dtype=bool)
    new[: len(counts) // 4] = True
    rows = [MapRow([numbers, numbers], new), MapRow([iron, iron])]
    return draw_sky_maps(ORDER, rows, ["APOGEE DR17 alone\n2 stars", "merged\n2 stars"], note="All stars.")


def filled(mesh):
    return np.nonzero(~np.ma.getmaskarray(mesh.get_array()))


def test_a_star_is_drawn_at_its_galactic_place_with_longitudes_growing_to_the_left(figure):
    meshes = [artist for artist in figure.axes[0].collections if isinstance(artist, QuadMesh)]
    rows, columns = filled(meshes[1])
    # a pixel of order 3 is 7 degrees wide, a point of the drawing less than one
    assert abs(columns.mean() * STEP - 180 + 30) < 7
    assert abs(rows.mean() * STEP - 90 - 40) < 7


def test_a_pixel_with_too_few_stars_is_grey(figure):
    panel = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"][2]
    grey, values = (artist for artist in panel.collections if isinstance(artist, QuadMesh))
    assert len(filled(grey)[0])
    assert not len(filled(values)[0])


def test_longitudes_are_written_on_white_over_the_pixels(figure):
    texts = [text for text in figure.axes[0].texts if "\N{DEGREE SIGN}" in text.get_text()]
    assert [text.get_text() for text in texts] == [f"{angle}\N{DEGREE SIGN}" for angle in (240, 300, 0, 60, 120)]
    xs = [text.get_position()[0] for text in texts]
    drawn = max(artist.get_zorder() for artist in figure.axes[0].collections)
    assert all(text.get_bbox_patch().get_facecolor()[:3] == (1, 1, 1) and text.get_zorder() > drawn for text in texts)
    assert xs == pytest.approx(np.radians([120, 60, 0, -60, -120]))


def test_the_figure_is_one_for_print(figure):
    check_print(figure)
    assert "2 stars" in [text.get_text() for text in figure.axes[0].texts]
