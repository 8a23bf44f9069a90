"""Missing inputs are drawn from what the others leave open, each star for itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import kstest

from stdask.science.translation.gaussian_mixture import Mixture
from stdask.science.translation.imputation import draw_missing
from tests.science.translation.test_gaussian_mixture import random_mixture, sample


def draw(mixture: Mixture, inputs: np.ndarray, n_draws: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    uniforms = rng.random((len(inputs), n_draws))
    return draw_missing(mixture, inputs, uniforms, rng.standard_normal((*uniforms.shape, inputs.shape[1])))


WIDE = random_mixture(12, 9, seed=1)  # more columns and components than a sum of numpy takes in a row


@settings(max_examples=50, deadline=None)
@given(missing=arrays(bool, st.tuples(st.integers(0, 30), st.just(9))))
def test_whatever_is_missing_present_inputs_are_unchanged_and_all_are_finite(missing):
    inputs = np.where(missing, np.nan, sample(WIDE, 30, seed=2)[: len(missing)])
    draws = draw(WIDE, inputs, n_draws=5)
    assert draws.shape == (len(inputs), 5, 9)
    assert np.isfinite(draws).all()
    assert_array_equal(np.where(missing[:, None], np.nan, draws), np.repeat(inputs[:, None], 5, axis=1))


def test_a_stars_draws_depend_on_the_star_alone_to_the_last_bit():
    rng = np.random.default_rng(3)
    inputs = sample(WIDE, 300, seed=4)
    patterns = rng.random((6, 9)) < 0.4
    inputs[patterns[rng.integers(0, 6, 300)]] = np.nan
    uniforms, normals = rng.random((300, 7)), rng.standard_normal((300, 7, 9))
    whole = draw_missing(WIDE, inputs, uniforms, normals)
    order = rng.permutation(300)
    assert_array_equal(draw_missing(WIDE, inputs[order], uniforms[order], normals[order]), whole[order])
    for size in (1, 2, 7):
        parts = [
            draw_missing(WIDE, inputs[start:end], uniforms[start:end], normals[start:end])
            for start, end in zip(range(0, 300, size), range(size, 300 + size, size), strict=False)
        ]
        assert_array_equal(np.concatenate(parts), whole)
    one_draw = draw_missing(WIDE, inputs, uniforms[:, 3:4], normals[:, 3:4])
    assert_array_equal(one_draw, whole[:, 3:4])


@pytest.mark.parametrize("missing", [(0,), (1, 3), (0, 1, 2, 3)])
def test_the_true_value_is_one_of_the_draws_as_far_as_any_test_can_tell(missing):
    mixture = random_mixture(4, 4, seed=5)
    truth = sample(mixture, 4000, seed=6)
    inputs = truth.copy()
    inputs[:, missing] = np.nan
    draws = draw(mixture, inputs, n_draws=199)
    for column in missing:
        ranks = ((draws[..., column] < truth[:, None, column]).sum(axis=1) + 0.5) / 200
        # uniform where the draws have the distribution of the truth; the seeds are fixed
        assert kstest(ranks, "uniform").pvalue > 0.01
    # and together: correlations among all columns are those of the stars, to 5 sigma of 4000
    assert_allclose(np.corrcoef(draws[:, 0].T), np.corrcoef(truth.T), atol=5 / np.sqrt(4000))


def test_draws_of_one_star_are_like_the_sampled_stars_that_share_its_present_inputs():
    mixture = random_mixture(3, 3, seed=7)
    stars = sample(mixture, 1_000_000, seed=8)
    place = stars[1, :2]
    alike = stars[(np.abs(stars[:, :2] - place) < 0.1).all(axis=1), 2]
    draws = draw(mixture, np.array([[*place, np.nan]]), n_draws=100_000)[0, :, 2]
    assert alike.size > 1000
    levels = np.linspace(0.05, 0.95, 19)
    # share of the draws below each percentile of the brute-force sample: 4 sigma of its size
    shares = (draws[:, None] < np.quantile(alike, levels)).mean(axis=0)
    assert_allclose(shares, levels, atol=4 * 0.5 / np.sqrt(alike.size))


def test_the_mean_in_place_of_the_missing_input_gives_too_narrow_errors_and_draws_do_not():
    mixture = Mixture(np.ones(1), np.zeros((1, 2)), np.array([[[1.0, 0.6], [0.6, 1.0]]]))
    truth = sample(mixture, 5000, seed=9)
    labels = truth @ [1.0, 2.0]
    draws = draw(mixture, np.column_stack([truth[:, 0], np.full(5000, np.nan)]), n_draws=400) @ [1.0, 2.0]
    low, high = np.percentile(draws, [16, 84], axis=1)
    covered = np.mean((labels > low) & (labels < high))
    assert covered == pytest.approx(0.68, abs=4 * np.sqrt(0.68 * 0.32 / 5000))  # 4 sigma of the stars
    # analytic: given the other input, the missing one scatters by sqrt(1 - 0.6^2); 400 draws give that to 3.5 %
    assert_allclose(draws.std(axis=1).mean(), 2 * 0.8, rtol=0.01)
    assert_allclose(draws.mean(axis=1), (1 + 2 * 0.6) * truth[:, 0], atol=5 * 1.6 / np.sqrt(400))


def test_nearly_equal_colours_are_drawn_nearly_equal():
    scatter = np.array([[0.01, 0.01], [0.01, 0.01 + 1e-6]])  # mag^2: the second is the first within a millimag
    mixture = Mixture(np.ones(1), np.full((1, 2), 0.6), scatter[None])
    colours = np.array([0.4, 0.6, 0.9])
    draws = draw(mixture, np.column_stack([colours, np.full(3, np.nan)]), n_draws=1000)[..., 1]
    assert_allclose(draws, colours[:, None] * np.ones(1000), atol=0.005)  # 5 sigma


def test_no_star_is_no_error():
    assert draw(WIDE, np.empty((0, 9)), n_draws=3).shape == (0, 3, 9)
