"""Maps of the sky in Galactic coordinates."""

from collections.abc import Sequence
from textwrap import fill

import astropy.units as u
import healpy as hp
import numpy as np
from astropy.coordinates import ICRS, Galactic
from matplotlib import rc_context
from matplotlib.figure import Figure

from stdask.figures.maps import COLOURS, MapRow, colour_scale, colours_beyond
from stdask.figures.style import FAINT, STYLE, TITLE_WIDTH

RESOLUTION = (360, 180)  # points of the drawing: one a degree
LONGITUDES = (120, 60, 0, -60, -120)  # labelled; they grow to the left, as seen from inside


def draw_sky_maps(order: int, rows: Sequence[MapRow], counts: Sequence[np.ndarray], names: Sequence[str]) -> Figure:
    """Draw maps of the sky, Mollweide's projection with the Galactic centre in the middle; a column a sample.

    Parameters
    ----------
    order
        Of the nested HEALPix pixels of the images.
    rows
        The quantities, from above.
    counts : each of shape (n_pixels,)
        Stars a pixel in each sample.
    names
        Titles of the columns.
    """
    edges = [np.radians(np.linspace(-end, end, n + 1)) for end, n in zip((180, 90), RESOLUTION, strict=True)]
    longitudes, latitudes = np.meshgrid(*((own[1:] + own[:-1]) / 2 for own in edges))
    places = Galactic(l=-longitudes * u.rad, b=latitudes * u.rad).transform_to(ICRS())
    pixels = hp.ang2pix(1 << order, places.ra.deg, places.dec.deg, nest=True, lonlat=True)
    texts = [f"{-angle % 360}\N{DEGREE SIGN}" for angle in LONGITUDES]
    with rc_context(STYLE | {"ytick.right": False, "xtick.top": False}):
        figure = Figure((5 * len(names), 0.7 + 2.7 * len(rows)))
        panels = figure.subplots(len(rows), len(names), squeeze=False, subplot_kw={"projection": "mollweide"})
        for row, own in zip(rows, panels, strict=True):
            norm = colour_scale(row)
            for axes, image in zip(own, row.images, strict=True):
                values = np.ma.masked_invalid(image[pixels])
                mesh = axes.pcolormesh(*edges, values, norm=norm, cmap=COLOURS, rasterized=True)
                axes.grid(color=FAINT, linewidth=0.4)
                axes.set_xticks(np.radians(LONGITUDES), texts, fontsize=7)
                axes.set_yticks(np.radians([-60, -30, 0, 30, 60]))
                axes.tick_params(axis="y", labelsize=7)
            bar = figure.colorbar(mesh, ax=list(own), pad=0.01, fraction=0.03, extend=colours_beyond(row.images, norm))
            bar.set_label(row.title)
        for axes, name, count in zip(panels[0], names, counts, strict=True):
            axes.set_title(f"{fill(name, TITLE_WIDTH)}\n{int(count.sum()):,} stars", fontweight="bold")
    return figure
