"""The pixels of the maps: edge-on and face-on about the Galactic centre, and of the sky."""

from dataclasses import dataclass

import numpy as np

from stdask.science.galaxy.binning import slices_of
from stdask.science.sky.healpix import INDEX_ORDER, sky_index


@dataclass(frozen=True)
class MapGrid:
    """Square pixels of a map about the Galactic centre, which is a corner of four of them.

    Pixel (row, column) has number row * n_columns + column; it holds its lower and left edge.
    """

    width_kpc: float
    half_columns: int  # on either side of the centre
    half_rows: int

    @classmethod
    def covering(cls, half_width_kpc: float, half_height_kpc: float, width_kpc: float) -> "MapGrid":
        """Return the smallest grid that reaches so far on each side, in pixels of `width_kpc`."""
        slack = 1e-9  # 20 / 0.2 is 100 pixels, whatever the last bit of the quotient
        columns, rows = (int(np.ceil(half / width_kpc - slack)) for half in (half_width_kpc, half_height_kpc))
        return cls(width_kpc, columns, rows)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the map."""
        return 2 * self.half_rows, 2 * self.half_columns

    @property
    def n_pixels(self) -> int:
        """Number of pixels."""
        return self.shape[0] * self.shape[1]

    @property
    def halves(self) -> tuple[int, int]:
        """Rows and columns on either side of the centre."""
        return self.half_rows, self.half_columns

    @property
    def column_edges_kpc(self) -> np.ndarray:
        """Edges of the columns, shape (n_columns + 1,)."""
        return self.width_kpc * np.arange(-self.half_columns, self.half_columns + 1)

    @property
    def row_edges_kpc(self) -> np.ndarray:
        """Edges of the rows, shape (n_rows + 1,)."""
        return self.width_kpc * np.arange(-self.half_rows, self.half_rows + 1)

    @property
    def centres_kpc(self) -> tuple[np.ndarray, np.ndarray]:
        """Middles of the columns and of the rows."""
        columns, rows = self.column_edges_kpc, self.row_edges_kpc
        return (columns[1:] + columns[:-1]) / 2, (rows[1:] + rows[:-1]) / 2

    def pixels(self, across_kpc: np.ndarray, up_kpc: np.ndarray) -> np.ndarray:
        """Return the pixel of each star, -1 outside the map or without a position.

        Parameters
        ----------
        across_kpc, up_kpc : shape (n_stars,), kpc

        Returns
        -------
        pixels : shape (n_stars,), int64
        """
        columns = slices_of(across_kpc, self.column_edges_kpc)
        rows = slices_of(up_kpc, self.row_edges_kpc)
        return np.where((columns >= 0) & (rows >= 0), rows * self.shape[1] + columns, -1)


def edge_on_pixels(grid: MapGrid, x_kpc: np.ndarray, z_kpc: np.ndarray, radius_kpc: np.ndarray) -> np.ndarray:
    """Return each star's pixel in the map of R, with the sign of X, against Z.

    Source: Thomas et al. 2024, A&A 690, A54, Fig. 15.

    Parameters
    ----------
    grid
        Columns along R, rows along Z.
    x_kpc, z_kpc, radius_kpc : shape (n_stars,), galactocentric, kpc

    Returns
    -------
    pixels : shape (n_stars,), int64, -1 for none
    """
    return grid.pixels(np.copysign(radius_kpc, x_kpc), z_kpc)


def face_on_pixels(
    grid: MapGrid, x_kpc: np.ndarray, y_kpc: np.ndarray, z_kpc: np.ndarray, max_height_kpc: float
) -> np.ndarray:
    """Return each star's pixel in the map of X against Y, of the stars closer to the midplane than a limit.

    Source: Thomas et al. 2024, A&A 690, A54, Fig. 16.

    Parameters
    ----------
    grid
        Columns along X, rows along Y.
    x_kpc, y_kpc, z_kpc : shape (n_stars,), galactocentric, kpc
    max_height_kpc
        Stars at |Z| of this or more are left out.

    Returns
    -------
    pixels : shape (n_stars,), int64, -1 for none
    """
    return np.where(np.abs(z_kpc) < max_height_kpc, grid.pixels(x_kpc, y_kpc), -1)


def sky_pixels(ra_deg: np.ndarray, dec_deg: np.ndarray, order: int) -> np.ndarray:
    """Return the nested HEALPix pixel of each star, -1 without a position.

    Parameters
    ----------
    ra_deg, dec_deg : shape (n_stars,), degrees, ICRS
    order
        Of the pixels: 12 * 4^order cover the sky.

    Returns
    -------
    pixels : shape (n_stars,), int64
    """
    known = np.isfinite(ra_deg) & np.isfinite(dec_deg)
    pixels = np.full(len(ra_deg), -1, dtype=np.int64)
    pixels[known] = sky_index(ra_deg[known], dec_deg[known]) >> 2 * (INDEX_ORDER - order)
    return pixels
