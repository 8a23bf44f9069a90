"""What a run promises of its errors, its domain and its debiased labels, on a mock whose truth is known."""

import numpy as np
import pytest
from astropy.table import Table

from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.tables import read_parquet, to_numpy
from tests.end_to_end.conftest import Finished, stdask


def rows(demo: Finished, name: str) -> list[dict]:
    return [dict(zip(row.colnames, row, strict=True)) for row in Table.read(demo.output / f"{name}.ecsv")]


@pytest.fixture(scope="session")
def validated(demo: Finished) -> Finished:
    truth = demo.output / "truth" / "truth_a.parquet"
    checks = [word for name in ("missing", "domain", "velocities") for word in ("--only", name)]
    return stdask("validate", demo.output / "run.toml", "--truth", truth, *checks, output=demo.output)


@pytest.mark.slow
def test_calibrated_errors_cover_unseen_stars_and_the_draws_do_not(demo: Finished):
    shares = {
        (row["label"], row["interval"], row["nominal"]): (row["covered"], row["covered_err"])
        for row in rows(demo, "evaluation/coverage")
        if row["of"] == "B" and row["group"] == "all"
    }
    labels = {label for label, _, _ in shares}
    for label in labels:
        for nominal in (0.68, 0.9):
            covered, error = shares[label, "calibrated error", nominal]
            # some 200 test stars, and as large an error of what some 500 held-out stars have taught: 3 sigma of both
            assert covered == pytest.approx(nominal, abs=4 * error), (label, nominal)
    assert np.mean([shares[label, "draws", 0.68][0] for label in labels]) < 0.6


@pytest.mark.slow
def test_debiased_labels_follow_the_truth_with_a_slope_of_one(demo: Finished):
    slopes = {
        row["method"]: (row["attenuation"], row["attenuation_err"])
        for row in rows(demo, "evaluation/attenuation")
        if row["of"] == "truth" and row["label"] == "MG_FE"
    }
    slope, error = slopes["debiased"]
    # the gain is known from some 500 held-out stars, the slope from some 200 test stars: 2.5 sigma of both
    assert slope == pytest.approx(1, abs=3 * error)
    assert slopes["translated"][0] < slope
    columns = {column.name for column in open_catalogue(demo.output / "catalogues" / "mock_a_on_mock_b").columns}
    assert {"TEFF_PRED_DEBIASED", "MG_FE_PRED_DEBIASED"} <= columns


@pytest.mark.slow
def test_stars_of_the_catalogue_that_lack_mg_have_wider_errors_that_cover_the_truth(demo: Finished):
    table = open_catalogue(demo.output / "catalogues" / "mock_a_on_mock_b").read()
    good, lacking = to_numpy(table, "GOOD"), np.isnan(to_numpy(table, "MG_FE"))
    present = [np.isfinite(to_numpy(table, name)) for name in ("TEFF", "LOGG", "FE_H", "BP_G_0", "G_RP_0")]
    chosen = good & lacking & np.all(present, axis=0) & (to_numpy(table, "EBV") <= 0.3)
    sigma = to_numpy(table, "MG_FE_PRED_SIGMA")
    complete = good & ~lacking & to_numpy(table, "QFLAG_DOMAIN_INTRINSIC")
    assert np.nanmedian(sigma[chosen]) > 1.3 * np.nanmedian(sigma[complete])
    truth = read_parquet(demo.output / "truth" / "truth_a.parquet")
    known = dict(zip(to_numpy(truth, "ID_A").astype(str), to_numpy(truth, "MG_FE"), strict=True))
    true = np.array([known[name] for name in to_numpy(table, "sobject_id").astype(str)])
    inside = np.abs(to_numpy(table, "MG_FE_PRED_50") - true)[chosen] <= sigma[chosen]
    assert chosen.sum() > 200
    # 68 %, a little more as the truth has no noise of B; less where the stars in common are unlike the catalogue
    assert 0.58 < inside.mean() < 0.85


@pytest.mark.slow
def test_with_mg_deleted_drawn_inputs_widen_the_draws_and_keep_the_coverage_and_the_mean_does_neither(
    validated: Finished,
):
    assert validated.code == 0, validated.text
    found = {
        row["filled_by"]: row
        for row in rows(validated, "validation/missing")
        if row["label"] == "MG_FE" and row["of"] == "B" and row["deleted"] in ("none", "MG_FE")
    }
    assert found["drawn"]["half_width"] > 1.3 * found["complete"]["half_width"] > found["mean"]["half_width"]
    # some 200 stars: 3.3 %, and 2.1 % at 90 %; as much again for what was learnt; 2 sigma of both
    assert found["drawn"]["errors_cover_68"] == pytest.approx(0.68, abs=0.1)
    assert found["drawn"]["errors_cover_90"] == pytest.approx(0.90, abs=0.07)
    assert found["mean"]["errors_cover_68"] < 0.5


@pytest.mark.slow
def test_a_colour_off_by_a_twentieth_of_a_magnitude_is_caught_at_one_false_alarm_in_twenty(validated: Finished):
    found = [row for row in rows(validated, "validation/domain") if row["family"] == "intrinsic"]
    alarms = [row["index_catches"] for row in found if row["shifted"] == "nothing"]
    assert alarms[0] == pytest.approx(0.05, abs=0.05)  # some 200 stars: 1.5 %, and of 800 training stars 0.8 %
    colours = [row["index_catches"] for row in found if row["shifted"] in ("BP_G_0", "G_RP_0")]
    assert len(colours) == 4
    assert min(colours) > 0.9


@pytest.mark.slow
def test_velocities_scatter_no_more_than_before_and_have_no_offset_left(validated: Finished):
    found = [row for row in rows(validated, "validation/velocities") if row["method"] == "translated"]
    assert {row["of"] for row in found} == {"B", "truth"}
    for row in found:
        assert row["std_to_raw"] < 1 + 3 * row["std_to_raw_err"]
        # 3.5 sigma, one of four rows in 500; the training stars are three to one, which adds 15 % to the error
        assert abs(row["bias"]) < max(0.02, 3.5 * 1.15 * row["bias_err"])
