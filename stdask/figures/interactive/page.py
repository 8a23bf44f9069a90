"""What the interactive figures share: an empty frame, and how a figure and Bokeh's script get into a page."""

import base64
import gzip
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from bokeh.embed import json_item
from bokeh.models import BoxZoomTool, PanTool, Range1d, ResetTool, SaveTool, WheelZoomTool
from bokeh.plotting import figure as Plot
from bokeh.resources import Resources
from bokeh.settings import PrioritizedSetting, settings

from stdask.figures.style import FAINT, INK, symbol

MARGIN_LEFT, MARGIN_RIGHT = 74, 16  # CSS pixels: more than an axis needs, so that the width of a figure is known
STEPS_PER_UNIT = 4096  # drawn numbers are rounded to these steps: finer than any number shown, and a third of the size


@contextmanager
def own_settings() -> Iterator[None]:
    """Work with Bokeh's defaults, whatever its variables (`BOKEH_...`), its file or the session have set."""
    kept = {one: one._user_value for one in vars(type(settings)).values() if isinstance(one, PrioritizedSetting)}
    try:
        for setting in kept:
            setting.set_value(setting.default)
        yield
    finally:
        for setting, value in kept.items():
            setting._user_value = value


def frame(x_range: tuple[float, float], y_range: tuple[float, float], x_label: str, y_label: str) -> Plot:
    """Return an empty figure; the wheel and the finger move the page until a tool is chosen."""
    plot = Plot(
        x_range=Range1d(start=x_range[0], end=x_range[1]),
        y_range=Range1d(start=y_range[0], end=y_range[1]),
        x_axis_label=x_label,
        y_axis_label=y_label,
        tools=[PanTool(), BoxZoomTool(match_aspect=True), WheelZoomTool(), ResetTool(), SaveTool()],
        active_drag=None,
        active_scroll=None,
        toolbar_location="above",
        min_border_left=MARGIN_LEFT,
        min_border_right=MARGIN_RIGHT,
        frame_width=300,  # until the page's script fits it to its box
        frame_height=200,
        outline_line_color=INK,
        background_fill_color="white",
        border_fill_color="white",
    )
    plot.toolbar.logo = None
    plot.grid.visible = False
    for axis in plot.axis:
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_color = axis.major_label_text_color = INK
        axis.axis_line_color = axis.major_tick_line_color = axis.minor_tick_line_color = FAINT
    return plot


def plain(name: str) -> str:
    """Return how a label is written where there is no room for markup."""
    text = symbol(name).replace(r"\alpha", "\N{GREEK SMALL LETTER ALPHA}")
    return re.sub(r"\\rm |[$\\_{}]", "", text)


def rounded(values: np.ndarray) -> np.ndarray:
    """Return values as float32 in steps that pack well; NaN stays NaN."""
    return (np.round(np.asarray(values, dtype=float) * STEPS_PER_UNIT) / STEPS_PER_UNIT).astype(np.float32)


def pack(plot: Plot) -> str:
    """Return a figure as text for a page: Bokeh's JSON, gzipped, in base64."""
    return base64.b64encode(gzip.compress(json.dumps(json_item(plot)).encode(), mtime=0)).decode()


def bokeh_script() -> str:
    """Return the part of BokehJS that draws figures; it loads nothing by itself."""
    with own_settings():
        return str(Resources(mode="inline", components=["bokeh"], minified=True).js_raw[0])
