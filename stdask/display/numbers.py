"""How numbers, quantities and files are written in the report and in printed tables."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from stdask import schema

METHODS = {  # Methods of the accuracy tables, in the order of the report.
    "raw": "not translated",
    "offset": "constant offset",
    "ridge1": "ridge regression, linear",
    "ridge2": "ridge regression, quadratic",
    "ridge3": "ridge regression, cubic",
    "trees": "gradient-boosted trees",
    "gp": "Gaussian process",
    "translated": "translated",
    "debiased": "translated, debiased",
    "B itself": "B itself",
}
LONGEST_LIST = 12
MINUS, DASH, ALPHA = "\N{MINUS SIGN}", "\N{EN DASH}", "\N{GREEK SMALL LETTER ALPHA}"


def symbol(label: str) -> Markup:
    """Return how a label or an input is written in HTML, from its Matplotlib notation."""
    own = schema.derived_quantity(label)
    if own and all(band in schema.BANDS for band in own.bands):
        bands = [schema.BANDS[band].symbol for band in own.bands]
        form = "({})<sub>0</sub>" if own.is_colour else "<i>M</i><sub>{}</sub>"
        return Markup(form).format(f" {MINUS} ".join(bands))
    text = str(escape(schema.quantity(label).symbol)).replace(r"\alpha", ALPHA)
    text = re.sub(r"\$([A-Z])_\{\\rm (\w+)\}\$", r"<i>\1</i><sub>\2</sub>", text)
    return Markup(text.replace(r"$\log g$", "log <i>g</i>").replace("$", ""))


def count(value: Any) -> str:
    """Return a whole number with its thousands set apart."""
    return f"{value:,}"


def number(value: Any) -> str:
    """Return any value of a table or receipt as text: numbers short, long lists as their length."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return DASH
    if isinstance(value, bool) or not isinstance(value, (int, float, list, tuple)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return f"{len(value)} values" if len(value) > LONGEST_LIST else ", ".join(number(item) for item in value)
    return minus(f"{value:,}" if isinstance(value, int) else _short(value, 4))


def measured(value: float | None, error: float | None = None, *, signed: bool = False) -> str:
    """Return a value and its error, rounded as the Particle Data Group does.

    Source: PDG, Review of Particle Physics, introduction, sect. 5.3: an error keeps two figures if they are
    at most 35, else one.
    """
    if value is None or math.isnan(value):
        return DASH
    sign = "+" if signed else ""
    if error is None or not (math.isfinite(error) and error > 0):
        return minus(_short(value, 3, sign))
    places = decimals(error)
    return minus(f"{value:{sign}.{places}f} ± {error:.{places}f}")


def _short(value: float, figures: int, sign: str = "") -> str:
    text = f"{value:{sign}.{figures}g}"
    return f"{value:{sign},.0f}" if "e+" in text else text


def decimals(error: float) -> int:
    """Return to how many decimals the Particle Data Group rounds a value with this error, which is above 0."""
    return max(0, -math.floor(math.log10(error / 3.55)))


def minus(text: str) -> str:
    """Return the text with minus signs in place of hyphens before digits."""
    return re.sub(r"-(?=[\d.])", MINUS, text)


def method(name: str) -> str:
    """Return what a method of the accuracy table is called."""
    return METHODS.get(name, name)


def as_toml(tables: Mapping[str, Any]) -> str:
    """Return nested settings as the text of a TOML file; None is left out, as TOML has no word for it."""
    simple = {key: value for key, value in tables.items() if not isinstance(value, Mapping)}
    lines = [f"{key} = {_toml_value(value)}" for key, value in simple.items() if value is not None]
    for name, table in tables.items():
        if isinstance(table, Mapping):
            lines += ["", f"[{name}]"]
            lines += [f"{_toml_key(k)} = {_toml_value(v)}" for k, v in table.items() if v is not None]
    return "\n".join(lines)


def _toml_value(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = [f"{_toml_key(k)} = {_toml_value(v)}" for k, v in value.items() if v is not None]
        return "{ " + ", ".join(pairs) + " }" if pairs else "{}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)  # strings, numbers and booleans are written alike in both


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)
