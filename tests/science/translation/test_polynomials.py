"""Polynomials that stand in for networks: the same predictions as the methods they are taken from."""

import numpy as np
import pytest

from stdask.science.assessment.baselines import fit_baselines
from stdask.science.translation.polynomials import METHODS, Polynomials, fit_polynomials


def sample(n_stars: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_stars, 3))
    y = np.stack([x[:, 0] + 0.3 * x[:, 1] ** 2 * x[:, 2], x[:, 2] + 0.5], axis=1) + rng.normal(0, 0.1, (n_stars, 2))
    return x, y


@pytest.mark.parametrize("method", METHODS)
def test_a_polynomial_predicts_what_its_method_predicts(method: str):
    (x, y), (new, _) = sample(300, 1), sample(50, 2)
    expected = fit_baselines(x, y, [0, 2], new, seed=1)[method]
    scales = x.std(axis=0)
    fitted = fit_polynomials((x - x.mean(axis=0)) / scales, y - x[:, [0, 2]], method)
    predicted = new[:, [0, 2]] + fitted.evaluate((new - x.mean(axis=0)) / scales)
    # the same sums in another order: 1e-9 of a scatter of 1
    np.testing.assert_allclose(predicted, expected, rtol=0, atol=1e-9)


def test_a_value_depends_on_its_star_alone_to_the_last_bit():
    x, y = sample(200, 1)
    fitted = fit_polynomials(x, y, "ridge3")
    np.testing.assert_array_equal(fitted.evaluate(x)[7:8], fitted.evaluate(x[7:8]))
    np.testing.assert_array_equal(fitted.evaluate(x.reshape(20, 10, 3)).reshape(200, 2), fitted.evaluate(x))


def test_terms_are_in_the_order_of_their_coefficients():
    # constant, x0, x1, x0 x0, x0 x1, x1 x1, then the cubes from x0 x0 x0 on
    coefficients = np.array([1, 2, 3, 4, 5, 6, 7, 0, 0, 0], dtype=float)[:, None]
    a, b = 2.0, -3.0
    expected = 1 + 2 * a + 3 * b + 4 * a * a + 5 * a * b + 6 * b * b + 7 * a**3
    assert Polynomials(coefficients).evaluate(np.array([[a, b]])) == pytest.approx(expected)


@pytest.mark.parametrize("method", METHODS)
def test_a_label_is_fitted_to_the_stars_that_have_it(method: str):
    x, y = sample(300, 3)
    known = np.random.default_rng(4).random(300) < 0.4
    gaps = np.where(known[:, None] | [True, False], y, np.nan)
    fitted = fit_polynomials(x, gaps, method).coefficients
    # a label at a time: the same sums, some in another order
    np.testing.assert_allclose(fitted[:, :1], fit_polynomials(x, y[:, :1], method).coefficients, atol=1e-9)
    np.testing.assert_allclose(fitted[:, 1:], fit_polynomials(x[known], y[known, 1:], method).coefficients, atol=1e-9)
