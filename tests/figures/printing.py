"""What every figure for print must be: as wide as a page, with letters that can be read, and nothing cut off."""

from collections.abc import Iterator

from matplotlib.figure import Figure
from matplotlib.text import Text

from stdask.figures.style import COLUMN_WIDTH, FULL_WIDTH, PAGE_HEIGHT, SMALL

POINT = 1 / 72  # inches: what is drawn may touch the edge of the page


def texts_of(figure: Figure) -> Iterator[Text]:
    """Yield all texts that are seen."""
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip() and (text.axes is None or text.axes.get_visible()):
            yield text


def check_print(figure: Figure) -> None:
    """Fail if a figure does not fit a page, has letters that are too small, or cuts them off."""
    width, height = figure.get_size_inches()
    assert COLUMN_WIDTH - POINT <= width <= FULL_WIDTH + POINT, f"{25.4 * width:.0f} mm wide"
    assert height <= PAGE_HEIGHT + POINT, f"{25.4 * height:.0f} mm high"
    figure.draw_without_rendering()
    page = figure.bbox.padded(POINT * figure.dpi)
    hidden = {id(tick) for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for tick in _beyond(axis)}
    for text in texts_of(figure):
        if id(text) in hidden:
            continue
        assert text.get_fontsize() >= SMALL, f"{text.get_text()!r} has {text.get_fontsize():g} points"
        box = text.get_window_extent()
        inside = page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
        assert inside, f"{text.get_text()!r} is cut off"


def _beyond(axis) -> Iterator[Text]:
    """Yield the labels of ticks that Matplotlib keeps and does not draw, because they lie beyond the axis."""
    drawn = set(map(id, axis._update_ticks()))
    for tick in [*axis.majorTicks, *axis.minorTicks]:
        if id(tick) not in drawn:
            yield from (tick.label1, tick.label2)
