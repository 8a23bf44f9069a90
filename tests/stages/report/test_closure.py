"""The closure test in the page: a section of its own with verdicts, a table and figures, where there is one."""

import re

import pytest
from matplotlib.figure import Figure

from stdask.config.run import RunConfig
from stdask.runs.receipts import Receipt, write_receipt
from stdask.runs.registry import stage_settings
from stdask.schema.closure import INSIDE_B, OUTSIDE_B, ClosureTables, MatrixRow
from stdask.stages.report import stage as report
from stdask.storage import paths
from stdask.storage.documents import write_figure, write_tables
from tests.counted import made_up_counts
from tests.stages.report.report_runs import finished_run

AGREES = MatrixRow(
    first="first",
    second="third",
    label="FE_H",
    sample=OUTSIDE_B,
    unit="dex",
    n=900,
    n_common=900,
    offset=0.004,
    offset_err=0.003,
    significance=1.33,
    scatter=0.0312,
    expected=0.03,
    excess=0.008,
    correlation=0.0,
    pull=1.04,
    pull_err=0.03,
    raw_offset=0.1,
    raw_scatter=0.05,
)


def run_of_two(folder):
    run = finished_run(folder, "Survey A")
    config = run.config.model_dump(mode="json", by_alias=True)
    config["merge"]["also"] = [{"run": "other"}]
    return run.model_copy(update={"config": RunConfig.model_validate(config)})


@pytest.fixture
def page(tmp_path, client):
    run = run_of_two(tmp_path)
    for step in ("closure", "merge", "atlas"):  # the last two depend on the other surveys too
        counts = made_up_counts(step)
        write_receipt(run.output, Receipt(step, "key", {}, stage_settings(run, step), {}, counts, seconds=1.5))
    folder = paths.closure(run.output)
    inside = MatrixRow(**{**vars(AGREES), "sample": INSIDE_B, "n": 400, "offset": 0.05, "significance": 16.7})
    few = MatrixRow(**{**vars(AGREES), "second": "fourth", "n": 4, "n_common": 4})
    none = MatrixRow(**{**vars(few), "sample": INSIDE_B, "n": 0, "n_common": 0})
    write_tables(folder, ClosureTables(matrix=[AGREES, inside, few, none]))
    figure = Figure(figsize=(6, 3))
    figure.subplots().plot([0, 1])
    write_figure(folder / "closure.png", figure)
    report.run(run, client)
    return paths.report(run.output).read_text(encoding="utf-8")


def text_of(page, section="closure"):
    (found,) = re.findall(rf'<section id="{section}".*?</section>', page, re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found))


def test_the_verdicts_are_of_the_stars_that_b_does_not_have(page):
    text = text_of(page)
    assert "Survey A and third, 900 stars that B does not have" in text
    assert "Survey A and third agree: their difference is +0.0040 ± 0.0030 dex." in text
    assert "where their errors foresee 0.030 dex" in text
    assert "differ by +0.05" not in text


def test_the_table_has_both_samples_and_names_its_file(page):
    text = text_of(page)
    assert "+0.0500 ± 0.0030" in text
    assert "stars that B has too" in text
    assert "closure/matrix.ecsv" in text
    assert page.count("Every two translated surveys on the stars that they share") >= 1  # the caption of the figure


def test_surveys_that_share_too_few_stars_get_one_sentence_and_no_empty_rows(page):
    text = text_of(page)
    assert "Too few stars to compare: Survey A and fourth, 4 stars that B does not have." in text
    assert text.count("Survey A and fourth") == 2  # there, and with its four stars in the table


def test_the_section_stands_behind_the_caveats(page):
    assert re.findall(r'<section id="(\w+)"', page)[2:5] == ["caveats", "closure", "accuracy"]


def test_a_run_of_one_survey_has_no_such_section(tmp_path, client):
    run = finished_run(tmp_path, "Survey A")
    report.run(run, client)
    assert 'id="closure"' not in paths.report(run.output).read_text(encoding="utf-8")
