"""Slopes of medians along the Galaxy: a line that breaks once, with errors from resampled stars."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from stdask.science.galaxy.paired_bins import BinSample

MIN_POINTS = 2  # bins on either side of a break, in addition to the bin next to it
PARAMETERS_OF_BREAK = 2  # where it is, and the other slope
BREAK_STEP = 0.1  # of the width of a bin: how finely breaks are tried
MAX_AT_AN_END = 0.16  # of the bootstraps: with more, the 1-sigma interval of the break reaches the end of its range


class BrokenLine(NamedTuple):
    """A continuous line of two slopes; each of shape (n_fits,), NaN where there are too few points for a fit."""

    breaks: np.ndarray  # position, NaN for a straight line
    inner: np.ndarray  # slope below the break
    outer: np.ndarray  # slope above it
    level: np.ndarray  # value at the break; of a straight line at the middle of its points
    offsets: np.ndarray  # of the second survey from the first, NaN where only one of them has points


@dataclass(frozen=True)
class Slope:
    """A fit and its errors: standard deviations over the bootstraps."""

    line: BrokenLine  # of the medians, n_fits = 1
    errors: BrokenLine
    used: np.ndarray  # (n_bins,), bool: bins that are fitted


class _Points(NamedTuple):
    """What one line is fitted to: the medians of all surveys, one after the other."""

    x: np.ndarray  # (n_points,)
    samples: np.ndarray  # (1 + n_bootstraps, n_points), the medians first
    scatter: np.ndarray  # (n_points,), errors of the medians
    is_second: np.ndarray  # (n_points,), 1 for the second survey; of shape (n_points, 0) where there is one survey


class Segments(NamedTuple):
    """Bins that follow one another without a gap."""

    fitted: list[np.ndarray]  # (n_bins,), bool: of each segment that is long enough for a line, the most stars first
    n_gaps: int  # between segments of any length


def find_segments(surveys: Sequence[BinSample]) -> Segments:
    """Return the segments of bins in which one survey or the other has a median."""
    filled = _filled(surveys)
    counts = np.sum([np.where(np.isfinite(survey.medians), survey.counts, 0) for survey in surveys], axis=0)
    numbers = np.flatnonzero(filled)
    segments = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    ordered = sorted(
        (segment for segment in segments if len(segment) > MIN_POINTS), key=lambda segment: -counts[segment].sum()
    )
    return Segments([np.isin(np.arange(len(filled)), segment) for segment in ordered], len(segments) - 1)


def fit_slopes(
    positions_kpc: np.ndarray,
    surveys: Sequence[BinSample],
    used: np.ndarray | None = None,
) -> Slope | None:
    """Fit a line to medians and to each of their bootstraps.

    Nothing is known of a line between bins that have no stars, so it is fitted to bins that follow one another. The
    medians of two surveys share the line, and one of them may lie above the other by a constant: an offset between
    their scales, or between the stars they select, does not make a slope where one survey ends and the other begins.

    A point weighs the inverse of its variance: one over its number of stars, by a factor that all points of a survey
    share, and, alike for all points, what is left over by the line, so that a few points of very many stars do not
    decide where medians lie on no line. The variance of a point's own bootstraps is no weight: a median that few
    resamplings move would count more and claim a smaller error for the same chance, and errors come out a fifth too
    small.

    The break is tried at steps between the points; the one of the least squares is taken, again in each bootstrap, so
    that errors of slopes include that of the break. A break must be worth its two parameters by the Bayesian
    information criterion (Schwarz 1978, Ann. Statist. 6, 461), and it must lie within the range that is searched: at
    an end of the range, the medians say only that the line bends somewhere there or beyond. Else a straight line is
    fitted to the medians and to all bootstraps.

    Parameters
    ----------
    positions_kpc : shape (n_bins,)
        Ascending and equally spaced; of bins that share no stars.
    surveys
        One or two sets of stars in these bins, without a star in common.
    used : shape (n_bins,), bool
        Bins to fit, those without a median left out; if None, the first of `find_segments`.

    Returns
    -------
    slope
        Without a break both slopes are the same. None if fewer than `MIN_POINTS` + 1 bins are fitted.
    """
    filled = _filled(surveys)
    if used is None:
        used = next(iter(find_segments(surveys).fitted), np.zeros_like(filled))
    if (used & filled).sum() <= MIN_POINTS:
        return None
    points = _points(positions_kpc, surveys, used)
    breaks = _breaks(np.unique(points.x))
    weights = 1 / np.hypot(points.scatter, _misfit(points, breaks))
    lines, left = _straight_lines(points, weights)
    if breaks.size:
        broken, left_then = _broken_lines(points, weights, breaks)
        worth_it = left - left_then > PARAMETERS_OF_BREAK * np.log(len(points.x))
        if worth_it and _is_inside(broken.breaks, breaks):
            lines = broken
    errors = BrokenLine(*(part[1:].std() for part in lines))
    return Slope(BrokenLine(*(part[:1] for part in lines)), errors, used & filled)


def fit_again(
    positions_kpc: np.ndarray, surveys: Sequence[BinSample], medians: Sequence[np.ndarray], slope: Slope
) -> BrokenLine | None:
    """Fit the line of the same kind to other medians of the same bins, such as those of a single network.

    It breaks, or not, as that of the measured medians does: else the two were not of the same thing.

    Parameters
    ----------
    positions_kpc, surveys, slope
        As for `fit_slopes`, and what it returned.
    medians
        Of each survey, shape (n_bins,). Where one is NaN, its bin is left out.

    Returns
    -------
    line
        n_fits = 1; None if fewer than `MIN_POINTS` + 1 bins are left.
    """
    drawn = [survey._replace(medians=own) for survey, own in zip(surveys, medians, strict=True)]
    if (slope.used & _filled(drawn)).sum() <= MIN_POINTS:
        return None
    points = _points(positions_kpc, drawn, slope.used)
    points = points._replace(samples=points.samples[:1])
    breaks = _breaks(np.unique(points.x)) if np.isfinite(slope.line.breaks[0]) else np.array([])
    weights = 1 / np.hypot(points.scatter, _misfit(points, breaks))
    line, _ = _broken_lines(points, weights, breaks) if breaks.size else _straight_lines(points, weights)
    return line


def _filled(surveys: Sequence[BinSample]) -> np.ndarray:
    """Return which bins (n_bins,) have a median of any survey."""
    return np.any([np.isfinite(survey.medians) for survey in surveys], axis=0)


def _points(positions_kpc: np.ndarray, surveys: Sequence[BinSample], used: np.ndarray) -> _Points:
    """Return the medians of the bins used. Surveys share seeds: the bootstraps of the second are taken backwards."""
    known = [used & np.isfinite(survey.medians) for survey in surveys]
    own = [survey.take(bins) for survey, bins in zip(surveys, known, strict=True)]
    samples = [
        np.concatenate([survey.medians[None], survey.bootstraps[:: -1 if number else 1]]).astype(np.float64)
        for number, survey in enumerate(own)
    ]
    numbers = np.repeat(np.arange(len(own)), [len(survey.medians) for survey in own])
    is_second = (numbers > 0)[:, None].astype(np.float64)
    return _Points(
        np.concatenate([positions_kpc[bins] for bins in known]),
        np.concatenate(samples, axis=1),
        np.concatenate([_scatter(survey) for survey in own if survey.counts.size]),
        is_second if 0 < is_second.sum() < len(numbers) else is_second[:, :0],
    )


def _scatter(survey: BinSample) -> np.ndarray:
    """Return the errors of medians of stars whose values scatter alike in all bins."""
    of_a_star = np.sqrt(np.mean(survey.bootstraps.var(axis=0) * survey.counts))
    return (of_a_star or 1.0) / np.sqrt(survey.counts)  # 1: of equal values nothing is known but their number


def _misfit(points: _Points, breaks: np.ndarray) -> float:
    """Return how far medians scatter about their line beyond their errors."""
    alike, medians = np.ones_like(points.x), points._replace(samples=points.samples[:1])
    _, left = _broken_lines(medians, alike, breaks) if breaks.size else _straight_lines(medians, alike)
    freedom = len(points.x) - 2 - points.is_second.shape[1] - (PARAMETERS_OF_BREAK if breaks.size else 0)
    return float(np.sqrt(max(left / freedom - np.mean(points.scatter**2), 0))) if freedom > 0 else 0.0


def _breaks(positions: np.ndarray) -> np.ndarray:
    """Return the positions of breaks to try: with `MIN_POINTS` and one more on either side."""
    if len(positions) < 2 * (MIN_POINTS + 1):
        return np.array([])
    first, last = positions[MIN_POINTS], positions[-MIN_POINTS - 1]
    step = BREAK_STEP * np.diff(positions).min()
    return first + step * np.arange(int(np.floor((last - first) / step + 1e-9)) + 1)


def _is_inside(found: np.ndarray, breaks: np.ndarray) -> bool:
    """Tell whether a break and the 1-sigma interval of its bootstraps lie between the ends of those that were tried."""
    at_an_end = found[:, None] == breaks[[0, -1]]
    return not at_an_end[0].any() and bool((at_an_end[1:].mean(axis=0) < MAX_AT_AN_END).all())


def _broken_lines(points: _Points, weights: np.ndarray, breaks: np.ndarray) -> tuple[BrokenLine, float]:
    """Return the line of least squares of the medians and of each bootstrap, and the squares of the medians."""
    x, samples, _, is_second = points
    distances = x - breaks[:, None]
    designs = np.stack([np.ones_like(distances), np.minimum(distances, 0), np.maximum(distances, 0)], axis=-1)
    designs = np.concatenate([designs, np.broadcast_to(is_second, (len(breaks), *is_second.shape))], axis=-1)
    bases, triangles = np.linalg.qr(designs * weights[:, None])
    # what a fit explains is the length of its projection: the longest leaves the least squares
    projections = np.einsum("fp,bpk->fbk", samples * weights, bases, optimize=True)
    explained = (projections**2).sum(axis=-1)
    best = np.argmax(explained, axis=1)
    chosen = projections[np.arange(len(samples)), best]
    level, inner, outer, *offsets = np.linalg.solve(triangles[best], chosen[..., None])[..., 0].T
    left = np.sum((samples[0] * weights) ** 2) - explained[0, best[0]]
    return BrokenLine(breaks[best], inner, outer, level, _offsets(offsets, level)), float(left)


def _straight_lines(points: _Points, weights: np.ndarray) -> tuple[BrokenLine, float]:
    """Return the straight line of least squares, and its squares, as `_broken_lines` does."""
    x, samples, _, is_second = points
    middle = np.average(x, weights=weights**2)
    design = np.column_stack([np.ones_like(x), x - middle, is_second])
    found = (samples * weights) @ np.linalg.pinv(design * weights[:, None]).T
    left = np.sum(((samples[0] - design @ found[0]) * weights) ** 2)
    level, slope, *offsets = found.T
    return BrokenLine(np.full_like(slope, np.nan), slope, slope, level, _offsets(offsets, level)), float(left)


def _offsets(found: Sequence[np.ndarray], like: np.ndarray) -> np.ndarray:
    return found[0] if found else np.full_like(like, np.nan)
