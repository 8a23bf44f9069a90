"""The demo: from nothing to the report, and closer to the truth than raw A."""

import re
from html import unescape

import numpy as np
import pytest
from astropy.table import Table
from pyarrow.dataset import dataset as pa_dataset
from scipy.stats import wasserstein_distance

from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.tables import read_parquet, to_numpy
from tests.end_to_end.conftest import Finished


@pytest.mark.slow
def test_the_demo_ends_well_and_says_where_everything_is(demo: Finished):
    assert demo.code == 0, demo.text
    for path in ("catalogues/mock_a_on_mock_b", "catalogues/merged", "report/index.html"):
        assert str(demo.output / path) in demo.text
        assert (demo.output / path).exists()


@pytest.mark.slow
def test_translation_recovers_the_truth_better_than_raw_a(demo: Finished):
    table = Table.read(demo.output / "evaluation" / "truth.ecsv")
    mae = {(row["label"], row["method"]): row["mae"] for row in table}
    for label in ("TEFF", "LOGG", "M_H", "MG_FE", "VHELIO"):
        assert mae[label, "translated"] < mae[label, "raw"], label


@pytest.mark.slow
def test_the_translated_catalogue_has_every_column_of_the_papers_table(demo: Finished):
    columns = {column.name for column in open_catalogue(demo.output / "catalogues" / "mock_a_on_mock_b").columns}
    labels = ("TEFF", "LOGG", "M_H", "MG_FE", "VHELIO")
    table_a1 = {f"{label}_PRED_{part}" for label in labels for part in (5, 16, 50, 84, 95, "ERR")}
    for family in ("INTRINSIC", "EXTRINSIC"):
        table_a1 |= {f"FLAG_MISSING_INPUTS_{family}", f"QFLAG_INPUT_{family}", f"QFLAG_OUTPUT_{family}"}
    assert table_a1 | {"SOURCE_ID", "QFLAG_COMMENTS", "sobject_id"} <= columns


@pytest.mark.slow
def test_samples_of_mg_scatter_as_b_does_more_nearly_than_medians_and_debiased_labels(demo: Finished):
    pairs = read_parquet(demo.output / "pairs" / "mock_a_mock_b.parquet", ["STAR_KEY", "B_MG_FE", "USED_INTRINSIC"])
    columns = ["50", "SAMPLE", "DEBIASED"]
    names = ["STAR_KEY", *(f"MG_FE_PRED_{column}" for column in columns)]
    translated = open_catalogue(demo.output / "catalogues" / "mock_a_on_mock_b").read(names).to_pandas()
    both = pairs.to_pandas().query("USED_INTRINSIC").merge(translated, on="STAR_KEY")
    assert len(both) > 800
    distance = {c: wasserstein_distance(both[f"MG_FE_PRED_{c}"], both["B_MG_FE"]) for c in columns}
    assert distance["SAMPLE"] < distance["DEBIASED"]
    # Of 1,000 pairs, chance moves the distance of samples by as much as they gain on medians; widths are known better:
    # the same stars are compared, and medians are too narrow by the scatter that no input explains.
    widths = {c: both[f"MG_FE_PRED_{c}"].std() for c in columns}
    off = {c: abs(width - both["B_MG_FE"].std()) for c, width in widths.items()}
    assert off["SAMPLE"] < off["50"]
    assert off["SAMPLE"] < off["DEBIASED"]


@pytest.mark.slow
def test_stars_are_to_be_used_if_all_flags_say_so_and_comments_say_why_not(demo: Finished):
    table = open_catalogue(demo.output / "catalogues" / "mock_a_on_mock_b").read()
    flags = [name for name in table.column_names if name.startswith(("QFLAG_", "FLAG_")) and "COMMENTS" not in name]
    fine = [to_numpy(table, name) == name.startswith("Q") for name in flags]
    assert len(flags) == 8
    np.testing.assert_array_equal(to_numpy(table, "USE"), np.logical_and.reduce([to_numpy(table, "GOOD"), *fine]))
    np.testing.assert_array_equal(to_numpy(table, "USE"), to_numpy(table, "QFLAG_COMMENTS") == "")


@pytest.mark.slow
def test_a_star_without_mg_is_translated_and_flagged_and_says_so(demo: Finished):
    table = open_catalogue(demo.output / "catalogues" / "mock_a_on_mock_b").read()
    lacking = np.isnan(to_numpy(table, "MG_FE"))
    assert 0.1 < lacking.mean() < 0.2  # 14 % in the mock, as in GALAH DR3
    assert to_numpy(table, "FLAG_MISSING_INPUTS_INTRINSIC")[lacking].all()
    assert np.isfinite(to_numpy(table, "TEFF_PRED_50")[lacking]).all()
    assert not to_numpy(table, "QFLAG_INPUT_INTRINSIC")[lacking].any()
    comments = to_numpy(table, "QFLAG_COMMENTS")[lacking]
    assert all("intrinsic input missing" in comment and "MG_FE" in comment for comment in comments)


