"""Slopes of calibration and attenuation against those that the noise put in must give."""

import numpy as np
import pytest
from scipy.stats import linregress, theilslopes

from stdask.science.assessment.attenuation import CLIP, calibration_slopes, unattenuated_gain
from stdask.science.assessment.outliers import clip_outliers

N = 3000


def noisy_stars(seed: int = 1, n_stars: int = N) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions and truth: posterior means of N(0, 1) measured with noise 0.5, which shrink by 0.8."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=n_stars)
    return 0.8 * (truth + rng.normal(0, 0.5, n_stars)), truth


def test_the_best_prediction_from_noisy_inputs_is_calibrated_and_attenuated():
    slopes = calibration_slopes(*noisy_stars(), n_bootstraps=500, seed=1)
    assert slopes.calibration == pytest.approx(1.0, abs=4 * 0.0092)  # scatter 0.447 / (std 0.894 x sqrt(3000))
    assert slopes.attenuation == pytest.approx(0.8, abs=4 * 0.0073)  # scatter 0.4 / sqrt(3000)
    assert (slopes.n, slopes.n_clipped) == (N, 0)


def test_without_outliers_the_slopes_are_those_of_scipy():
    predicted, truth = noisy_stars()
    slopes = calibration_slopes(predicted, truth, n_bootstraps=50, seed=1)
    assert slopes.calibration == pytest.approx(linregress(predicted, truth).slope, rel=1e-12)
    assert slopes.attenuation == pytest.approx(linregress(truth, predicted).slope, rel=1e-12)


def test_bootstrap_errors_are_the_scatter_over_many_samples():
    results = [calibration_slopes(*noisy_stars(seed, 400), n_bootstraps=100, seed=1) for seed in range(500)]
    for slope, error in (("calibration", "calibration_err"), ("attenuation", "attenuation_err")):
        scatter = np.std([getattr(r, slope) for r in results])
        # 500 samples know their scatter to 3.2 %, and 400 stars leave 2 % of bias in it: 4 sigma
        assert np.median([getattr(r, error) for r in results]) == pytest.approx(scatter, rel=0.13)


@pytest.mark.parametrize("wild", [50.0, -9999.0])
@pytest.mark.parametrize("side", [0, 1])
def test_one_star_in_a_hundred_gone_wild_on_either_side_does_not_set_the_slopes(wild: float, side: int):
    stars = noisy_stars()
    clean = calibration_slopes(*stars, n_bootstraps=50, seed=1)
    stars[side][::100] = wild
    plain = (linregress(*stars).slope, linregress(*stars[::-1]).slope)
    assert np.abs(np.subtract(plain, (1.0, 0.8))).max() > 0.5  # one or the other, as the star is wild in x or in y
    dirty = calibration_slopes(*stars, n_bootstraps=50, seed=1)
    assert dirty.n_clipped == N // 100
    # the same stars but for a hundredth: the slopes move by a tenth of their errors, 0.009 and 0.007
    assert dirty.calibration == pytest.approx(clean.calibration, abs=3 * 0.001)
    assert dirty.attenuation == pytest.approx(clean.attenuation, abs=3 * 0.001)


def test_a_label_with_two_peaks_has_the_slope_of_its_reliability_which_theil_sen_misses():
    rng = np.random.default_rng(1)
    truth = np.where(rng.random(N) < 0.2, 0.25, 0.03) + rng.normal(0, 0.03, N)  # thick and thin disc, [Mg/Fe]
    measured = truth + rng.normal(0, 0.04, N)
    reliability = truth.var() / (truth.var() + 0.04**2)  # Fuller 1987, eq. 1.1.7: whatever the distribution
    slopes = calibration_slopes(measured, truth, n_bootstraps=500, seed=1)
    assert slopes.calibration == pytest.approx(reliability, abs=4 * slopes.calibration_err)
    assert slopes.attenuation == pytest.approx(1.0, abs=4 * slopes.attenuation_err)
    assert theilslopes(truth[:1000], measured[:1000]).slope < reliability - 0.1  # most pairs lie within one peak


