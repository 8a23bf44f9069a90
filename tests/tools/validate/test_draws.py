"""Numbers of draws: the errors found are those of order statistics, and of what is drawn where an input is missing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from stdask.config.run import Run
from stdask.schema import PERCENTILES
from stdask.schema.validation import DrawsRow
from stdask.tools.validate import draws as validate_draws
from stdask.tools.validate.draws import complete_stars, draws_rows, input_to_delete
from tests.hand_made import make_run
from tests.tools.validate.checked_stars import TEFF, checked, identity, stars_and_labels, training

COUNTERPARTS = ("TEFF", "LOGG", "FE_H")  # of the intrinsic labels
ERRORS = [10, 0, 0, 0, 1]  # TEFF [K] and RV [km/s]; MG_FE has no counterpart and does not vary
N = 1000  # 200 test stars: 400 errors of each percentile, whose root mean square is known to 4 %
N_REFERENCE = 4000  # quick; adds 1 % to the errors of 100 pseudo-random draws


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validate_draws, "N_REFERENCE", N_REFERENCE)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[DrawsRow]:
    stars = training(*stars_and_labels(N, 5), errors=ERRORS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validate_draws, "N_REFERENCE", N_REFERENCE)
        return draws_rows(checked(make_run(tmp_path_factory.mktemp("draws")), identity(), stars), COUNTERPARTS)


def row_of(rows: list[DrawsRow], missing: str, sampler: str, n_draws: int) -> DrawsRow:
    (row,) = [r for r in rows if (r.missing, r.sampler, r.n_draws) == (missing, sampler, n_draws)]
    return row


def errors_of_normals(n_draws: int) -> np.ndarray:
    """Return percentiles of 20,000 samples of a standard normal minus the true ones, (n_percentiles, n_samples)."""
    draws = np.random.default_rng(1).normal(size=(20_000, n_draws))
    found = np.percentile(draws, PERCENTILES, axis=1, method="hazen")
    return found - norm.ppf(np.array(PERCENTILES) / 100)[:, None]


@pytest.mark.parametrize("missing", ["none", "TEFF"])  # a drawn input is as Gaussian as a measured one
@pytest.mark.parametrize("n_draws", [16, 100])
def test_pseudo_random_draws_err_as_samples_of_a_normal_do(rows: list[DrawsRow], missing: str, n_draws: int):
    row, errors = row_of(rows, missing, "random", n_draws), errors_of_normals(n_draws)
    for percentile, own in zip(PERCENTILES, errors, strict=True):
        assert getattr(row, f"rms_{percentile}") == pytest.approx(np.sqrt(np.mean(own**2)), rel=0.16)  # 4 sigma
        # a median of absolute values of normals scatters 1.6 times as much as their root mean square
        assert getattr(row, f"median_{percentile}") == pytest.approx(np.median(np.abs(own)), rel=0.25)
    widths = (errors[3] - errors[1]) / 2
    assert row.width_bias == pytest.approx(widths.mean(), abs=4 * widths.std() / np.sqrt(400))


def test_even_draws_of_a_single_error_are_closer_by_far(rows: list[DrawsRow]):
    # each label hangs on one error: n points err by 1 / n, not by 1 / sqrt(n); what is left is mostly the reference's
    # own error, sqrt(64 / 4000) = 0.13 of that of 64 pseudo-random draws
    for percentile in PERCENTILES:
        name = f"rms_{percentile}"
        sobol, random = (getattr(row_of(rows, "none", sampler, 64), name) for sampler in ("sobol", "random"))
        assert sobol < 0.35 * random


def test_rows_stand_by_case_sampler_and_number_of_draws(rows: list[DrawsRow]):
    cases = [(row.missing, row.sampler, row.n_draws) for row in rows]
    numbers = (16, 32, 48, 56, 64, 100, 128, 256)  # 56: the run's own
    assert cases == [(m, s, n) for m in ("none", "TEFF") for s in ("random", "sobol") for n in numbers]
    assert {(row.family, row.n) for row in rows} == {("intrinsic", 200)}


def test_the_reference_shares_no_draw_with_those_it_judges(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(validate_draws, "N_REFERENCE", 256)
    rows = draws_rows(checked(run, identity(), training(*stars_and_labels(N, 5), errors=ERRORS)), COUNTERPARTS)
    own = np.sqrt(np.mean(errors_of_normals(256) ** 2, axis=1))
    for percentile, rms in zip(PERCENTILES, own, strict=True):
        # two samples of equal size: their errors add in squares; 4 sigma
        assert getattr(row_of(rows, "none", "random", 256), f"rms_{percentile}") == pytest.approx(
            np.sqrt(2) * rms, rel=0.16
        )


def test_an_input_with_two_peaks_is_far_off_for_few_stars_once_it_is_deleted(run: Run):
    inputs, labels = stars_and_labels(N, 5)
    inputs[:, TEFF] = np.where(np.arange(N) % 10 < 9, 4000, 6000) + np.random.default_rng(1).normal(0, 20, N)
    rows = draws_rows(checked(run, identity(inputs), training(inputs, labels, errors=ERRORS)), COUNTERPARTS)
    complete, deleted = (row_of(rows, missing, "random", 64) for missing in ("none", "TEFF"))
    assert complete.rms_95 < 0.5
    # of 64 draws fewer than 4 come from the second peak for 11 % of the stars; their 95th percentile is up to 2000 K
    # off, 80 half widths. Most stars have more, and velocities, half of the errors, know nothing of it
    assert deleted.rms_95 > 10
    assert deleted.median_95 < 1


def test_the_runs_own_number_of_draws_is_among_those_tried(tmp_path: Path):
    run = make_run(tmp_path, translate={"n_draws": 20})
    rows = draws_rows(checked(run, identity(), training(*stars_and_labels(50, 5), errors=ERRORS)), COUNTERPARTS)
    assert [row.n_draws for row in rows[:8]] == [16, 20, 32, 48, 64, 100, 128, 256]


def test_complete_stars_have_all_inputs_and_errors_and_the_smallest_keys(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(validate_draws, "MOST_STARS", 3)
    stars = training(*stars_and_labels(8, 5), errors=ERRORS)
    stars = replace(stars, star_keys=np.array([80, 70, 60, 50, 40, 30, 20, 10], dtype=np.uint64))
    stars.inputs[7, TEFF] = stars.errors[5, 4] = np.nan
    assert complete_stars(stars).ids.tolist() == ["3", "4", "6"]


def test_what_is_deleted_is_the_last_counterpart_of_an_intrinsic_label():
    assert input_to_delete(("TEFF", "FE_H", "G_RP_0", "RV"), COUNTERPARTS) == ["FE_H"]
    assert input_to_delete(("BP_G_0", "RV"), COUNTERPARTS) == []


def test_a_survey_that_states_no_error_of_an_input_has_no_rows_and_is_told(run: Run, capsys: pytest.CaptureFixture):
    stars = training(*stars_and_labels(50, 5), errors=[10, 0, 0, 0, np.nan])
    assert draws_rows(checked(run, identity(), stars), COUNTERPARTS) == []
    assert "no test star has all inputs and all errors" in capsys.readouterr().out
