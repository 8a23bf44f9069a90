"""The report shows what the run folder holds, in a page that is whole, safe and usable without a network."""

import base64
import hashlib
import io
import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from matplotlib.figure import Figure
from PIL import Image

from stdask.cluster.workers import Workers
from stdask.config.run import Run, RunConfig
from stdask.display.numbers import as_toml, measured, number, symbol
from stdask.errors import CatalogueError
from stdask.runs.receipts import Receipt, accept_results, write_receipt
from stdask.runs.registry import stage_settings, stages_of
from stdask.schema.evaluation import ATLAS, CATALOGUE, GIANTS, DistributionRow, EvaluationTables, PopulationRow
from stdask.science.measurements.repeats import ErrorFactors
from stdask.stages.report import stage as report
from stdask.storage import paths
from stdask.storage.documents import write_ecsv, write_figure, write_tables
from stdask.storage.error_factors import factors_table
from tests.counted import made_up_counts
from tests.stages.report.report_runs import (
    COUNTS,
    REFUSED,
    SCORE_NAMES,
    SCORES,
    finished_run,
    write_products,
    write_table,
)

SECTIONS = [
    "summary", "maps", "caveats", "accuracy", "coverage", "domain", "importance", "appendix", "cite",
]  # fmt: skip
MINUS, DASH = "\N{MINUS SIGN}", "\N{EN DASH}"
VOID = {"meta", "link", "img", "br", "hr", "input"}  # HTML Living Standard, sect. 13.1.2
INTERACTIVE = ["map_face_on", "map_edge_on", "map_all_sky", "profile_radial", "profile_vertical"]
TITLE_A = "<script>alert('A')</script> & Survey"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run whose stages are all done, with tables, and no figure."""
    return finished_run(tmp_path, TITLE_A)


def draw(path: Path, slope: float = 1.0) -> None:
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, slope])
    write_figure(path, figure)


class Page(HTMLParser):
    """A page taken apart: elements with their attributes, and the text of each section."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, str] = {}
        self._open: list[str] = []
        self._section = ""
        self.feed(text)
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.elements.append((tag, values))
        if tag == "section":
            self._section = values["id"]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes another element"
        if tag == "section":
            self._section = ""

    def handle_data(self, data: str) -> None:
        words = [self.texts.get(self._section, ""), *data.split()]
        self.texts[self._section] = " ".join(word for word in words if word)

    def all(self, *tags: str) -> Iterator[dict[str, str]]:
        return (values for tag, values in self.elements if tag in tags)


def make(run: Run, client: Workers) -> Page:
    report.run(run, client)
    return Page(paths.report(run.output).read_text(encoding="utf-8"))


def test_every_section_is_there_and_the_navigation_leads_to_it(run: Run, client: Workers) -> None:
    page = make(run, client)
    assert [values["id"] for values in page.all("section")] == SECTIONS
    assert [values["href"] for values in page.all("a") if values["href"].startswith("#")][1 : 1 + len(SECTIONS)] == [
        f"#{name}" for name in SECTIONS
    ]  # the first link skips the navigation


def test_missing_parts_are_told_in_a_sentence(run: Run, client: Workers) -> None:
    page = make(run, client)
    assert "coverage of the errors was not measured" in page.texts["coverage"]
    assert "importance of the inputs was not computed" in page.texts["importance"]
    assert "no figure of the domain" in page.texts["domain"]
    assert "no record of the training" in page.texts["appendix"]
    assert "no maps or profiles" in page.texts["maps"]


def test_a_run_without_any_accuracy_says_so(run: Run, client: Workers) -> None:
    (paths.evaluation(run.output) / "accuracy.ecsv").unlink()
    page = make(run, client)
    assert "No label was tested" in page.texts["summary"]
    assert "No accuracy table" in page.texts["accuracy"]


