"""How far a star reaches over the borders of pixels: over those that its cell or a cell around it overlaps."""

import healpy as hp
import numpy as np

from stdask.science.sky.healpix import INDEX_ORDER

WIDEST_TO_NARROWEST = 1.6  # Of HEALPix pixels, mean side over narrowest width; the value of hats, with some reserve.


def margin_order(margin_arcsec: float) -> int:
    """Return the order of the smallest cells that are nowhere narrower than a margin."""
    side_arcsec = WIDEST_TO_NARROWEST * margin_arcsec
    return int(np.floor(np.log2(hp.nside2resol(1, arcmin=True) * 60 / side_arcsec)))


def reach(index: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the cell of each star and the cells around it: they hold all places within a cell's width of the star.

    Parameters
    ----------
    index : shape (n_stars,), int64
        Order-29 indices of the stars.
    order
        Of the cells.

    Returns
    -------
    first, end : shape (9, n_stars), int64
        First order-29 index of each cell, and one more than its last. Where seven cells are around one, one is twice.
    """
    shift = 2 * (INDEX_ORDER - order)
    own = index >> shift
    around = hp.get_all_neighbours(1 << order, own, nest=True)
    cells = np.concatenate([own[None], np.where(around < 0, own, around)])
    return cells << shift, (cells + 1) << shift
