"""Maps of the sky in Galactic coordinates."""

from collections.abc import Sequence

import astropy.units as u
import healpy as hp
import numpy as np
from astropy.coordinates import ICRS, Galactic
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from stdask.figures.maps.marks import area_of, kinds_of, marks_of, outline_area
from stdask.figures.maps.sheet import NO_STARS, MapRow, Margins, make_sheet
from stdask.figures.style import INK, SMALL, own_style

RESOLUTION = (480, 240)  # points of the drawing: one every 0.75 degrees
LONGITUDES = (
    120,
    60,
    0,
    -60,
    -120,
)  # they grow to the left, as seen from inside; in small maps every other has a label
LATITUDES = (-60, -30, 0, 30, 60)
BLUR = 7  # points: an outline is of an area, not of pixels
LABELLED_AT = -48  # degrees of latitude: away from the plane, where the stars are
MARGINS = Margins(left=8.0, below=3.0, right=1.0)


def draw_sky_maps(order: int, rows: Sequence[MapRow], titles: Sequence[str], *, note: str) -> Figure:
    """Draw maps of the sky, Mollweide's projection with the Galactic centre in the middle; a column a sample.

    Parameters
    ----------
    order
        Of the nested HEALPix pixels of the images.
    rows
        The quantities, from above.
    titles
        Of the columns: what is shown, and in a second line of how many stars.
    note
        What the maps are of: selection, pixels, smallest number of stars.
    """
    edges = [np.radians(np.linspace(-end, end, n + 1)) for end, n in zip((180, 90), RESOLUTION, strict=True)]
    longitudes, latitudes = ((own[1:] + own[:-1]) / 2 for own in edges)
    pixels = _pixels(order, longitudes, latitudes)
    areas = [None if row.area is None else area_of(row.area[pixels], BLUR) for row in rows]
    handles, texts = marks_of(kinds_of(rows, areas))
    with own_style({"ytick.right": False, "xtick.top": False}):
        sheet = make_sheet(rows, 0.5, MARGINS, texts=texts, note=note, projection="mollweide")
        for row, panels, area in zip(rows, sheet.panels, areas, strict=True):
            for axes, image in zip(panels, row.images, strict=True):
                axes.set_title(image.remark, fontsize=SMALL, pad=1)
                axes.set_facecolor(NO_STARS if image.scale.diverging else "white")
                blank = np.ma.masked_where(~image.without_value[pixels], np.ones(pixels.shape))
                axes.pcolormesh(*edges, blank, cmap=ListedColormap([NO_STARS]), rasterized=True)
                shown, scale = np.ma.masked_invalid(image.values[pixels]), image.scale
                axes.pcolormesh(*edges, shown, norm=scale.norm, cmap=scale.colours, rasterized=True)
                if area is not None:
                    outline_area(axes, longitudes, latitudes, area)
        for axes in sheet.panels.flat:
            _decorate(axes, LONGITUDES if len(titles) < 3 else LONGITUDES[::2], first_column=axes in sheet.panels[:, 0])
        sheet.titles(titles)
        sheet.legend(handles, texts, note)
    return sheet.figure


def _pixels(order: int, longitudes: np.ndarray, latitudes: np.ndarray) -> np.ndarray:
    """Return the HEALPix pixel of each point of the drawing, shape (n_latitudes, n_longitudes)."""
    left, up = np.meshgrid(longitudes, latitudes)
    places = Galactic(l=-left * u.rad, b=up * u.rad).transform_to(ICRS())
    return hp.ang2pix(1 << order, places.ra.deg, places.dec.deg, nest=True, lonlat=True)


def _decorate(axes: Axes, labelled: Sequence[int], first_column: bool) -> None:
    axes.grid(color=INK, linewidth=0.35, alpha=0.45)
    axes.set_xticks(np.radians(LONGITUDES), [])
    axes.set_yticks(np.radians(LATITUDES), [f"{b}\N{DEGREE SIGN}" for b in LATITUDES] if first_column else [])
    axes.tick_params(axis="y", labelsize=SMALL)
    for angle in labelled:
        axes.text(
            np.radians(angle),
            np.radians(LABELLED_AT),
            f"{-angle % 360}\N{DEGREE SIGN}",
            fontsize=SMALL,
            ha="center",
            va="center",
            zorder=7,
            bbox={"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
        )
