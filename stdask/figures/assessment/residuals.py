"""Residuals of the test stars before and after the translation: Thomas et al. 2024, figs. 5 and 6, in one."""

from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import median_abs_deviation

from stdask.figures.style import (
    FAINT,
    FULL_WIDTH,
    INK,
    MINUS,
    SURVEY_A,
    TRANSLATED,
    PrintedFigure,
    own_style,
    symbol,
    unit_of,
    with_unit,
)

MIN_STARS = 20  # in a running median, as in the profiles of the paper (sect. 4.3)
N_WINDOWS = 12  # of running medians across the panel at most; fewer where stars are few
SHOWN_QUANTILE = 0.995  # sets the size of the panels; what lies beyond is drawn at their edges
N_BINS = 48
LINE = 28  # characters of a name below a panel: more would reach the panel beside it


def draw_residuals(
    label: str,
    values_b: np.ndarray,
    translated: np.ndarray,
    values_a: np.ndarray | None = None,
    unit: str = "",
    names: tuple[str, str] = ("A", "B"),
) -> Figure:
    """Draw the residuals of one label, untranslated above translated, on the same scale.

    Columns: residual against the value of B, against the value compared with it, and its histogram with
    the mean, the standard deviation and the robust sigma (1.4826 MAD). Any good predictor from noisy inputs
    shows a trend against B (attenuation); a trend against the prediction is a calibration error.

    Parameters
    ----------
    label, unit
        The label, and its unit if the schema does not know it.
    values_b, translated : shape (n_stars,), in the unit of the label
        Value of B, and the prediction for it, of stars that no member was trained on. NaN is left out.
    values_a : shape (n_stars,), in the unit of the label
        Untranslated value; None if A does not measure the label: no upper row then.
    names
        What A and B are called in the figure.

    Returns
    -------
    figure
        Source of the layout: Thomas et al. 2024, A&A 690, A54, figs. 5 and 6.
    """
    unit = unit_of(label, unit)
    rows = [(translated, f"{names[0]} translated", TRANSLATED)]
    if values_a is not None:
        rows.insert(0, (values_a, names[0], SURVEY_A))
    height = _half_height(np.concatenate([values - values_b for values, _, _ in rows]))
    reach = _reach(values_b, [values for values, _, _ in rows])
    with own_style():
        figure = PrintedFigure((FULL_WIDTH, 0.5 + 2.1 * len(rows)))
        axes = figure.subplots(len(rows), 3, squeeze=False, sharey=True, width_ratios=(4, 4, 2.2))
        for panels, (values, name, colour) in zip(axes, rows, strict=True):
            _draw_row(panels, values, values_b, colour, (reach, height), unit)
            panels[0].set_ylabel(with_unit(f"$\\Delta$ {symbol(label)}", unit))
            panels[0].set_title(f"{name} {MINUS} {names[1]}", color=colour, fontweight="bold")
            panels[0].set_xlabel(with_unit(f"{symbol(label)} of {fill(names[1], LINE)}", unit))
            panels[1].set_xlabel(with_unit(f"{symbol(label)} of {fill(name, LINE)}", unit))
            panels[2].set_xlabel("stars")
    return figure


def running_percentiles(positions: np.ndarray, residuals: np.ndarray, width: float) -> np.ndarray:
    """Return the 16th, 50th and 84th percentile of the residuals in windows side by side.

    A window is as wide as asked, and wider where it would hold fewer than `MIN_STARS` stars: so the tails of
    the distribution, where a translation is worst, are summed up too.

    Parameters
    ----------
    positions, residuals : shape (n_stars,), finite
    width
        Of a window, in the unit of the positions.

    Returns
    -------
    curves : shape (n_windows, 4)
        Median position in the window and the three percentiles; no window for fewer than `MIN_STARS` stars.
    """
    if len(positions) < MIN_STARS:
        return np.empty((0, 4))
    order = np.argsort(positions, kind="stable")
    ordered = positions[order]
    starts = [0]
    while True:
        next_start = max(starts[-1] + MIN_STARS, int(np.searchsorted(ordered, ordered[starts[-1]] + width)))
        if next_start > len(order) - MIN_STARS:  # the rest is too few for a window and joins the last
            break
        starts.append(next_start)
    windows = np.split(order, starts[1:])
    return np.array([[np.median(positions[w]), *np.percentile(residuals[w], (16, 50, 84))] for w in windows])


