"""Expressions of columns: against a row-by-row reading of the same expression, pandas, and hostile texts."""

import contextlib
import math
import operator
import pickle
import re
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from stdask.errors import ExpressionError
from stdask.science.measurements.expressions.expression import MAX_LENGTH, parse_expression

ROWS = [  # one star a row; None is missing
    {"x": 1.5, "y": 4.0, "n": 3, "good": True, "name": "GALAH"},
    {"x": None, "y": -2.0, "n": 0, "good": False, "name": "LAMOST"},
    {"x": 0.0, "y": None, "n": None, "good": True, "name": None},
    {"x": -7.25, "y": 4.0, "n": 12, "good": None, "name": "é"},
    {"x": None, "y": None, "n": None, "good": None, "name": ""},
]


def column(name: str) -> np.ndarray:
    """Return a column as `storage.tables.to_masked` gives it: NaN for floats, else a mask."""
    values = [row[name] for row in ROWS]
    if name in "xy":
        return np.array([math.nan if v is None else v for v in values])
    blank = {"n": 0, "good": False, "name": ""}[name]
    filled = np.array([blank if v is None else v for v in values], dtype=object if name == "name" else None)
    return np.ma.masked_array(filled, mask=[v is None for v in values])


COLUMNS = {name: column(name) for name in ROWS[0]}
Part = tuple[str, Callable[[dict], float | bool | None]]  # its text, and its value in one row, None for missing


def known(function: Callable, *parts: Callable) -> Callable[[dict], float | bool | None]:
    """Return a function of a row: missing if a part is, or if the result is no number."""

    def value(row: dict) -> float | bool | None:
        values = [part(row) for part in parts]
        if None in values:
            return None
        try:
            result = function(*values)
        except (ZeroDivisionError, OverflowError, ValueError):
            return None
        return None if isinstance(result, complex) or math.isnan(result) else result

    return value


def three_and(a: bool | None, b: bool | None) -> bool | None:
    return False if a is False or b is False else None if a is None or b is None else True


def three_or(a: bool | None, b: bool | None) -> bool | None:
    return True if a is True or b is True else None if a is None or b is None else False


def names_a_column(text: str) -> bool:
    return re.search(rf"\b({'|'.join(ROWS[0])})\b", text) is not None


def number_parts() -> st.SearchStrategy[Part]:
    names = st.sampled_from(["x", "y", "n"]).map(lambda name: (name, lambda row: row[name]))
    constants = st.integers(-8, 8).map(lambda k: (f"{k / 4}", lambda _: k / 4))
    leaf = names | constants

    def grow(parts: st.SearchStrategy[Part]) -> st.SearchStrategy[Part]:
        def binary(symbol: str, function: Callable) -> st.SearchStrategy[Part]:
            return st.tuples(parts, parts).map(
                lambda two: (f"({two[0][0]} {symbol} {two[1][0]})", known(function, two[0][1], two[1][1]))
            )

        def call(name: str, function: Callable, n: int) -> st.SearchStrategy[Part]:
            return st.tuples(*[parts] * n).map(
                lambda own: (f"{name}({', '.join(p[0] for p in own)})", known(function, *(p[1] for p in own)))
            )

        return st.one_of(
            binary("+", operator.add),
            binary("-", operator.sub),
            binary("*", operator.mul),
            parts.map(lambda p: (f"-{p[0]}", known(operator.neg, p[1]))),
            call("abs", abs, 1),
            call("hypot", math.hypot, 2),
            call("min", min, 3),
            call("max", max, 2),
        )

    return st.recursive(leaf, grow, max_leaves=6)


def condition_parts() -> st.SearchStrategy[Part]:
    numbers = number_parts()
    symbols = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
    symbols |= {"==": operator.eq, "!=": operator.ne}

    def chain(drawn: tuple) -> Part:
        (a, b, c), (first, second) = drawn
        one, two = known(symbols[first], a[1], b[1]), known(symbols[second], b[1], c[1])
        return f"{a[0]} {first} {b[0]} {second} {c[0]}", lambda row: three_and(one(row), two(row))

    compared = st.tuples(numbers, st.sampled_from(list(symbols)), numbers).map(
        lambda t: (f"{t[0][0]} {t[1]} {t[2][0]}", known(symbols[t[1]], t[0][1], t[2][1]))
    )
    chained = st.tuples(st.tuples(numbers, numbers, numbers), st.tuples(*[st.sampled_from(list(symbols))] * 2))
    listed = st.tuples(st.booleans(), st.lists(st.sampled_from(["GALAH", "é", ""]), min_size=1, max_size=3)).map(
        lambda t: (
            f"name {'not in' if t[0] else 'in'} {tuple(t[1])}",
            lambda row: None if row["name"] is None else (row["name"] in t[1]) != t[0],
        )
    )
    missing = numbers.map(lambda p: (f"isnan({p[0]})", lambda row: p[1](row) is None))
    leaf = st.one_of(compared, chained.map(chain), listed, missing, st.just(("good", lambda row: row["good"])))

    def grow(parts: st.SearchStrategy[Part]) -> st.SearchStrategy[Part]:
        two = st.tuples(parts, parts)
        return st.one_of(
            parts.map(lambda p: (f"(not ({p[0]}))", lambda row: None if p[1](row) is None else not p[1](row))),
            two.map(lambda t: (f"({t[0][0]} and {t[1][0]})", lambda row: three_and(t[0][1](row), t[1][1](row)))),
            two.map(lambda t: (f"({t[0][0]} or {t[1][0]})", lambda row: three_or(t[0][1](row), t[1][1](row)))),
        )

    return st.recursive(leaf, grow, max_leaves=8)


