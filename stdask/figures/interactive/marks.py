"""What orients the reader of an interactive map: the Sun, the Galactic centre, circles, meridians and parallels.

Marks are glyphs, which Bokeh cuts off at the frame; its annotations and its overlay level may run over axes and
colour bars. Glyphs are drawn in the order in which they are added: marks come after the pixels.
"""

from collections.abc import Sequence

import healpy
import numpy as np
from healpy.projector import MollweideProj

from stdask.figures.interactive.page import Plot
from stdask.figures.maps.marks import AREA, CIRCLES, area_of, border_of
from stdask.figures.maps.sky import BLUR, RESOLUTION
from stdask.figures.style import FAINT, INK
from stdask.science.galaxy.galactocentric import SUN_X_KPC, SUN_Z_KPC

LABEL_AZIMUTH, ARROW_AZIMUTH = np.radians(192), np.radians(166)  # on either side of the Sun, which is at 180 degrees
MARGIN = 8  # pixels about an area: its border is blurred by two
FAR_KPC = 1000.0  # beyond every map: the midplane goes on when the reader moves the map
MERIDIANS, PARALLELS = range(-120, 180, 60), range(-60, 90, 30)  # degrees
TEXT = {
    "text_font_size": "12px",
    "text_color": INK,
    "text_align": "center",
    "text_baseline": "middle",
    "background_fill_color": "white",
    "background_fill_alpha": 0.75,
    "padding": 1,
}


def mark_galaxy(plot: Plot, view: str) -> None:
    """Mark the Sun and the Galactic centre, in `edge_on` also the midplane, in `face_on` circles and the rotation."""
    if view == "edge_on":
        plot.line([-FAR_KPC, FAR_KPC], [0, 0], color=INK, line_dash=[5, 3])
    else:
        _add_circles(plot)
    plot.scatter([0], [0], marker="cross", size=13, line_color="white", line_width=4)
    plot.scatter([0], [0], marker="cross", size=12, line_color=INK, line_width=1.8)
    sun = ([SUN_X_KPC], [SUN_Z_KPC if view == "edge_on" else 0.0])
    plot.scatter(*sun, size=12, fill_color="white", line_color=INK, line_width=1.5)
    plot.scatter(*sun, size=4, color=INK)


def mark_sky(plot: Plot) -> None:
    """Draw the outline of the sky, meridians, parallels and the Galactic plane, with Galactic coordinates."""
    projection = MollweideProj()
    latitudes, longitudes = np.linspace(-90, 90, 91), np.linspace(-179.999, 179.999, 181)
    lines = [(np.full(91, float(lon)), latitudes, FAINT) for lon in MERIDIANS]
    lines += [(longitudes, np.full(181, float(lat)), FAINT if lat else INK) for lat in PARALLELS]
    lines += [(np.full(91, edge), latitudes, INK) for edge in (longitudes[0], longitudes[-1])]
    for longitude, latitude, colour in lines:
        plot.line(*projection.ang2xy(longitude, latitude, lonlat=True), color=colour, line_width=0.8)
    where = np.array(MERIDIANS)
    texts = [f"{longitude % 360}\N{DEGREE SIGN}" for longitude in where]
    plot.text(*projection.ang2xy(where, np.full(len(where), -12.0), lonlat=True), text=texts, **TEXT)
    where = np.array([latitude for latitude in PARALLELS if latitude])
    texts = [f"{latitude:+d}\N{DEGREE SIGN}".replace("-", "\N{MINUS SIGN}") for latitude in where]
    plot.text(*projection.ang2xy(np.full(len(where), 150.0), where, lonlat=True), text=texts, **TEXT)


def add_area(plot: Plot, lines: Sequence[np.ndarray]) -> None:
    """Draw the border of the area that only the merged catalogue covers, as lines of shape (n_points, 2)."""
    xs, ys = ([line[:, axis] for line in lines] for axis in (0, 1))
    plot.multi_line(xs, ys, line_color="white", line_width=3.5, line_alpha=0.7)
    plot.multi_line(xs, ys, line_color=AREA["color"], line_width=1.5, name="area")


def area_on_plane(x_kpc: np.ndarray, y_kpc: np.ndarray, width_kpc: float) -> list[np.ndarray]:
    """Return the border of the area of some square pixels, given their middles and their width."""
    if not len(x_kpc):
        return []
    columns, rows = (np.round((own - own.min()) / width_kpc).astype(int) + MARGIN for own in (x_kpc, y_kpc))
    inside = np.zeros((rows.max() + MARGIN + 1, columns.max() + MARGIN + 1), dtype=bool)
    inside[rows, columns] = True
    x, y = (
        own.min() + width_kpc * (np.arange(n) - MARGIN)
        for own, n in zip((x_kpc, y_kpc), inside.shape[::-1], strict=True)
    )
    return border_of(x, y, area_of(inside))


def area_on_sky(order: int, pixels: np.ndarray) -> list[np.ndarray]:
    """Return the border of the area of some nested equatorial HEALPix pixels, in Galactic Mollweide projection."""
    edges = [np.linspace(-end, end, n + 1) for end, n in zip((180, 90), RESOLUTION, strict=True)]
    longitudes, latitudes = ((own[1:] + own[:-1]) / 2 for own in edges)
    places = np.meshgrid(longitudes, latitudes)
    ra, dec = healpy.Rotator(coord=["G", "C"])(*(own.ravel() for own in places), lonlat=True)
    inside = np.isin(healpy.ang2pix(2**order, ra, dec, nest=True, lonlat=True), pixels).reshape(places[0].shape)
    lines = border_of(longitudes, latitudes, area_of(inside, BLUR))
    return [np.stack(MollweideProj().ang2xy(line[:, 0], line[:, 1], lonlat=True), axis=-1) for line in lines]


def _add_circles(plot: Plot) -> None:
    turn, radii = np.linspace(0, 2 * np.pi, 181), np.array(CIRCLES, dtype=float)
    circles = [(radius * np.cos(turn), radius * np.sin(turn)) for radius in radii]
    for colour, width, dash in (("white", 2.5, "solid"), (INK, 1.2, [4, 3])):
        for x, y in circles:
            plot.line(x, y, color=colour, line_width=width, line_dash=dash, line_alpha=0.7)
    # Seen from the north Galactic pole the disc turns clockwise. Bokeh's triangle points up, to positive Y.
    tips = (radii * np.cos(ARROW_AZIMUTH), radii * np.sin(ARROW_AZIMUTH))
    angle = ARROW_AZIMUTH - np.pi
    plot.scatter(*tips, marker="triangle", angle=angle, size=10, fill_color=INK, line_color="white")
    places = (radii * np.cos(LABEL_AZIMUTH), radii * np.sin(LABEL_AZIMUTH))
    plot.text(*places, text=[f"{radius} kpc" for radius in CIRCLES], **TEXT)
