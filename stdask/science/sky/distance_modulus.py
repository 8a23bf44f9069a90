"""The distance modulus of stars and its error, from a distance or a parallax.

The error is carried over to first order: 5 / ln 10 times the relative error. So the random draws of an absolute
magnitude are Gaussian, and the draws of the distance behind it log-normal: none is negative.
"""

import numpy as np

# The inverse of a less certain parallax is biased and has no useful error (Bailer-Jones 2015, PASP 127, 994, sect. 4).
MIN_PARALLAX_OVER_ERROR = 5.0
_PER_RELATIVE_ERROR = 5 / np.log(10)


def modulus_of_distance(distances_kpc: np.ndarray, errors_kpc: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return distance moduli and their 1-sigma errors, each of shape (n_stars,), mag; NaN where one is missing.

    Parameters
    ----------
    distances_kpc, errors_kpc : shape (n_stars,)
        Positive, or NaN where missing.
    """
    return 5 * np.log10(distances_kpc) + 10, _PER_RELATIVE_ERROR * errors_kpc / distances_kpc


def modulus_of_parallax(parallaxes_mas: np.ndarray, errors_mas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return distance moduli and their 1-sigma errors, each of shape (n_stars,), mag; NaN where one is missing.

    Parallaxes that are not positive, or are below `MIN_PARALLAX_OVER_ERROR` times their error, give none.

    Parameters
    ----------
    parallaxes_mas, errors_mas : shape (n_stars,)
        NaN where missing.
    """
    certain = (parallaxes_mas > 0) & ~(parallaxes_mas < MIN_PARALLAX_OVER_ERROR * errors_mas)
    kept = np.where(certain, parallaxes_mas, np.nan)
    return 10 - 5 * np.log10(kept), _PER_RELATIVE_ERROR * errors_mas / kept