def test_stars_predicted_on_the_wrong_peak_are_no_outliers():
    rng = np.random.default_rng(1)
    thick = rng.random(N) < 0.3
    truth = np.where(thick, 0.25, 0.03) + rng.normal(0, 0.02, N)
    measured = truth + rng.normal(0, 0.07, N)
    width = np.hypot(0.02, 0.07)
    odds = 3 / 7 * np.exp((np.square(measured - 0.03) - np.square(measured - 0.25)) / (2 * width**2))
    peak = np.stack([0.03, 0.25])[:, None]
    given_peak = peak + (0.02 / width) ** 2 * (measured - peak)
    predicted = (given_peak[0] + odds * given_peak[1]) / (1 + odds)  # the posterior mean: calibrated by definition
    slopes = calibration_slopes(predicted, truth, n_bootstraps=500, seed=1)
    assert slopes.calibration == pytest.approx(1.0, abs=3 * slopes.calibration_err)
    # of a posterior mean, the share of the variance that it explains
    assert slopes.attenuation == pytest.approx(predicted.var() / truth.var(), abs=3 * slopes.attenuation_err)
    residuals = truth - predicted
    assert (~clip_outliers(residuals, 5)).sum() > 100  # had they been clipped as usual


def test_a_compressed_scale_keeps_the_tail_that_shows_it():
    rng = np.random.default_rng(1)
    truth = np.where(rng.random(N) < 0.05, rng.uniform(-2.5, -1, N), rng.normal(-0.1, 0.2, N))  # metallicities
    predicted = 0.5 * truth + rng.normal(0, 0.01, N)
    slopes = calibration_slopes(predicted, truth, n_bootstraps=50, seed=1)
    assert slopes.attenuation == pytest.approx(0.5, abs=4 * 0.01 / (0.4 * np.sqrt(N)))  # scatter / (std sqrt(n))
    assert slopes.n_clipped == 0
    assert (~clip_outliers(predicted - truth, CLIP)).sum() > 30  # the tail, had the differences been clipped


def test_missing_values_are_left_out_and_too_few_or_equal_values_have_no_slope():
    predicted, truth = noisy_stars(n_stars=100)
    gaps = predicted.copy()
    gaps[:10], truth[10:20] = np.nan, np.nan
    assert calibration_slopes(gaps, truth, 50, 1) == calibration_slopes(predicted[20:], truth[20:], 50, 1)
    for short in (predicted[:0], predicted[:2], np.full(50, 0.3)):
        slopes = calibration_slopes(short, predicted[: len(short)], 50, 1)
        assert np.isnan(slopes[:4]).all()
        assert slopes.n == len(short)


def test_the_gain_brings_back_a_slope_that_noise_has_flattened():
    rng = np.random.default_rng(11)
    truth = rng.normal(0, 1, 40_000)
    predicted = 0.8 * truth + rng.normal(0, 0.3, truth.size)
    errors = rng.uniform(0.1, 0.9, truth.size)
    expected = truth + errors * rng.normal(size=truth.size)
    # without the noise of the expected values taken off it would be 1.25 x (1 + 0.3) = 1.62; error of a slope of
    # 40,000 stars: 0.6 %, three times that
    assert unattenuated_gain(predicted, expected, errors) == pytest.approx(1 / 0.8, rel=0.02)
    assert unattenuated_gain(predicted, truth, np.zeros(truth.size)) == pytest.approx(1 / 0.8, rel=0.01)
    some = np.where(np.arange(truth.size) % 2, errors, np.nan)  # stated for half of the stars
    assert unattenuated_gain(predicted, expected, some) == pytest.approx(1 / 0.8, rel=0.03)


def test_where_no_error_is_stated_nothing_is_stretched():
    values = np.random.default_rng(12).normal(size=500)
    assert unattenuated_gain(0.5 * values, values, np.full(500, np.nan)) == 1.0


@pytest.mark.parametrize("n_stars", [0, 1, 2])
def test_too_few_stars_stretch_nothing(n_stars: int):
    values = np.arange(n_stars, dtype=float)
    assert unattenuated_gain(0.5 * values, values, np.full(n_stars, 0.1)) == 1.0


def test_stated_errors_as_large_as_the_scatter_stretch_nothing():
    values = np.random.default_rng(12).normal(size=500)
    assert unattenuated_gain(values, values, np.full(500, 5.0)) == 1.0


def test_the_gain_leaves_out_stars_that_b_lacks():
    predicted, truth = noisy_stars(seed=3)
    known = np.arange(N) % 3 > 0
    errors = np.full(N, 0.2)
    gaps = np.where(known, truth, np.nan)
    assert unattenuated_gain(predicted, gaps, errors) == unattenuated_gain(
        predicted[known], truth[known], errors[known]
    )
