"""In a real browser, from disk and without a network, every figure of the report can be read and worked."""

import io
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from healpy.projector import MollweideProj
from PIL import Image
from playwright.sync_api import Locator, Page
from pyarrow import compute as pc

from stdask.config.run import Run
from stdask.storage import paths
from stdask.storage.documents import read_ecsv
from stdask.storage.tables import read_parquet, to_numpy
from tests.browser.conftest import Opened

pytestmark = pytest.mark.browser
MINUS, DASH, PLUS_MINUS = "\N{MINUS SIGN}", "\N{EN DASH}", " \N{PLUS-MINUS SIGN} "
MAPS = ("map_edge_on", "map_face_on", "map_all_sky")
FIGURES = (*MAPS, "profile_radial", "profile_vertical")
WHERE = {  # sample -> stars, values of A
    "MERGED": ("both", "translated"),
    "UNTRANSLATED": ("both", "measured"),
    "A_ONLY": ("a", "translated"),
    "RAW_ONLY": ("a", "measured"),
    "ALONE": ("b", ""),
}
INSIDE = ("file:", "data:", "blob:")


def figure(page: Page, name: str) -> Locator:
    return page.locator(f"#figure-{name}")


def values(page: Page, name: str, source: str, column: str) -> list[Any]:
    """Return what a figure draws: a column of one of its sources."""
    return page.evaluate(
        """([name, source, column]) => {
             const plot = plotOf(document.querySelector(`#figure-${name}`));
             return Array.from(plot.document.get_model_by_name(source).data[column]);
           }""",
        [name, source, column],
    )


def point_at(page: Page, name: str, x: float, y: float) -> dict[str, str]:
    """Move the pointer to a place of a figure, in its own units; return what its tooltip says."""
    figure(page, name).locator(".plot").scroll_into_view_if_needed()
    place = page.evaluate(
        """([name, x, y]) => {
             const box = document.querySelector(`#figure-${name}`);
             const view = Bokeh.index.find_one(plotOf(box));
             const canvas = view.canvas.el.getBoundingClientRect();
             return [canvas.left + view.frame.x_scale.compute(x), canvas.top + view.frame.y_scale.compute(y)];
           }""",
        [name, float(x), float(y)],
    )
    page.mouse.move(place[0] - 3, place[1])
    page.mouse.move(*place)
    tooltip = page.locator(".told")
    tooltip.wait_for()
    return dict(line.split("\t") for line in tooltip.inner_text().strip().split("\n"))


def of_sample(run: Run, name: str, sample: str) -> Any:
    table = read_parquet(paths.products(run.output) / f"{name}.parquet")
    return table.filter(pc.equal(table.column("SAMPLE"), sample))


def told(value: float, places: int = 3) -> str:
    return f"{value:.{places}f}".replace("-", MINUS)


def choose(page: Page, name: str, sample: str) -> None:
    """Choose the stars of a sample, and the values of A before or after translation."""
    stars, values = WHERE[sample]
    figure(page, name).locator(f"input[value={stars}]").check()
    if values:
        figure(page, name).locator(f"input[value={values}]").check()


def test_the_page_asks_for_nothing_outside_itself_and_complains_of_nothing(laptop: Opened):
    for name in FIGURES:
        for sample in WHERE:
            choose(laptop.page, name, sample)
    assert [url for url in laptop.requests if not url.startswith(INSIDE)] == []
    assert laptop.complaints == []


def test_the_policy_of_the_page_refuses_a_request(laptop: Opened):
    refused = laptop.page.evaluate("fetch('http://127.0.0.1:9/').then(() => '', reason => reason.name)")
    assert refused == "TypeError"
    assert any("Content Security Policy" in text for text in laptop.complaints)


def assert_drawn(page: Page, name: str, expected: np.ndarray) -> None:
    drawn = np.array(values(page, name, "pixels", "value"), dtype=float)
    # float32 in steps of 1/4096; of differences of two such numbers both count
    np.testing.assert_allclose(np.sort(drawn), np.sort(expected.astype(float)), atol=1.1 / 4096)


@pytest.mark.parametrize("name", MAPS)
def test_a_map_draws_the_medians_of_the_chosen_sample(laptop: Opened, finished: Run, name: str):
    for sample in WHERE:
        choose(laptop.page, name, sample)
        assert_drawn(laptop.page, name, to_numpy(of_sample(finished, name, sample), "FE_H_ADAPTIVE"))


