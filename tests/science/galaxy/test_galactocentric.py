"""Galactocentric positions against the place of the Sun, of Sgr A* and astropy's own transformation."""

import astropy.units as u
import numpy as np
from astropy.coordinates import Galactocentric, SkyCoord, galactocentric_frame_defaults
from numpy.testing import assert_allclose, assert_array_equal

from stdask.science.galaxy.galactocentric import galactic_positions, galactic_velocities, orbits, position_errors

RNG = np.random.default_rng(11)
RA, DEC = RNG.uniform(0, 360, 500), np.degrees(np.arcsin(RNG.uniform(-1, 1, 500)))
DISTANCE = RNG.uniform(0.01, 30, 500)
PMRA, PMDEC, VELOCITY = RNG.normal(0, 5, 500), RNG.normal(0, 5, 500), RNG.normal(0, 150, 500)


def test_the_sun_stands_where_the_paper_puts_it():
    sun = galactic_positions(np.array([0.0]), np.array([0.0]), np.array([0.0]))
    # 8.122 kpc is the distance to the centre along a line tilted by 20.8 pc: X is shorter by 0.03 pc
    assert_allclose([sun.x_kpc[0], sun.y_kpc[0], sun.z_kpc[0]], [-8.122, 0.0, 0.0208], atol=5e-5)
    assert_allclose(sun.azimuth_deg, 180.0)


def test_stars_on_circular_orbits_have_the_radius_of_their_orbit_as_guiding_radius():
    radii = np.array([2.0, 8.122, 15.0])
    momenta, guiding = orbits(radii, np.full(3, 233.36))
    assert_allclose(guiding, radii, rtol=1e-12)
    assert_allclose(momenta, [466.72, 1895.34992, 3500.4], rtol=1e-12)


def test_the_sun_is_guided_outside_its_place_and_retrograde_stars_by_no_circular_orbit():
    """The Sun is faster than a circular orbit by 12.24 km/s (Schoenrich et al. 2010): 8.122 * 245.6 / 233.36 kpc."""
    found = galactic_velocities(*np.array([[10.0], [20.0], [0.0], [0.0], [0.0], [0.0]]))
    momenta, guiding = orbits(np.array([8.122]), found.azimuthal)
    assert_allclose(guiding, 8.548, atol=0.002)  # the frame is tilted by 0.0026
    assert_allclose(momenta, 1994.76, atol=0.5)
    momenta, guiding = orbits(np.array([8.0, np.nan]), np.array([-50.0, 200.0]))
    assert_allclose(momenta, [-400.0, np.nan])
    assert np.isnan(guiding).all()


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
    places = galactic_positions(*np.empty((3, 0)))
    assert places.x_kpc.shape == (0,)
    assert [e.shape for e in position_errors(places, *np.empty((2, 0)))] == [(0,)] * 2
    assert [v.shape for v in galactic_velocities(*np.empty((6, 0)))] == [(0,)] * 5


def test_velocities_equal_those_of_astropy_under_its_v4_defaults():
    with galactocentric_frame_defaults.set("v4.0"):
        truth = SkyCoord(
            RA * u.deg,
            DEC * u.deg,
            distance=DISTANCE * u.kpc,
            pm_ra_cosdec=PMRA * u.mas / u.yr,
            pm_dec=PMDEC * u.mas / u.yr,
            radial_velocity=VELOCITY * u.km / u.s,
        ).transform_to(Galactocentric())
    cylindrical = truth.represent_as("cylindrical", "cylindrical")
    motion = cylindrical.differentials["s"]
    found = galactic_velocities(RA, DEC, DISTANCE, PMRA, PMDEC, VELOCITY)
    around = -(cylindrical.rho * motion.d_phi).to_value(u.km / u.s, u.dimensionless_angles())  # with the rotation
    expected = [*truth.velocity.d_xyz.to_value(u.km / u.s), motion.d_rho.to_value(u.km / u.s), around]
    assert_allclose(np.array(found), np.array(expected), rtol=1e-9, atol=1e-9)  # the same rotation in float64