def test_a_run_that_trained_nothing_names_the_ensemble_and_has_no_stage_that_trains(run: Run, client: Workers) -> None:
    train = run.config.train.model_copy(update={"ensemble": Path("galah_to_apogee.stdask")})
    run = run.model_copy(update={"config": run.config.model_copy(update={"train": train})})
    shutil.rmtree(paths.evaluation(run.output))
    for stage in ("pair", "evaluate"):
        paths.receipt(run.output, stage).unlink()
    for stage in stages_of(run)["report"].inputs:
        read = {f"input of {stage}": "5e" * 32}
        write_receipt(run.output, Receipt(stage, "key", read, stage_settings(run, stage), {}, COUNTS[stage]))
    page = make(run, client)
    assert "trained in another run (galah_to_apogee.stdask)" in page.texts["summary"]
    assert "model card says how accurate they are" in page.texts["accuracy"]
    assert "stars that both surveys measure" not in page.texts["summary"]
    assert "Evaluate" not in page.texts["appendix"]
    assert "Translate" in page.texts["appendix"]


def test_rows_in_are_rows_out_and_rows_set_aside_by_reason(run: Run, client: Workers) -> None:
    text = make(run, client).texts["appendix"]
    assert "Ingest A 1,200 1,190 no position: 10" in text
    assert "Merge 2,090 1,590 also in B: 500" in text
    assert "Train writes no rows" in text
    assert "E(B-V) <= 0.3 431" in text
    assert "partitions 250" in text


def test_the_first_screen_says_what_was_done_and_what_came_of_each_label(run: Run, client: Workers) -> None:
    write_table(
        run,
        "coverage",
        ("family", "label", "of", "group", "interval", "nominal", "covered", "covered_err", "n"),
        [("intrinsic", "TEFF", "B", "all", "calibrated error", 0.68, 0.721, 0.048, 86)],
    )
    text = make(run, client).texts["summary"]
    assert "(survey A, 1,190 stars)" in text
    assert "(survey B, 900 stars)" in text
    assert "trained on 345 of the 431 stars that both surveys measure and tested on the other 86" in text
    assert "T eff K Better than every simpler method mean absolute error 50, A as it is 70 (difference +20 ± 4)" in text
    assert "+12 ± 4 +1.0 ± 3.0 80 ± 6 60 ± 4 72 ± 5 %" in text
    assert f"[Fe/H] dex Not compared with simpler methods not in A {MINUS}0.012 ± 0.004" in text


def test_the_truth_of_a_mock_is_shown_where_it_is_known(run: Run, client: Workers) -> None:
    assert "truth" not in make(run, client).texts["accuracy"]
    write_table(run, "truth", SCORE_NAMES, [(*row[:9], row[9] / 2, *row[10:]) for row in SCORES])
    paths.receipt(run.output, "report").unlink()
    page = make(run, client)
    assert "truth of this mock is known" in page.texts["summary"]
    assert "Difference from the truth" in page.texts["accuracy"]
    assert "40 ± 6" in page.texts["accuracy"]