def test_a_map_draws_the_chosen_quantity(laptop: Opened, finished: Run):
    page = laptop.page
    figure(page, "map_edge_on").locator("select").select_option(label="[Mg/Fe]")
    assert_drawn(page, "map_edge_on", to_numpy(of_sample(finished, "map_edge_on", "MERGED"), "MG_FE_ADAPTIVE"))
    figure(page, "map_edge_on").locator("select").select_option("COUNT")
    assert set(values(page, "map_edge_on", "pixels", "value")) == {40, 50, 90}


@pytest.mark.parametrize(("name", "across", "up"), [("map_edge_on", "R_GC", "Z_GC"), ("map_face_on", "X_GC", "Y_GC")])
def test_the_pointer_on_a_pixel_shows_its_numbers_on_disk(
    laptop: Opened, finished: Run, name: str, across: str, up: str
):
    row = next(
        row
        for row in of_sample(finished, name, "MERGED").to_pylist()
        if np.isclose((row[across], row[up]), (-9.9, 0.7)).all()
    )
    assert point_at(laptop.page, name, row[across], row[up]) == {
        f"{across[0]}, {up[0]} [kpc]": f"{told(row[across], 2)}, {told(row[up], 2)}",
        "median [Fe/H]": told(row["FE_H_MEDIAN"]),
        "68 % interval of the median": f"{told(row['FE_H_P16'])} to {told(row['FE_H_P84'])}",
        "median of the cell drawn": PLUS_MINUS.join(told(row[f"FE_H_{name}"]) for name in ("ADAPTIVE", "ADAPTIVE_ERR")),
        "stars in that cell": str(row["N_FE_H_ADAPTIVE"]),
        "error of one star": told(row["FE_H_ERROR"]),
        "error from the choice of pairs": told(row["FE_H_TRANSLATION"]),
        "stars with [Fe/H]": str(row["N_FE_H"]),
        "stars of Survey B": "40",
        "stars of Survey A": "50",
    }


def quantity(page: Page, name: str, value: str) -> None:
    figure(page, name).locator("select").select_option(value)


@pytest.mark.parametrize("name", MAPS)
def test_a_map_of_the_change_is_the_difference_of_the_maps_before_and_after(laptop: Opened, finished: Run, name: str):
    place = "PIXEL" if name == "map_all_sky" else ["R_GC", "Z_GC"] if name == "map_edge_on" else ["X_GC", "Y_GC"]
    of_a = of_sample(finished, name, "A_ONLY").select(np.atleast_1d(place)).to_pylist()
    for after, before in (("MERGED", "UNTRANSLATED"), ("A_ONLY", "RAW_ONLY")):
        choose(laptop.page, name, after)
        quantity(laptop.page, name, "FE_H_CHANGE")
        table = of_sample(finished, name, after)
        change = to_numpy(table, "FE_H_ADAPTIVE") - to_numpy(of_sample(finished, name, before), "FE_H_ADAPTIVE")
        has_a = np.array([row in of_a for row in table.select(np.atleast_1d(place)).to_pylist()])
        assert_drawn(laptop.page, name, np.where(has_a, change, np.nan))  # where A has no star nothing is compared
        assert figure(laptop.page, name).get_by_label("as measured").is_disabled()
        quantity(laptop.page, name, "FE_H")


def test_zero_is_white_on_a_map_of_differences_and_grey_where_nothing_is_known(laptop: Opened):
    quantity(laptop.page, "map_edge_on", "FE_H_EXCESS")
    low, high, middle, unknown, ground = laptop.page.evaluate(
        """() => {
             const plot = plotOf(document.querySelector("#figure-map_edge_on"));
             const scale = plot.document.get_model_by_name("drawn").glyph.fill_color.transform;
             return [scale.low, scale.high, scale.palette[128], scale.nan_color, plot.background_fill_color];
           }"""
    )
    assert low == -high
    assert all(int(middle[place : place + 2], 16) > 250 for place in (1, 3, 5))
    assert unknown == ground != "#ffffff"