def test_a_star_beside_the_sun_that_does_not_move_from_it_goes_round_the_galaxy_as_the_sun_does():
    found = galactic_velocities(*np.array([[10.0], [20.0], [0.0], [0.0], [0.0], [0.0]]))
    # the frame's motion of the Sun as published; outwards is towards negative X there. The frame is tilted by
    # 20.8 pc / 8.122 kpc: 0.0026 of the 12.9 km/s between X and Z
    assert_allclose(np.ravel(found), [12.9, 245.6, 7.78, -12.9, 245.6], atol=0.05)


def test_sgr_a_star_stands_still():
    # Reid & Brunthaler 2004 (ApJ 616, 872): -3.151 and -5.547 mas/yr to 0.02; the Sun approaches it by 12.9 km/s
    found = galactic_velocities(*np.array([[266.41684], [-29.00781], [8.122], [-3.151], [-5.547], [-12.9]]))
    assert_allclose(np.ravel(found[:3]), 0.0, atol=1.0)  # 0.02 mas/yr at 8.122 kpc is 0.8 km/s


# T of Johnson & Soderblom 1987 (AJ 93, 864), in J2000: from equatorial to Galactic coordinates
JOHNSON_SODERBLOM = np.array(
    [
        [-0.0548755604, -0.8734370902, -0.4838350155],
        [0.4941094279, -0.4448296300, 0.7469822445],
        [-0.8676661490, -0.1980763734, 0.4559837762],
    ]
)


def test_arcturus_lags_behind_the_sun_by_as_much_as_johnson_and_soderblom_would_find():
    # van Leeuwen 2007 (Hipparcos), Massarotti et al. 2008
    ra, dec, distance, pmra, pmdec, velocity = 213.9153, 19.18241, 0.01126, -1093.39, -2000.06, -5.19
    a, d = np.radians([ra, dec])
    axes = np.array(
        [
            [np.cos(d) * np.cos(a), -np.sin(a), -np.sin(d) * np.cos(a)],
            [np.cos(d) * np.sin(a), np.cos(a), -np.sin(d) * np.sin(a)],
            [np.sin(d), 0, np.cos(d)],
        ]
    )
    k = 4.740470446  # km/s of 1 mas/yr at 1 kpc
    uvw = JOHNSON_SODERBLOM @ axes @ [velocity, k * distance * pmra, k * distance * pmdec]
    found = galactic_velocities(*np.array([[ra], [dec], [distance], [pmra], [pmdec], [velocity]]))
    # the frames differ by 0.003 rad: 0.4 km/s of the 120 that it moves
    assert_allclose(np.ravel(found[:3]), uvw + np.array([12.9, 245.6, 7.78]), atol=0.5)
    assert_allclose(found.azimuthal, 245.6 + uvw[1], atol=0.5)
    assert uvw[1] < -100  # it is of the thick disc


def test_a_star_that_lacks_any_part_of_its_motion_has_no_velocity():
    for lacking in range(2, 6):
        columns = np.array([RA, DEC, DISTANCE, PMRA, PMDEC, VELOCITY])
        columns[lacking, 3] = np.nan
        missing = np.isnan(galactic_velocities(*columns))
        assert missing[:, 3].all()
        assert missing.sum() == 5


def test_errors_of_place_are_those_of_a_small_step_along_the_line_of_sight():
    error, step = RNG.uniform(0, 1, 500), 1e-6
    near, far = (galactic_positions(RA, DEC, DISTANCE + sign * step) for sign in (-1, 1))
    expected = [np.abs(b - a) / (2 * step) * error for a, b in ((near[3], far[3]), (near[2], far[2]))]
    found = np.array(position_errors(galactic_positions(RA, DEC, DISTANCE), DISTANCE, error))
    assert_allclose(found, expected, atol=1e-7)  # rounding of 30 kpc over a step of 1e-6 kpc
    assert (found <= error).all()  # the star moves by the error, and R and Z by a part of it


def test_a_place_without_a_distance_or_its_error_has_no_error():
    distance, error = np.array([np.nan, 2.0, 2.0]), np.array([0.1, np.nan, 0.1])
    places = galactic_positions(np.full(3, 10.0), np.full(3, 5.0), distance)
    assert_array_equal(np.isnan(position_errors(places, distance, error)), [[True, True, False]] * 2)