def test_tables_of_evaluate_are_shown_with_their_numbers(run: Run, client: Workers) -> None:
    write_table(
        run,
        "coverage",
        ("family", "label", "of", "group", "interval", "nominal", "covered", "covered_err", "n"),
        [
            ("intrinsic", "TEFF", "B", "all", "draws", 0.68, 0.612, 0.052, 86),
            ("intrinsic", "TEFF", "B", "all", "draws", 0.7, 0.55, 0.05, 86),  # of the curve: in the figure only
            ("intrinsic", "TEFF", "B", "all", "draws", 0.9, 0.884, 0.035, 86),
            ("intrinsic", "TEFF", "B", "giants, [Fe/H] < -1", "draws", 0.68, 0.5, 0.088, 31),
            ("intrinsic", "TEFF", "B", "giants, [Fe/H] < -1", "draws", 0.9, 0.8, 0.072, 31),
        ],
    )
    names = ("family", "label", "of", "method", "calibration", "calibration_err", "attenuation", "attenuation_err")
    slopes = [("B", "raw", 0.95, 0.02, 1.02, 0.03), ("truth", "new", 1.0, 0.01, 0.88, 0.04)]
    rows = [("intrinsic", "TEFF", *row, 84, 2) for row in slopes]
    write_table(run, "attenuation", (*names, "n", "n_clipped"), rows)
    names = ("family", "of", "players", "group", "label", "input", "importance", "importance_err")
    shares = [
        ("intrinsic", of, players, "[Fe/H] < -1", "TEFF", name, share, 1.2)
        for of, of_one in (("translated label", 28.4), ("correction", 41.7))
        for players, name, share in (
            ("inputs", "FE_H", of_one),
            ("colours as one", "FE_H", 55.5),
            ("colours as one", "colours", 100 - of_one),
        )
    ]
    write_table(run, "importance", names, shares)
    history = [("intrinsic", 1, n, 1e-3, 0.5, 0.6 - 0.1 * (n == 2)) for n in (1, 2, 3)]
    names = ("family", "member", "epoch", "learning_rate", "loss", "val_loss")
    write_ecsv(paths.history(run.output), Table(rows=history, names=names))
    cuts = Table(rows=[("rows of the file", 0, 1200), ("snr > 30", 200, 1000)], names=("cut", "n_failing", "n_left"))
    write_ecsv(paths.catalogue(run.output, "first") / "cuts.ecsv", cuts)
    columns = Table(rows=[("TEFF", "teff", "K", 3)], names=("column", "source", "unit_in_file", "n_missing"))
    write_ecsv(paths.catalogue(run.output, "first") / "columns.ecsv", columns)
    edge, factors = np.array([31.5]), np.array([1.31, 0.92])
    found = ErrorFactors(edge, np.array([1200, 1201]), factors, np.array([0.04, 0.03]))
    write_ecsv(paths.catalogue(run.output, "first") / paths.REPEATS, factors_table({"TEFF": found}, "snr"))
    texts = make(run, client).texts
    assert f"T eff {DASH} 31.5 1,200 1.31 ± 0.04 T eff 31.5 {DASH} 1,201 0.920 ± 0.030" in texts["appendix"]
    assert "Column Source Unit in file Missing TEFF teff K 3" in texts["appendix"]
    assert "T eff draws 61 ± 5 88.4 ± 3.5 86" in texts["coverage"]
    assert f"giants, [Fe/H] < {MINUS}1" in texts["coverage"]
    assert "T eff draws 50 ± 9 80 ± 7 31" in texts["coverage"]
    assert "not translated 0.950 ± 0.020 1.020 ± 0.030 84 (2)" in texts["accuracy"]
    assert "new 1.000 ± 0.010 0.88 ± 0.04 84 (2)" in texts["accuracy"]  # a method of any name
    assert f"translated label ([Fe/H] < {MINUS}1) T eff 28.4 ± 1.2 71.6 ± 1.2" in texts["importance"]
    assert f"correction ([Fe/H] < {MINUS}1) T eff 41.7 ± 1.2 58.3 ± 1.2" in texts["importance"]
    assert "55.5" not in texts["importance"]  # beside the colours as one stand the inputs one by one
    assert "1 2 3 0.5 0.5" in texts["appendix"]  # member, kept, of, losses
    assert "snr > 30 200 1,000" in texts["appendix"]
    assert "QFLAG_INPUT_INTRINSIC 1,071 90.0 %" in texts["domain"]