def test_a_sample_without_the_quantity_is_said_to_have_none(laptop: Opened):
    quantity(laptop.page, "map_edge_on", "FE_H_CHANGE")
    choose(laptop.page, "map_edge_on", "ALONE")
    assert values(laptop.page, "map_edge_on", "pixels", "value") == []
    assert "none" in figure(laptop.page, "map_edge_on").locator("output").inner_text()


def test_a_map_blinks_between_values_before_and_after_in_the_same_frame(laptop: Opened, finished: Run):
    page, name = laptop.page, "map_face_on"
    state = """name => {
      const plot = plotOf(document.querySelector(`#figure-${name}`)), scale = plot.document.get_model_by_name("drawn");
      return [plot.x_range.start, plot.x_range.end, plot.y_range.start, plot.y_range.end, plot.inner_width,
              plot.inner_height, scale.glyph.fill_color.transform.low, scale.glyph.fill_color.transform.high];
    }"""
    choose(page, name, "A_ONLY")
    before, place = page.evaluate(state, name), place_in_figure(page, name)
    button = figure(page, name).get_by_role("button", name="Blink")
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"
    figure(page, name).locator("input[value=measured]:checked").wait_for(state="attached")
    button.click()  # stops, wherever it is
    assert button.get_attribute("aria-pressed") == "false"
    figure(page, name).locator("input[value=measured]").check()
    assert_drawn(page, name, to_numpy(of_sample(finished, name, "RAW_ONLY"), "FE_H_ADAPTIVE"))
    assert page.evaluate(state, name) == before
    assert place_in_figure(page, name) == place


def place_in_figure(page: Page, name: str) -> list[float]:
    return page.evaluate(
        """name => {
             const figure = document.querySelector(`#figure-${name}`), box = figure.querySelector(".plot");
             const [outer, inner] = [figure, box].map(one => one.getBoundingClientRect());
             return [inner.x, inner.y - outer.y, inner.width, inner.height];
           }""",
        name,
    )


def test_the_pointer_on_the_sky_reads_galactic_coordinates(laptop: Opened, finished: Run):
    row = of_sample(finished, "map_all_sky", "MERGED").to_pylist()[3]
    galactic = SkyCoord(row["RA"], row["DEC"], unit="deg").galactic
    x, y = MollweideProj().ang2xy(galactic.l.deg, galactic.b.deg, lonlat=True)
    read = point_at(laptop.page, "map_all_sky", x, y)
    # the tooltip has two decimals; astropy's rotation and healpy's differ by less than 0.1 arcsec
    assert [float(text.replace(MINUS, "-")) for text in read["l, b [deg]"].split(", ")] == pytest.approx(
        [galactic.l.deg, galactic.b.deg], abs=0.006
    )
    assert read["RA, Dec [deg]"] == f"{told(row['RA'], 2)}, {told(row['DEC'], 2)}"


def test_where_a_has_no_star_nothing_is_said_of_its_translation(laptop: Opened):
    read = point_at(laptop.page, "map_edge_on", -5.1, -0.5)
    assert read["error from the choice of pairs"] == DASH
    assert read["stars of Survey A"] == "0"


def test_samples_of_a_quantity_share_their_colours(laptop: Opened):
    scale = """name => {
      const drawn = plotOf(document.querySelector(`#figure-${name}`)).document.get_model_by_name("drawn");
      return [drawn.glyph.fill_color.transform.low, drawn.glyph.fill_color.transform.high];
    }"""
    choose(laptop.page, "map_edge_on", "ALONE")
    before = laptop.page.evaluate(scale, "map_edge_on")
    choose(laptop.page, "map_edge_on", "A_ONLY")
    assert laptop.page.evaluate(scale, "map_edge_on") == before


@pytest.mark.parametrize("view", ["laptop", "phone"])
def test_a_kiloparsec_is_as_long_across_as_up(request: pytest.FixtureRequest, view: str):
    page = request.getfixturevalue(view).page
    for name in MAPS:
        scales = page.evaluate(
            """name => { const plot = plotOf(document.querySelector(`#figure-${name}`));
                 return [plot.inner_width / (plot.x_range.end - plot.x_range.start),
                         plot.inner_height / (plot.y_range.end - plot.y_range.start)] }""",
            name,
        )
        assert scales[0] == pytest.approx(scales[1], rel=0.01)  # a frame has whole pixels, some hundred of them