@given(condition_parts())
def test_conditions_are_those_of_three_valued_logic_row_by_row(part: Part):
    text, value = part
    if len(text) > MAX_LENGTH or not names_a_column(text):
        return
    assert parse_expression(text).evaluate(COLUMNS).tolist() == [value(row) is True for row in ROWS], text


@given(number_parts())
def test_numbers_are_those_of_python_row_by_row(part: Part):
    text, value = part
    if not names_a_column(text):
        return
    expected = [math.nan if (v := value(row)) is None else v for row in ROWS]
    result = np.ma.filled(np.ma.asarray(parse_expression(text).evaluate(COLUMNS), dtype=float), math.nan)
    # math.hypot and numpy's may differ in the last bits
    np.testing.assert_allclose(result, expected, rtol=1e-14, atol=1e-14, err_msg=text)


@pytest.mark.parametrize(
    "text",
    [
        "GOOD and (TEFF - 4500) / 2 ** 3 > LOGG * 10",
        "not GOOD or -0.5 < FE_H <= 0.1",
        "SURVEY in ['A', 'B'] and TEFF != 4500",
        "sqrt(TEFF) > 67 and log10(TEFF) < 3.7 and exp(FE_H) > 1",
    ],
)
def test_a_table_without_missing_values_as_pandas_selects_it(text: str):
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "GOOD": rng.random(500) < 0.5,
            "TEFF": rng.normal(4700, 400, 500),
            "LOGG": rng.normal(2.5, 1, 500),
            "FE_H": rng.normal(0, 0.3, 500),
            "SURVEY": rng.choice(["A", "B", "C"], 500),
        }
    )
    passing = parse_expression(text).passes({name: table[name].to_numpy() for name in table})
    assert 0 < passing.sum() < 500
    assert_array_equal(passing, table.eval(text, engine="python").to_numpy())


@given(st.lists(st.text(alphabet="abc é9 ", max_size=8)), st.integers(0, 9), st.integers(0, 9))
def test_part_of_a_text_is_the_slice_of_python(texts: list[str], start: int, length: int):
    column = np.array(texts, dtype=object)
    expected = [text[start : start + length].strip() or None for text in texts]
    result = parse_expression(f"substr(x, {start}, {length})").compute({"x": column})
    assert [None if missing else str(text) for text, missing in zip(result.data, result.mask, strict=True)] == expected
    chosen = parse_expression(f"substr(x, {start}, {length}) in ('a', 'é9')").evaluate({"x": column})
    assert chosen.tolist() == [text in ("a", "é9") for text in expected]


def test_columns_of_tables_and_elements_have_their_names():
    expression = parse_expression(
        "sqrt(SPTAB.COVAR[ 0, 1 ]) > gaia.`[Fe/H]` and `a b`.x[3] < `a b`[0] and FPARAM[3] > 0"
    )
    assert expression.columns == ("SPTAB.COVAR[0,1]", "gaia.[Fe/H]", "a b.x[3]", "a b[0]", "FPARAM[3]")
    columns = dict.fromkeys(expression.columns, np.array([4.0])) | {"gaia.[Fe/H]": np.array([1.0])}
    columns |= {"a b.x[3]": np.array([3.0])}
    assert expression.evaluate(columns).tolist() == [True]
    assert pickle.loads(pickle.dumps(expression)).evaluate(columns).tolist() == [True]
    assert parse_expression(" ( a.b[ 1 ] ) ").is_column


def test_columns_are_listed_in_the_order_of_the_text():
    expression = parse_expression(" y > 3 and\n x < y and `[Fe/H]` > min(x, `and`, 2)")
    assert expression.columns == ("y", "x", "[Fe/H]", "and")


