"""The distributions of pairs and other stars: the shares of a panel are those of the stars, whatever their number."""

import numpy as np
import pytest

from stdask.figures.assessment.populations import FEWEST_BINS, draw_populations
from stdask.schema.evaluation import ATLAS, CATALOGUE

RNG = np.random.default_rng(1)
PAIRS = np.column_stack([RNG.normal(4800, 200, 300), RNG.normal(0.1, 0.02, 300)])
STARS = np.column_stack([RNG.normal(5200, 300, 4000), RNG.normal(0.15, 0.03, 4000)])


def test_each_population_has_the_same_area_and_its_own_mean():
    figure = draw_populations(("TEFF", "TEFF_ERR"), ("K", "K"), PAIRS, {CATALOGUE: STARS, ATLAS: STARS[:100]})
    assert len(figure.axes) == 2
    panel = figure.axes[0]
    assert panel.get_xlabel().endswith("[K]")
    for steps, values in zip(panel.patches, (PAIRS, STARS, STARS[:100]), strict=True):
        shares, edges, _ = steps.get_data()
        assert len(shares) == 10 > FEWEST_BINS  # 100 stars are the fewest
        assert shares.sum() == pytest.approx(1, abs=0.02)  # the panel leaves out 1 % of the widest population
        centres = (edges[1:] + edges[:-1]) / 2
        assert np.average(centres, weights=shares) == pytest.approx(values[:, 0].mean(), abs=50)  # a third of a bin
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 3


def test_a_column_that_nobody_has_and_one_without_spread_have_no_panel():
    pairs, stars = np.full((20, 3), np.nan), np.full((30, 3), np.nan)
    pairs[:, 1] = stars[:, 1] = 0.3
    pairs[:, 2], stars[:, 2] = np.arange(20), np.nan
    (panel,) = draw_populations(("LOGG", "EBV", "DISTANCE"), ("dex", "mag", "kpc"), pairs, {CATALOGUE: stars}).axes
    assert panel.get_xlabel() == "distance [kpc]"
    own, others = (steps.get_data()[0] for steps in panel.patches)
    assert own.sum() == pytest.approx(0.9, abs=0.11)  # but for the outermost of 20
    assert others.sum() == 0
