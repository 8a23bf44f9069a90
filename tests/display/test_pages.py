"""Pages on a terminal: laid out, and whole at any width."""

import io

import pytest

from stdask.display import console
from stdask.display.pages import print_page
from stdask.display.terminal import Terminal

PAGE = """# A survey

- a line that is longer than the terminal is wide, with its last word

```toml
files = { main = "a_file_with_a_long_name.fits", more = "another_file.fits" }
```

| column | from a file | what it means to everybody |
|---|---|---|
| SOURCE_ID | dr3_source_id_of_gaia | an identification number |
"""


@pytest.mark.parametrize("width", [20, 30, 50, 80, 200])
def test_nothing_of_a_page_is_cut_off(width: int, monkeypatch: pytest.MonkeyPatch):
    file = io.StringIO()
    monkeypatch.setattr(console, "console", Terminal(file=file, width=width, force_terminal=True, color_system=None))
    print_page(PAGE)
    letters = set(PAGE) - set(" #-|`\n")
    printed = file.getvalue()
    assert {letter: printed.count(letter) for letter in letters if letter.isalnum()} == {
        letter: PAGE.replace("toml", "").count(letter) for letter in letters if letter.isalnum()
    }
    assert "\N{HORIZONTAL ELLIPSIS}" not in printed


def test_a_log_gets_the_page_as_it_is_written(monkeypatch: pytest.MonkeyPatch):
    file = io.StringIO()
    monkeypatch.setattr(console, "console", Terminal(file=file, width=30))
    print_page(PAGE)
    assert file.getvalue() == f"{PAGE}\n"
