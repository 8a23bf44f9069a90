"""Bumps about training stars: right, and the same for a row to the last bit wherever it stands."""

import numpy as np
import pytest
from sklearn.gaussian_process.kernels import RBF, Matern

from stdask.network.cpu import bumps
from stdask.network.cpu.bumps import PANEL, add_bumps

N_ROWS, N_STARS, N_INPUTS = 3 * PANEL + 5, 50, 4


def case(seed: int = 1) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    shapes = {"rows": (N_ROWS, N_INPUTS), "stars": (N_STARS, N_INPUTS), "lengths": (N_INPUTS,), "weights": (N_STARS,)}
    rows, stars, lengths, weights = (rng.normal(size=shape).astype(np.float32) for shape in shapes.values())
    return 2 * rows, stars, np.abs(lengths) + np.float32(0.1), weights


def added(rows: np.ndarray, *others: np.ndarray, gaussian: bool = True) -> np.ndarray:
    sums = np.full(len(rows), 0.5, np.float32)
    add_bumps(np.ascontiguousarray(rows), *others, gaussian, sums)
    return sums


@pytest.mark.parametrize("gaussian", [True, False])
def test_the_sum_is_that_of_scikit_learn(gaussian: bool):
    rows, stars, inverse_lengths, weights = case()
    kernel = RBF(1 / inverse_lengths) if gaussian else Matern(1 / inverse_lengths, nu=1.5)
    expected = 0.5 + kernel(rows.astype(np.float64), stars.astype(np.float64)) @ weights.astype(np.float64)
    found = added(rows, stars, inverse_lengths, weights, gaussian=gaussian)
    # 50 terms of order 1 in single precision
    np.testing.assert_allclose(found, expected, rtol=0, atol=5e-6)


@pytest.mark.parametrize("gaussian", [True, False])
def test_a_row_is_the_same_to_the_last_bit_whatever_its_neighbours_and_its_place(gaussian: bool):
    rows, *others = case()
    whole = added(rows, *others, gaussian=gaussian)
    np.testing.assert_array_equal(added(rows[::-1], *others, gaussian=gaussian)[::-1], whole)
    for start, stop in ((0, 1), (4, 11), (PANEL - 1, PANEL + 2), (PANEL, 3 * PANEL)):
        np.testing.assert_array_equal(added(rows[start:stop], *others, gaussian=gaussian), whole[start:stop])


@pytest.mark.parametrize("gaussian", [True, False])
@pytest.mark.parametrize("distance", [1e3, 1e15, 1e30])
def test_a_row_far_from_all_stars_gets_no_bump(distance: float, gaussian: bool):
    rows, *others = case()
    assert added(np.full_like(rows[:3], distance), *others, gaussian=gaussian) == pytest.approx(0.5)


@pytest.mark.parametrize("gaussian", [True, False])
def test_what_is_not_a_number_stays_so_and_harms_no_other_row(gaussian: bool):
    rows, *others = case()
    whole = added(rows, *others, gaussian=gaussian)
    rows[7, 1] = np.nan
    spoilt = added(rows, *others, gaussian=gaussian)
    assert np.isnan(spoilt[7])
    np.testing.assert_array_equal(np.delete(spoilt, 7), np.delete(whole, 7))


def test_the_constants_of_the_exponential_are_those_of_its_series():
    terms = [bumps.C1, bumps.C2, bumps.C3, bumps.C4, bumps.C5, bumps.C6]
    factorials = np.cumprod(np.arange(1.0, 7.0))
    np.testing.assert_allclose(terms, np.log(2) ** np.arange(1, 7) / factorials, rtol=1e-7)
