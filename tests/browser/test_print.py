"""The report on paper: few pages, however many figures and rows a run has."""

import re
from pathlib import Path

import pytest
from astropy.table import Table
from PIL import Image
from playwright.sync_api import Browser

from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.schema.products import GRADIENTS
from stdask.stages.report import stage as report
from stdask.stages.report.figures import PRODUCTS
from stdask.storage import paths
from stdask.storage.documents import write_ecsv
from tests.browser.conftest import LAPTOP, open_report
from tests.stages.report.report_runs import finished_run, write_products

pytestmark = pytest.mark.browser
FILLED = {"float64": 0.5, "int64": 1}
SLOPE = {column.name: FILLED.get(column.dtype, "MERGED") for column in GRADIENTS}
SLOPE |= {"LABEL": "FE_H", "UNIT": "dex / kpc", "KIND": "radial", "SIDE": "both"}


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory, client: Workers) -> Run:
    """A run with every figure that the page knows, each of a printed page's width, and 400 slopes."""
    run = finished_run(tmp_path_factory.mktemp("print"), "Survey A")
    write_products(run)
    for name in PRODUCTS:
        image = Image.new("RGB", (709, 600), "#dddddd")  # 180 mm at 100 pixels an inch
        image.save(paths.products(run.output) / f"{name}.png", dpi=(100, 100))
    write_ecsv(paths.products(run.output) / "gradients.ecsv", Table(rows=[SLOPE] * 400))
    report.run(run, client)
    return run


def pages_of(path: Path) -> int:
    """Return how many pages a PDF of Chromium has. ISO 32000-1, 7.7.3.3: each has an object of this type."""
    return len(re.findall(rb"/Type\s*/Page(?![a-zA-Z])", path.read_bytes()))


def test_the_printed_report_has_fewer_than_15_pages(browser: Browser, long_run: Run, tmp_path: Path):
    opened = open_report(browser, paths.report(long_run.output), LAPTOP)
    opened.page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    opened.page.close()
    assert 2 < pages_of(tmp_path / "report.pdf") < 15


def test_every_figure_of_the_run_is_in_the_page(browser: Browser, long_run: Run):
    opened = open_report(browser, paths.report(long_run.output), LAPTOP)
    assert opened.page.locator("figure img").count() == len(PRODUCTS)
    opened.page.close()
    assert paths.report(long_run.output).stat().st_size < 15e6
