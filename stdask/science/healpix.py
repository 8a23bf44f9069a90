"""HEALPix pixels as HATS uses them: NESTED, order 29 as the index of a star, an adaptive tiling of the sky."""

from typing import NamedTuple

import healpy as hp
import numpy as np

INDEX_ORDER = 29
FINEST_ORDER = 18  # of a partition: 0.8 arcsec, so only repeats of one star share it


class Pixel(NamedTuple):
    """One NESTED pixel of the sky."""

    order: int
    pixel: int

    @property
    def first_index(self) -> int:
        """The smallest order-29 index inside."""
        return self.pixel << 2 * (INDEX_ORDER - self.order)

    @property
    def end_index(self) -> int:
        """One more than the largest order-29 index inside."""
        return (self.pixel + 1) << 2 * (INDEX_ORDER - self.order)

    def overlaps(self, other: "Pixel") -> bool:
        """Tell whether one of the two lies inside the other."""
        return self.first_index < other.end_index and other.first_index < self.end_index


def sky_index(ra_deg: np.ndarray, dec_deg: np.ndarray) -> np.ndarray:
    """Return the order-29 NESTED pixel of each position: the `_healpix_29` of HATS.

    Parameters
    ----------
    ra_deg, dec_deg : shape (n_stars,), degrees

    Returns
    -------
    index : shape (n_stars,), int64
    """
    return hp.ang2pix(1 << INDEX_ORDER, ra_deg, dec_deg, nest=True, lonlat=True).astype(np.int64)


def tile_sky(index: np.ndarray, weights: np.ndarray, most: float) -> list[Pixel]:
    """Cut the occupied sky into the largest pixels that hold at most `most` each.

    A pixel that is too heavy is split in four until its parts are light enough or `FINEST_ORDER` is reached.

    Parameters
    ----------
    index : shape (n,), int64, ascending
        Order-29 indices: stars, or the first index of counted cells.
    weights : shape (n,)
        Cost of each, e.g. 1 for a star.
    most
        Cost of a pixel at most.

    Returns
    -------
    pixels
        Disjoint, ascending, covering every index; empty pixels are left out.
    """
    total = np.concatenate([[0.0], np.cumsum(weights)])
    tiles: list[Pixel] = []
    stack = [Pixel(0, pixel) for pixel in reversed(range(12))]
    while stack:
        tile = stack.pop()
        first, end = np.searchsorted(index, [tile.first_index, tile.end_index])
        if first == end:
            continue
        if total[end] - total[first] <= most or tile.order == FINEST_ORDER:
            tiles.append(tile)
        else:
            stack += [Pixel(tile.order + 1, 4 * tile.pixel + child) for child in (3, 2, 1, 0)]
    return tiles


def assign_tiles(index: np.ndarray, tiles: list[Pixel]) -> np.ndarray:
    """Return the number of the tile that each order-29 index lies in.

    Parameters
    ----------
    index : shape (n,), int64
    tiles
        As from `tile_sky`: ascending and covering every index.

    Returns
    -------
    numbers : shape (n,), int64
    """
    starts = np.array([tile.first_index for tile in tiles], dtype=np.int64)
    return np.searchsorted(starts, index, side="right") - 1
