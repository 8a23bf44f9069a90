"""Weights of training stars: by the errors of B, and what they gain over equal ones."""

import numpy as np
import pytest

from stdask.science.translation.weighting import gain_over, weights_by_errors

N = 20_000
RNG = np.random.default_rng(1)


def test_a_star_counts_by_the_inverse_of_its_whole_scatter():
    errors = np.where(np.arange(N) % 4 > 0, 20.0, 200.0)  # K; the scatter beyond the errors is 40 K
    residuals = 40 * RNG.normal(size=N) + errors * RNG.normal(size=N)
    weights = weights_by_errors(errors[:, None], residuals[:, None])[:, 0]
    precise, noisy = weights[1], weights[0]
    assert np.unique(weights).tolist() == sorted([precise, noisy])
    # the scatter of all is robust but not free of the noisy quarter: 40 K beyond the errors comes out as 53 K
    assert precise / noisy == pytest.approx(np.hypot(40, 200) / np.hypot(40, 20), rel=0.25)
    assert weights.mean() == pytest.approx(1)


def test_weighted_medians_are_more_precise_than_plain_ones():
    # 400 samples of 200 stars, half of them with ten times the scatter
    errors = np.tile([1.0, 10.0], 40_000).reshape(400, 200)
    values = errors * RNG.normal(size=errors.shape)
    weights = weights_by_errors(errors.reshape(-1, 1), values.reshape(-1, 1)).reshape(400, 200)

    def weighted_median(x: np.ndarray, w: np.ndarray) -> float:
        order = np.argsort(x)
        return x[order][np.searchsorted(np.cumsum(w[order]), w.sum() / 2)]

    medians = np.array([weighted_median(x, w) for x, w in zip(values, weights, strict=True)])
    assert medians.std() < 0.95 * np.median(values, axis=1).std()  # the same samples for both


@pytest.mark.parametrize("stated", [50.0, 300.0])  # right, and overstated
def test_no_weight_is_far_above_that_of_a_typical_star(stated: float):
    errors = np.where(np.arange(1000) == 0, 0.0, stated)
    residuals = 50 * RNG.normal(size=1000)  # all of the scatter is that of B
    weights = weights_by_errors(errors[:, None], residuals[:, None])[:, 0]
    assert weights.max() == weights[0]
    assert weights[0] < 2.3 * weights[1]  # sqrt(1 + 1 / 0.5^2) = 2.24


def test_a_star_without_a_stated_error_has_a_typical_one_and_a_label_without_errors_equal_weights():
    errors = np.column_stack([np.where(np.arange(100) < 10, np.nan, np.linspace(10, 30, 100)), np.full(100, np.nan)])
    weights = weights_by_errors(errors, RNG.normal(size=(100, 2)))
    assert (weights[:, 1] == 1).all()
    median = np.abs(errors[:, 0] - np.nanmedian(errors[:, 0])).argsort()[0]
    np.testing.assert_allclose(weights[:10, 0], weights[median, 0], rtol=0.05)


def test_the_mean_weight_is_that_of_the_stars_with_the_label():
    residuals = np.where(np.arange(1000) % 2, RNG.normal(size=1000), np.nan)[:, None]
    errors = np.where(np.arange(1000) % 2, RNG.uniform(0.5, 2, 1000), 100.0)[:, None]
    weights = weights_by_errors(errors, residuals)
    assert weights[np.isfinite(residuals)].mean() == pytest.approx(1)


def test_a_gain_is_the_mean_over_labels_relative_to_the_other_method():
    one, other = RNG.normal(size=(2, N, 2)) * [50.0, 0.1]
    one[:, 0] *= 0.8
    gain = gain_over(one, other, np.array([50.0, 0.1]), np.ones(N))
    assert gain.value == pytest.approx(0.1, abs=4 * gain.error)  # 20 % in one of two labels
    repeated = [
        gain_over(*(v[k::100] for v in (one, other)), np.array([50.0, 0.1]), np.ones(N // 100)).value
        for k in range(100)
    ]
    # a hundred samples know their scatter to 7 %, and of a hundredth of the stars it is ten times as large
    assert np.std(repeated) == pytest.approx(10 * gain.error, rel=0.25)
    assert gain.is_significant


def test_weights_and_missing_labels_count_in_a_gain_as_stars_do():
    one, other = RNG.normal(size=(2, 300, 2))
    one[5, 0] = other[5, 0] = np.nan
    twice = np.where(np.arange(300) < 100, 2.0, 1.0)
    weighted = gain_over(one, other, np.ones(2), twice)
    repeated = gain_over(*(np.concatenate([v, v[:100]]) for v in (one, other)), np.ones(2), np.ones(400))
    assert weighted.value == pytest.approx(repeated.value)
    assert weighted.error == pytest.approx(
        np.sqrt((twice**2 * _differences(one, other, twice) ** 2).sum()) / 400, rel=1e-9
    )


def _differences(one: np.ndarray, other: np.ndarray, weights: np.ndarray) -> np.ndarray:
    near, far = (np.nanmean(np.abs(v), axis=1) for v in (one, other))
    differences = (far - near) / np.average(far, weights=weights)
    return differences - np.average(differences, weights=weights)
