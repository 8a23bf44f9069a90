"""The marks of stars as A measures them, translated, and in B, which figures of known stars share."""

from textwrap import fill
from typing import Any

from matplotlib.lines import Line2D

from stdask.figures.style import SAMPLE_MARKS
from stdask.schema.known_stars import OF_B, RAW, TRANSLATED

MARKS = {RAW: "RAW_ONLY", OF_B: "ALONE", TRANSLATED: "A_ONLY"}  # values -> the sample whose mark they have
LINE = 46  # characters of a name in the legend


def legend_of(names: tuple[str, str], size: float, trained: bool, **style: Any) -> tuple[list[Line2D], list[str]]:
    """Return handles and texts of a legend: what the marks are.

    Parameters
    ----------
    names
        What A and B are called.
    size
        Of the marks, in points.
    trained
        Whether there are training stars, whose translations are drawn open.
    style
        Of the lines of the handles.
    """
    texts = {
        RAW: fill(f"A: {names[0]}, as measured", LINE),
        OF_B: fill(f"B: {names[1]}", LINE),
        TRANSLATED: "A translated",
    }
    handles = [_handle(kind, size, style) for kind in texts]
    lines = list(texts.values())
    if trained:
        handles.append(_handle(TRANSLATED, size, {"markerfacecolor": "none", "linestyle": ""}))
        lines.append("A translated, training stars: not independent")
    return handles, lines


def _handle(kind: str, size: float, style: dict[str, Any]) -> Line2D:
    colour, mark = SAMPLE_MARKS[MARKS[kind]]
    return Line2D([], [], color=colour, marker=mark, markersize=size, **style)
