"""Which stars of two surveys are the same."""

from typing import NamedTuple

import healpy as hp
import numpy as np
from scipy.spatial import cKDTree

from stdask.science.sky.healpix import Pixel
from stdask.science.sky.positions import unit_vectors

ARCSEC = np.pi / 180 / 3600  # rad


class Matches(NamedTuple):
    """Pairs of rows that are one star."""

    rows_a: np.ndarray  # (n_pairs,), int64, ascending; each row at most once, as in rows_b
    rows_b: np.ndarray
    separations_arcsec: np.ndarray
    ambiguous: np.ndarray  # (n_pairs,), bool: one of the two has a second candidate within the radius


def match_positions(
    ra_a: np.ndarray, dec_a: np.ndarray, ra_b: np.ndarray, dec_b: np.ndarray, radius_arcsec: float
) -> Matches:
    """Match mutual nearest neighbours on the sky; of two equally near ones the first.

    Parameters
    ----------
    ra_a, dec_a : shape (n_a,), degrees
    ra_b, dec_b : shape (n_b,), degrees
    radius_arcsec
        Greatest separation.
    """
    first_a, first_b = _first_of_each(ra_a, dec_a), _first_of_each(ra_b, dec_b)
    vectors_a, vectors_b = unit_vectors(ra_a[first_a], dec_a[first_a]), unit_vectors(ra_b[first_b], dec_b[first_b])
    chord = 2 * np.sin(radius_arcsec * ARCSEC / 2)
    nearest_b, several_b = _nearest(vectors_a, vectors_b, chord)
    rows_a = np.flatnonzero(nearest_b < len(vectors_b))
    nearest_a, several_a = _nearest(vectors_b[nearest_b[rows_a]], vectors_a, chord)
    mutual = nearest_a == rows_a
    ambiguous = (several_b[rows_a] | several_a)[mutual]
    rows_a, rows_b = first_a[rows_a[mutual]], first_b[nearest_b[rows_a[mutual]]]
    distances = separations(ra_a[rows_a], dec_a[rows_a], ra_b[rows_b], dec_b[rows_b])
    return Matches(rows_a, rows_b, distances, ambiguous)


def nearest_rows(
    ra_a: np.ndarray, dec_a: np.ndarray, ra_b: np.ndarray, dec_b: np.ndarray, radius_arcsec: float
) -> np.ndarray:
    """Return for each position of A the row of the nearest one of B; of equally near ones the first.

    Several rows of A may have the same nearest row of B.

    Parameters
    ----------
    ra_a, dec_a : shape (n_a,), degrees
    ra_b, dec_b : shape (n_b,), degrees
    radius_arcsec
        Largest separation.

    Returns
    -------
    rows : shape (n_a,), int64
        -1 where no position of B is within the radius.
    """
    if not ra_b.size:
        return np.full(ra_a.size, -1, dtype=np.int64)
    first = _first_of_each(ra_b, dec_b)
    chord = 2 * np.sin(radius_arcsec * ARCSEC / 2)
    rows, _ = _nearest(unit_vectors(ra_a, dec_a), unit_vectors(ra_b[first], dec_b[first]), chord)
    return np.append(first, -1)[rows]


def close_pairs(ra: np.ndarray, dec: np.ndarray, radius_arcsec: float) -> np.ndarray:
    """Return the pairs of positions that lie within a radius of each other.

    Parameters
    ----------
    ra, dec : shape (n_stars,), degrees
    radius_arcsec
        Largest separation.

    Returns
    -------
    rows : shape (n_pairs, 2), int64
        Each pair once.
    """
    if not ra.size:
        return np.empty((0, 2), dtype=np.int64)
    return cKDTree(unit_vectors(ra, dec)).query_pairs(2 * np.sin(radius_arcsec * ARCSEC / 2), output_type="ndarray")


