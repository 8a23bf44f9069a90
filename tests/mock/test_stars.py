"""What the stars of the mock look like: distances, dust and the red clump."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from stdask.mock.stars import apparent_magnitudes, atmospheres, distance_moduli, draw_clump, luminosity_function

N_STARS = 40_000


def test_distance_moduli_are_zero_at_ten_parsecs_and_ten_at_a_kiloparsec():
    assert_allclose(distance_moduli(np.array([0.01, 1.0, 10.0])), [0.0, 10.0, 15.0], atol=1e-12)


def test_dust_reddens_as_in_the_paper_and_distance_does_not():
    stars = np.full(2, 0.5), np.array([1.0, 8.0])
    colours = np.full(2, 0.45), np.full(2, 0.55)
    bright, dusty = (apparent_magnitudes(*stars, np.full(2, ebv), colours) for ebv in (0.0, 0.3))
    assert_allclose(bright["g"], 0.5 + distance_moduli(stars[1]))
    assert_allclose(bright["bp"] - bright["g"], 0.45)
    assert_allclose(bright["g"] - bright["rp"], 0.55)
    # Thomas et al. 2024, sect. 3.2: A_G, A_BP and A_RP are 0.85926, 1.06794 and 0.65199 of A_V = 2.742 E(B-V)
    for band, extinction in (("g", 0.85926), ("bp", 1.06794), ("rp", 0.65199)):
        assert_allclose(dusty[band] - bright[band], extinction * 2.742 * 0.3)


def test_stars_are_in_the_red_clump_as_often_as_the_luminosity_function_says():
    rng = np.random.default_rng(3)
    for magnitude in (0.5, 0.2, 3.0):
        sequence, clump = (float(part[0]) for part in luminosity_function(np.array([magnitude])))
        share = clump / (sequence + clump)
        found = draw_clump(np.full(N_STARS, magnitude), rng).mean()
        assert found == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / N_STARS) + 1e-12)  # 4 sigma binomial


def test_stars_go_up_the_giant_branch_cooler_larger_and_redder_with_metals():
    magnitudes, ones = np.linspace(2.0, -2.0, 20), np.ones(20)
    teff, logg = atmospheres(magnitudes, 0 * ones, 8 * ones, np.zeros(20, dtype=bool))
    assert (np.diff(teff) < 0).all()
    assert (np.diff(logg) < 0).all()
    rich, _ = atmospheres(magnitudes, 0.3 * ones, 8 * ones, np.zeros(20, dtype=bool))
    assert (rich < teff).all()
