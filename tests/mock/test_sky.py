"""Which stars a mock survey reaches: its magnitude limits, its clusters, and ids that Gaia could have given."""

import healpy as hp
import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from stdask.mock.sky import CLUSTERS, INFRARED, OPTICAL, draw_cluster_stars, draw_footprints, draw_stars

N_STARS = 4000


@pytest.fixture(scope="module")
def stars() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(8)
    return draw_stars(N_STARS, draw_footprints(rng).a, OPTICAL, 1000, rng)


def test_a_gaia_id_holds_the_healpix_pixel_of_level_12_and_is_unique(stars: dict[str, np.ndarray]):
    # Gaia data model: source_id / 34,359,738,368 is the pixel of level 12, nested
    pixels = hp.ang2pix(2**12, stars["ra"], stars["dec"], nest=True, lonlat=True)
    np.testing.assert_array_equal(stars["gaia_id"] // 34_359_738_368, pixels)
    assert np.unique(stars["gaia_id"]).size == N_STARS


def test_stars_lie_between_the_magnitude_limits_behind_their_dust(stars: dict[str, np.ndarray]):
    seen = stars["M_G"] + 5 * np.log10(stars["DISTANCE"]) + 10 + OPTICAL.dust * stars["ebv"]
    # The limits are taken on a grid of M_G in steps of 0.0103 mag.
    assert OPTICAL.bright - 0.011 < seen.min() < 11.5
    assert 13.7 < seen.max() < OPTICAL.faint + 0.011


def test_both_surveys_share_fields_and_each_has_its_own():
    footprints = draw_footprints(np.random.default_rng(8))
    a, b, both = (set(zip(f.ra_deg.tolist(), f.dec_deg.tolist(), strict=True)) for f in footprints)
    assert both == a & b
    assert a - b
    assert b - a


def test_half_of_the_members_of_a_cluster_lie_within_its_half_light_radius():
    members = draw_cluster_stars(N_STARS, INFRARED, np.random.default_rng(8))
    number = np.array([np.flatnonzero(CLUSTERS["name"] == name)[0] for name in members["cluster"]])
    centres = SkyCoord(CLUSTERS["ra"][number], CLUSTERS["dec"][number], unit="deg")
    away = (
        SkyCoord(members["ra"], members["dec"], unit="deg").separation(centres).arcmin
        / CLUSTERS["rhalf_arcmin"][number]
    )
    assert away.max() < 5
    # A Plummer sphere has half of its light within that radius, and 25/26 within five of them; 4 sigma binomial.
    assert np.mean(away < 1) == pytest.approx(0.5 * 26 / 25, abs=4 * 0.5 / np.sqrt(N_STARS))


def test_members_of_a_cluster_share_its_distance_and_velocity():
    members = draw_cluster_stars(N_STARS, INFRARED, np.random.default_rng(8))
    for name, distance, velocity in zip(CLUSTERS["name"], CLUSTERS["distance"], CLUSTERS["vlos"], strict=True):
        own = members["cluster"] == name
        # Velocities scatter by 5 km/s; a half-light radius is at most 0.3 % of the distance.
        assert members["RV"][own].mean() == pytest.approx(velocity, abs=4 * 5 / np.sqrt(own.sum()))
        assert members["DISTANCE"][own] == pytest.approx(distance, rel=0.02)
