"""Printed tables: readable at 80 columns, with numbers as in the report."""

import io
from collections.abc import Callable

import pytest

from stdask.display import console
from stdask.display.tables import print_scores, print_table
from stdask.display.terminal import Terminal

Printed = Callable[[], list[str]]


@pytest.fixture(params=[True, False], ids=["terminal", "batch log"])
def lines(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Printed:
    """What stands on the screen, or in the log, of 80 columns."""
    file = io.StringIO()
    own = Terminal(file=file, width=80, force_terminal=request.param, color_system=None)
    monkeypatch.setattr(console, "console", own)
    return lambda: [line.rstrip() for line in file.getvalue().splitlines()]


def test_values_are_rounded_to_their_errors(lines: Printed):
    print_table("slopes", [{"label": "TEFF", "slope": 21.34, "slope_err": 20.1, "stars": 12345, "ratio": 123456.7}])
    assert lines()[0] == "slopes"
    assert lines()[1].split() == ["label", "slope", "stars", "ratio"]
    assert lines()[3].split() == ["TEFF", "21", "±", "20", "12,345", "123,457"]


def test_a_table_that_is_too_wide_is_printed_in_parts_that_keep_every_figure(lines: Printed):
    rows = [{"label": f"L{n}"} | {f"a_rather_long_name_{i}": 10_000.0 * n + i for i in range(40)} for n in (1, 2)]
    print_table("", rows)
    assert max(map(len, lines())) <= 80
    for n in (1, 2):
        own = " ".join(line for line in lines() if line.startswith(f"L{n}"))
        assert all(f"{n}0,0{i:02}" in own for i in range(40))


def test_long_texts_are_folded_and_numbers_beside_them_are_not(lines: Printed):
    print_table("", [{"cut": "word " * 40, "rows left": 588_571, "of [all]": None}])
    assert max(map(len, lines())) <= 80
    assert " ".join(lines()).count("word") == 40
    assert any("588,571" in line for line in lines())
    assert "[all]" in lines()[1]


def test_sections_are_set_apart(lines: Printed):
    print_table("", [{"survey": name, "n": 1} for name in "aab"], "survey")
    assert [line[:1] for line in lines()[2:]] == ["a", "a", "", "b", ""]


def test_accuracy_begins_with_the_translation_and_the_mean_absolute_error(lines: Printed):
    rows = [
        {"label": "TEFF", "unit": "K", "method": method, "n": 1234, "mae": mae, "mae_err": 1.234, "bias": -3.21}
        | {"bias_err": 1.5, "robust": 61.21, "robust_err": 0.12}
        for method, mae in (("raw", 71.23), ("ridge2", 55.55), ("translated", 52.10))
    ]
    print_scores("Test stars", rows)
    said = [line.split("  ") for line in lines()]
    assert said[0] == ["Test stars"]
    assert said[1][0] == "TEFF (K), 1,234 stars"
    assert lines()[1].split()[-4:] == ["MAE", "robust", "sigma", "bias"]
    assert [line[0] for line in said[3:6]] == ["translated", "not translated", "ridge regression, quadratic"]
    assert "52.1 ± 1.2" in lines()[3]
    assert "61.21 ± 0.12" in lines()[3]
    assert "−3.2 ± 1.5" in lines()[3]  # noqa: RUF001 - a minus sign


WIDE = {"label": "MG_FE", "of": "a_name_that_nobody_can_fold.parquet and some words", "n": 12_345_678} | {
    f"value {n}": -9.312e-05 * 10.0**-n for n in range(5)
}


@pytest.mark.parametrize("width", [20, 21, 30, 45, 60, 79, 80, 120, 200])
def test_no_number_and_no_name_is_cut_at_any_width(width: int, monkeypatch: pytest.MonkeyPatch):
    file = io.StringIO()
    monkeypatch.setattr(console, "console", Terminal(file=file, width=width, color_system=None))
    print_table("draws: a/path/of/a/table/that/is/long.ecsv", [WIDE], "label")
    print_scores("Test stars", [SCORES | {"bias": -9.312e-05, "bias_err": 2e-6}])
    words = file.getvalue().split()
    numbers = [f"\N{MINUS SIGN}9.312e\N{MINUS SIGN}{n:02}" for n in range(5, 10)]
    for whole in (*numbers, "a/path/of/a/table/that/is/long.ecsv", "\N{MINUS SIGN}0.0000931", "12,345,678"):
        assert whole in words
    assert words.count("a_name_that_nobody_can_fold.parquet") == words.count("MG_FE")  # in every part
    assert "\N{HORIZONTAL ELLIPSIS}" not in file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 200])
def test_lines_are_as_wide_as_the_terminal_at_most_where_their_columns_have_a_place(width: int, monkeypatch):
    file = io.StringIO()
    monkeypatch.setattr(console, "console", Terminal(file=file, width=width, color_system=None))
    print_scores("Test stars compared with B, " * 5, [SCORES])
    assert max(map(len, file.getvalue().splitlines())) <= width


SCORES = {"label": "TEFF", "unit": "K", "method": "translated", "n": 1234, "mae": 52.1, "mae_err": 1.2} | {
    "bias": -3.21,
    "bias_err": 1.5,
    "robust": 61.21,
    "robust_err": 0.12,
}


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_table_says_the_same_where_the_encoding_has_no_minus(encoding: str, monkeypatch: pytest.MonkeyPatch):
    log = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    monkeypatch.setattr(console, "console", Terminal(file=log, width=80))
    print_scores("Test stars", [SCORES])
    text = log.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    sign = "+-" if encoding == "ascii" else "\N{PLUS-MINUS SIGN}"
    assert f"-3.2 {sign} 1.5" in text
    lines = [line for line in text.splitlines() if line]
    assert {len(line) for line in lines[1:]} == {len(lines[1])}  # the columns stand below one another
    assert "---" in lines[2]