def move_positions(
    ra_deg: np.ndarray, dec_deg: np.ndarray, pmra: np.ndarray, pmdec: np.ndarray, years: float
) -> tuple[np.ndarray, np.ndarray]:
    """Move stars along great circles for some years: their radial motion and parallax are left out.

    Source: The Hipparcos and Tycho Catalogues, ESA SP-1200, vol. 1, sect. 1.2.8.

    Parameters
    ----------
    ra_deg, dec_deg : shape (n_stars,), degrees
    pmra, pmdec : shape (n_stars,), mas/yr
        That in right ascension times cos(dec). A star without a motion stays where it is.
    years
        Negative: back in time.

    Returns
    -------
    ra_deg, dec_deg : shape (n_stars,), degrees
    """
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    east = np.stack([-np.sin(ra), np.cos(ra), np.zeros_like(ra)], axis=-1)
    north = np.stack([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)], axis=-1)
    steps = np.stack([pmra, pmdec], axis=-1).astype(np.float64) * (years * ARCSEC / 1000)
    moves = np.isfinite(steps).all(axis=-1) & (years != 0)
    x, y, z = (unit_vectors(ra_deg, dec_deg) + steps[:, :1] * east + steps[:, 1:] * north).T
    moved_ra, moved_dec = np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arctan2(z, np.hypot(x, y)))
    return np.where(moves, moved_ra, ra_deg), np.where(moves, moved_dec, dec_deg)


def chance_pairs(n_a: int, n_pairs: int, n_elsewhere: float) -> float:
    """Return how many of some pairs are two stars that lie near each other by chance.

    A star of A without a true counterpart has a neighbour by chance as often as any star of A has one where B was
    moved away; one with a true counterpart is taken to be paired with it.

    Parameters
    ----------
    n_a, n_pairs
        Stars of A, and pairs found.
    n_elsewhere
        Pairs found when the positions of B are moved by many radii.
    """
    rate = n_elsewhere / n_a
    n_true = (n_pairs - rate * n_a) / (1 - rate) if rate < 1 else 0.0
    return float(np.clip(n_pairs - n_true, 0, n_pairs))


def cells_around(pixel: Pixel, margin_arcsec: float) -> tuple[int, np.ndarray]:
    """Return cells of the sky that hold every position within a margin of a pixel, and a little more.

    Parameters
    ----------
    pixel
        The pixel.
    margin_arcsec
        Around it.

    Returns
    -------
    order
        Of the cells.
    cells : shape (n_cells,), int64, ascending
        NESTED pixels of that order.
    """
    nside = 1 << pixel.order
    radius = hp.max_pixrad(nside) + margin_arcsec * ARCSEC
    # 8 to 16 cells per radius, so up to 900: larger cells would reach further out, smaller ones would take longer.
    order = int(np.log2(16 * hp.nside2resol(1) / radius))
    centre = hp.pix2vec(nside, pixel.pixel, nest=True)
    return order, hp.query_disc(1 << order, centre, radius, inclusive=True, nest=True)


def match_ids(ids_a: np.ndarray, ids_b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Match rows with equal ids; of repeated ids the first row is taken.

    Parameters
    ----------
    ids_a : shape (n_a,)
    ids_b : shape (n_b,)
        Integers or strings, none missing.

    Returns
    -------
    rows_a, rows_b : shape (n_pairs,), int64
        Each row at most once; ascending in `rows_a`.
    """
    _, rows_a, rows_b = np.intersect1d(ids_a, ids_b, return_indices=True)
    order = np.argsort(rows_a)
    return rows_a[order], rows_b[order]


def separations(ra_a: np.ndarray, dec_a: np.ndarray, ra_b: np.ndarray, dec_b: np.ndarray) -> np.ndarray:
    """Return the separation of each pair of positions (degrees) in arcsec, shape (n_pairs,)."""
    chords = np.linalg.norm(unit_vectors(ra_a, dec_a) - unit_vectors(ra_b, dec_b), axis=1)
    return 2 * np.arcsin(chords / 2) / ARCSEC


def _first_of_each(ra_deg: np.ndarray, dec_deg: np.ndarray) -> np.ndarray:
    """Return the first row of each position, ascending."""
    order = np.lexsort((dec_deg, ra_deg))  # rows of one position stay in order
    repeated = (np.diff(ra_deg[order]) == 0) & (np.diff(dec_deg[order]) == 0)
    return np.sort(np.delete(order, 1 + np.flatnonzero(repeated)))


def _nearest(vectors: np.ndarray, others: np.ndarray, chord: float) -> tuple[np.ndarray, np.ndarray]:
    """Return for each vector the row of the nearest other one, their number where none is within reach, and whether
    there is a second one."""
    distances, rows = cKDTree(others).query(vectors, k=2, distance_upper_bound=chord)
    # Of two equally near ones the first row: their order in the tree depends on all other stars.
    return np.where(distances[:, 0] == distances[:, 1], rows.min(axis=1), rows[:, 0]), np.isfinite(distances[:, 1])
