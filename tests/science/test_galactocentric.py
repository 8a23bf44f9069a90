"""Galactocentric positions against the place of the Sun, of Sgr A* and astropy's own transformation."""

import astropy.units as u
import numpy as np
from astropy.coordinates import Galactocentric, SkyCoord, galactocentric_frame_defaults
from numpy.testing import assert_allclose, assert_array_equal

from stdask.science.galactocentric import galactic_positions

RNG = np.random.default_rng(11)
RA, DEC = RNG.uniform(0, 360, 500), np.degrees(np.arcsin(RNG.uniform(-1, 1, 500)))
DISTANCE = RNG.uniform(0.01, 30, 500)


def test_the_sun_stands_where_the_paper_puts_it():
    sun = galactic_positions(np.array([0.0]), np.array([0.0]), np.array([0.0]))
    # 8.122 kpc is the distance to the centre along a line tilted by 20.8 pc: X is shorter by 0.03 pc
    assert_allclose([sun.x_kpc[0], sun.y_kpc[0], sun.z_kpc[0]], [-8.122, 0.0, 0.0208], atol=5e-5)
    assert_allclose(sun.azimuth_deg, 180.0)


def test_sgr_a_star_is_at_the_centre():
    # Reid & Brunthaler 2004 (ApJ 616, 872): 17h45m40.0409s -29d00m28.118s. The frame is centred on l = b = 0 as
    # they give it, which is 4.3 arcmin or 10 pc from Sgr A*
    place = galactic_positions(np.array([266.41684]), np.array([-29.00781]), np.array([8.122]))
    assert_allclose([place.x_kpc, place.y_kpc, place.z_kpc], 0.0, atol=0.012)


def test_positions_equal_those_of_astropy_under_its_v4_defaults():
    with galactocentric_frame_defaults.set("v4.0"):
        truth = SkyCoord(RA * u.deg, DEC * u.deg, distance=DISTANCE * u.kpc).transform_to(Galactocentric())
    found = galactic_positions(RA, DEC, DISTANCE)
    for mine, theirs in zip(found[:3], (truth.x, truth.y, truth.z), strict=True):
        assert_allclose(mine, theirs.to_value(u.kpc), atol=1e-12)  # the same rotation in float64
    assert_allclose(found.radius_kpc, np.sqrt(truth.x**2 + truth.y**2).to_value(u.kpc), atol=1e-12)


def test_a_change_of_astropys_global_default_moves_no_star():
    with galactocentric_frame_defaults.set("pre-v4.0"):
        moved = galactic_positions(RA, DEC, DISTANCE)
    assert_array_equal(moved, galactic_positions(RA, DEC, DISTANCE))


def test_the_north_galactic_pole_is_up_and_rotation_is_along_y():
    poles = SkyCoord(l=[0, 90] * u.deg, b=[90, 0] * u.deg, frame="galactic").icrs
    found = galactic_positions(poles.ra.deg, poles.dec.deg, np.array([1.0, 1.0]))
    # astropy's frame and the IAU galactic one differ by arcminutes: < 0.003 at 1 kpc, and 0.0208 of height
    assert_allclose(found.z_kpc, [1.0208, 0.0208], atol=0.004)
    assert_allclose(found.y_kpc, [0.0, 1.0], atol=0.004)


def test_a_star_without_a_usable_distance_has_no_position():
    bad = galactic_positions(np.full(3, 10.0), np.full(3, 5.0), np.array([np.nan, -1.0, np.inf]))
    assert np.isnan(bad).all()


def test_positions_do_not_depend_on_the_neighbours_in_the_array():
    whole = np.array(galactic_positions(RA, DEC, DISTANCE))
    parts = [galactic_positions(RA[cut], DEC[cut], DISTANCE[cut]) for cut in (slice(0, 3), slice(3, 500))]
    assert_array_equal(whole, np.concatenate(parts, axis=1))


def test_no_stars_give_no_positions():
    assert galactic_positions(*np.empty((3, 0))).x_kpc.shape == (0,)
