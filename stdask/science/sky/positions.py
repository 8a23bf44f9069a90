"""Positions on the sky: possible and impossible ones, and unit vectors."""

import numpy as np


def check_positions(ra_deg: np.ndarray, dec_deg: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which positions are missing and which are impossible.

    Parameters
    ----------
    ra_deg, dec_deg : shape (n_stars,), degrees, NaN where missing

    Returns
    -------
    ra_deg : shape (n_stars,), degrees
        360 written as 0.
    missing : shape (n_stars,), bool
        One of the two is not a finite number.
    impossible : shape (n_stars,), bool
        ra outside 0...360 or dec outside -90...90.
    """
    missing = ~(np.isfinite(ra_deg) & np.isfinite(dec_deg))
    impossible = ~missing & ((ra_deg < 0) | (ra_deg > 360) | (np.abs(dec_deg) > 90))
    return np.where(ra_deg == 360, 0.0, ra_deg), missing, impossible


def unit_vectors(ra_deg: np.ndarray, dec_deg: np.ndarray) -> np.ndarray:
    """Return the direction of each position: shape (n_stars, 3), x towards ra = dec = 0, z towards the north pole."""
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)