def canvas_of(page: Page, name: str, renderers: bool) -> np.ndarray:
    """Return the pixels of a figure on the screen, shape (height, width, 3), with or without what its frame holds."""
    box = figure(page, name).locator(".plot")
    page.evaluate(
        """([name, visible]) => {
             for (const one of plotOf(document.querySelector(`#figure-${name}`)).renderers) one.visible = visible;
           }""",
        [name, renderers],
    )
    page.wait_for_timeout(300)  # Bokeh draws in the next frames of an animation
    box.scroll_into_view_if_needed()
    page.mouse.move(0, 0)
    return np.asarray(Image.open(io.BytesIO(box.screenshot())).convert("RGB")).astype(int)


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_drawn_outside_a_frame(laptop: Opened, finished: Run, name: str):
    page = laptop.page
    if name in MAPS:
        assert to_numpy(of_sample(finished, name, "MERGED"), "NEW").any()
    # the second time the reader looks closer: most of what is drawn lies outside
    for share in (1.0, 0.3):
        inside = page.evaluate(
            """([name, share]) => {
                 const box = document.querySelector(`#figure-${name}`), plot = plotOf(box);
                 for (const range of [plot.x_range, plot.y_range]) {
                   const cut = (1 - share) / 2 * (range.end - range.start);
                   range.setv({ start: range.start + cut, end: range.end - cut });
                 }
                 const view = Bokeh.index.find_one(plot), around = box.querySelector(".plot").getBoundingClientRect();
                 const canvas = view.canvas.el.getBoundingClientRect(), frame = view.frame.bbox;
                 return [canvas.top - around.top + frame.top, canvas.top - around.top + frame.bottom,
                         canvas.left - around.left + frame.left, canvas.left - around.left + frame.right];
               }""",
            [name, share],
        )
        drawn, empty = (canvas_of(page, name, renderers) for renderers in (True, False))
        differs = (np.abs(drawn - empty) > 8).any(axis=2)  # of 255: the browser smooths the corners of the box
        rows, columns = np.nonzero(differs)
        top, bottom, left, right = inside
        assert len(rows) > 1000
        # the line of the frame itself is a pixel wide, and a browser may begin at half a pixel
        assert rows.min() >= top - 2
        assert rows.max() <= bottom + 2
        assert columns.min() >= left - 2
        assert columns.max() <= right + 2


def test_a_profile_draws_the_chosen_sample_and_label(laptop: Opened, finished: Run):
    table = read_ecsv(paths.products(finished.output) / "profile_radial.ecsv")
    figure(laptop.page, "profile_radial").get_by_label("south").check()
    for sample in WHERE:
        choose(laptop.page, "profile_radial", sample)
        expected = np.sort(np.asarray(table["FE_H_MEDIAN"][table["SAMPLE"] == sample]))
        drawn = np.sort(values(laptop.page, "profile_radial", "points", "y"))
        np.testing.assert_allclose(drawn, expected, atol=0.6 / 4096)


def test_a_profile_has_no_line_over_a_gap(laptop: Opened):
    lines = values(laptop.page, "profile_vertical", "lines", "xs")
    assert [len(line) for line in lines] == [4, 2, 4, 2]  # both rings: four windows that touch, then two
    assert len(values(laptop.page, "profile_vertical", "bands", "xs")) == 4


def test_the_pointer_on_a_bin_of_a_profile_shows_its_numbers_on_disk(laptop: Opened, finished: Run):
    table = read_ecsv(paths.products(finished.output) / "profile_vertical.ecsv")
    row = next(row for row in table if row["SAMPLE"] == "MERGED" and row["Z_CENTRE"] == 4.75 and row["R_LOW"] == 8)
    assert point_at(laptop.page, "profile_vertical", row["Z_CENTRE"], row["FE_H_MEDIAN"]) == {
        "Z [kpc]": "4.75",
        "slice": "8\N{EN DASH}10 kpc",
        "median": told(row["FE_H_MEDIAN"]),
        "1-sigma error, all sources": told(row["FE_H_TOTAL"]),
        "68 % interval by the stars alone": f"{told(row['FE_H_P16'])} to {told(row['FE_H_P84'])}",
        "stars": str(row["N_FE_H"]),
    }


