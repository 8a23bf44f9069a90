"""Which pixels of a map are near to stars: maps of cells larger than a pixel end there."""

import healpy as hp
import numpy as np
from scipy import ndimage


def near_stars(counts: np.ndarray, n_pixels: int) -> np.ndarray:
    """Return which pixels lie within a distance of one that holds stars.

    Parameters
    ----------
    counts : shape (n_rows, n_columns)
        Stars in each pixel.
    n_pixels
        The distance from middle to middle, in pixels.

    Returns
    -------
    near : shape (n_rows, n_columns), bool
    """
    if not counts.any():
        return np.zeros(counts.shape, dtype=bool)
    distances = ndimage.distance_transform_edt(counts == 0)
    return np.asarray(distances <= n_pixels)


def near_stars_on_sky(counts: np.ndarray) -> np.ndarray:
    """Return which HEALPix pixels hold stars or touch one that does.

    Parameters
    ----------
    counts : shape (n_pixels,)
        Stars in each pixel of the nested scheme.

    Returns
    -------
    near : shape (n_pixels,), bool
    """
    around = hp.get_all_neighbours(hp.npix2nside(len(counts)), np.arange(len(counts)), nest=True)
    touched = (counts[around] > 0) & (around >= 0)  # -1: three pixels meet in some corners, not four
    return (counts > 0) | touched.any(axis=0)
