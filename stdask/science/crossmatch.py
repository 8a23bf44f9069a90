"""Which stars of two surveys are the same."""

import numpy as np
from scipy.spatial import cKDTree

ARCSEC = np.pi / 180 / 3600  # rad


def match_positions(
    ra_a: np.ndarray, dec_a: np.ndarray, ra_b: np.ndarray, dec_b: np.ndarray, radius_arcsec: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Match mutual nearest neighbours on the sky.

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
    vectors_a, vectors_b = _unit_vectors(ra_a, dec_a), _unit_vectors(ra_b, dec_b)
    chord = 2 * np.sin(radius_arcsec * ARCSEC / 2)
    to_b, nearest_b = cKDTree(vectors_b).query(vectors_a, distance_upper_bound=chord)
    _, nearest_a = cKDTree(vectors_a).query(vectors_b, distance_upper_bound=chord)
    rows_a = np.flatnonzero(np.isfinite(to_b))
    rows_a = rows_a[nearest_a[nearest_b[rows_a]] == rows_a]
    return rows_a, nearest_b[rows_a], 2 * np.arcsin(to_b[rows_a] / 2) / ARCSEC


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


def _unit_vectors(ra_deg: np.ndarray, dec_deg: np.ndarray) -> np.ndarray:
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)
