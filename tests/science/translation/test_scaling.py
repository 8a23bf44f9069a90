"""Between physical units and those of the network."""

import numpy as np
import pytest

from stdask.science.translation.scaling import NO_COUNTERPART, fit_scaling

RNG = np.random.default_rng(1)
A = np.column_stack([RNG.normal(4800, 300, 900), RNG.normal(2.4, 0.5, 900), RNG.normal(0, 100, 900)])  # K, dex, km/s
B = np.column_stack(
    [A[:, 0] + 30 + RNG.normal(0, 60, 900), RNG.normal(0.1, 0.1, 900), A[:, 2] + RNG.normal(0, 0.5, 900)]
)
OWN = [0, NO_COUNTERPART, 2]  # Teff, an abundance that A lacks, velocity


@pytest.mark.parametrize("target", ["residual", "zscore"])
def test_corrections_lead_back_to_the_labels(target: str):
    scaling = fit_scaling(A, B, OWN, target)
    back = scaling.to_labels(A, scaling.to_corrections(A, B))
    # corrections are float32: 6e-8 of themselves, which are up to some 10 scales
    assert (np.abs(back - B) < 1e-6 * scaling.scales).all()


def test_no_correction_leaves_a_as_it_is():
    scaling = fit_scaling(A, B, OWN, "residual")
    labels = scaling.to_labels(A, np.zeros((900, 3)))
    np.testing.assert_array_equal(labels[:, [0, 2]], A[:, [0, 2]])


@pytest.mark.parametrize("target", ["residual", "zscore"])
def test_a_label_without_counterpart_starts_at_the_training_mean(target: str):
    labels = fit_scaling(A, B, OWN, target).to_labels(A, np.zeros((900, 3)))
    np.testing.assert_allclose(labels[:, 1], B[:, 1].mean(), rtol=1e-12)  # rounding


def test_the_zscore_target_is_the_authors_formula():
    scaling = fit_scaling(A, B, [0, 1, 2], "zscore")
    output = RNG.normal(size=(900, 3))
    mu_a, sd_a, mu_b, sd_b = A.mean(axis=0), A.std(axis=0), B.mean(axis=0), B.std(axis=0)
    expected = mu_b + sd_b * ((A - mu_a) / sd_a + output)
    np.testing.assert_allclose(scaling.to_labels(A, output), expected, rtol=1e-12, atol=1e-10)  # rounding


def test_a_residual_is_counted_in_its_own_robust_scatter():
    scaling = fit_scaling(A, B, OWN, "residual")
    # 1.4826 MAD of 900 Gaussian differences is known to 1.17 / sqrt(900) = 4 %: 5 sigma
    np.testing.assert_allclose(scaling.scales[[0, 2]], [60, 0.5], rtol=0.2)
    corrections = scaling.to_corrections(A, B)
    np.testing.assert_allclose(
        np.median(np.abs(corrections[:, 2] - np.median(corrections[:, 2]))) * 1.4826, 1, rtol=1e-3
    )


def test_rounded_labels_with_mostly_equal_differences_are_still_scaled():
    a = np.zeros((100, 1))
    b = np.where(np.arange(100)[:, None] < 30, 100.0, 0.0)  # MAD 0, scatter 46 K
    scaling = fit_scaling(a, b, [0], "residual")
    assert scaling.scales[0] == pytest.approx(b.std())


def test_columns_that_never_vary_do_not_divide_by_zero():
    a, b = np.full((10, 2), 3.0), np.full((10, 2), 4.0)
    for target in ("residual", "zscore"):
        scaling = fit_scaling(a, b, [0, NO_COUNTERPART], target)
        assert np.isfinite(scaling.to_labels(a, scaling.to_corrections(a, b))).all()
        assert (scaling.scale_inputs(a) == 0).all()


def test_inputs_are_standardised_and_a_missing_one_is_the_training_mean():
    scaling = fit_scaling(A, B, OWN, "residual")
    scaled = scaling.scale_inputs(A)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)  # float32 sum of 900
    np.testing.assert_allclose(scaled.std(axis=0), 1, rtol=1e-5)
    holed = A[:1].copy()
    holed[0, 0] = np.nan
    assert scaling.scale_inputs(holed)[0, 0] == 0
    assert scaling.untranslated(holed)[0, 0] == scaling.input_means[0] == pytest.approx(A[:, 0].mean())


@pytest.mark.parametrize("target", ["residual", "zscore"])
def test_a_label_that_b_lacks_for_some_stars_is_scaled_on_the_others_and_costs_the_others_nothing(target: str):
    gaps = B.copy()
    gaps[RNG.random(900) < 0.6, 1] = np.nan
    known = np.isfinite(gaps[:, 1])
    scaling, complete = fit_scaling(A, gaps, OWN, target), fit_scaling(A, B, OWN, target)
    for name in ("gains", "offsets", "scales"):
        np.testing.assert_array_equal(getattr(scaling, name)[[0, 2]], getattr(complete, name)[[0, 2]])
    assert scaling.offsets[1] == pytest.approx(B[known, 1].mean())
    assert scaling.scales[1] == pytest.approx(B[known, 1].std())
    np.testing.assert_array_equal(np.isnan(scaling.to_corrections(A, gaps)), np.isnan(gaps))
