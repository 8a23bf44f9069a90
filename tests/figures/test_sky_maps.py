"""What a reader of the maps of the sky sees."""

import healpy as hp
import numpy as np
from astropy.coordinates import SkyCoord
from matplotlib.collections import QuadMesh

from stdask.figures.maps import MapRow
from stdask.figures.sky_maps import draw_sky_maps


def test_a_star_is_drawn_at_its_galactic_place_with_longitudes_growing_to_the_left():
    order, place = 3, SkyCoord(l=30, b=40, unit="deg", frame="galactic").icrs
    counts = np.zeros((1, 12 * 4**order))
    counts[0, hp.ang2pix(1 << order, place.ra.deg, place.dec.deg, nest=True, lonlat=True)] = 7
    rows = [MapRow("COUNT", [np.where(counts[0] > 0, counts[0], np.nan)], (1, 10))]
    figure = draw_sky_maps(order, rows, counts, ["APOGEE DR17 alone"])
    mesh = next(artist for artist in figure.axes[0].collections if isinstance(artist, QuadMesh))
    rows, columns = np.nonzero(~np.ma.getmaskarray(mesh.get_array()))
    # a pixel of order 3 is 7 degrees wide, a point of the drawing one
    assert abs(columns.mean() - 180 + 30) < 7
    assert abs(rows.mean() - 90 - 40) < 7
    assert "7 stars" in figure.axes[0].get_title(loc="left")
    figure.draw_without_rendering()