def test_names_in_backquotes_are_columns():
    columns = {"[Fe/H] é": np.array([1.0, 2.0]), "x": np.array([1.0, 3.0]), "é": np.array([5.0, 5.0])}
    expression = parse_expression("é > 4 and `[Fe/H] é` == 2 and `x` == 3")
    assert expression.evaluate(columns).tolist() == [False, True]
    with pytest.raises(ExpressionError, match=r"'x \+ \"a\"'|'\"a\"' is text"):
        parse_expression('`[Fe/H] é` > x + "a"').evaluate(columns)  # quoted from the right place


def test_ids_of_64_bits_are_compared_exactly():
    ids = np.array([2**62, 2**62 + 1, 2**63 - 1, -(2**63)])
    keys = np.array([2**64 - 1, 2**64 - 2, 0, 5], dtype=np.uint64)
    for text, expected in {
        f"ids == {2**62 + 1}": [False, True, False, False],
        f"ids in ({2**63 - 1}, -{2**63})": [False, False, True, True],
        f"ids > {2**62}": [False, True, True, False],
        f"keys == {2**64 - 1}": [True, False, False, False],
        "keys > -1": [True, True, True, True],
        "ids < keys": [True, True, False, True],
    }.items():
        assert parse_expression(text).evaluate({"ids": ids, "keys": keys}).tolist() == expected, text


def test_a_number_takes_the_precision_of_its_column_as_in_cuts():
    assert parse_expression("x == 0.1").evaluate({"x": np.float32([0.1, 0.2])}).tolist() == [True, False]


def test_infinity_is_known_and_not_finite():
    x = {"x": np.array([0.0, 1.0, np.nan, -1.0])}
    assert_array_equal(parse_expression("1 / x").evaluate(x), [np.inf, 1, np.nan, -1])
    assert parse_expression("isfinite(1 / x)").evaluate(x).tolist() == [False, True, False, True]
    assert parse_expression("isnan(sqrt(x))").evaluate(x).tolist() == [False, False, True, True]
    assert parse_expression("9 ** 9 ** 9 > x").evaluate(x).tolist() == [True, True, False, True]
    assert_array_equal(parse_expression("x ** 0").evaluate(x), [1, 1, np.nan, 1])


def test_a_column_alone_is_returned_as_it_is_and_a_condition_without_its_mask():
    assert parse_expression("n").evaluate(COLUMNS) is COLUMNS["n"]
    assert parse_expression("good").evaluate(COLUMNS).tolist() == [True, False, True, False, False]
    assert parse_expression("not good").evaluate(COLUMNS).tolist() == [False, True, False, False, False]


def test_no_rows_give_no_rows():
    assert parse_expression("x > 3 and name == 'a'").evaluate({n: c[:0] for n, c in COLUMNS.items()}).size == 0


def test_an_expression_travels_to_a_worker():
    expression = parse_expression("`x` > 0 and name in ('GALAH', 'é')")
    again = pickle.loads(pickle.dumps(expression))
    assert again == expression
    assert_array_equal(again.evaluate(COLUMNS), expression.evaluate(COLUMNS))


