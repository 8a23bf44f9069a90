"""Slopes of medians along the Galaxy: a line that breaks once, with errors from resampled stars."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

MIN_POINTS = 2  # points on either side of a break, in addition to the point next to it
PARAMETERS_OF_BREAK = 2  # where it is, and the other slope
BREAK_STEP = 0.1  # of the width of a bin: how finely breaks are tried


class BrokenLine(NamedTuple):
    """A continuous line of two slopes; each of shape (n_fits,), NaN where there are too few points for a fit."""

    breaks: np.ndarray  # position, NaN for a straight line
    inner: np.ndarray  # slope below the break
    outer: np.ndarray  # slope above it
    level: np.ndarray  # value at the break; of a straight line at the middle of its points


@dataclass(frozen=True)
class Slope:
    """A fit and its errors: standard deviations over the bootstraps."""

    line: BrokenLine  # of the medians, n_fits = 1
    errors: BrokenLine
    n_points: int


def fit_slopes(
    positions_kpc: np.ndarray,
    medians: np.ndarray,
    counts: np.ndarray,
    bootstraps: np.ndarray,
    with_break: bool | None = None,
) -> Slope | None:
    """Fit a line to medians and to each of their bootstraps.

    A point weighs the inverse of its variance: one over its number of stars, by a factor that all points share, and,
    alike for all points, what is left over by the line, so that a few points of very many stars do not decide where
    medians lie on no line. The variance of a point's own bootstraps is no weight: a median that few resamplings move
    would count more and claim a smaller error for the same chance, and errors come out a fifth too small.

    The break is tried at steps between the points; the one of the least squares is taken, again in each bootstrap, so
    that errors of slopes include that of the break. A break must be worth its two parameters by the Bayesian
    information criterion (Schwarz 1978, Ann. Statist. 6, 461); else a straight line is fitted to the medians and to all
    bootstraps.

    Parameters
    ----------
    positions_kpc : shape (n_bins,)
        Ascending; of bins that share no stars.
    medians : shape (n_bins,)
        NaN where there are too few stars.
    counts : shape (n_bins,)
        Stars behind each median.
    bootstraps : shape (n_bootstraps, n_bins)
        As from `profiles.running_medians`.
    with_break
        Two slopes, where there are points enough; if None, where moreover a break is seen. Else one, given as both.

    Returns
    -------
    slope
        None if fewer than `MIN_POINTS` + 1 bins have a median.
    """
    used = np.isfinite(medians)
    if used.sum() <= MIN_POINTS:
        return None
    x, samples = positions_kpc[used], np.concatenate([medians[None, used], bootstraps[:, used]]).astype(np.float64)
    scatter = _scatter(samples[1:], counts[used])
    breaks = np.array([]) if with_break is False else _breaks(x)
    weights = 1 / np.hypot(scatter, _misfit(x, samples[:1], scatter, breaks))
    lines, left = _straight_lines(x, samples, weights)
    if breaks.size:
        broken, left_then = _broken_lines(x, samples, weights, breaks)
        if with_break or left - left_then > PARAMETERS_OF_BREAK * np.log(len(x)):
            lines = broken
    errors = BrokenLine(*(part[1:].std() for part in lines))
    return Slope(BrokenLine(*(part[:1] for part in lines)), errors, int(used.sum()))


def _scatter(bootstraps: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the errors of medians of `counts` stars whose values scatter alike in all bins."""
    of_a_star = np.sqrt(np.mean(bootstraps.var(axis=0) * counts))
    return (of_a_star or 1.0) / np.sqrt(counts)  # 1: of equal values nothing is known but their number


def _misfit(x: np.ndarray, medians: np.ndarray, scatter: np.ndarray, breaks: np.ndarray) -> float:
    """Return how far medians (1, n_points) scatter about their line beyond their errors."""
    alike = np.ones_like(x)
    _, left = _broken_lines(x, medians, alike, breaks) if breaks.size else _straight_lines(x, medians, alike)
    freedom = len(x) - 2 - (PARAMETERS_OF_BREAK if breaks.size else 0)
    return float(np.sqrt(max(left / freedom - np.mean(scatter**2), 0))) if freedom > 0 else 0.0


def _breaks(positions: np.ndarray) -> np.ndarray:
    """Return the positions of breaks to try: with `MIN_POINTS` and one more on either side."""
    if len(positions) < 2 * (MIN_POINTS + 1):
        return np.array([])
    first, last = positions[MIN_POINTS], positions[-MIN_POINTS - 1]
    step = BREAK_STEP * np.diff(positions).min()
    return first + step * np.arange(int(np.floor((last - first) / step + 1e-9)) + 1)


def _broken_lines(
    x: np.ndarray, samples: np.ndarray, weights: np.ndarray, breaks: np.ndarray
) -> tuple[BrokenLine, float]:
    """Return the line of least squares of each row of `samples` (n_fits, n_points), and the squares of the first."""
    offsets = x - breaks[:, None]
    designs = np.stack([np.ones_like(offsets), np.minimum(offsets, 0), np.maximum(offsets, 0)], axis=-1)
    bases, triangles = np.linalg.qr(designs * weights[:, None])
    # what a fit explains is the length of its projection: the longest leaves the least squares
    projections = np.einsum("fp,bpk->fbk", samples * weights, bases, optimize=True)
    explained = (projections**2).sum(axis=-1)
    best = np.argmax(explained, axis=1)
    chosen = projections[np.arange(len(samples)), best]
    level, inner, outer = np.linalg.solve(triangles[best], chosen[..., None])[..., 0].T
    left = np.sum((samples[0] * weights) ** 2) - explained[0, best[0]]
    return BrokenLine(breaks[best], inner, outer, level), float(left)


def _straight_lines(x: np.ndarray, samples: np.ndarray, weights: np.ndarray) -> tuple[BrokenLine, float]:
    """Return the straight line of least squares of each row of `samples`, and the squares of the first."""
    middle = np.average(x, weights=weights**2)
    design = np.stack([np.ones_like(x), x - middle], axis=1) * weights[:, None]
    level, slope = ((samples * weights) @ np.linalg.pinv(design).T).T
    left = np.sum(((samples[0] - level[0] - slope[0] * (x - middle)) * weights) ** 2)
    return BrokenLine(np.full(len(samples), np.nan), slope, slope, level), float(left)