def _draw_row(
    panels: np.ndarray,
    values: np.ndarray,
    values_b: np.ndarray,
    colour: str,
    frame: tuple[tuple[float, float], float],
    unit: str,
) -> None:
    known = np.isfinite(values) & np.isfinite(values_b)
    values, values_b = values[known], values_b[known]
    residuals, height = values - values_b, frame[1]
    for panel, positions in zip(panels[:2], (values_b, values), strict=True):
        _draw_scatter(panel, positions, residuals, colour, *frame)
    histogram = panels[2]
    histogram.hist(residuals, bins=N_BINS, range=(-height, height), orientation="horizontal", color=colour, alpha=0.75)
    histogram.axhline(0, color=INK, linewidth=0.8)
    edge, side = (0.97, "top") if residuals.size and np.median(residuals) <= 0 else (0.03, "bottom")
    histogram.text(
        0.95, edge, _statistics(residuals, unit), transform=histogram.transAxes, ha="right", va=side,
        linespacing=1.3,
        bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.5},
    )  # fmt: skip


def _draw_scatter(
    axes: Axes,
    positions: np.ndarray,
    residuals: np.ndarray,
    colour: str,
    reach: tuple[float, float],
    height: float,
) -> None:
    alpha = float(np.clip(600 / max(len(residuals), 1), 0.08, 0.5))  # crowds stay readable
    shown = np.clip(positions, *reach)  # absurd values stand at the edge instead of squeezing the rest
    for sign, marker in ((0, "o"), (1, "^"), (-1, "v")):
        own = np.abs(residuals) <= height if sign == 0 else sign * residuals > height
        at = residuals[own] if sign == 0 else np.full(own.sum(), 0.97 * sign * height)
        size, opacity = (2.2, alpha) if sign == 0 else (3.5, 1.0)
        axes.plot(shown[own], at, marker, color=colour, markersize=size, alpha=opacity, markeredgewidth=0)
    axes.axhline(0, color=INK, linewidth=0.8)
    middles, low, median, high = running_percentiles(shown, residuals, (reach[1] - reach[0]) / N_WINDOWS).T
    axes.fill_between(middles, low, high, color=INK, alpha=0.16, linewidth=0)
    axes.plot(middles, median, color=INK, linewidth=1.6)
    axes.plot(middles, low, middles, high, color=INK, linewidth=0.7)
    axes.set(xlim=reach, ylim=(-height, height))
    if not len(residuals):
        axes.text(0.5, 0.6, "no test stars", transform=axes.transAxes, ha="center", color=FAINT)


def _reach(values_b: np.ndarray, compared: list[np.ndarray]) -> tuple[float, float]:
    """Return the range of B's values and of nearly all others, with a margin; absurd values are left out."""
    tails = (1 - SHOWN_QUANTILE, SHOWN_QUANTILE)
    ends = [np.quantile(values[np.isfinite(values)], tails) for values in compared if np.isfinite(values).any()]
    if not ends or not np.isfinite(values_b).any():
        return 0.0, 1.0
    low, high = min(np.nanmin(values_b), *(e[0] for e in ends)), max(np.nanmax(values_b), *(e[1] for e in ends))
    margin = 0.04 * (high - low) or 1.0
    return float(low - margin), float(high + margin)


def _half_height(residuals: np.ndarray) -> float:
    """Return a height that shows nearly all residuals, so that a few outliers do not flatten the rest."""
    sizes = np.abs(residuals[np.isfinite(residuals)])
    return 1.15 * float(np.quantile(sizes, SHOWN_QUANTILE)) or 1.0 if sizes.size else 1.0


def _statistics(residuals: np.ndarray, unit: str) -> str:
    if not residuals.size:
        return "n = 0"
    robust = median_abs_deviation(residuals, scale="normal")
    digits = 1 if robust >= 2 else 3
    values = {"mean": residuals.mean(), "std": residuals.std(), r"$\sigma_{\rm MAD}$": robust}
    lines = [f"{name} = {value:.{digits}f} {unit}".rstrip() for name, value in values.items()]
    return "\n".join([f"n = {residuals.size:,}", *lines]).replace("-", MINUS)
