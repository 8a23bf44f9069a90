"""Dereddened colours and magnitudes, worked out by hand."""

import healpy as hp
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from numpy.testing import assert_allclose, assert_array_equal

from stdask.schema import BANDS
from stdask.science.sky.dereddening import Extinction, intrinsic_colour, intrinsic_magnitude, reddening_at

G, BP, RP, J, KS = (Extinction(BANDS[band].extinction) for band in ("G", "BP", "RP", "J", "KS"))


def test_colours_of_a_reddened_star_are_those_worked_out_by_hand():
    # G = 12, BP = 12.6, RP = 11.3, E(B-V) = 0.2: A_V = 0.5484, A_G = 0.471218, A_BP = 0.585658, A_RP = 0.357551
    ebv = np.array([0.2])
    bp_g = intrinsic_colour(np.array([12.6]), np.array([12.0]), ebv, (BP, G))
    g_rp = intrinsic_colour(np.array([12.0]), np.array([11.3]), ebv, (G, RP))
    # worked out to six decimals
    assert_allclose(bp_g, [0.6 - (0.585658 - 0.471218)], atol=2e-6)
    assert_allclose(g_rp, [0.7 - (0.471218 - 0.357551)], atol=2e-6)


def test_infrared_colours_and_magnitudes_are_those_worked_out_by_hand():
    # J = 10.2, Ks = 9.5, E(B-V) = 0.5: A_J = 0.723 x 0.5 = 0.3615, A_Ks = 0.310 x 0.5 = 0.155
    ebv, j, ks = np.array([0.5]), np.array([10.2]), np.array([9.5])
    assert_allclose(intrinsic_colour(j, ks, ebv, (J, KS)), [0.7 - 0.2065], rtol=1e-12)
    assert_allclose(intrinsic_magnitude(ks, ebv, KS), [9.345], rtol=1e-12)
    # G - Ks, with the A_G = 0.85926 x 2.742 x 0.5 = 1.178045 of the other source
    assert_allclose(intrinsic_colour(np.array([12.0]), ks, ebv, (G, KS)), [2.5 - 1.023045], atol=1e-6)


def test_a_stated_extinction_needs_no_reddening():
    ebv, j, ks = np.array([np.nan]), np.array([10.2]), np.array([9.5])
    stated = Extinction(stated=np.array([0.2]))
    assert_allclose(intrinsic_magnitude(ks, ebv, stated), [9.3], rtol=1e-12)
    assert_allclose(intrinsic_colour(j, ks, ebv, (Extinction(0.0), stated)), [0.9], rtol=1e-12)
    assert np.isnan(intrinsic_colour(j, ks, ebv, (J, stated))).all()
    assert_allclose(intrinsic_colour(j, ks, np.array([0.5]), (J, stated)), [0.7 - 0.3615 + 0.2], rtol=1e-12)


def test_without_reddening_the_colour_is_the_observed_one():
    colour = intrinsic_colour(np.array([12.5]), np.array([12.0]), np.array([0.0]), (BP, G))
    assert colour == 0.5


def test_a_missing_magnitude_or_reddening_gives_no_colour():
    one, nan = np.ones(3), np.nan
    colour = intrinsic_colour(np.array([nan, 1, 1]), np.array([1, nan, 1]), np.array([0.1, 0.1, nan]), (BP, G))
    assert np.isnan(colour).all()
    assert np.isfinite(intrinsic_colour(one, one, one, (BP, G))).all()


@pytest.mark.parametrize("frame", ["icrs", "galactic"])
def test_the_reddening_of_a_star_is_that_of_its_pixel_in_the_frame_of_the_map(frame):
    nside, rng = 64, np.random.default_rng(3)
    numbers = np.arange(hp.nside2npix(nside), dtype=np.float32)
    pixels = rng.choice(numbers.size, 500)
    stars = SkyCoord(*hp.pix2ang(nside, pixels, nest=True, lonlat=True), unit="deg", frame=frame).icrs
    assert_array_equal(reddening_at(stars.ra.deg, stars.dec.deg, numbers, frame), pixels)


def test_a_star_where_the_map_knows_nothing_has_no_reddening():
    sky = np.full(12, np.nan, dtype=np.float32)
    sky[hp.ang2pix(1, 10.0, 5.0, nest=True, lonlat=True)] = 0.25
    found = reddening_at(np.array([10.0, 190.0]), np.array([5.0, -60.0]), sky, "icrs")
    assert_array_equal(found, [0.25, np.nan])
