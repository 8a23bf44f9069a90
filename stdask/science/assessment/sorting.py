"""Stars sorted into bins, to see whether a difference depends on what they are or where they lie."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import astropy.units as u
import healpy as hp
import numpy as np
from astropy.coordinates import ICRS, Galactic

SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)  # of the stars, between bins of a quantity: the tails have bins of their own
LATITUDES_DEG = (-90.0, -30.0, -10.0, 10.0, 30.0, 90.0)
DOMAIN_INDICES = (0.0, 0.5, 0.75, 1.0, 1.5, np.inf)  # 95 % of held-out training stars are below 1
NSIDE = 2  # 48 cells of 29 degrees


class Bin(NamedTuple):
    """Some of the stars."""

    words: str
    low: float
    high: float
    middle: float  # median of its stars
    stars: np.ndarray  # (n_stars,), bool


def bins_between(values: np.ndarray, edges: Sequence[float]) -> list[Bin]:
    """Return the bins between some edges that hold stars; the highest edge belongs to the last bin.

    Parameters
    ----------
    values : shape (n_stars,)
        NaN is in no bin.
    edges
        Ascending.
    """
    bins = []
    for number, (low, high) in enumerate(pairwise(edges)):
        below = values <= high if number == len(edges) - 2 else values < high
        own = (values >= low) & below
        if own.any():
            bins.append(Bin(_in_words(low, high), low, high, float(np.median(values[own])), own))
    return bins


def bins_of_shares(values: np.ndarray, shares: Sequence[float] = SHARES) -> list[Bin]:
    """Return bins between quantiles of the stars.

    Parameters
    ----------
    values : shape (n_stars,)
        NaN is in no bin.
    shares
        Shares of the stars below the edges between two bins.
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return []
    return bins_between(values, np.unique(np.quantile(known, [0.0, *shares, 1.0])).tolist())


def cells_of_sky(ra_deg: np.ndarray, dec_deg: np.ndarray) -> list[Bin]:
    """Return the cells of HEALPix, nested and equatorial, that hold stars."""
    cells = hp.ang2pix(NSIDE, ra_deg, dec_deg, nest=True, lonlat=True)
    found = np.unique(cells).tolist()
    return [Bin(f"cell {cell}", cell, cell, cell, cells == cell) for cell in found]


def galactic_latitudes(ra_deg: np.ndarray, dec_deg: np.ndarray) -> np.ndarray:
    """Return Galactic latitudes in degrees, shape (n_stars,)."""
    return ICRS(ra=ra_deg * u.deg, dec=dec_deg * u.deg).transform_to(Galactic()).b.to_value(u.deg)


def _in_words(low: float, high: float) -> str:
    return f"above {low:.4g}" if np.isinf(high) else f"{low:.4g} to {high:.4g}"