def test_the_bias_of_stars_that_b_does_not_have_is_shown_where_it_was_estimated(run: Run, client: Workers) -> None:
    assert "Stars that B does not have" not in make(run, client).texts["domain"]
    paths.receipt(run.output, "report").unlink()
    shift = PopulationRow("intrinsic", "TEFF", "K", CATALOGUE, GIANTS, 900, 86, 41.3, 1.0, 3.0, 9.0, 4.0, 8.0, 2.0)
    again = replace(shift, population=ATLAS)
    apart = DistributionRow("intrinsic", CATALOGUE, "LOGG", "dex", 86, 2.5, 2.1, 3.0, 900, 4.2, 3.9, 4.5, 1.7, 2.15)
    write_tables(paths.evaluation(run.output), EvaluationTables(population=[shift, again], distributions=[apart]))
    text = make(run, client).texts["domain"]
    assert "Stars that B does not have" in text
    numbers = "giants +1.0 ± 3.0 +9 ± 4 +8.0 ± 2.0 86 (41)"
    assert f"T eff K catalogue, {numbers}" in text
    assert f"atlas, {numbers}" not in text  # [atlas] selects no stars: it has all of the catalogue
    assert "LOGG [dex] 2.5 (2.1 to 3) 4.2 (3.9 to 4.5) 2.15" in text
    paths.receipt(run.output, "report").unlink()
    atlas = run.config.atlas.model_copy(update={"select": {"TEFF": (4000.0, 5000.0)}})
    selecting = run.model_copy(update={"config": run.config.model_copy(update={"atlas": atlas})})
    for step in ("evaluate", "atlas"):
        write_receipt(run.output, Receipt(step, "key", {}, stage_settings(selecting, step), {}, made_up_counts(step)))
    assert f"atlas, {numbers}" in make(selecting, client).texts["domain"]


def test_figures_are_inside_the_page_as_they_are_on_disk(run: Run, client: Workers) -> None:
    evaluation, products = paths.evaluation(run.output), paths.products(run.output)
    names = ("residuals_intrinsic_TEFF", "coverage_intrinsic", "domain_intrinsic", "populations_intrinsic")
    files = [products / "map_edge_on.png"]
    files += [evaluation / f"{name}.png" for name in (*names, "importance_intrinsic", "learning_intrinsic")]
    for slope, path in enumerate(files, start=1):
        draw(path, slope)
    images = list(make(run, client).all("img"))
    shown = [base64.b64decode(image["src"].removeprefix("data:image/webp;base64,")) for image in images]
    apart = [[difference(io.BytesIO(content), path) for path in files] for content in shown]
    assert np.array_equal(np.argmin(apart, axis=1), np.arange(len(files)))  # each is nearest to its own file
    assert np.diagonal(apart).max() < 1  # of 255: two ways to make an image smaller; other figures are 1.1 to 1.8 away
    assert all((image["width"], image["height"]) == ("224", "112") for image in images)  # 2 x 1 inches at 112 per inch
    assert "offset +12 ± 4, robust scatter 80 ± 6 K" in images[1]["alt"]
    assert all(len(image["alt"]) > 40 for image in images)


def test_figures_and_tables_are_numbered_in_the_order_of_the_page(run: Run, client: Workers) -> None:
    write_products(run)
    for name in ("before_after", "map_edge_on", "profile_radial", "map_edge_on_untranslated", "mine"):
        draw(paths.products(run.output) / f"{name}.png")
    for name in ("residuals_intrinsic_TEFF", "learning_intrinsic"):
        draw(paths.evaluation(run.output) / f"{name}.png")
    make(run, client)
    text = paths.report(run.output).read_text(encoding="utf-8")
    for kind, least in (("Figure", 9), ("Table", 4)):
        found = [int(number) for number in re.findall(rf"{kind} (\d+)\. ?(?:[A-Z<]|</b>)", text)]
        assert found == list(range(1, len(found) + 1))
        assert len(found) >= least
    assert text.index("Before and after") < text.index("Edge-on map") < text.index("Caveats</h2>")


def difference(shown: io.BytesIO, path: Path) -> float:
    """Mean difference of two images of one drawing, the file reduced to the size that is shown."""
    image = Image.open(shown).convert("RGB")
    whole = Image.open(path).convert("RGB").resize(image.size, Image.Resampling.BOX)
    return float(np.abs(np.asarray(image, float) - np.asarray(whole, float)).mean())


