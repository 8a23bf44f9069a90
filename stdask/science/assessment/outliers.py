"""Stars that lie far from the others."""

import numpy as np
from astropy.stats import mad_std, sigma_clip


def clip_outliers(values: np.ndarray, n_sigma: float) -> np.ndarray:
    """Tell which values survive an iterated clip about the median, in units of 1.4826 MAD.

    Source: Thomas et al. 2024, sect. 3.2 (5 sigma on the velocity difference).

    Parameters
    ----------
    values : shape (n_stars,)
        NaN counts as clipped.
    n_sigma
        Greatest distance from the median.

    Returns
    -------
    kept : shape (n_stars,), bool
    """
    known = np.isfinite(values)
    kept = np.zeros(len(values), dtype=bool)
    kept[known] = ~np.ma.getmaskarray(
        sigma_clip(values[known], sigma=n_sigma, maxiters=None, cenfunc="median", stdfunc=mad_std)
    )
    return kept
