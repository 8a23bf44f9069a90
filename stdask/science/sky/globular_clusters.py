"""Which stars lie in a globular cluster, by sky position and distance."""

from typing import NamedTuple

import numpy as np

from stdask.science.sky.positions import unit_vectors


class GlobularClusters(NamedTuple):
    """Where clusters are; each array of shape (n_clusters,). One without a radius or distance holds no star."""

    ra_deg: np.ndarray
    dec_deg: np.ndarray
    distance_kpc: np.ndarray
    half_light_arcmin: np.ndarray


def is_complete(clusters: GlobularClusters) -> np.ndarray:
    """Return which clusters have a position, a distance and a radius, shape (n_clusters,), bool."""
    return np.isfinite(np.stack(clusters)).all(axis=0)


def in_globular_cluster(
    ra_deg: np.ndarray,
    dec_deg: np.ndarray,
    distance_kpc: np.ndarray,
    clusters: GlobularClusters,
    half_light_radii: float,
    depth_kpc: float,
) -> np.ndarray:
    """Return which stars lie within some half-light radii of a cluster on the sky and close to it in distance.

    Source: Thomas et al. 2024, A&A 690, A54, sect. 4, with 5 half-light radii and 0.5 kpc.

    Parameters
    ----------
    ra_deg, dec_deg, distance_kpc : shape (n_stars,), degrees and kpc
        A star without a distance (NaN) cannot be placed in a cluster: False.
    clusters
        Of n_clusters clusters.
    half_light_radii, depth_kpc
        How far a cluster reaches on the sky, in half-light radii, and along the line of sight.

    Returns
    -------
    inside : shape (n_stars,), bool
    """
    stars = unit_vectors(ra_deg, dec_deg)
    centres = unit_vectors(clusters.ra_deg, clusters.dec_deg)
    reach = np.cos(np.radians(half_light_radii * clusters.half_light_arcmin / 60))
    distances = np.asarray(distance_kpc, dtype=np.float64)
    inside = np.zeros(len(stars), dtype=bool)
    for centre, cosine, distance in zip(centres, reach, clusters.distance_kpc, strict=True):
        # one cluster at a time: a matrix of all stars and clusters would be 100 times larger than the stars
        inside |= (stars @ centre >= cosine) & (np.abs(distances - distance) <= depth_kpc)
    return inside
