"""The units of expressions: against the arithmetic of astropy's quantities, and the conventions of catalogues."""

import contextlib
import itertools
import operator

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from stdask.errors import ExpressionError
from stdask.science.measurements.expressions import parse_expression, with_units
from stdask.science.measurements.units import conversion_factor

UNITS = {"pc": "pc", "kpc": "kpc", "teff": "K", "rv": "km/s", "vel": "m / s", "pm": "mas/yr", "ratio": "km/m"}
COLUMNS = {name: np.array([0.5, 2.0, 8.0]) * (number + 1) for number, name in enumerate(UNITS)}
NUMBERS = [2.0, 0.5, 3.0]
Part = tuple[str, object]  # its text, and the quantity that astropy makes of it; None where units do not fit


def in_astropy(function, *parts: object) -> object:
    """Return what a function makes of quantities, None where astropy or one of them refuses."""
    if any(part is None for part in parts):
        return None
    try:
        with np.errstate(all="ignore"):
            return function(*parts)
    except u.UnitsError:
        return None


def expressions() -> st.SearchStrategy[Part]:
    names = st.sampled_from(list(UNITS)).map(lambda name: (name, COLUMNS[name] * u.Unit(UNITS[name])))

    def grow(parts: st.SearchStrategy[Part]) -> st.SearchStrategy[Part]:
        def of_two(text: str, function) -> st.SearchStrategy[Part]:
            return st.tuples(parts, parts).map(
                lambda two: (text.format(two[0][0], two[1][0]), in_astropy(function, two[0][1], two[1][1]))
            )

        def of_one(text: str, function) -> st.SearchStrategy[Part]:
            return parts.map(lambda part: (text.format(part[0]), in_astropy(function, part[1])))

        return st.one_of(
            of_two("({} + {})", operator.add),
            of_two("({} - {})", operator.sub),
            of_two("({} * {})", operator.mul),
            of_two("({} / {})", operator.truediv),
            of_two("hypot({}, {})", np.hypot),
            of_two("min({}, {})", np.minimum),
            of_two("max({}, {})", np.maximum),
            of_one("sqrt({})", np.sqrt),
            of_one("abs({})", np.abs),
            of_one("(-{})", operator.neg),
            of_one("({} ** 2)", lambda x: x**2),
            of_one("({} ** -1)", lambda x: x**-1),
            of_one("(3 * {})", lambda x: 3 * x),
        )

    return st.recursive(names, grow, max_leaves=5)


@given(expressions())
def test_units_and_values_are_those_of_astropys_quantities(part: Part):
    text, expected = part
    expression = parse_expression(text)
    if expected is None:
        with pytest.raises(ExpressionError, match="Name columns whose units fit"):
            with_units(expression, UNITS.get)
        return
    converting, unit = with_units(expression, UNITS.get)
    if expression.is_column:
        assert unit == UNITS[text]
    with np.errstate(all="ignore"):
        wanted = expected.to_value(u.Unit(unit)) if unit else expected.to_value("")
    # roundings of up to five operations, and cancellation in sums of values that differ by less than a million
    if "/" in text or "-1" in text:  # a difference that is zero but for rounding may be divided by
        return
    scale = np.nanmax(np.abs(np.where(np.isfinite(wanted), wanted, 0)), initial=1e-300)
    assert_allclose(converting.evaluate(COLUMNS), wanted, rtol=1e-9, atol=1e-9 * scale, err_msg=text)


@given(expressions())
def test_the_unit_of_an_expression_is_one_that_definitions_can_convert(part: Part):
    with contextlib.suppress(ExpressionError):
        _, unit = with_units(parse_expression(part[0]), UNITS.get)
        assert conversion_factor((unit,), unit) == 1.0


