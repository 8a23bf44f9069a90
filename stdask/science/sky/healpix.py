"""HEALPix pixels as HATS uses them: NESTED, order 29 as the index of a star, an adaptive tiling of the sky."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import healpy as hp
import numpy as np

INDEX_ORDER = 29
FINEST_ORDER = 18  # of a partition: 0.8 arcsec, so only repeats of one star share it
COUNT_ORDERS = (8, 12, 16, FINEST_ORDER)  # 14 arcmin; finer ones only inside cells that hold too many


class Pixel(NamedTuple):
    """One NESTED pixel of the sky."""

    order: int
    pixel: int

    def __str__(self) -> str:
        """Return its name as HATS spells it."""
        return f"Norder={self.order}/Npix={self.pixel}"

    @property
    def first_index(self) -> int:
        """The smallest order-29 index inside."""
        return self.pixel << 2 * (INDEX_ORDER - self.order)

    @property
    def end_index(self) -> int:
        """One more than the largest order-29 index inside."""
        return (self.pixel + 1) << 2 * (INDEX_ORDER - self.order)

    def overlaps(self, other: "Pixel") -> bool:
        """Return whether one of the two lies inside the other."""
        return self.first_index < other.end_index and other.first_index < self.end_index


class Cells(NamedTuple):
    """Disjoint pixels of the sky, of any orders, ascending, and how many stars each holds."""

    starts: np.ndarray  # (n_cells,), int64: first order-29 index inside
    ends: np.ndarray  # (n_cells,), int64: one more than the last
    n_stars: np.ndarray  # (n_cells,), int64

    def select(self, chosen: np.ndarray) -> "Cells":
        """Return some of the cells: those where `chosen`, (n_cells,) bool, is true."""
        return Cells(self.starts[chosen], self.ends[chosen], self.n_stars[chosen])

    def hold(self, index: np.ndarray) -> np.ndarray:
        """Return which order-29 indices lie in one of the cells, (n,) bool."""
        number = np.searchsorted(self.ends, index, side="right")
        return index >= np.append(self.starts, np.iinfo(np.int64).max)[number]

    def overlap(self, pixel: Pixel) -> bool:
        """Return whether a pixel overlaps a cell."""
        first = np.searchsorted(self.ends, pixel.first_index, side="right")
        return bool(first < np.searchsorted(self.starts, pixel.end_index))


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


def count_cells(index: np.ndarray, order: int) -> Cells:
    """Count stars by pixel of one order; pixels without stars are left out.

    Parameters
    ----------
    index : shape (n_stars,), int64
        Order-29 indices.
    order
        Of the pixels.
    """
    shift = 2 * (INDEX_ORDER - order)
    pixels, n_stars = np.unique(index >> shift, return_counts=True)
    return Cells(pixels << shift, pixels + 1 << shift, n_stars)


def add_counts(counted: Sequence[Cells]) -> Cells:
    """Add up counts of cells that are the same or apart."""
    starts, ends, n_stars = (np.concatenate([np.empty(0, np.int64), *part]) for part in zip(*counted, strict=True))
    starts, first, inverse = np.unique(starts, return_index=True, return_inverse=True)
    totals = np.zeros(starts.size, dtype=np.int64)
    np.add.at(totals, inverse, n_stars)
    return Cells(starts, ends[first], totals)


def count_finely(count: Callable[[int, Cells | None], Cells], most: float) -> Cells:
    """Count stars in cells that hold no more than `most`, unless they are of the finest order.

    Parameters
    ----------
    count
        Returns the stars in the cells of one order, inside those of a coarser one (everywhere if None).
    most
        Cells that hold more are counted again, finer.
    """
    light, heavy = [], None
    for order in COUNT_ORDERS:
        cells = count(order, heavy)
        too_many = (cells.n_stars > most) & (order < FINEST_ORDER)
        light.append(cells.select(~too_many))
        heavy = cells.select(too_many)
        if not too_many.any():
            break
    return add_counts(light)


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


def rest_of_sky(pixels: Sequence[Pixel]) -> list[Pixel]:
    """Return the largest pixels that cover the sky outside of some disjoint ones; both ascending."""
    starts = np.array([pixel.first_index for pixel in pixels], dtype=np.int64)
    ends = np.array([pixel.end_index for pixel in pixels], dtype=np.int64)
    rest: list[Pixel] = []
    stack = [Pixel(0, pixel) for pixel in reversed(range(12))]
    while stack:
        tile = stack.pop()
        first = np.searchsorted(ends, tile.first_index, side="right")
        if first == np.searchsorted(starts, tile.end_index):
            rest.append(tile)
        elif pixels[int(first)].order > tile.order:
            stack += [Pixel(tile.order + 1, 4 * tile.pixel + child) for child in (3, 2, 1, 0)]
    return rest
