"""Gaia colours corrected for interstellar reddening, and the reddening of a star in a map of the sky."""

import numpy as np

# Marigo et al. 2008, A&A 482, 883, as used by Sestito et al. 2019, MNRAS 484, 2166: A_band / A_V
EXTINCTION = {"G_MAG": 0.85926, "BP_MAG": 1.06794, "RP_MAG": 0.65199}
# A_V / E(B-V) of the Schlegel, Finkbeiner & Davis (1998) map as recalibrated by Schlafly & Finkbeiner 2011
# (ApJ 737, 103, Table 6, Landolt V, R_V = 3.1)
VISUAL_EXTINCTION = 2.742


def intrinsic_colour(blue: np.ndarray, red: np.ndarray, ebv: np.ndarray, bands: tuple[str, str]) -> np.ndarray:
    """Return a dereddened colour (blue - red)_0 = (blue - red) - (A_blue - A_red) / A_V x A_V.

    Source: Thomas et al. 2024, A&A 690, A54, sect. 3.2, with the coefficients of Sestito et al. 2019.

    Parameters
    ----------
    blue, red : shape (n_stars,), mag
        Observed magnitudes.
    ebv : shape (n_stars,), mag
        E(B-V) on the scale of Schlegel, Finkbeiner & Davis 1998.
    bands
        Names of the two magnitudes, e.g. ("BP_MAG", "G_MAG").

    Returns
    -------
    colour : shape (n_stars,), mag; NaN where one of the three is NaN
    """
    first, second = bands
    return blue - red - (EXTINCTION[first] - EXTINCTION[second]) * VISUAL_EXTINCTION * ebv


def reddening_at(ra_deg: np.ndarray, dec_deg: np.ndarray, sky: np.ndarray, frame: str) -> np.ndarray:
    """Return the value of the pixel that each star lies in.

    Parameters
    ----------
    ra_deg, dec_deg : shape (n_stars,), degrees, ICRS
    sky : shape (12 nside^2,), mag
        E(B-V) in NESTED pixels, NaN where unknown.
    frame
        Of the pixels: "galactic" or "icrs".

    Returns
    -------
    ebv : shape (n_stars,), float64, mag
    """
    import healpy as hp  # both are slow to import, and only a map needs them
    from astropy.coordinates import SkyCoord

    places = SkyCoord(ra_deg, dec_deg, unit="deg", frame="icrs").transform_to(frame).spherical
    pixels = hp.ang2pix(hp.npix2nside(sky.size), places.lon.deg, places.lat.deg, nest=True, lonlat=True)
    return np.asarray(sky[pixels], dtype=np.float64)
