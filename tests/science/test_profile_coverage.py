"""How often the bands of running medians hold the truth: many small realisations of the mock Galaxy."""

import numpy as np
from numpy.testing import assert_allclose

from stdask.science.binning import bin_bands, bin_medians, merge_keys, pack_keys
from stdask.science.mock_galaxy import draw_populations, true_magnesium
from stdask.science.profiles import BAND, Windows, running_medians

N_REALISATIONS, N_STARS, MIN_STARS = 200, 2000, 20
WINDOWS = Windows.between(2.0, 14.0, 0.5, 0.5)


def realisation(seed):
    """Return the keys of [Fe/H] and of [Mg/Fe] of stars near the midplane, with errors of a survey."""
    rng = np.random.default_rng(seed)
    radii, heights = 8 + rng.normal(0, 2.5, N_STARS).clip(-6, 6), rng.laplace(0, 0.5, N_STARS)
    population, fe_h = draw_populations(radii, heights, rng)
    mg_fe = true_magnesium(population, fe_h) + rng.normal(0, 0.04, N_STARS)
    members, bins = WINDOWS.members(radii)
    return [pack_keys(bins, values[members]) for values in (fe_h + rng.normal(0, 0.05, N_STARS), mg_fe)]


def test_bands_hold_the_true_median_in_68_per_cent_of_200_realisations():
    realisations = [realisation(seed) for seed in range(N_REALISATIONS)]
    for label in range(2):
        every = [keys[label] for keys in realisations]
        truth = bin_medians(merge_keys(every), WINDOWS.number).medians  # of 400,000 stars: 14 times as well known
        drawn, closed = [], []
        for seed, keys in enumerate(every):
            found, _ = running_medians(keys, WINDOWS.number, MIN_STARS, 1000, seed)
            used = np.isfinite(found.medians)
            drawn.append(((found.low <= truth) & (truth <= found.high))[used])
            low, high = bin_bands(keys, found.medians, [p / 100 for p in BAND])
            closed.append(((low <= truth) & (truth <= high))[used])
        # bands of few stars are some per cent too wide or too narrow by the steps of their order statistics
        assert_allclose(np.concatenate(drawn).mean(), 0.68, atol=0.04)
        assert_allclose(np.concatenate(closed).mean(), 0.68, atol=0.04)
