"""The simpler methods that a network must beat: each learns what it can, from the stars it is given."""

import numpy as np
import pytest

from stdask.science.assessment import baselines
from stdask.science.assessment.baselines import fit_baselines, fit_ridge
from stdask.science.translation.scaling import NO_COUNTERPART

RNG = np.random.default_rng(1)


def law(x):
    return np.column_stack([x[:, 0] + 20 + 3e-3 * (x[:, 0] - 4800) * x[:, 1], 0.4 + x[:, 1] ** 2 / 5])


def stars(n):
    return np.column_stack([RNG.normal(4800, 300, n), RNG.normal(2.4, 0.5, n)])


def test_a_quadratic_law_is_learnt():
    x, new = stars(2000), stars(300)
    predicted = fit_ridge(x, law(x), new, degree=2)
    # the smallest penalty, 1e-4 beside 2000 stars of unit variance, biases by some 1e-7 of the labels' scatter
    assert (np.abs(predicted - law(new)) < 1e-5 * law(x).std(axis=0)).all()


def test_noise_is_averaged_not_followed():
    x, new = stars(2000), stars(1000)
    noise = np.array([60.0, 0.1])
    predicted = fit_ridge(x, law(x) + RNG.normal(size=(2000, 2)) * noise, new, degree=2)
    # 5 coefficients of 2000 stars: error sqrt(6 / 2000) = 5 % of the noise
    assert ((predicted - law(new)).std(axis=0) < 0.1 * noise).all()


def test_one_label_keeps_its_axis():
    x = stars(100)
    assert fit_ridge(x, law(x)[:, :1], stars(7), degree=2).shape == (7, 1)


def without_error(inputs):
    """Return a label with counterpart (the first input) that is B = A + 20, and one without."""
    return np.column_stack([inputs[:, 0] + 20, inputs[:, 1] ** 2])


def predict(correction, n_stars=600, noise=0.05, seed=1):
    """Return what each method predicts of B - A, a function of two standard normal inputs, and its true value."""
    rng = np.random.default_rng(seed)
    known, new = rng.normal(size=(n_stars, 2)), rng.normal(size=(400, 2))
    b = known[:, :1] + correction(known)[:, None] + rng.normal(0, noise, (n_stars, 1))
    predicted = fit_baselines(known, b, [0], new, seed=3)
    return {method: values[:, 0] - new[:, 0] for method, values in predicted.items()}, correction(new)


def errors(predicted, truth):
    return {method: np.abs(values - truth).mean() for method, values in predicted.items()}


def test_all_methods_come_in_the_order_of_their_flexibility_with_one_value_a_star_and_label():
    x, new = stars(60), stars(7)
    predicted = fit_baselines(x, law(x), [0, 1], new, seed=1)
    assert list(predicted) == ["raw", "offset", "ridge1", "ridge2", "ridge3", "trees", "gp"]
    assert all(values.shape == (7, 2) and np.isfinite(values).all() for values in predicted.values())


def test_raw_is_a_itself_and_the_offset_the_median_of_b_minus_a_of_the_training_stars():
    x, new = stars(51), stars(7)
    b = x[:, [1, 0]] + np.arange(51.0)[:, None] ** 2 * [1, -1]
    predicted = fit_baselines(x, b, [1, 0], new, seed=1)
    np.testing.assert_array_equal(predicted["raw"], new[:, [1, 0]])
    np.testing.assert_allclose(predicted["offset"] - new[:, [1, 0]], np.tile([625, -625], (7, 1)), rtol=1e-9)  # 25 ** 2