def test_notes_of_all_stages_are_told_in_full_on_the_first_page(run: Run, client: Workers) -> None:
    text = make(run, client).texts["summary"]
    assert REFUSED in text
    assert "No star has a distance" in text
    assert "2 notes" in text


def test_a_run_without_notes_says_that_all_networks_were_trained(run: Run, client: Workers) -> None:
    for step in ("train", "atlas"):
        write_receipt(run.output, Receipt(step, "key", {}, stage_settings(run, step), {}, made_up_counts(step)))
    assert "all networks were trained" in make(run, client).texts["summary"]


def test_accepted_results_of_another_version_are_a_note_and_the_versions_are_told_by_stage(
    run: Run, client: Workers
) -> None:
    path = paths.receipt(run.output, "train")
    content = json.loads(path.read_text())
    content["results"], content["versions"]["stdask"] = 0, "0.9.0"
    path.write_text(json.dumps(content))
    accept_results(run.output, "train")
    texts = make(run, client).texts
    assert "made with stdask 0.9.0, kept though results have changed: they were accepted" in texts["summary"]
    assert "0.9.0 (train)" in texts["appendix"]


def test_provenance_and_citations_are_complete(run: Run, client: Workers) -> None:
    page = make(run, client)
    assert "Seed 11" in page.texts["appendix"]
    assert page.texts["appendix"].count("5e" * 32) == len(COUNTS)
    for software in ("stdask", "numpy", "tensorflow"):
        assert software in page.texts["appendix"]
    for cited in ("A&A 690, A54", "first et al. 2021", "second et al. 2021", "stdask"):
        assert cited in page.texts["cite"]


def test_the_settings_shown_are_a_run_file_that_gives_the_same_run(run: Run) -> None:
    shown = tomllib.loads(as_toml(run.config.model_dump(mode="json", by_alias=True)))
    assert RunConfig.model_validate(shown) == run.config


def test_the_model_card_is_linked_where_it_lies(run: Run, client: Workers) -> None:
    links = [values["href"] for values in make(run, client).all("a") if values["href"].endswith("card.md")]
    assert [(paths.report(run.output).parent / link).resolve() for link in links] == [paths.card(run.output)]


def test_nothing_is_loaded_from_outside(run: Run, client: Workers) -> None:
    draw(paths.products(run.output) / "map_edge_on.png")
    page = make(run, client)
    assert not list(page.all("script", "iframe", "object", "embed"))  # nothing interactive is there: no script
    loaded = [v[name] for tag, v in page.elements for name in ("src", "href") if name in v and tag != "a"]
    assert loaded
    assert all(value.startswith("data:") for value in loaded)
    style = re.search(r"<style>(.*?)</style>", paths.report(run.output).read_text(), re.S)
    assert style
    assert not re.search(r"url\(|@import", style[1])


