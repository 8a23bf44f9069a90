"""Missing inputs: drawn ones widen the ranges and cover, the training mean does neither."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stdask.config.run import Run
from stdask.schema.validation import MissingRow
from stdask.tools.validate.missing import missing_rows
from tests.hand_made import make_run
from tests.tools.validate.checked_stars import CALIBRATION, checked, identity, stars_and_labels, training

N = 2000  # 400 test stars
SPREADS = {"TEFF": 300.0, "VHELIO": 80.0}  # of the training stars, K and km/s


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path)


@pytest.fixture
def rows(run: Run) -> list[MissingRow]:
    return missing_rows(checked(run, identity(), training(*stars_and_labels(N, 5), errors=[10, 0, 0, 0, 1])))


def row_of(rows: list[MissingRow], label: str, deleted: str, way: str) -> MissingRow:
    (row,) = [r for r in rows if (r.label, r.deleted, r.filled_by) == (label, deleted, way)]
    return row


@pytest.mark.parametrize(("label", "own"), [("TEFF", "TEFF"), ("VHELIO", "RV")])
def test_a_drawn_input_widens_the_draws_to_the_spread_of_stars_and_covers(rows: list[MissingRow], label: str, own: str):
    drawn = row_of(rows, label, own, "drawn")
    # inputs are independent: nothing but the spread is left; 400 training stars know it to 3.5 %, 4 sigma
    assert drawn.half_width == pytest.approx(SPREADS[label], rel=0.14)
    assert drawn.sigma == pytest.approx(drawn.half_width, rel=0.01)  # all of the error is that of the draws
    # the mean distance of a Gaussian from its median; 400 stars know it to 4 %
    assert drawn.mae == pytest.approx(SPREADS[label] * np.sqrt(2 / np.pi), rel=0.16)
    for interval in ("errors", "draws"):
        for nominal in (68, 90):
            name = f"{interval}_cover_{nominal}"
            # that spread, wrong by 4 %, adds 2 % to the share
            assert getattr(drawn, name) == pytest.approx(nominal / 100, abs=3 * getattr(drawn, f"{name}_err") + 0.03)


@pytest.mark.parametrize(("label", "own"), [("TEFF", "TEFF"), ("VHELIO", "RV")])
def test_the_training_mean_has_no_width_and_covers_no_star(rows: list[MissingRow], label: str, own: str):
    mean, drawn = (row_of(rows, label, own, way) for way in ("mean", "drawn"))
    assert mean.half_width == 0
    assert mean.errors_cover_90 == mean.draws_cover_90 == 0
    assert mean.mae == pytest.approx(drawn.mae, rel=0.1)  # as far from the stars: the mean is their median


def test_a_label_that_does_not_hang_on_the_missing_input_stays_as_it_is(rows: list[MissingRow]):
    complete = row_of(rows, "TEFF", "none", "complete")
    # half of the 16-84 % range of 100 even draws of an error of 10 K; their percentiles are off by 1 %
    assert complete.half_width == pytest.approx(10, rel=0.03)
    for way in ("drawn", "mean"):
        other = row_of(rows, "TEFF", "RV", way)
        assert replace(other, deleted="none", filled_by="complete") == complete


def test_every_input_is_deleted_in_turn_and_labels_stand_together(rows: list[MissingRow]):
    assert [row.label for row in rows] == [label for label in ("TEFF", "MG_FE", "VHELIO") for _ in range(9)]
    cases = [(row.deleted, row.filled_by) for row in rows[:9]]
    names = ("TEFF", "BP_G_0", "G_RP_0", "RV")
    assert cases == [("none", "complete"), *((name, way) for name in names for way in ("drawn", "mean"))]


def test_the_published_way_has_the_errors_of_complete_stars_and_the_truth_has_rows_of_its_own(run: Run):
    inputs, labels = stars_and_labels(200, 5)
    family = replace(identity(), calibration=replace(CALIBRATION, missing_factors=np.full(3, 7.0)))
    stars = training(inputs, labels, errors=[10, 0, 0, 0, 1])
    rows = missing_rows(checked(run, family, stars, truth=labels[::5] + 1000))
    b, truth = ([row for row in rows if row.of == of] for of in ("B", "truth"))
    complete, mean, drawn = (
        row_of(b, "TEFF", d, w) for d, w in (("none", "complete"), ("RV", "mean"), ("RV", "drawn"))
    )
    assert mean.sigma == complete.sigma
    assert drawn.sigma == pytest.approx(7 * complete.sigma, rel=1e-9)
    # nothing of a star is within 1000 of the truth but its distance from it: 10 K of errors move the mean by 1 K
    assert row_of(truth, "TEFF", "none", "complete").mae == pytest.approx(1000, abs=4)


def test_a_family_that_draws_nothing_says_so_and_has_the_training_mean_alone(run: Run, capsys: pytest.CaptureFixture):
    family = replace(identity(), density=None)
    rows = missing_rows(checked(run, family, training(*stars_and_labels(100, 5))))
    assert {row.filled_by for row in rows} == {"complete", "mean"}
    assert "nothing is drawn" in capsys.readouterr().out