def test_a_label_that_a_does_not_have_is_left_to_the_methods_that_can_learn_it():
    x, new = stars(400), stars(50)
    predicted = fit_baselines(x, without_error(x), [0, NO_COUNTERPART], new, seed=1)
    for method, values in predicted.items():
        if method in ("raw", "offset"):
            assert np.isnan(values[:, 1]).all()
        elif method != "ridge1":  # a parabola without noise: 2.4 +- 0.5 squared scatters by 2.4
            assert np.abs(values[:, 1] - without_error(new)[:, 1]).mean() < 0.2, method


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_a_ridge_learns_laws_up_to_its_degree_and_no_further(degree):
    x, new = RNG.normal(size=(600, 2)), RNG.normal(size=(400, 2))
    for power in (1, 2, 3):
        b = (x.sum(axis=1) ** power + RNG.normal(0, 0.05, 600))[:, None]
        error = np.abs(fit_ridge(x, b, new, degree)[:, 0] - new.sum(axis=1) ** power).mean()
        # 10 coefficients from 600 stars: 0.05 sqrt(10 / 600) = 0.006; what a lower degree misses is of order 1
        assert error < 0.02 if power <= degree else error > 0.5


def test_trees_learn_a_step_that_no_cubic_can():
    error = errors(*predict(lambda x: np.where(x[:, 1] > 0.3, 1.0, 0.0)))
    # wrong by 1 for the stars between the step and the nearest training star, some 1 %, and by a tenth of the
    # noise elsewhere; a cubic is wrong by some 0.15
    assert error["trees"] < 0.04
    assert error["ridge3"] > 0.1


def test_trees_follow_the_median_not_the_outliers():
    rng = np.random.default_rng(1)

    def spoilt(x):
        return x[:, 1] + np.where(np.arange(len(x)) % 10 == 0, 1000.0, 0.0)

    known, new = rng.normal(size=(600, 2)), rng.normal(size=(400, 2))
    predicted = fit_baselines(known, known[:, :1] + spoilt(known)[:, None], [0], new, seed=3)
    # least squares would be wrong by the mean outlier, 100
    assert np.abs(predicted["trees"][:, 0] - new[:, 0] - new[:, 1]).mean() < 0.5


def test_a_gaussian_process_learns_a_wave_that_no_cubic_can():
    error = errors(*predict(lambda x: np.sin(3 * x[:, 1])))
    # some 15 independent pieces of the wave from 600 stars of noise 0.05, and a few stars beyond all others
    assert error["gp"] < 0.02
    assert error["ridge3"] > 0.3


def test_more_stars_than_the_gaussian_process_can_hold_are_chosen_by_the_seed_alone(monkeypatch):
    monkeypatch.setattr(baselines, "GP_STARS", 40)
    x, new = stars(200), stars(9)
    b = law(x) + RNG.normal(size=(200, 2)) * [60.0, 0.1]
    one, again, other = (fit_baselines(x, b, [0, 1], new, seed)["gp"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).all()


@pytest.mark.parametrize("b", ["equal to A", "of A alone"])
def test_an_input_or_a_scatter_that_does_not_matter_warns_nobody(b):
    """Warnings are errors here: hyperparameters that run to their bounds are no concern of the user."""
    x, new = stars(100), stars(9)
    labels = x[:, :1] + (0 if b == "equal to A" else np.sin(x[:, :1] / 300))
    predicted = fit_baselines(x, labels, [0], new, seed=1)
    if b == "equal to A":
        for method, values in predicted.items():
            np.testing.assert_allclose(values, new[:, :1], rtol=1e-12, err_msg=method)


def test_every_method_fits_a_label_to_the_stars_that_have_it():
    x, new = stars(400), stars(50)
    y = law(x) + RNG.normal(size=(400, 2)) * [60.0, 0.1]
    known = RNG.random(400) < 0.4
    gaps = np.where(known[:, None] | [True, False], y, np.nan)
    own = [0, NO_COUNTERPART]
    predicted, first = fit_baselines(x, gaps, own, new, seed=1), fit_baselines(x, y[:, :1], own[:1], new, seed=1)
    second = fit_baselines(x[known], y[known, 1:], own[1:], new, seed=1)
    for method, values in predicted.items():
        # sums of a matrix with another number of columns: 1e-9 of the values
        np.testing.assert_allclose(values[:, :1], first[method], rtol=1e-9, err_msg=method)
        np.testing.assert_allclose(values[:, 1:], second[method], rtol=1e-9, err_msg=method)
