"""The quadratic ridge regression that a network must beat."""

import numpy as np

from stdask.science.baselines import fit_ridge

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
