"""The domain of validity: a shift off a tight relation is seen and named, and residuals are sorted by the index."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import median_abs_deviation

from stdask.config.run import Run
from stdask.science.translation.dissimilarity import fit_neighbourhood
from stdask.science.translation.validity import fit_domain
from stdask.tools.validate.domain import index_rows, shifted_rows, surroundings
from tests.hand_made import make_run
from tests.tools.validate.checked_stars import BP_G, G_RP, checked, identity, stars_and_labels, training


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path)


def tight_stars(n_stars: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return stars whose colours follow each other to 2 mmag."""
    inputs, labels = stars_and_labels(n_stars, seed)
    inputs[:, G_RP] = inputs[:, BP_G] + np.random.default_rng(1000 + seed).normal(0, 0.002, n_stars)
    return inputs, labels


def test_a_colour_off_its_relation_is_caught_and_named_and_untouched_stars_are_rarely(run: Run):
    inputs, _ = tight_stars(2000, 1)
    family = identity(inputs)
    family = replace(family, input_domain=fit_domain(inputs, family.inputs, 30, 1))
    stars = training(*tight_stars(2000, 2), errors=[20, 0, 0, 0, 1])
    rows = shifted_rows(checked(run, family, stars), run.definition_a.units)
    nothing, *shifted = rows
    assert nothing.index_catches == pytest.approx(0.05, abs=4 * 0.011)  # 400 test stars
    assert np.isnan(nothing.named_if_caught)
    colours = [row for row in shifted if row.shifted in ("BP_G_0", "G_RP_0")]
    assert [row.by for row in colours] == [-0.05, 0.05, -0.05, 0.05]
    for row in colours:
        assert row.index_catches > 0.99  # 25 times as far off as stars are
        assert row.named_if_caught > 0.99
    others = {(row.shifted, row.by): row.index_catches for row in shifted if row not in colours}
    assert set(others) == {("TEFF", -60.0), ("TEFF", 60.0), ("RV", -3.0), ("RV", 3.0)}  # 3 sigma of the stated errors
    # a fifth of the spread of the temperatures, a thirtieth of that of the velocities: like any other star
    assert max(others.values()) < 0.12


def test_an_absolute_magnitude_is_shifted_by_the_errors_of_its_magnitude_and_distance(run: Run):
    inputs, labels = stars_and_labels(500, 1)
    family = replace(identity(inputs), inputs=("TEFF", "BP_G_0", "M_G", "RV"))
    family = replace(family, neighbourhood=fit_neighbourhood(inputs, family.inputs, 1))
    stars = training(inputs, labels, errors=[20, 0.02, 0.03, 0.04, 1])  # of TEFF, BP, G, the modulus and RV
    rows = shifted_rows(checked(run, family, stars), run.definition_a.units)
    shifts = {(row.shifted, round(row.by, 12), row.unit) for row in rows}
    assert {("M_G", 0.15, "mag"), ("M_G", -0.15, "mag"), ("TEFF", 60.0, "K"), ("BP_G_0", 0.05, "mag")} <= shifts


def test_the_reddening_is_shifted_where_the_domain_knows_it(run: Run):
    inputs, labels = stars_and_labels(500, 1)
    stars = replace(training(inputs, labels), reddening=np.random.default_rng(1).uniform(0, 0.3, 500))
    family = identity(inputs)
    rows = shifted_rows(checked(run, family, stars), run.definition_a.units)
    assert "EBV" not in {row.shifted for row in rows}
    columns = np.column_stack([inputs, stars.reddening])
    wider = replace(family, neighbourhood=fit_neighbourhood(columns, (*family.inputs, "EBV"), 1))
    rows = shifted_rows(checked(run, wider, stars), run.definition_a.units)
    assert [(row.by, row.unit) for row in rows if row.shifted == "EBV"] == [(0.1, "mag")]


def test_residuals_that_are_the_index_have_it_as_their_mean_in_each_bin(run: Run):
    inputs, labels = stars_and_labels(4000, 3)
    family = identity(stars_and_labels(1000, 1)[0])
    stars = training(inputs, labels)
    index = family.neighbourhood.index(surroundings(checked(run, family, stars)))
    off = labels.copy()
    signs = np.where(np.arange(800) % 2, 1, -1)
    off[stars.is_test, 0] += 100 * index * signs
    rows = [r for r in index_rows(checked(run, family, replace(stars, labels=off))) if r.label == "TEFF"]
    assert [(r.index_from, r.index_to) for r in rows] == [(0, 0.5), (0.5, 0.75), (0.75, 1), (1, np.inf)]
    assert sum(r.n for r in rows) == 800
    for row in rows:
        inside = (index >= row.index_from) & (index < row.index_to)
        assert row.mae == pytest.approx(100 * index[inside].mean(), rel=1e-4)  # float32 networks at 4800 K
        spread = median_abs_deviation((signs * 100 * index)[inside], scale="normal")
        assert row.robust == pytest.approx(spread, rel=1e-4)


def test_a_bin_with_few_stars_is_left_out(run: Run):
    family = identity(stars_and_labels(1000, 1)[0])
    rows = index_rows(checked(run, family, training(*stars_and_labels(150, 3))))  # 30 test stars, one or two outside
    assert all(row.n >= 20 for row in rows)
    assert 1 not in {row.index_from for row in rows}
