"""Two measurements of the same stars against known sampling errors and scipy."""

import numpy as np
import pytest
from scipy.stats import ttest_rel

from stdask.science.assessment.metrics import coverage_of_errors
from stdask.science.assessment.paired import compare_scatter, describe_group, repeatability, share_of

RNG = np.random.default_rng(1)


def test_the_ratio_of_two_scatters_has_the_known_error_of_independent_gaussians():
    n = 4000
    ratio = compare_scatter(RNG.normal(0, 1.2, n), RNG.normal(0, 1.0, n), 1000, 1)
    # relative errors: 1 / sqrt(2 n) each, and for the MAD 1.166 / sqrt(n) each (Rousseeuw & Croux 1993)
    expected = 1.2 / np.sqrt(n), 1.2 * 1.166 * np.sqrt(2 / n)
    # 1000 bootstraps know an error to 2.2 %, and the sample adds some per cent
    assert (ratio.std_err, ratio.robust_err) == pytest.approx(expected, rel=0.2)
    assert ratio.std == pytest.approx(1.2, abs=4 * expected[0])
    assert ratio.robust == pytest.approx(1.2, abs=4 * expected[1])


def test_what_a_star_adds_to_both_methods_hardly_moves_their_ratio():
    shared = RNG.normal(0, 1, 2000)
    others = shared + RNG.normal(0, 0.05, 2000)
    paired, unpaired = (compare_scatter(shared, x, 300, 1) for x in (others, RNG.permutation(others)))
    assert paired.std == pytest.approx(unpaired.std, rel=1e-12)  # added up in another order
    assert paired.std_err < 0.1 * unpaired.std_err  # two independent errors of 1.6 % against 0.05 / sqrt(2000)
    assert compare_scatter(shared, shared, 50, 1) == (1.0, 0.0, 1.0, 0.0)


def test_a_ratio_takes_the_stars_that_both_methods_have():
    x, y = RNG.normal(size=(2, 50))
    gaps = np.array([np.nan, np.inf])
    longer = compare_scatter(np.append(x, [1e9, 1e9]), np.append(y, gaps), 20, 1)
    assert longer == compare_scatter(x, y, 20, 1)
    assert np.isnan(compare_scatter(x, np.full(50, np.nan), 20, 1)).all()


def test_the_shift_of_a_group_is_students_t_of_the_pairs():
    expected = RNG.normal(-0.7, 0.1, 12)  # the spread of the cluster
    values = expected + 0.03 + RNG.normal(0, 0.02, 12)
    group = describe_group(values, expected)
    assert group.shift == pytest.approx(ttest_rel(values, expected).statistic, rel=1e-9)
    assert (group.mean, group.std) == pytest.approx((np.mean(values), np.std(values, ddof=1)), rel=1e-12)


@pytest.mark.parametrize("too_small", [1.0, 2.0])
def test_two_visits_tell_the_scatter_of_one_and_by_how_much_the_errors_are_too_small(too_small: float):
    n = 4000
    truth, sigma = RNG.normal(5000, 300, n), RNG.uniform(50, 60, n)
    first, second = truth + sigma * RNG.normal(size=(2, n))
    found = repeatability(first, second, np.sqrt(2) * sigma / too_small, 300, 1)
    assert found.n == n
    # errors of nearly one size: the MAD sees their mean to 0.2 %
    assert found.scatter == pytest.approx(55, abs=4 * found.scatter_err)
    assert found.pull == pytest.approx(too_small, abs=4 * found.pull_err)
    assert found.pull_err == pytest.approx(too_small * 1.166 / np.sqrt(n), rel=0.25)  # as in test_metrics


def test_a_star_without_an_error_counts_for_the_scatter_alone():
    first, second = RNG.normal(size=(2, 100))
    sigma = np.where(np.arange(100) < 50, 1.0, 0.0)
    found = repeatability(first, second, sigma, 50, 1)
    assert found.n == 100
    assert found.pull == repeatability(first[:50], second[:50], sigma[:50], 50, 1).pull


def test_shares_are_those_of_coverage_and_missing_without_stars():
    inside = RNG.uniform(size=300) < 0.4
    (row,) = coverage_of_errors(np.where(inside, 0.0, 9.0), np.ones(300), [0.9])
    assert share_of(inside) == (row.covered, row.covered_err)
    assert np.isnan(share_of(inside[:0])).all()
