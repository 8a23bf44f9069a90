"""Offsets of surveys in shared cells: a known one is found whatever the surveys select, with the right error."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from stdask.config.atlas import AtlasConfig
from stdask.mock.surveys import mock_surveys
from stdask.science.assessment.consistency import CellSums, add_sums, offset_between, sum_in_cells
from stdask.science.galaxy.bins import CELLS, GalacticBins, Stars
from stdask.science.galaxy.galactocentric import galactic_positions
from stdask.science.galaxy.map_grid import sky_pixels

CELLS_IN_GROUP, N_GROUPS = 10, 40
SCATTER, OFFSET = 0.2, 0.05


def observe(rng, n_stars, slope, offset=0.0):
    """Return the sums of a survey that sees cells with a weight of its own, in a field with a gradient of cells."""
    share = np.exp(slope * np.linspace(-1, 1, CELLS_IN_GROUP * N_GROUPS))
    cells = rng.choice(len(share), n_stars, p=share / share.sum())
    values = 0.01 * cells + rng.normal(0, SCATTER, n_stars) + offset
    return sum_in_cells(cells, values[None])


def test_sums_are_those_of_numpy_and_leave_out_what_is_unknown():
    rng = np.random.default_rng(1)
    cells, values = rng.integers(-1, 5, 200), rng.normal(5000, 100, (2, 200))
    values[1, ::3] = np.nan
    found = sum_in_cells(cells, values)
    assert_array_equal(found.cells, np.arange(5))
    for quantity in range(2):
        for cell in range(5):
            own = values[quantity, cells == cell]
            assert found.counts[quantity, cell] == np.isfinite(own).sum()
            assert_allclose(found.means(quantity)[cell], np.nanmean(own), atol=2**-21)  # half a unit


def test_a_cell_in_which_a_quantity_is_unknown_has_no_mean():
    found = sum_in_cells(np.array([3, 3, 7]), np.array([[1.0, 2.0, np.nan]]))
    assert_array_equal(found.means(0), [1.5, np.nan])


def test_sums_of_parts_are_those_of_the_whole_to_the_last_bit_in_any_order():
    rng = np.random.default_rng(2)
    cells, values = rng.integers(0, 30, 5000), rng.normal(-0.3, 0.4, (3, 5000)).astype(np.float32)
    whole = sum_in_cells(cells, values)
    order = rng.permutation(5000)
    parts = [sum_in_cells(cells[own], values[:, own]) for own in np.array_split(order, 7)]
    for expected, found in zip(whole, add_sums(parts), strict=True):
        assert_array_equal(found, expected)


def test_an_offset_is_found_where_one_survey_sees_other_cells_than_the_other():
    rng = np.random.default_rng(3)
    first, second = observe(rng, 40_000, slope=2.0, offset=OFFSET), observe(rng, 20_000, slope=-2.0)
    found = offset_between(first, second, (0, 0), CELLS_IN_GROUP)
    assert_allclose(found.value, OFFSET, atol=4 * found.error)
    assert found.error < OFFSET / 10
    naive = first.sums.sum() / first.counts.sum() - second.sums.sum() / second.counts.sum()
    assert abs(naive / 2**20) > 10 * OFFSET  # what the distributions alone would do


SHARES = np.array([0.5, *[0.05] * 10])  # of the stars in each group: most are in one field


def observe_fields(rng, n_stars, offset=0.0):
    """Return the sums of a survey that sees few fields, one of which has most of its stars."""
    cells = rng.choice(len(SHARES), n_stars, p=SHARES) * CELLS_IN_GROUP + rng.integers(0, CELLS_IN_GROUP, n_stars)
    return sum_in_cells(cells, (0.01 * cells + rng.normal(0, SCATTER, n_stars) + offset)[None])


def test_errors_hold_where_one_field_has_most_of_the_stars():
    """Without an offset, surveys agree as often as their errors say, also in the tails."""
    rng, n = np.random.default_rng(11), 1000
    found = [
        offset_between(observe_fields(rng, 400), observe_fields(rng, 300), (0, 0), CELLS_IN_GROUP) for _ in range(n)
    ]
    values, errors = (np.array([getattr(own, name) for own in found]) for name in ("value", "error"))
    inside = np.abs(values) < errors
    assert_allclose(inside.mean(), 0.6827, atol=0.06)  # four standard errors
    assert np.mean([abs(own.value) > own.within(3.0) for own in found]) < 0.01  # 0.27 % of a normal distribution
    variances = np.array([own.standard_error**2 for own in found])
    assert_allclose(variances.mean(), values.var(), rtol=0.15)  # three errors: 4.5 % and 2.8 % for 1,000 seeds


def test_the_value_is_the_weighted_mean_over_the_cells_that_both_have():
    first = CellSums(np.array([1, 4, 6]), np.array([[2, 1, 5]]), np.array([[2, 4, 5]]) << 20)
    second = CellSums(np.array([1, 6, 9]), np.array([[2, 0, 5]]), np.array([[6, 0, 5]]) << 20)
    found = offset_between(first, second, (0, 0), 1)
    assert (found.value, found.n_cells, found.n_first, found.n_second) == (1 - 3, 1, 2, 2)
    assert np.isnan(found.error)


def test_errors_are_those_of_repeated_surveys():
    rng = np.random.default_rng(4)
    found = [
        offset_between(observe(rng, 4000, 1.0), observe(rng, 2000, -1.0), (0, 0), CELLS_IN_GROUP) for _ in range(400)
    ]
    pulls = np.array([own.value / own.error for own in found])
    assert_allclose(pulls.std(), 1, atol=0.15)  # 4 / sqrt(2 n) for 400 repetitions
    assert_allclose(pulls.mean(), 0, atol=4 / np.sqrt(len(pulls)))


def test_errors_hold_where_whole_groups_are_off():
    """Each group has an offset of its own, as fields of a survey have: stars are no longer independent."""
    rng = np.random.default_rng(5)
    pulls = []
    for _ in range(400):
        cells, fields = rng.integers(0, CELLS_IN_GROUP * N_GROUPS, (2, 4000)), rng.normal(0, 0.1, N_GROUPS)
        values = rng.normal(0, SCATTER, (2, 4000))
        values[0] += fields[cells[0] // CELLS_IN_GROUP]
        sums = [sum_in_cells(own, value[None]) for own, value in zip(cells, values, strict=True)]
        found = offset_between(*sums, (0, 0), CELLS_IN_GROUP)
        pulls.append(found.value / found.error)
    assert_allclose(np.std(pulls), 1, atol=0.15)


def test_mock_surveys_that_select_other_stars_agree_in_their_truth_in_shared_cells():
    """What is left of the selection: giants of A and B differ by 0.08 dex on average, because B sees the inner disc."""
    surveys = mock_surveys(20_000, 20_000, 2_000, seed=1)
    bins, sums, means = GalacticBins.of(AtlasConfig()), [], []
    for table, truth, ra, dec in ((surveys.a, surveys.truth_a, "ra", "dec"), (surveys.b, surveys.truth_b, "RA", "DEC")):
        place = galactic_positions(table[ra], table[dec], truth["DISTANCE"])
        stars = Stars(table[ra], table[dec], *place[:4], (truth["LOGG"],))
        cells = bins.cells.bins(stars)
        cells = np.where(cells >= 0, sky_pixels(table[ra], table[dec], 3) * bins.n_bins(CELLS) + cells, -1)
        sums.append(sum_in_cells(cells, truth["FE_H"][None]))
        means.append(truth["FE_H"][cells >= 0].mean())
    found = offset_between(*sums, (0, 0), bins.n_bins(CELLS))
    assert abs(means[0] - means[1]) > 0.05
    assert_allclose(found.value, 0, atol=3 * found.error)
    assert found.error < 0.01


@pytest.mark.parametrize("n_groups", [1, 2, 3])
def test_of_few_groups_no_error_is_known(n_groups):
    cells = np.arange(n_groups * 2)
    first, second = (sum_in_cells(cells, np.full((1, len(cells)), value)) for value in (1.0, 3.0))
    found = offset_between(first, second, (0, 0), 2)
    assert found.value == -2
    assert np.isnan(found.error) == (n_groups < 3)  # of equal weight, they leave two degrees of freedom


def test_quantities_of_both_surveys_may_differ():
    first, second = (sum_in_cells(np.arange(4), np.array([[value] * 4, [value + 10] * 4])) for value in (1.0, 3.0))
    assert offset_between(first, second, (1, 0), 1).value == 11 - 3
    assert offset_between(first, second, (0, 1), 1).value == 1 - 13


def test_surveys_without_a_common_cell_have_no_offset():
    first, second = (sum_in_cells(np.array([cell]), np.ones((1, 1))) for cell in (1, 2))
    found = offset_between(first, second, (0, 0), 1)
    assert np.isnan(found.value)
    assert found.n_cells == 0
