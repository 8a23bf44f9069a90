"""What all figures share: the size of a printed page, fonts, colours, and how a quantity is written on an axis."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.figure import Figure

from stdask import schema

# Inches. Figures of A&A and MNRAS are one column (88 mm) or two (180 mm) wide; a page leaves 240 mm for a figure.
COLUMN_WIDTH, FULL_WIDTH, PAGE_HEIGHT = 88 / 25.4, 180 / 25.4, 240 / 25.4
LETTERS, SMALL = 8.0, 7.0  # points: of all text, and the least, of ticks and of numbers in small panels

# Colours of Thomas et al. 2024, figs. 4-6 (A purple, B blue, translated orange), in shades that
# colour-blind readers and greyscale prints still tell apart.
SURVEY_A = "#5b3a8c"
SURVEY_B = "#3a7fbf"
TRANSLATED = "#d9660a"
INK = "#222222"
FAINT = "#8a8a8a"
SAMPLE_MARKS = {  # sample of the atlas -> its colour and its mark, which greyscale keeps apart
    "ALONE": (SURVEY_B, "s"),
    "MERGED": (INK, "o"),
    "UNTRANSLATED": (SURVEY_A, "v"),
    "A_ONLY": (TRANSLATED, "^"),
    "RAW_ONLY": (SURVEY_A, "D"),
}

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with Matplotlib: same pixels on every machine
    "font.size": LETTERS,
    "axes.labelsize": LETTERS,
    "axes.titlesize": LETTERS,
    "axes.titlelocation": "left",
    "axes.titlepad": 4.0,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": LETTERS,
    "ytick.labelsize": LETTERS,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "legend.fontsize": LETTERS,
    "legend.title_fontsize": LETTERS,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "pdf.fonttype": 42,  # journals reject Type 3 fonts, and editors cannot change their text
    "ps.fonttype": 42,
}
TITLE_WIDTH = 36  # characters of a bold title over half a page
MINUS = "\N{MINUS SIGN}"
RADIUS_SYMBOLS = {"R": "R", "R_GUIDE": r"R_{\rm guide}"}  # [atlas] radius -> symbol, in mathematics


@contextmanager
def own_style(further: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Draw with Matplotlib's defaults and `STYLE`, whatever a matplotlibrc file or the session has set.

    Parameters
    ----------
    further
        Settings of one figure.
    """
    with rc_context():  # gives the session its own settings back
        rcdefaults()
        rcParams.update(STYLE | dict(further or {}))
        yield


class PrintedFigure(Figure):
    """A figure that is saved with the settings it was drawn with, whatever those of the session are."""

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write the figure to a path: fonts are embedded when it is saved, not when it is drawn."""
        with own_style():
            super().savefig(fname, **options)


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