WRONG = {
    "": "cannot be read at its end",
    "x >": "'x >' cannot be read at its end",
    "x = 3": r"cannot be read at '= 3', character 3\. Write '=='",
    "(x > 3": r"cannot be read at '\(x > 3'",
    "x > 3; y": "cannot be read at '; y'",
    "3 > 2": "names no column",
    "x & y": r"'x & y' is not possible\. Write 'and'",
    "x > 1 | y > 1": r"'1 \| y' is not possible\. Write 'or'",
    "~(x > 1)": "Write 'not'",
    "x ^ 2 > 1": r"'\*\*'",
    "x is None": r"Write isnan",
    "x.y > 3": r"there is no column 'x\.y'",
    "x[0] > 3": r"there is no column 'x\[0\]'",
    "x[y] > 3": r"'x\[y\]' is not possible. Elements of a column are numbered from 0",
    "x[-1] > 3": "Elements of a column are numbered",
    "x[0:2] > 3": "Elements of a column are numbered",
    "x[()] > 3": "Elements of a column are numbered",
    "x[True] > 3": "Elements of a column are numbered",
    "x[0][1] > 3": "Elements of a column are numbered",
    "abs(x).real > 3": "'abs\\(x\\).real' is not possible. Names with other characters",
    "substr(name, x, 1) == 'a'": "Write substr\\(text, start, length\\)",
    "substr(name, -1, 1) == 'a'": "Write substr",
    "substr(name, 1) == 'a'": "Write substr",
    "substr(x, 0, 1) == 'a'": "'x' is a number, and substr takes text",
    "x in name": r"'name' is not possible. After 'in' stand values in brackets",
    "x in ()": "After 'in'",
    "x in (1, y)": "After 'in'",
    "floor(x) > 1": r"'floor\(x\)' is not possible. Expressions have .*hypot",
    "__import__('os')": "is not possible",
    "(lambda: x)()": "is not possible",
    "[x for x in (1, 2)]": "is not possible",
    "f'{x}' == 'a'": "is not possible",
    "(x := 3) > 2": "is not possible",
    "x if good else y": "is not possible",
    "x == None": "'None' is not possible",
    "x > 2j": "'2j' is not possible",
    "hypot(x) > 1": r"'hypot\(x\)' is not possible. hypot takes 2 arguments",
    "sqrt(x, y) > 1": "sqrt takes 1 argument\\.",
    "max(x) > 1": "max takes 2 to 20 arguments",
    "min(*x) > 1": "min takes 2 to 20|is not possible",
    "max(x, y, key=x)": "is not possible",
    f"x > {10**30}": "Numbers that large need a decimal point",
    "x > 3 # all": "the # at character 7 has no meaning",
    "name == 'a": "the ' at character 9 has no second one",
    "`x > 3": "the ` at character 1 has no second one",
    "`` > 3": "hold no name",
    r"name == 'a\n'": "backslash",
    "x\0 > 3": "cannot be read",
    "x > \ud800": "cannot be read",
    "name > 3": "'name > 3' compares text with a number. Give a value of the same kind",
    "3 in x": "After 'in'",
    "x in ('a', 1)": "compares a number with text",
    "good == 'a'": "compares a condition with text",
    "name + 1 > 2": "'name' is text. Numbers are computed from numbers alone",
    "-name > 2": "'name' is text",
    "x and good": "'x' is a number, and 'and', 'or' and 'not' need conditions",
    "not name": "'name' is text, and",
    "goood": r"there is no column 'goood'\. Did you mean 'good'\?",
    "X > 3": "Did you mean 'x'",
    "zzz > 3": r"there is no column 'zzz'\. There are x, y, n, good, name",
}


@pytest.mark.parametrize(("text", "message"), WRONG.items())
def test_what_is_wrong_is_named(text: str, message: str):
    with pytest.raises(ExpressionError, match=message) as caught:
        parse_expression(text).evaluate(COLUMNS)
    assert "\n" not in str(caught.value)
    assert "expression" in str(caught.value)


def test_the_nearest_names_are_suggested():
    names = ["QFLAG_INPUT_INTRINSIC", "QFLAG_INPUT_EXTRINSIC", "GOOD", "TEFF"]
    with pytest.raises(ExpressionError, match=r"Did you mean 'QFLAG_INPUT_INTRINSIC' or 'QFLAG_INPUT_EXTRINSIC'\?"):
        parse_expression("GOOD and QFLAG_INPUT").require(names)


def test_a_number_is_no_condition():
    for text in ("x", "x + 1", "name"):
        with pytest.raises(ExpressionError, match="is no condition"):
            parse_expression(text).passes(COLUMNS)


HOSTILE = {
    "brackets": "(" * 990 + "x" + ")" * 990,
    "minus": "-" * 1990 + "x",
    "not": "not " * 490 + "x",
    "sums": "x+" * 900 + "x",
    "powers": "9**" * 600 + "x",
    "chains in chains": "x<(" * 150 + "x" + "<x)<x" * 150,
    "calls": "abs(" * 300 + "x" + ")" * 300,
    "lists": "[" * 1990,
    "formats": "f'{" * 300,
    "digits": "9" * 1990 + "<x",
    "long": "x" * 3_000_000,
    "ternary": "x if x else " * 150 + "x",
    "lambda": "lambda:" * 280 + "x",
    "subscripts": "x[" * 900,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_refused_at_once(text: str):
    start = time.perf_counter()
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert len(str(caught.value)) < 600
    assert time.perf_counter() - start < 2  # it takes 10 ms; a machine can be busy


def test_long_lists_of_conditions_are_fine():
    many = " or ".join(f"n == {k}" for k in range(150))
    assert parse_expression(many).evaluate(COLUMNS).tolist() == [True, True, False, True, False]
    inside = "(" * 40 + "x > 0" + ")" * 40  # brackets alone are no operations
    assert parse_expression(inside).evaluate(COLUMNS).tolist() == [True, False, False, False, False]


@given(st.text(alphabet="xyn()[]{}<>=!+-*/%&|~^.,:;'\"`\\# 0123456789eEjandotrifl\té\0", max_size=80))
def test_any_text_is_read_or_refused(text: str):
    with contextlib.suppress(ExpressionError):
        assert len(parse_expression(text).evaluate(COLUMNS)) == len(ROWS)
