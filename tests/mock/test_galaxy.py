"""The mock Galaxy moves as its numbers say, seen from the Sun."""

import numpy as np
import pytest

from stdask.mock.galaxy import SUN_KPC, binary_amplitudes, draw_ages, draw_velocities, soft_step

N_STARS = 20_000
RNG = np.random.default_rng(6)


@pytest.mark.parametrize(
    ("towards", "mean", "scatter"),
    [
        # The Sun moves at (12.9, 245.6, 7.78) km/s, thin-disc stars rotate at 222 and scatter by (35, 24, 18) km/s.
        ((1, 0, 0), -12.9, 35.0),  # the Galactic centre
        ((-1, 0, 0), 12.9, 35.0),
        ((0, 1, 0), 222.0 - 245.6, 24.0),  # where the Sun moves to
        ((0, -1, 0), 245.6 - 222.0, 24.0),
        ((0, 0, 1), -7.78, 18.0),  # the north Galactic pole
    ],
)
def test_near_stars_move_past_the_sun_as_its_own_motion_says(towards: tuple, mean: float, scatter: float):
    places = np.tile(SUN_KPC + 0.01 * np.array(towards), (N_STARS, 1))
    velocities = draw_velocities(np.full(N_STARS, "thin"), places, np.random.default_rng(1))
    # 4 sigma of a mean and of a standard deviation. At 10 pc the rotation turns by 0.3 km/s at most.
    assert velocities.mean() == pytest.approx(mean, abs=4 * scatter / np.sqrt(N_STARS) + 0.3)
    assert velocities.std() == pytest.approx(scatter, rel=4 / np.sqrt(2 * N_STARS))


def test_a_quarter_of_the_stars_are_binaries_of_two_km_s():
    amplitudes = binary_amplitudes(N_STARS, 0.25, RNG)
    moving = amplitudes[amplitudes > 0]
    assert moving.size / N_STARS == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / N_STARS))  # 4 sigma binomial
    # The median of a lognormal; its logarithm scatters by 1.2, and 1.25 / sqrt(n) of that is the error of a median.
    assert np.log(np.median(moving)) == pytest.approx(np.log(2.0), abs=4 * 1.25 * 1.2 / np.sqrt(moving.size))


def test_the_thick_disc_is_older_than_the_thin_one():
    thin, thick = (draw_ages(np.full(N_STARS, name), RNG) for name in ("thin", "thick"))
    assert 1 <= thin.min() < 2 < 9 < thin.max() <= 10
    assert 9 <= thick.min() < 9.5 < 11.5 < thick.max() <= 12


def test_a_soft_step_goes_from_nothing_to_one_at_its_centre():
    np.testing.assert_allclose(soft_step(np.array([-50.0, 3.0, 50.0]), 3.0, 0.3), [0.0, 0.5, 1.0], atol=1e-12)
