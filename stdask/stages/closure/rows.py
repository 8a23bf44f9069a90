"""The rows of the tables of closure: label by label, all stars together and in bins."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from stdask import schema
from stdask.schema.closure import (
    DOMAIN_INDEX,
    EVERYWHERE,
    LATITUDE,
    OUTSIDE_B,
    RADIUS,
    SIGNAL,
    SKY,
    ClosureRow,
    ExcessRow,
    MatrixRow,
)
from stdask.schema.evaluation import MIN_GROUP
from stdask.science.assessment.closure import Closure, Translated, compare, excess_errors
from stdask.science.assessment.metrics import METRICS
from stdask.science.assessment.sorting import (
    DOMAIN_INDICES,
    LATITUDES_DEG,
    Bin,
    bins_between,
    bins_of_shares,
    cells_of_sky,
    galactic_latitudes,
)
from stdask.science.galaxy.galactocentric import galactic_positions
from stdask.stages.closure.stars import CommonStars
from stdask.stages.closure.surveys import TranslatedSurvey

N_BOOTSTRAPS = 200  # an error is then known to 5 %
SORTED_BY = ("M_H", "FE_H", "LOGG")  # labels that every label is compared along, besides itself


def closure_rows(stars: CommonStars, units: Mapping[str, str], seed: int) -> tuple[list[ClosureRow], list[MatrixRow]]:
    """Return how the translations of all labels agree, in bins, and all stars together.

    Parameters
    ----------
    stars, units
        The stars, and the units of the labels.
    seed
        Of the bootstraps.
    """
    rows, matrix = [], []
    both = {label: (stars.first.label(label), stars.second.label(label)) for label in stars.labels}
    means = {label: _mean(*own) for label, own in both.items()}
    places = _bins_of_places(stars)
    for label, (first, second) in both.items():
        raw = stars.first.raw(label) - stars.second.raw(label)
        names = (stars.first.survey.name, stars.second.survey.name, label, stars.sample, units.get(label, ""))
        factors = (stars.first.survey.member_factor, stars.second.survey.member_factor)
        whole = compare(first, second, factors, (N_BOOTSTRAPS, seed))
        matrix.append(_matrix_row(names, stars.n_common, whole, raw))
        along = [name for name in dict.fromkeys((label, *SORTED_BY)) if name in means]
        sorted_by = {name: bins_of_shares(means[name]) for name in along}
        sorted_by[DOMAIN_INDEX] = bins_between(_domain_index(stars, label), DOMAIN_INDICES)
        rows.append(_closure_row(names, EVERYWHERE, _whole(len(raw)), whole, raw))
        for by, bins in (sorted_by | places).items():
            for own in bins:
                found = compare(first.take(own.stars), second.take(own.stars), factors, (N_BOOTSTRAPS, seed))
                if found.n >= MIN_GROUP:
                    rows.append(_closure_row(names, by, own, found, raw[own.stars]))
    return rows, matrix


def excess_rows(matrix: Sequence[MatrixRow], surveys: Sequence[TranslatedSurvey]) -> list[ExcessRow]:
    """Return what the errors of each survey lack, label by label, by the stars that B does not have."""
    noise = {survey.name: survey.noise_of_b for survey in surveys}
    rows = []
    for label in dict.fromkeys(row.label for row in matrix):
        own = [row for row in matrix if (row.label, row.sample) == (label, OUTSIDE_B)]
        known = {(row.first, row.second): row.excess if row.n >= MIN_GROUP else np.nan for row in own}
        unit = own[0].unit if own else ""
        rows += [
            ExcessRow(survey, label, unit, *found, noise[survey].get(label, 0.0))
            for survey, found in excess_errors(known).items()
        ]
    return rows


def _matrix_row(names: tuple[str, str, str, str, str], n_common: int, found: Closure, raw: np.ndarray) -> MatrixRow:
    offset, _, scatter = _raw(raw)
    return MatrixRow(
        *names,
        n=found.n,
        n_common=n_common,
        offset=found.offset,
        offset_err=found.offset_err,
        significance=found.offset / found.offset_err if found.offset_err else np.nan,
        scatter=found.scatter,
        expected=found.expected,
        excess=found.excess,
        correlation=found.correlation,
        pull=found.pull,
        pull_err=found.pull_err,
        raw_offset=offset,
        raw_scatter=scatter,
    )


def _closure_row(
    names: tuple[str, str, str, str, str], by: str, own: Bin, found: Closure, raw: np.ndarray
) -> ClosureRow:
    return ClosureRow(
        *names,
        by,
        own.words,
        own.low,
        own.high,
        own.middle,
        found.n,
        found.offset,
        found.offset_err,
        found.stars_err,
        found.translation_err,
        found.scatter,
        found.scatter_err,
        found.expected,
        found.pull,
        found.pull_err,
        *_raw(raw),
    )


def _raw(differences: np.ndarray) -> tuple[float, float, float]:
    """Return median, its error and robust scatter of the untranslated differences, NaN without any."""
    known = differences[np.isfinite(differences)]
    if not known.size:
        return np.nan, np.nan, np.nan
    scatter = float(METRICS["robust"](known, axis=0))
    return float(np.median(known)), float(np.sqrt(np.pi / 2 / known.size) * scatter), scatter


def _mean(first: Translated, second: Translated) -> np.ndarray:
    """Return the inverse-variance mean of both: its noise is not correlated with that of their difference."""
    weights = [1 / own.errors**2 for own in (first, second)]
    return (weights[0] * first.values + weights[1] * second.values) / (weights[0] + weights[1])


def _whole(n_stars: int) -> Bin:
    return Bin(EVERYWHERE, np.nan, np.nan, np.nan, np.ones(n_stars, dtype=bool))


def _domain_index(stars: CommonStars, label: str) -> np.ndarray:
    """Return the larger domain index of both surveys, of the networks that translated the label."""
    sides = (stars.first, stars.second)
    return np.maximum(*(side.column(f"DOMAIN_INDEX_{side.survey.families[label].upper()}") for side in sides))


def _bins_of_places(stars: CommonStars) -> dict[str, list[Bin]]:
    """Return the bins that do not depend on a label: on the sky, in the Galaxy, and by signal-to-noise ratio."""
    ra, dec = (stars.first.column(column.name) for column in schema.POSITION)
    distances = [side.column(schema.DISTANCE[0].name) for side in (stars.first, stars.second)]
    radius = galactic_positions(ra, dec, np.where(np.isfinite(distances[0]), *distances)).radius_kpc
    bins = {
        LATITUDE: bins_between(galactic_latitudes(ra, dec), LATITUDES_DEG),
        RADIUS: bins_of_shares(radius),
        SKY: cells_of_sky(ra, dec),
    }
    return bins | dict(_bins_of_signal(stars))


def _bins_of_signal(stars: CommonStars) -> Iterator[tuple[str, list[Bin]]]:
    for side in (stars.first, stars.second):
        if name := side.survey.signal_to_noise:
            yield f"{SIGNAL} of {side.survey.name}", bins_of_shares(side.column(name))
