"""Interactive figures get into a page whole, and bring no markup that would end it."""

import base64
import gzip
import json
import re

import numpy as np
import pytest
from bokeh.settings import settings
from numpy.testing import assert_allclose, assert_array_equal

from stdask.figures.interactive.page import bokeh_script, frame, own_settings, pack, plain, rounded


def test_a_packed_figure_is_json_without_numbers_that_json_has_not():
    plot = frame((0, 1), (0, 2), "across", "up")
    plot.tags = [{"values": np.array([1.0, np.nan], dtype=np.float32), "alone": float("nan")}]

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    item = json.loads(gzip.decompress(base64.b64decode(pack(plot))), parse_constant=refuse)
    assert item["doc"]["roots"][0]["id"] == item["root_id"]


def test_the_script_does_not_end_its_own_element():
    # HTML Living Standard, sect. 13.1.2: what a script element must not hold
    assert not any(text in bokeh_script().lower() for text in ("</script", "<script", "<!--"))
    assert "\r" not in bokeh_script()  # a browser would change it before it is hashed


def test_settings_of_bokeh_change_neither_the_script_nor_a_figure_and_come_back(monkeypatch):
    def drawn() -> tuple[str, str]:
        with own_settings():
            content = gzip.decompress(base64.b64decode(pack(frame((0, 1), (0, 2), "across", "up")))).decode()
        # Bokeh counts the models of a process: the numbers in their ids go on.
        return bokeh_script(), re.sub(r'"p\d+"', '"p"', content)

    plain_page = drawn()
    for name in ("DEV", "SERIALIZE_INCLUDE_DEFAULTS", "PRETTY"):
        monkeypatch.setenv(f"BOKEH_{name}", "yes")
    monkeypatch.setenv("BOKEH_SIMPLE_IDS", "no")
    monkeypatch.setenv("BOKEH_RESOURCES", "cdn")
    settings.minified = False
    try:
        assert drawn() == plain_page
        assert settings.minified() is False
        assert settings.simple_ids() is False
    finally:
        del settings.minified


def test_rounding_is_finer_than_what_is_told_and_keeps_gaps():
    values = np.array([-1.23456, 0.0005, np.nan, 5012.3])
    assert_allclose(rounded(values), values, atol=0.5 / 4096)  # half a step; float32 holds 5012 to 2.4e-4
    assert_array_equal(np.isnan(rounded(values)), [False, False, True, False])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TEFF", "Teff"),
        ("LOGG", "log g"),
        ("ALPHA_FE", "[\N{GREEK SMALL LETTER ALPHA}/Fe]"),
        ("FE_H", "[Fe/H]"),
        ("C_FE", "CFE"),
    ],
)
def test_labels_are_written_without_markup(name: str, text: str):
    assert plain(name) == text
