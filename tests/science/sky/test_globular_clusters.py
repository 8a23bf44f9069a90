"""Membership of globular clusters, against astropy's separations and by construction."""

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from numpy.testing import assert_array_equal

from stdask.science.sky.globular_clusters import GlobularClusters, in_globular_cluster

TUC_47 = GlobularClusters(*(np.array([v]) for v in (6.024, -72.081, 4.52, 2.8)))  # rhalf 2.8 arcmin: reach 14


def is_inside(ra, dec, distance, clusters=TUC_47):
    stars = (np.atleast_1d(np.asarray(value, dtype=float)) for value in (ra, dec, distance))
    return in_globular_cluster(*stars, clusters, 5.0, 0.5)


def test_a_star_is_inside_up_to_five_half_light_radii():
    dec = -72.081 + np.array([0.0, 13.9, 14.1]) / 60
    assert_array_equal(is_inside(np.full(3, 6.024), dec, np.full(3, 4.52)), [True, True, False])


def test_a_star_is_inside_up_to_half_a_kpc_in_front_and_behind():
    distances = [4.52, 4.03, 5.01, 4.01, 5.03]
    assert_array_equal(is_inside([6.024] * 5, [-72.081] * 5, distances), [True, True, True, False, False])


def test_membership_equals_that_by_astropys_separations():
    rng = np.random.default_rng(3)
    clusters = GlobularClusters(
        rng.uniform(0, 360, 30), rng.uniform(-85, 85, 30), rng.uniform(1, 5, 30), rng.uniform(1, 40, 30)
    )
    ra, dec = clusters.ra_deg.repeat(50) + rng.normal(0, 2, 1500), clusters.dec_deg.repeat(50) + rng.normal(0, 2, 1500)
    distance = rng.uniform(1, 5, 1500)
    stars = SkyCoord(ra * u.deg, dec * u.deg)[:, None]
    centres = SkyCoord(clusters.ra_deg * u.deg, clusters.dec_deg * u.deg)
    near = stars.separation(centres).arcmin <= 5 * clusters.half_light_arcmin
    truth = (near & (abs(distance[:, None] - clusters.distance_kpc) <= 0.5)).any(axis=1)
    assert 50 < truth.sum() < 1450
    assert_array_equal(is_inside(ra, dec, distance, clusters), truth)


def test_a_star_without_a_distance_is_in_no_cluster():
    assert not is_inside(6.024, -72.081, np.nan)


def test_a_cluster_without_a_half_light_radius_holds_no_star():
    assert not is_inside(6.024, -72.081, 4.52, TUC_47._replace(half_light_arcmin=np.array([np.nan])))
