"""The page on clusters and benchmark stars: what a reader takes from the tables of evaluate and validate."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.runs.receipts import Receipt, describe_outputs, write_receipt
from stdask.schema.evaluation import EvaluationTables
from stdask.schema.known_stars import (
    EVERY,
    INDEPENDENT,
    OF_B,
    RAW,
    TRANSLATED,
    BenchmarkRow,
    BenchmarkStarRow,
    ClusterCountRow,
    ClusterLabelRow,
    ClusterTrendRow,
)
from stdask.schema.validation import ClusterRow, ValidationTables
from stdask.stages.report import stage as report
from stdask.stages.report.known_stars import (
    benchmark_table,
    cluster_table,
    left_out_table,
    star_table,
    trend_table,
)
from stdask.storage import paths
from stdask.storage.documents import write_figure, write_tables
from tests.counted import made_up_counts
from tests.stages.report.report_runs import finished_run

MINUS, DASH = "\N{MINUS SIGN}", "\N{EN DASH}"


def member(values: str, stars: str, n: int, mean: float, minus_b: float, label: str = "FE_H") -> ClusterLabelRow:
    literature = np.nan if label == "FE_H" else 0.30
    return ClusterLabelRow(
        "47 Tuc", label, "dex", stars, values, n, 12, mean, 0.01, 0.08, 0.012, 0.05, minus_b, 0.02, literature
    )


MEMBERS = [
    member(RAW, EVERY, 191, -0.72, 0.02),
    member(TRANSLATED, EVERY, 191, -0.75, -0.01),
    member(TRANSLATED, INDEPENDENT, 150, -0.76, -0.02),
    member(OF_B, EVERY, 223, -0.74, np.nan),
    member(RAW, EVERY, 180, 0.35, 0.01, "MG_FE"),
]
COUNTS = [
    ClusterCountRow("47 Tuc", "yes", 400, 200, 191, 223, 60, 41),
    ClusterCountRow("<NGC 362>", "no", 12, 5, 3, 9, 2, 1),
    ClusterCountRow("Pal 3", "no", 4, 0, 0, 2, 0, 0),
]
TRENDS = [ClusterTrendRow("47 Tuc", "FE_H", "TEFF", "1000 K", "dex", RAW, 191, 41, 0.12, 0.02)]
LEFT_OUT = [ClusterRow("47 Tuc", "FE_H", "dex", 60, -0.74, 0.04, -0.71, 0.1, 3.0, -0.75, 0.08, -0.5)]
BENCHMARK = [
    BenchmarkRow("TEFF", "K", EVERY, RAW, 12, 3, 45.0, 12.0, 40.0, 9.0, 60.0),
    BenchmarkRow("TEFF", "K", EVERY, TRANSLATED, 1, 0, 5.0, np.nan, np.nan, np.nan, 55.0),
]
STARS = [
    BenchmarkStarRow("Arcturus", "TEFF", "K", "yes", "no", 4286.0, 35.0, 4330.0, 50.0, 4291.0, 48.0, np.nan, np.nan)
]


def test_a_cluster_has_a_line_for_each_kind_of_values_and_for_the_literature():
    table = cluster_table(MEMBERS)
    assert [str(column.title) for column in table.columns[:4]] == ["Values", "[Fe/H]", "Scatter", "Minus B"]
    (lines,) = table.groups.values()
    assert [line[0] for line in lines] == [
        "A, as measured (191)",
        "A, translated (191)",
        "A, translated, without training stars (150)",
        "B (223)",
        "literature",
    ]
    assert lines[0][1:4] == (f"{MINUS}0.720 ± 0.010", "0.080 ± 0.012", "+0.020 ± 0.020")
    assert lines[0][4] == "0.350 ± 0.010"
    assert lines[1][4:] == (DASH, DASH, DASH)
    assert lines[3][3] == DASH
    assert lines[4][1:5] == (DASH, DASH, DASH, "0.3")


def test_trends_stand_under_their_label_and_axis():
    table = trend_table(TRENDS)
    ((heading, lines),) = table.groups.items()
    assert "against <i>T</i><sub>eff</sub>, per 1000 K" in heading
    assert lines == [("47 Tuc", "+0.120 ± 0.020")]


def test_a_cluster_left_out_has_its_differences_from_b_with_their_errors():
    ((_, lines),) = left_out_table(LEFT_OUT).groups.items()
    assert lines[0][:4] == ("FE_H (dex)", f"{MINUS}0.74", "+0.030 ± 0.010", f"{MINUS}0.010 ± 0.020")


def test_benchmark_stars_have_offsets_and_one_star_no_error():
    ((_, lines),) = benchmark_table(BENCHMARK).groups.items()
    assert lines == [
        ("A, as measured (12)", "+45 ± 12", "40 ± 9", "60"),
        ("A, translated (1)", "+5", DASH, "55"),
    ]
    ((_, (star,)),) = star_table(STARS).groups.items()
    assert star == ("Arcturus", "4,286 ± 35" if "," in star[1] else "4286 ± 35", *star[2:4], DASH, "yes", "no")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return finished_run(tmp_path, "Survey A")


def test_the_page_has_the_section_where_there_are_such_stars_and_escapes_names(run: Run, client: Workers):
    report.run(run, client)
    assert "Clusters and benchmark stars" not in paths.report(run.output).read_text()
    tables = EvaluationTables(
        cluster_counts=COUNTS, clusters=MEMBERS, cluster_trends=TRENDS, benchmark=BENCHMARK, benchmark_stars=STARS
    )
    write_tables(paths.evaluation(run.output), tables)
    figure = Figure(figsize=(4, 2))
    figure.subplots().plot([0, 1])
    for name in ("clusters_FE_H", "benchmark"):
        write_figure(paths.evaluation(run.output) / f"{name}.png", figure)
    paths.report(run.output).unlink()
    receipt = report.run(run, client)
    page = paths.report(run.output).read_text()
    assert '<section id="known_stars"' in page
    few = "&lt;NGC 362&gt; (3); 1 without a member in A"
    assert f"Too few members of A that can be used (their number): {few}. These clusters are not compared." in page
    assert "Networks were trained on most members that B has too" in page
    assert "<code>stdask validate --only clusters</code>" in page
    assert receipt.counts.n_figures == 2


def test_clusters_that_validate_leaves_out_later_bring_the_page_up_to_date(run: Run, client: Workers):
    report.run(run, client)
    written = write_tables(paths.validation(run.output), ValidationTables(clusters=LEFT_OUT))
    outputs = describe_outputs(run.output, written)
    write_receipt(run.output, Receipt("validate_clusters", "key", {}, {}, outputs, made_up_counts("validate_clusters")))
    report.run(run, client)
    page = paths.report(run.output).read_text()
    assert "One cluster left out in turn" in page
    assert "<code>stdask validate --only clusters</code>" not in page
