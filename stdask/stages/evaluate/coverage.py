"""Evaluate: how often B lies within the errors of the predictions, and the slopes between both."""

from collections.abc import Iterable, Mapping

import numpy as np

from stdask import schema
from stdask.network.ensemble import Family, Translation, sigma_parts
from stdask.schema.evaluation import (
    ALL,
    CALIBRATED,
    DRAWN,
    MIN_GROUP,
    TAILS,
    THREE_SIGMA,
    WIDE,
    CoverageRow,
    ProbabilityRow,
    SlopeRow,
)
from stdask.science.assessment.attenuation import calibration_slopes
from stdask.science.assessment.metrics import (
    LEVELS,
    THREE_SIGMA_LEVEL,
    coverage,
    coverage_of_errors,
    coverage_of_widths,
    probability_integral,
)
from stdask.science.translation.calibration import WIDE_LEVEL, group_names, group_numbers

CURVE = sorted({*LEVELS, *(n / 20 for n in range(1, 20))})  # nominal shares of the calibrated error over all stars
N_BINS = 20  # of the probability integral


def coverage_rows(
    family: Family, translation: Translation, inputs: np.ndarray, expected: np.ndarray, of: str
) -> list[CoverageRow]:
    """Return how often B, or the truth, lies within the calibrated errors, their tails and the draws' percentiles.

    Parameters
    ----------
    family
        With its calibration, which says which groups of stars are counted by themselves.
    translation, inputs
        Of the test stars.
    expected : shape (n_test, n_labels)
        B or the truth.
    of
        "B" or "truth".
    """
    parts = sigma_parts(family, inputs, translation)
    residuals, sigma, half_widths = translation.percentiles[2] - expected, parts.total, parts.half_widths
    rows = []
    for number, label in enumerate(family.labels):
        for group, members in _groups(family, inputs).items():
            percentiles = dict(zip(schema.PERCENTILES, translation.percentiles[:, members, number], strict=True))
            if group != ALL and np.isfinite(residuals[members, number]).sum() < MIN_GROUP:
                continue
            levels = CURVE if group == ALL else LEVELS
            own = residuals[members, number]
            for interval, shares in (
                (CALIBRATED, coverage_of_errors(own, sigma[members, number], levels)),
                (DRAWN, coverage(percentiles, expected[members, number])),
                (WIDE, [coverage_of_widths(own, half_widths[members, number], WIDE_LEVEL)]),
                (THREE_SIGMA, [coverage_of_widths(own, 3 * sigma[members, number], THREE_SIGMA_LEVEL)]),
            ):
                rows += [CoverageRow(family.name, label, of, group, interval, *share) for share in shares]
    return rows


def probability_rows(
    family: Family, translation: Translation, inputs: np.ndarray, expected: np.ndarray
) -> list[ProbabilityRow]:
    """Return the histogram of the probability integral of B by prediction and calibrated error, bin by bin.

    Parameters
    ----------
    family, translation, inputs
        As for `coverage_rows`.
    expected : shape (n_test, n_labels)
        B.
    """
    sigma = sigma_parts(family, inputs, translation).total
    probabilities = probability_integral(expected, translation.percentiles[2], sigma)
    rows = []
    for number, label in enumerate(family.labels):
        known = probabilities[np.isfinite(probabilities[:, number]), number]
        counts, _ = np.histogram(known, bins=N_BINS, range=(0, 1))
        for i, n in enumerate(counts):
            edges = (i / N_BINS, (i + 1) / N_BINS)
            rows.append(ProbabilityRow(family.name, label, *edges, int(n), len(known) / N_BINS))
    return rows


def attenuation_rows(
    family: Family, predictions: Mapping[str, np.ndarray], expected: np.ndarray, of: str, n_bootstraps: int, seed: int
) -> list[SlopeRow]:
    """Return the slopes of calibration and attenuation of each label by each method that knows it.

    Parameters
    ----------
    family
        The networks.
    predictions
        Method -> shape (n_test, n_labels).
    expected, of
        As for `coverage_rows`.
    n_bootstraps, seed
        Resamplings of the stars, and their seed.
    """
    rows = []
    for number, label in enumerate(family.labels):
        for method, predicted in predictions.items():
            if np.isfinite(predicted[:, number]).any():
                slopes = calibration_slopes(predicted[:, number], expected[:, number], n_bootstraps, seed)
                rows.append(SlopeRow(family.name, label, of, method, *slopes))
    return rows


def in_short(rows: Iterable[CoverageRow]) -> list[CoverageRow]:
    """Return the rows of coverage that sum it up: all stars, the calibrated errors at the usual levels, and tails."""
    every = [row for row in rows if row.group == ALL]
    return [row for row in every if row.interval in TAILS or (row.interval == CALIBRATED and row.nominal in LEVELS)]


def slopes_in_short(rows: Iterable[SlopeRow]) -> list[dict[str, str | float]]:
    """Return what is printed of the slopes: before and after the translation, and debiased."""
    names = ("label", "of", "method", "calibration", "calibration_err", "attenuation", "attenuation_err")
    chosen = [row for row in rows if row.method in ("raw", "translated", "debiased")]
    return [{name: getattr(row, name) for name in names} for row in chosen]


def _groups(family: Family, inputs: np.ndarray) -> dict[str, np.ndarray]:
    """Return all stars and the groups of the calibration that hold enough of them, as masks."""
    groups = {ALL: np.ones(len(inputs), dtype=bool)}
    columns = family.calibration.group_columns if family.calibration else (-1, -1)
    known = np.isfinite(inputs[:, [column for column in columns if column >= 0]]).all(axis=1)
    numbers = np.where(known, group_numbers(inputs, columns), -1)  # without log g a star is not known to be a giant
    for number, name in enumerate(group_names(columns)):
        if (numbers == number).sum() >= MIN_GROUP:
            groups[name] = numbers == number
    return groups
