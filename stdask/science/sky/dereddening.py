"""Magnitudes and colours corrected for interstellar reddening, and the reddening of a star in a map of the sky."""

from typing import NamedTuple

import numpy as np

from stdask.schema import VISUAL_EXTINCTION


class Extinction(NamedTuple):
    """The extinction of a band: in units of A_V, or as a survey states it for each star."""

    ratio: float = 0.0  # A_band / A_V
    stated: np.ndarray | None = None  # (n_stars,), mag; replaces the ratio

    def at(self, ebv: np.ndarray) -> np.ndarray:
        """Return the extinction of each star in mag, shape (n_stars,).

        Parameters
        ----------
        ebv : shape (n_stars,), mag
            E(B-V) on the scale of Schlegel, Finkbeiner & Davis 1998.
        """
        if self.stated is not None:
            return self.stated
        return self.ratio * VISUAL_EXTINCTION * ebv if self.ratio else np.zeros_like(ebv)


def intrinsic_magnitude(observed: np.ndarray, ebv: np.ndarray, extinction: Extinction) -> np.ndarray:
    """Return magnitudes without extinction, shape (n_stars,), mag; NaN where one of the values is NaN.

    Parameters
    ----------
    observed : shape (n_stars,), mag
    ebv : shape (n_stars,), mag
        E(B-V) on the scale of Schlegel, Finkbeiner & Davis 1998.
    extinction
        Of the band.
    """
    return observed - extinction.at(ebv)


def intrinsic_colour(
    blue: np.ndarray, red: np.ndarray, ebv: np.ndarray, extinctions: tuple[Extinction, Extinction]
) -> np.ndarray:
    """Return a dereddened colour (blue - red)_0 = (blue - red) - (A_blue - A_red).

    Source: Thomas et al. 2024, A&A 690, A54, sect. 3.2, for Gaia with the coefficients of Sestito et al. 2019.

    Parameters
    ----------
    blue, red : shape (n_stars,), mag
        Observed magnitudes.
    ebv : shape (n_stars,), mag
        E(B-V) on the scale of Schlegel, Finkbeiner & Davis 1998.
    extinctions
        Of the two bands.

    Returns
    -------
    colour : shape (n_stars,), mag; NaN where one of the values is NaN
    """
    first, second = extinctions
    if first.stated is None and second.stated is None:
        return blue - red - Extinction(first.ratio - second.ratio).at(ebv)
    return blue - red - (first.at(ebv) - second.at(ebv))


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
