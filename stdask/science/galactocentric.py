"""Galactocentric positions from sky positions and heliocentric distances."""

from typing import NamedTuple

import astropy.units as u
import numpy as np
from astropy.coordinates import ICRS, CartesianDifferential, Galactocentric

# The parameters that astropy calls "v4.0", pinned here because its own default is global state: distance of
# GRAVITY Collaboration 2018 (A&A 615, L15), height of Bennett & Bovy 2019 (MNRAS 482, 1417), centre of Reid &
# Brunthaler 2004 (ApJ 616, 872). Thomas et al. 2024, sect. 4, put the Sun at the same place.
FRAME = Galactocentric(
    galcen_coord=ICRS(ra=266.4051 * u.deg, dec=-28.936175 * u.deg),
    galcen_distance=8.122 * u.kpc,
    galcen_v_sun=CartesianDifferential([12.9, 245.6, 7.78] * u.km / u.s),
    z_sun=20.8 * u.pc,
    roll=0 * u.deg,
)
SUN_X_KPC, SUN_Z_KPC = -8.122, 0.0208  # X to 0.03 pc: the distance to the centre is along a tilted line


class GalacticPositions(NamedTuple):
    """Where stars are in the Galaxy; each array of shape (n_stars,), float64, NaN without a distance."""

    x_kpc: np.ndarray  # towards the centre from the Sun, which is at negative X
    y_kpc: np.ndarray  # towards the Sun's rotation
    z_kpc: np.ndarray  # towards the north Galactic pole
    radius_kpc: np.ndarray  # cylindrical
    azimuth_deg: np.ndarray  # atan2(Y, X)


def galactic_positions(ra_deg: np.ndarray, dec_deg: np.ndarray, distance_kpc: np.ndarray) -> GalacticPositions:
    """Return the galactocentric position of each star; one star's does not depend on its neighbours.

    Source: Thomas et al. 2024, A&A 690, A54, sect. 4; the frame is astropy's `Galactocentric`.

    Parameters
    ----------
    ra_deg, dec_deg : shape (n_stars,), degrees, ICRS
    distance_kpc : shape (n_stars,), kpc
        Heliocentric. A star whose distance is NaN, infinite or negative has no position.

    Returns
    -------
    positions
        NaN where there is no position.
    """
    distances = np.asarray(distance_kpc, dtype=np.float64)
    distances = np.where(np.isfinite(distances) & (distances >= 0), distances, np.nan)
    stars = ICRS(ra=ra_deg * u.deg, dec=dec_deg * u.deg, distance=distances * u.kpc)
    x, y, z = stars.transform_to(FRAME).cartesian.xyz.to_value(u.kpc)
    return GalacticPositions(x, y, z, np.hypot(x, y), np.degrees(np.arctan2(y, x)))
