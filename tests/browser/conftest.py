"""A report page from disk in a real Chromium, and every request and message that it makes there."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.stages.report import stage as report
from stdask.storage import paths
from tests.stages.report.report_runs import finished_run, write_figures, write_products

QUIET = (  # a root user in a container, no graphics card, and nothing that the browser itself asks the network for
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PATIENCE_MS = 120_000  # a busy machine is slow, and no fault of the page
PLOT_OF = "window.plotOf = box => Bokeh.index.roots.find(view => box.contains(view.el)).model"
LAPTOP = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")  # no longer: Playwright's event loop runs in this thread until it is stopped
def browser() -> Iterator[Browser]:
    """Return a Chromium; skip the test where there is none."""
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("there is no chromium on this machine: `apt-get install chromium` brings one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, client: Workers) -> Run:
    """A run with its report, interactive figures and all."""
    run = finished_run(tmp_path_factory.mktemp("report"), "Survey A")
    write_products(run)
    write_figures(run)
    report.run(run, client)
    return run


@dataclass
class Opened:
    """An open page, and what it asked for and complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Keep every request, and every message of the console that is an error or a warning."""
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None
        )


def open_report(browser: Browser, path: Path, size: dict[str, int]) -> Opened:
    """Open a page from disk and wait until its interactive figures stand."""
    opened = Opened(browser.new_page(viewport=size))
    opened.page.set_default_timeout(PATIENCE_MS)
    opened.watch()
    opened.page.add_init_script(PLOT_OF)
    opened.page.goto(path.as_uri())
    figures = opened.page.locator(".interactive")
    for number in range(figures.count()):
        figures.nth(number).and_(opened.page.locator("[data-state=ready]")).wait_for(state="attached")
    return opened


@pytest.fixture
def laptop(browser: Browser, finished: Run) -> Iterator[Opened]:
    """The report on a laptop."""
    opened = open_report(browser, paths.report(finished.output), LAPTOP)
    yield opened
    opened.page.close()


@pytest.fixture
def phone(browser: Browser, finished: Run) -> Iterator[Opened]:
    """The report on a phone."""
    opened = open_report(browser, paths.report(finished.output), PHONE)
    yield opened
    opened.page.close()
