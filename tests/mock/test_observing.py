"""What the mock surveys write of a star: names, repeats, and offsets that a translation can learn."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import Angle

from stdask.mock.observing import observe_a, observe_b, offsets_a
from stdask.mock.sky import BOTH, draw_footprints, draw_stars

N_STARS = 3000


@pytest.fixture(scope="module")
def stars() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(9)
    return draw_stars(N_STARS, draw_footprints(rng).both, BOTH, 0, rng)


def test_stars_of_b_are_named_by_their_place_as_2mass_does(stars: dict[str, np.ndarray]):
    names = observe_b(stars, np.random.default_rng(1))["APOGEE_ID"]
    # 2MASS: hhmmss.ss and ddmmss.s without the points, cut off and not rounded
    ra = Angle([f"{n[2:4]}h{n[4:6]}m{n[6:8]}.{n[8:10]}s" for n in names]).deg
    dec = Angle([f"{n[10]}{n[11:13]}d{n[13:15]}m{n[15:17]}.{n[17]}s" for n in names]).deg
    cut_ra, cut_dec = stars["ra"] - ra, np.abs(stars["dec"]) - np.abs(dec)
    slack = 1e-9  # degrees: rounding of the angles on the way
    assert ((cut_ra > -slack) & (cut_ra < 0.15 / 3600 + slack)).all()
    assert ((cut_dec > -slack) & (cut_dec < 0.1 / 3600 + slack)).all()
    assert np.array_equal(np.sign(dec), np.sign(stars["dec"]))


@pytest.mark.parametrize(("observe", "snr"), [(observe_a, "snr_c3_iraf"), (observe_b, "SNR")])
def test_a_repeat_has_a_lower_signal_to_noise_ratio_than_the_first_visit(stars, observe, snr: str):
    first, again = (observe(stars, np.random.default_rng(1), is_repeat=r)[snr] for r in (False, True))
    ratio = again / first
    assert 0.39 < ratio.min() < 0.45 < 0.9 < ratio.max() < 0.96  # uniform from 0.4 to 0.95, in single precision


def test_b_is_near_the_place_of_a_star_and_a_is_on_it(stars: dict[str, np.ndarray]):
    a, b = (observe(stars, np.random.default_rng(2)) for observe in (observe_a, observe_b))
    np.testing.assert_array_equal(a["ra"], stars["ra"])
    north = (b["DEC"] - stars["dec"]) * u.deg.to(u.arcsec)
    east = (b["RA"] - stars["ra"] + 180) % 360 - 180
    east *= u.deg.to(u.arcsec) * np.cos(np.radians(stars["dec"]))
    # 0.1 arcsec, as 2MASS states; 4 sigma of a standard deviation
    assert [east.std(), north.std()] == pytest.approx([0.1, 0.1], rel=4 / np.sqrt(2 * N_STARS))


def test_offsets_are_smooth_so_that_networks_can_learn_them():
    teff, logg = np.linspace(4000, 6500, 501), np.linspace(1.0, 4.5, 501)
    fe_h, mg_fe = np.linspace(-2.0, 0.4, 501), np.linspace(0.35, 0.0, 501)
    for offsets in offsets_a(teff, logg, fe_h, mg_fe):
        steps = np.abs(np.diff(offsets))
        assert steps.max() < 0.02 * np.ptp(offsets)  # in 500 steps; a jump would take most of the range at once
