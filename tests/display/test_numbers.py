"""Numbers as the Particle Data Group writes them, and settings as TOML that Python's own reader understands."""

import tomllib

import pytest

from stdask.display.numbers import DASH, MINUS, as_toml, count, measured, number


@pytest.mark.parametrize(
    ("error", "text"),
    [
        # PDG, Review of Particle Physics, sect. 5.3: of the first three figures of an error, 100 to 354 are rounded to
        # two, 355 to 949 to one, and 950 to 999 to 1000, of which two are kept.
        (0.1001, "0.83 ± 0.10"),
        (0.354, "0.83 ± 0.35"),
        (0.356, "0.8 ± 0.4"),
        (0.949, "0.8 ± 0.9"),
        (0.951, "0.8 ± 1.0"),
        (3.54, "0.8 ± 3.5"),
        (3.56, "1 ± 4"),
    ],
)
def test_an_error_keeps_two_figures_up_to_354_and_one_above(error: float, text: str):
    assert measured(0.827, error) == text


@pytest.mark.parametrize("error", [0.0, -1.0, float("inf"), None])
def test_a_value_whose_error_says_nothing_stands_alone(error: float | None):
    assert measured(0.12345, error) == "0.123"


def test_a_difference_has_its_sign_and_a_minus_is_no_hyphen():
    assert measured(12.34, 2.0, signed=True) == "+12.3 ± 2.0"
    assert measured(-12.34, 2.0, signed=True) == f"{MINUS}12.3 ± 2.0"
    assert number(-0.5) == f"{MINUS}0.5"
    assert number("mid-plane") == "mid-plane"


def test_large_numbers_are_written_out_with_their_thousands_set_apart():
    assert [number(123456.7), number(123456), count(588571)] == ["123,457", "123,456", "588,571"]
    assert number([1.5, float("nan")]) == f"1.5, {DASH}"


def test_settings_come_back_from_python_s_reader_of_toml():
    settings = {
        "seed": 7,
        "output": 'a "quoted" folder\\of Windows',
        "flag": True,
        "edges": [0.0, 1e-05, 2.5],
        "train": {"labels": [{"label": "TEFF", "from": "TEFF"}], "name with blanks": "é", "empty": {}},
    }
    assert tomllib.loads(as_toml(settings)) == settings


def test_what_is_not_set_is_left_out_of_the_toml():
    assert tomllib.loads(as_toml({"a": None, "t": {"b": None, "c": {"d": None, "e": 1}}})) == {"t": {"c": {"e": 1}}}
