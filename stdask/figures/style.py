"""What all figures share: fonts, colours, and how a quantity is written on an axis."""

from typing import Any

from stdask import schema

# Colours of Thomas et al. 2024, figs. 4-6 (A purple, B blue, translated orange), in shades that
# colour-blind readers and greyscale prints still tell apart.
SURVEY_A = "#5b3a8c"
SURVEY_B = "#3a7fbf"
TRANSLATED = "#d9660a"
INK = "#222222"
FAINT = "#8a8a8a"

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with Matplotlib: same pixels on every machine
    "font.size": 9.0,
    "axes.labelsize": 10.0,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
}
TITLE_WIDTH = 36  # characters of a bold title over half a page
MINUS = "\N{MINUS SIGN}"


def symbol(name: str) -> str:
    """Return how a label or an input is written on a figure."""
    own = schema.derived_quantity(name)
    if own and all(band in schema.BANDS for band in own.bands):
        bands = [schema.BANDS[band].symbol for band in own.bands]
        return f"({f' {MINUS} '.join(bands)})$_0$" if own.is_colour else rf"$M_{{\rm {bands[0]}}}$"
    return schema.quantity(name).symbol


def unit_of(name: str, unit: str = "") -> str:
    """Return the unit of a label or an input; `unit` is that of a label stdask does not know."""
    return schema.quantity(name, unit).unit or ("mag" if schema.derived_quantity(name) else "")


def with_unit(text: str, unit: str) -> str:
    """Return an axis label: the text, and its unit in brackets if it has one that is not dex."""
    return text if unit in ("", "dex") else f"{text} [{unit.replace('km/s', r'km s$^{-1}$')}]"
