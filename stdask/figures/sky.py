"""Where on the sky two surveys observed, and where they share stars: Thomas et al. 2024, fig. 2."""

from textwrap import fill

import healpy as hp
import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from stdask.figures.style import FAINT, FULL_WIDTH, SMALL, TITLE_WIDTH, PrintedFigure, own_style

RASTER = (720, 360)  # cells of the picture along longitude and latitude: half a degree
FOOTPRINTS = ListedColormap(["#efe9f7", "#b7d2ea", "#a6a6a6"])  # A, B, both: shades that a grey print keeps apart
PALEST = 0.3  # of the sequential colours: a pixel of one star is seen on white
DARK = 0.5  # of those of the stars in both: darker than every footprint
MERIDIANS = (120, 60, 0, -60, -120)  # degrees, from left to right


def draw_sky(counts: np.ndarray, names: tuple[str, str]) -> Figure:
    """Draw the stars of A, of B and in both on the sky, in Galactic coordinates, longitude growing to the left.

    Parameters
    ----------
    counts : shape (3, n_pixels), int
        Stars of A, of B and in common in each HEALPix pixel, NESTED, equatorial (ICRS).
    names
        What A and B are called.
    """
    edges, pixels = _galactic_raster(hp.npix2order(counts.shape[1]))
    images = counts[:, pixels]
    with own_style():
        figure = PrintedFigure((FULL_WIDTH, 6.3))
        panels = figure.subplot_mosaic([["A", "B"], ["both", "both"]], subplot_kw={"projection": "mollweide"},
                                       height_ratios=(1, 1.9))  # fmt: skip
        shades = [_without_pale(*of) for of in (("Purples", PALEST), ("Blues", PALEST), ("inferno_r", DARK))]
        titles = (names[0], names[1], "in both")
        footprint = (images[0] > 0) + 2 * (images[1] > 0)
        pale = np.ma.masked_equal(footprint, 0)
        panels["both"].pcolormesh(*edges, pale, cmap=FOOTPRINTS, vmin=0.5, vmax=3.5, rasterized=True)
        for axes, image, n_stars, colours, title in zip(
            panels.values(), images, counts.sum(axis=1), shades, titles, strict=True
        ):
            norm = LogNorm(1, max(image.max(), 10))
            mesh = axes.pcolormesh(*edges, np.ma.masked_equal(image, 0), cmap=colours, norm=norm, rasterized=True)
            bar = figure.colorbar(mesh, ax=axes, orientation="horizontal", pad=0.03, aspect=40, shrink=0.7)
            bar.set_label("stars per pixel")
            bar.ax.xaxis.set_major_formatter("{x:g}")
            axes.set_title(fill(f"{title}: {n_stars:,} stars", TITLE_WIDTH), fontweight="bold")
            _draw_grid(axes)
        handles = [Patch(color=FOOTPRINTS(n), label=text) for n, text in enumerate((*names, "both surveys"))]
        figure.legend(handles=handles, loc="outside lower center", ncols=3, title="Footprints behind the stars in both")
    return figure


def _galactic_raster(order: int) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Return the edges of the picture's cells, radians, and the equatorial pixel in the middle of each."""
    longitudes, latitudes = (np.linspace(-half, half, n + 1) for half, n in zip((180, 90), RASTER, strict=True))
    middles = ((edges[:-1] + edges[1:]) / 2 for edges in (longitudes, latitudes))
    x, b = np.meshgrid(*middles)
    places = SkyCoord(l=-x * u.deg, b=b * u.deg, frame="galactic").icrs
    pixels = hp.ang2pix(1 << order, places.ra.deg, places.dec.deg, nest=True, lonlat=True)
    return (np.radians(longitudes), np.radians(latitudes)), pixels


def _without_pale(name: str, palest: float) -> Colormap:
    return ListedColormap(colormaps[name](np.linspace(palest, 1, 256)))


def _draw_grid(axes: Axes) -> None:
    axes.grid(color=FAINT, linewidth=0.3)
    axes.set_xticks(np.radians([-longitude for longitude in MERIDIANS]))
    labels = axes.set_xticklabels([f"{longitude % 360}°" for longitude in MERIDIANS], fontsize=SMALL)
    for text in labels:
        text.set_path_effects([withStroke(linewidth=2, foreground="white")])  # read on stars too
    axes.set_yticks(np.radians((-60, -30, 0, 30, 60)))
    axes.tick_params(axis="y", labelsize=SMALL)