CATALOGUE = UNITS | {
    "g": "mag", "bp": "mag", "e_g": "mmag", "logg": "log(cm.s**-2)", "fe_h": "dex", "logt": "[K]", "plain": "",
    "odd": "furlong_per_fortnight", "parallax": "mas", "percent": "%", "c": "deg_C", "flag": "", "name": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("pc", "pc"),
        ("logg", "log(cm.s**-2)"),
        ("teff + 100", "K"),
        ("100 - teff", "K"),
        ("teff + plain", "K"),
        ("plain - teff", "K"),
        ("odd + teff", "K"),
        ("plain + 3", ""),
        ("2 * teff", "K"),
        ("plain * teff", ""),
        ("teff / odd", ""),
        ("(teff > 5000) * kpc", "kpc"),
        ("kpc / pc", ""),
        ("teff ** plain", ""),
        ("teff ** 99", ""),
        ("2 ** teff", ""),
        ("log10(teff)", ""),
        ("10 ** logt", ""),
        ("exp(teff) + pc", "pc"),
        ("sqrt(plain)", ""),
        ("kpc < pc", ""),
        ("isnan(teff)", ""),
        ("substr(name, 0, 1)", ""),
        ("g - bp", "mag"),
        ("g - 5 * log10(pc) + 5", "mag"),
        ("logg - 0.1", "dex"),
        ("logg - fe_h", "dex"),
        ("0.4 * (g - bp)", "mag"),
        ("hypot(e_g, 0.01)", "mmag"),
        ("sqrt(g ** 2 + e_g ** 2)", "mag"),
        ("5040 / (0.5 + 0.4 * (bp - g))", ""),
        ("0.1 + 2 * (bp - g) + 3 * (bp - g) ** 2", ""),
        ("g * teff", ""),
        ("g + kpc / pc", "mag"),
        ("1 / parallax", "1 / mas"),
    ],
)
def test_the_unit_of_what_catalogues_need(text: str, unit: str):
    assert with_units(parse_expression(text), CATALOGUE.get)[1] == unit


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("pc + kpc", 2001.0),
        ("kpc + pc", 2.001),
        ("pc < kpc", True),
        ("kpc < pc < kpc", False),
        ("min(kpc, pc, 5)", 0.001),
        ("kpc / pc", 2000.0),
        ("percent + 1", 1.05),
        ("100 * percent", 5.0),
        ("sqrt(g ** 2 + e_g ** 2)", np.hypot(16.0, 0.003)),
        ("pc in (1, 2)", True),
        ("kpc - 1 in (1, 2)", True),
    ],
)
def test_values_of_one_kind_are_compared_in_one_unit(text: str, value: float):
    columns = {"pc": [1.0], "kpc": [2.0], "g": [16.0], "e_g": [3.0], "percent": [5.0]}
    converting, _ = with_units(parse_expression(text), CATALOGUE.get)
    result = converting.evaluate({name: np.array(values) for name, values in columns.items()})
    assert_allclose(result, [value], rtol=1e-15)


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("teff + kpc", "'teff' is in 'K'", "'kpc' in 'kpc'"),
        ("kpc < 3 * rv", "'kpc' is in 'kpc'", "'3 * rv' in 'km / s'"),
        ("max(2, teff, g)", "'teff' is in 'K'", "'g' in 'mag'"),
        ("g - fe_h", "'g' is in 'mag'", "'fe_h' in 'dex'"),
        ("hypot(logg, teff)", "'logg' is in 'dex'", "'teff' in 'K'"),
        ("c + teff", "'c' is in 'deg_C'", "'teff' in 'K'"),
        ("flag == 0 and 1 < teff < kpc", "'teff' is in 'K'", "'kpc' in 'kpc'"),
        ("`kpc` + `teff`", "'`kpc`' is in 'kpc'", "'`teff`' in 'K'"),
    ],
)
def test_units_that_do_not_fit_are_both_named(text: str, first: str, second: str):
    with pytest.raises(ExpressionError) as caught:
        with_units(parse_expression(text), CATALOGUE.get)
    assert str(caught.value) == f"The expression {text!r}: {first}, {second}. Name columns whose units fit."


def test_without_units_an_expression_stays_as_it_is():
    expression = parse_expression("plain + flag * odd")
    assert with_units(expression, CATALOGUE.get) == (expression, "")
    values = np.array([1.0, 2.0])
    assert_array_equal(expression.evaluate({"plain": values, "flag": values, "odd": values}), [2, 6])


ODD_UNITS = [
    "",
    "kpc",
    "mag",
    "mmag",
    "dex",
    "log(cm.s**-2)",
    "[K]",
    "K",
    "%",
    "deg_C",
    "dex(cm/s2)",
    "mag(AB)",
    "nope",
]


@given(
    st.text(alphabet="xyn()[]<>=!+-*/.,'\"` 0123456789eandorhypotmisqrl", max_size=60),
    st.lists(st.sampled_from(ODD_UNITS), min_size=3, max_size=3),
)
def test_any_text_has_a_unit_or_is_refused(text: str, stated: list[str]):
    units = dict(zip("xyn", stated, strict=True))
    with contextlib.suppress(ExpressionError):
        _, unit = with_units(parse_expression(text), lambda name: units.get(name, ""))
        assert unit in stated or conversion_factor((unit,), unit) == 1.0


@pytest.mark.parametrize("text", ["x + y", "x * y", "x / y", "hypot(x, y)", "x < y", "sqrt(x ** 2 + y ** 2)", "x ** y"])
def test_any_pair_of_units_has_a_unit_or_is_refused(text: str):
    refused = []
    for one, other in itertools.product(ODD_UNITS, repeat=2):
        try:
            _, unit = with_units(parse_expression(text), {"x": one, "y": other}.get)
        except ExpressionError:
            refused.append((one, other))
            continue
        assert not unit or conversion_factor((unit,), unit) == 1.0
    assert bool(refused) == (text not in ("x * y", "x / y", "x ** y"))
    assert not [pair for pair in refused if "" in pair or "nope" in pair or pair[0] == pair[1]]