@pytest.mark.slow
def test_no_star_is_twice_in_the_merged_catalogue(demo: Finished):
    """Both mock surveys have stars of which they have two rows, and stars that the other has too."""
    merged = open_catalogue(demo.output / "catalogues" / "merged").read(["SOURCE_ID", "SURVEY"])
    gaia = merged.column("SOURCE_ID").drop_null().to_numpy()
    assert gaia.size > 0.9 * merged.num_rows
    assert np.unique(gaia).size == gaia.size


@pytest.mark.slow
def test_the_table_of_cuts_ends_with_the_stars_of_the_merged_catalogue(demo: Finished):
    survey = to_numpy(open_catalogue(demo.output / "catalogues" / "merged").read(["SURVEY"]), "SURVEY")
    cuts = Table.read(demo.output / "catalogues" / "merged" / "cuts.ecsv")
    assert (cuts["n_in"] - cuts["n_aside"] == cuts["n_left"]).all()
    for name in ("mock_a", "mock_b"):
        own = cuts[cuts["survey"] == name]
        assert (own["n_in"][1:] == own["n_left"][:-1]).all()
        assert own["n_left"][-1] == (survey == name).sum()
    assert any("the highest snr_c3_iraf is kept" in cut for cut in cuts["cut"])


@pytest.mark.slow
def test_no_stage_but_evaluate_saw_the_truth(demo: Finished):
    truth = set(read_parquet(demo.output / "truth" / "truth_a.parquet").column_names)
    assert {"population", "TEFF"} <= truth
    for name in ("mock_a", "mock_b", "mock_a_on_mock_b", "merged"):
        columns = {column.name for column in open_catalogue(demo.output / "catalogues" / name).columns}
        assert "population" not in columns


@pytest.mark.slow
def test_numbers_of_the_report_are_those_of_the_files(demo: Finished):
    """Seven numbers of the first screen and the caveats, recomputed by pyarrow and astropy alone."""
    text = re.sub(r"<[^>]+>", " ", (demo.output / "report" / "index.html").read_text(encoding="utf-8"))
    text = re.sub(r"\s+", " ", unescape(text)).replace("\N{MINUS SIGN}", "-")
    stars = pa_dataset(demo.output / "catalogues" / "mock_a_on_mock_b" / "dataset").to_table().to_pandas()
    usable, share = numbers_at(r"([\d,]+) stars of A \(([\d.]+) %\) can be used", text)
    assert usable == stars["USE"].sum()
    assert share == pytest.approx(100 * stars["USE"].mean(), abs=0.05)
    flags = [name for name in stars if name.startswith("QFLAG_") and name != "QFLAG_COMMENTS"]
    outside, share = numbers_at(r"([\d,]+) stars of A \(([\d.]+) %\) lie outside the domain", text)
    assert outside == (~stars[flags].all(axis=1)).sum()
    assert share == pytest.approx(100 * outside / len(stars), abs=0.05)
    accuracy = Table.read(demo.output / "evaluation" / "accuracy.ecsv")
    teff = {row["method"]: row for row in accuracy if row["label"] == "TEFF"}
    number = r"(-?\+?[\d.,]+) ± [\d.]+"
    (before, after) = numbers_at(rf"T eff K .*?\(difference {number}\) {number} {number} {number} {number}", text)[3:]
    assert after == pytest.approx(teff["translated"]["robust"], abs=0.6)  # kelvin, of which at most units are shown
    assert before == pytest.approx(teff["raw"]["robust"], abs=0.6)
    coverage = Table.read(demo.output / "evaluation" / "coverage.ecsv")
    (covered,) = numbers_at(rf"T eff K .*?{number} %", text)
    wanted = [
        100 * row["covered"]
        for row in coverage
        if (row["label"], row["of"], row["group"], row["interval"]) == ("TEFF", "B", "all", "calibrated error")
        and row["nominal"] == 0.68
    ]
    assert covered == pytest.approx(wanted[0], abs=0.5)


def numbers_at(pattern: str, text: str) -> tuple[float, ...]:
    """Return the numbers of the groups of a pattern that the text of a page has."""
    found = re.search(pattern, text)
    assert found, pattern
    return tuple(float(group.replace(",", "").lstrip("+")) for group in found.groups())
