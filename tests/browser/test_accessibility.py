"""The report breaks no rule of axe-core, on a laptop and on a phone, in light and in dark colours."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from stdask.config.run import Run
from stdask.storage import paths
from tests.browser.conftest import LAPTOP, PHONE, open_report

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_axe_finds_no_violation(browser: Browser, finished: Run, size: dict[str, int], colours: str):
    opened = open_report(browser, paths.report(finished.output), size)
    opened.page.emulate_media(color_scheme=colours)
    opened.page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    found = Axe().run(opened.page).response["violations"]
    assert [(rule["id"], node["html"]) for rule in found for node in rule["nodes"]] == []
    opened.page.close()