def test_the_page_allows_itself_no_network_and_no_scripts_but_its_own(run: Run, client: Workers) -> None:
    write_products(run)
    page = make(run, client)
    (policy,) = (v["content"] for v in page.all("meta") if v.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    text = paths.report(run.output).read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", text, re.S)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert rules["script-src"].split() == [f"'sha256-{value}'" for value in hashes]
    assert len(hashes) == 2  # Bokeh and the page's own
    assert all("src" not in values for values in page.all("script"))


def test_every_map_and_profile_is_there_to_look_at_and_as_a_static_figure(run: Run, client: Workers) -> None:
    write_products(run)
    for name in INTERACTIVE:
        draw(paths.products(run.output) / f"{name}.png")
    draw(paths.products(run.output) / "kiel_diagram.png")
    page = make(run, client)
    blocks = [v["id"] for v in page.all("div") if v.get("class") == "interactive"]
    assert blocks == [f"figure-{name}" for name in INTERACTIVE]
    assert len(list(page.all("img"))) == len(INTERACTIVE) + 1
    assert "Kiel diagram" in page.texts["maps"]
    controls = {v["name"] for v in page.all("select", "input") if "name" in v}
    assert controls == {f"{name}-{what}" for name in INTERACTIVE for what in ("stars", "values", "quantity")}
    assert paths.report(run.output).stat().st_size < 15e6


def test_an_interactive_figure_for_which_there_is_no_room_is_named_instead(
    run: Run, client: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_products(run)
    monkeypatch.setattr("stdask.stages.report.interactive.figures.MOST_BYTES", 100)
    page = make(run, client)
    assert not list(page.all("script", "select"))
    assert "An interactive figure of products/map_edge_on is too large" in page.texts["maps"]


def test_slopes_are_told_before_and_after_with_their_total_errors(run: Run, client: Workers) -> None:
    names = (
        "SAMPLE", "LABEL", "UNIT", "KIND", "SIDE", "LOW", "HIGH", "SEGMENT", "FIT_LOW", "FIT_HIGH", "N", "BREAK",
        "BREAK_TOTAL", "INNER", "INNER_ERR", "INNER_TRANSLATION", "INNER_TOTAL", "OUTER", "OUTER_ERR", "OUTER_TOTAL",
    )  # fmt: skip
    nan = float("nan")
    slope = ("FE_H", "dex/kpc", "radial", "both", 0.0, 0.25, 1, 4.0, 12.0, 812)
    rows = [
        ("MERGED", *slope, 8.5, 0.5, -0.0512, 0.0031, 0.02, 0.0061, -0.021, 0.003, 0.004),
        ("UNTRANSLATED", *slope, nan, nan, -0.071, 0.0031, 0.02, nan, -0.071, 0.003, nan),
        ("MERGED", *slope[:3], "north", *slope[4:], nan, nan, -0.99, 0.1, 0.02, 0.1, -0.99, 0.003, nan),
        ("ALONE", *slope, nan, nan, -0.98, 0.1, 0.02, 0.1, -0.98, 0.003, nan),
    ]
    write_ecsv(paths.products(run.output) / "gradients.ecsv", Table(rows=rows, names=names))
    text = make(run, client).texts["maps"]
    assert "[Fe/H] dex/kpc along R, |Z| 0 to 0.25 kpc 4 to 12" in text
    assert f"{MINUS}0.0710 ± 0.0031 {MINUS}0.051 ± 0.006 {MINUS}0.021 ± 0.004 8.5 ± 0.5 812" in text
    assert "0.99" not in text
    assert "0.98" not in text
    assert "products/gradients.ecsv" in text


def test_the_seam_is_told_before_after_and_without_the_stars_in_both(run: Run, client: Workers) -> None:
    names = ("SAMPLE", "LABEL", "UNIT", "R_LOW", "R_HIGH", "DIFFERENCE", "ERR", "N_CELLS", "N_FIRST", "N_SECOND")
    rows = [
        (sample, "FE_H", "dex", 8.0, 10.0, difference, 0.02, 14, 2160, 248)
        for sample, difference in (("UNTRANSLATED", 0.065), ("MERGED", -0.03), ("MERGED_INDEPENDENT", np.nan))
    ]
    write_ecsv(paths.products(run.output) / "seam.ecsv", Table(rows=rows, names=names))
    text = make(run, client).texts["caveats"]
    assert f"[Fe/H] dex R 8 to 10 kpc +0.065 ± 0.020 {MINUS}0.030 ± 0.020 {DASH} 2,160 and 248" in text


def test_every_two_surveys_are_told_before_and_after_with_their_figure(run: Run, client: Workers) -> None:
    names = ("FIRST", "SECOND", "LABEL", "UNIT", "BEFORE", "BEFORE_ERR", "AFTER", "AFTER_ERR")
    rows = [
        ("one", "two", "FE_H", "dex", np.nan, np.nan, 0.012, 0.004, 14, 2160, 248),
        ("one", "B", "FE_H", "dex", -0.2, 0.01, 0.0, 0.004, 9, 30, 31),
    ]
    names += ("N_CELLS", "N_FIRST", "N_SECOND")
    write_ecsv(paths.products(run.output) / "consistency.ecsv", Table(rows=rows, names=names))
    write_figure(paths.products(run.output) / "consistency.png", Figure((2, 1)))
    text = make(run, client).texts["caveats"]
    assert f"[Fe/H] dex one {MINUS} two {DASH} +0.012 ± 0.004 14 2,160 and 248" in text
    assert f"one {MINUS} B {MINUS}0.200 ± 0.010 +0.000 ± 0.004 9 30 and 31" in text
    assert "Every two surveys" in text


def test_what_a_file_says_is_text_and_never_markup(run: Run, client: Workers) -> None:
    write_products(run)
    page = make(run, client)
    text = paths.report(run.output).read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert TITLE_A in page.texts["summary"]


def test_headings_tables_and_landmarks_serve_a_screen_reader(run: Run, client: Workers) -> None:
    write_products(run)
    page = make(run, client)
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(values.get("scope") in ("col", "row", "rowgroup") for values in page.all("th"))
    assert all(len(list(page.all(tag))) == 1 for tag in ("header", "nav", "main", "footer"))
    ids = [values["id"] for _, values in page.elements if "id" in values]
    assert len(ids) == len(set(ids))
    named = {values["aria-labelledby"] for _, values in page.elements if "aria-labelledby" in values}
    assert named <= set(ids)
    assert all(values["aria-labelledby"] for values in page.all("table"))
    assert next(page.all("html"))["lang"] == "en"


def test_the_page_is_made_once_and_again_when_a_stage_tells_something_new(run: Run, client: Workers) -> None:
    first = report.run(run, client)
    made = paths.report(run.output).stat().st_mtime_ns
    assert report.run(run, client).key == first.key
    assert paths.report(run.output).stat().st_mtime_ns == made
    write_receipt(run.output, Receipt("train", "key", {}, stage_settings(run, "train"), {}, made_up_counts("train")))
    assert report.run(run, client).key != first.key


def test_a_stage_that_was_not_run_is_named(run: Run, client: Workers) -> None:
    paths.receipt(run.output, "merge").unlink()
    with pytest.raises(CatalogueError, match="merge"):
        report.run(run, client)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.827, 0.119, "0.83 ± 0.12"),  # the three examples of the Particle Data Group, sect. 5.3
        (0.827, 0.367, "0.8 ± 0.4"),
        (-61.3, 1.04, f"{MINUS}61.3 ± 1.0"),
        (5012.0, 88.0, "5012 ± 88"),
        (0.05, float("nan"), "0.05"),
        (float("nan"), 1.0, DASH),
    ],
)
def test_values_are_rounded_by_their_errors(value: float, error: float, text: str) -> None:
    assert measured(value, error) == text


def test_symbols_are_written_in_html() -> None:
    assert symbol("TEFF") == "<i>T</i><sub>eff</sub>"
    assert symbol("LOGG") == "log <i>g</i>"
    assert symbol("ALPHA_FE") == "[\N{GREEK SMALL LETTER ALPHA}/Fe]"
    assert symbol("BP_G_0") == f"(BP {MINUS} G)<sub>0</sub>"
    assert symbol("J_KS_0") == f"(J {MINUS} Ks)<sub>0</sub>"
    assert symbol("M_KS") == "<i>M</i><sub>Ks</sub>"
    assert symbol("M_MINE") == "M_MINE"
    assert symbol("<b>") == "&lt;b&gt;"


def test_numbers_are_short_and_long_lists_are_counted() -> None:
    assert [number(v) for v in (12345, 0.123456, True, None, "a")] == ["12,345", "0.1235", "True", DASH, "a"]
    assert number([1, 2]) == "1, 2"
    assert number(list(range(50))) == "50 values"
