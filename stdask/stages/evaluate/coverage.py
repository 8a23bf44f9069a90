"""Evaluate: whether the errors cover, and whether a prediction means what it says."""

from typing import Any

import numpy as np

from stdask import schema
from stdask.config.run import Run
from stdask.network.ensemble import Family, Translation, sigma_parts
from stdask.schema.evaluation import ALL, CALIBRATED, DRAWN, MIN_GROUP
from stdask.science.assessment.attenuation import calibration_slopes
from stdask.science.assessment.metrics import LEVELS, coverage, coverage_of_errors, probability_integral
from stdask.science.translation.calibration import group_names, group_numbers

CURVE = sorted({*LEVELS, *(n / 20 for n in range(1, 20))})  # nominal shares of the calibrated error over all stars
N_BINS = 20  # of the probability integral


def coverage_rows(
    family: Family, translation: Translation, inputs: np.ndarray, expected: np.ndarray, of: str
) -> list[dict[str, Any]]:
    """Return how often B, or the truth, lies within the calibrated errors and the draws' percentiles.

    Parameters
    ----------
    family
        With its calibration, whose groups of stars are told apart.
    translation, inputs
        Of the test stars.
    expected : shape (n_test, n_labels)
        B or the truth.
    of
        Which of the two, as the tables call it.
    """
    sigma = sigma_parts(family, inputs, translation).total
    residuals = translation.percentiles[2] - expected
    rows = []
    for number, label in enumerate(family.labels):
        for group, members in _groups(family, inputs).items():
            percentiles = dict(zip(schema.PERCENTILES, translation.percentiles[:, members, number], strict=True))
            levels = CURVE if group == ALL else LEVELS
            for interval, shares in (
                (CALIBRATED, coverage_of_errors(residuals[members, number], sigma[members, number], levels)),
                (DRAWN, coverage(percentiles, expected[members, number])),
            ):
                row = {"family": family.name, "label": label, "of": of, "group": group, "interval": interval}
                rows += [row | share._asdict() for share in shares]
    return rows


def probability_rows(
    family: Family, translation: Translation, inputs: np.ndarray, expected: np.ndarray
) -> list[dict[str, Any]]:
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
            row = {"family": family.name, "label": label, "low": i / N_BINS, "high": (i + 1) / N_BINS}
            rows.append(row | {"n": n, "expected": len(known) / N_BINS})
    return rows


def attenuation_rows(
    family: Family, predictions: dict[str, np.ndarray], expected: np.ndarray, of: str, run: Run
) -> list[dict[str, Any]]:
    """Return the slopes of calibration and attenuation of each label by each method that knows it.

    Parameters
    ----------
    family, run
        The networks, and their run.
    predictions
        Method -> shape (n_test, n_labels).
    expected, of
        As for `coverage_rows`.
    """
    rows = []
    for number, label in enumerate(family.labels):
        for method, predicted in predictions.items():
            if np.isfinite(predicted[:, number]).any():
                slopes = calibration_slopes(
                    predicted[:, number], expected[:, number], run.config.evaluate.n_bootstraps, run.config.seed
                )
                rows.append({"family": family.name, "label": label, "of": of, "method": method, **slopes._asdict()})
    return rows


def in_short(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of coverage that sum it up: the calibrated errors of all stars, at the usual levels."""
    return [r for r in rows if r["group"] == ALL and r["interval"] == CALIBRATED and r["nominal"] in LEVELS]


def slopes_in_short(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of attenuation that sum it up: before, after and debiased, without the numbers of stars."""
    chosen = [row for row in rows if row["method"] in ("raw", "translated", "debiased")]
    return [{key: value for key, value in row.items() if key not in ("family", "n", "n_clipped")} for row in chosen]


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
