"""Templates: numbers are written as everywhere, what files say is never markup, and no name is empty by mistake."""

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from stdask.display.templates import render

TITLE = "<b>a & b</b>"


def rendered(folder: Path, name: str, text: str, **content: object) -> str:
    (folder / name).write_text(text)
    return render(folder / name, content, {"shout": str.upper})


def test_texts_are_escaped_in_html_and_stay_as_they_are_in_markdown(tmp_path: Path):
    assert rendered(tmp_path, "a.html", "{{ title }}", title=TITLE) == "&lt;b&gt;a &amp; b&lt;/b&gt;"
    assert rendered(tmp_path, "a.md", "{{ title }}", title=TITLE) == TITLE


def test_numbers_and_labels_are_written_by_filters_and_more_can_be_added(tmp_path: Path):
    text = "{{ 12345|count }} {{ 1.234|measured(0.5) }} {{ 'TEFF'|symbol }} {{ 'raw'|method }} {{ 'a'|shout }}"
    expected = "12,345 1.2 ± 0.5 <i>T</i><sub>eff</sub> not translated A"
    assert rendered(tmp_path, "a.html", text) == expected


def test_a_name_that_is_missing_is_an_error(tmp_path: Path):
    with pytest.raises(UndefinedError, match="titel"):
        rendered(tmp_path, "a.html", "{{ titel }}", title=TITLE)
