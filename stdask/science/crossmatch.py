"""Which stars of two surveys are the same."""

import healpy as hp
import numpy as np
from scipy.spatial import cKDTree

from stdask.science.healpix import Pixel

ARCSEC = np.pi / 180 / 3600  # rad


def match_positions(
    ra_a: np.ndarray, dec_a: np.ndarray, ra_b: np.ndarray, dec_b: np.ndarray, radius_arcsec: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Match mutual nearest neighbours on the sky; of two equally near ones the first.

    Parameters
    ----------
    ra_a, dec_a : shape (n_a,), degrees
    ra_b, dec_b : shape (n_b,), degrees
    radius_arcsec
        Greatest separation.

    Returns
    -------
    rows_a, rows_b : shape (n_pairs,), int64
        Each row at most once; ascending in `rows_a`.
    separations_arcsec : shape (n_pairs,)
    """
    first_a, first_b = _first_of_each(ra_a, dec_a), _first_of_each(ra_b, dec_b)
    vectors_a, vectors_b = _unit_vectors(ra_a[first_a], dec_a[first_a]), _unit_vectors(ra_b[first_b], dec_b[first_b])
    chord = 2 * np.sin(radius_arcsec * ARCSEC / 2)
    nearest_b = _nearest(vectors_a, vectors_b, chord)
    rows_a = np.flatnonzero(nearest_b < len(vectors_b))
    mutual = _nearest(vectors_b[nearest_b[rows_a]], vectors_a, chord) == rows_a
    rows_a, rows_b = first_a[rows_a[mutual]], first_b[nearest_b[rows_a[mutual]]]
    return rows_a, rows_b, separations(ra_a[rows_a], dec_a[rows_a], ra_b[rows_b], dec_b[rows_b])


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
    # 8 to 16 cells a radius, so up to 900: larger cells would reach further out, and more would take longer
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
    chords = np.linalg.norm(_unit_vectors(ra_a, dec_a) - _unit_vectors(ra_b, dec_b), axis=1)
    return 2 * np.arcsin(chords / 2) / ARCSEC


def _first_of_each(ra_deg: np.ndarray, dec_deg: np.ndarray) -> np.ndarray:
    """Return the first row of each position, ascending."""
    order = np.lexsort((dec_deg, ra_deg))  # rows of one position stay in order
    repeated = (np.diff(ra_deg[order]) == 0) & (np.diff(dec_deg[order]) == 0)
    return np.sort(np.delete(order, 1 + np.flatnonzero(repeated)))


def _nearest(vectors: np.ndarray, others: np.ndarray, chord: float) -> np.ndarray:
    """Return for each vector the row of the nearest other one, and their number where none is within reach."""
    distances, rows = cKDTree(others).query(vectors, k=2, distance_upper_bound=chord)
    # which of two comes first in the tree depends on all that is in it
    return np.where(distances[:, 0] == distances[:, 1], rows.min(axis=1), rows[:, 0])


def _unit_vectors(ra_deg: np.ndarray, dec_deg: np.ndarray) -> np.ndarray:
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)