def test_a_slice_that_is_put_aside_is_hidden_and_comes_back(laptop: Opened):
    page = laptop.page
    figure(page, "profile_radial").get_by_label("south").check()
    everything = len(values(page, "profile_radial", "points", "x"))
    slice_of = figure(page, "profile_radial").get_by_label("0\N{EN DASH}0.5 kpc")
    slice_of.uncheck()
    assert len(values(page, "profile_radial", "points", "x")) == everything / 2
    assert not any("0\N{EN DASH}0.5" in text for text in values(page, "profile_radial", "points", "slice"))
    figure(page, "profile_radial").get_by_label("south").uncheck()
    assert len(values(page, "profile_radial", "points", "x")) == everything / 4
    slice_of.check()
    assert len(values(page, "profile_radial", "points", "x")) == everything / 2


def test_the_keyboard_alone_reaches_and_works_the_switches(laptop: Opened, finished: Run):
    page = laptop.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    tab_until(page, "map_edge_on-stars")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    page.keyboard.press("ArrowDown")
    assert_drawn(page, "map_edge_on", to_numpy(of_sample(finished, "map_edge_on", "A_ONLY"), "FE_H_ADAPTIVE"))
    tab_until(page, "map_edge_on-values")
    page.keyboard.press("ArrowUp")
    assert_drawn(page, "map_edge_on", to_numpy(of_sample(finished, "map_edge_on", "RAW_ONLY"), "FE_H_ADAPTIVE"))
    tab_until(page, "map_edge_on-quantity")
    page.keyboard.type("[M")  # a list goes to what is typed
    assert_drawn(page, "map_edge_on", to_numpy(of_sample(finished, "map_edge_on", "RAW_ONLY"), "MG_FE_ADAPTIVE"))


def tab_until(page: Page, name: str) -> None:
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == name:
            return
    raise AssertionError(f"the tabulator key does not reach {name}")


def test_what_is_drawn_is_told_in_words(laptop: Opened):
    choose(laptop.page, "map_edge_on", "ALONE")
    plot = figure(laptop.page, "map_edge_on").locator(".plot")
    label = plot.get_attribute("aria-label")
    assert label == figure(laptop.page, "map_edge_on").locator("output").inner_text()
    assert label.startswith("[Fe/H], Survey B alone: ")
    choose(laptop.page, "map_edge_on", "RAW_ONLY")
    assert plot.get_attribute("aria-label").startswith("[Fe/H], Survey A alone, as measured: ")


def test_a_phone_has_nothing_to_scroll_sideways_but_tables(phone: Opened):
    page = phone.page
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for name in FIGURES:
        box = figure(page, name).locator(".plot").bounding_box()
        canvas = figure(page, name).locator(".plot canvas").first.bounding_box()
        assert canvas["x"] + canvas["width"] <= box["x"] + box["width"] + 1  # a pixel of rounding


def test_the_page_serves_a_screen_reader(laptop: Opened):
    page = laptop.page
    assert page.locator("img:not([alt])").count() == 0
    unnamed = "[...document.querySelectorAll('input, select')].filter(control => !control.labels.length).length"
    assert page.evaluate(unnamed) == 0
    levels = [int(tag[1]) for tag in page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => h.tagName)")]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.locator("fieldset").count() == page.locator("fieldset > legend").count()
    assert all(page.get_by_role(role).count() == 1 for role in ("banner", "main", "navigation", "contentinfo"))


def test_on_paper_static_figures_stand_where_the_interactive_ones_were(laptop: Opened):
    page = laptop.page
    static = figure(page, "map_edge_on").locator("img")
    assert not static.is_visible()
    page.emulate_media(media="print")
    for name in FIGURES:
        assert not figure(page, name).locator(".live").is_visible()
        assert figure(page, name).locator("img").bounding_box()["height"] > 20


def test_without_scripts_static_figures_are_in_view(browser: Any, finished: Run):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(paths.report(finished.output).as_uri())
    for name in FIGURES:
        assert figure(page, name).locator("img").is_visible()
        assert not figure(page, name).locator(".live").is_visible()
    context.close()


def test_the_page_is_small_enough_to_send(finished: Run):
    assert paths.report(finished.output).stat().st_size < 15e6
