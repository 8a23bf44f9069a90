"""From the columns of a survey to those of the catalogue, as its definition says: arrays in, arrays out."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from stdask import schema
from stdask.config.survey import SENTINELS, SurveyDefinition
from stdask.config.survey_tables import Band, Distance, Label, Parallax, Photometry, ProperMotion, Term
from stdask.errors import SurveyError
from stdask.science.measurements.cuts import passes
from stdask.science.measurements.repeats import ErrorFactors
from stdask.science.measurements.units import conversion_factor
from stdask.science.measurements.values import clean_errors, clean_values, complete_errors
from stdask.science.sky.dereddening import Extinction, intrinsic_colour, intrinsic_magnitude
from stdask.science.sky.distance_modulus import modulus_of_distance, modulus_of_parallax

MAGNITUDE_RANGE = (-2.0, 30.0)  # mag; outside are placeholders such as 99
EBV_RANGE = (-0.1, 100.0)  # mag; a fitted E(B-V) may be slightly negative
EXTINCTION_RANGE = (-1.0, 300.0)  # mag; as that of E(B-V), for any band
DISTANCE_RANGE = (1e-6, 1e6)  # kpc
MOTION_RANGE = (-11_000.0, 11_000.0)  # mas/yr; Barnard's star, the fastest, moves by 10,393

Columns = Mapping[str, np.ndarray]  # masked where missing, floats NaN
Counts = dict[tuple[str, str], dict[str, int]]  # (catalogue column, survey column) -> kind of value -> number of stars


class SurveyColumns(NamedTuple):
    """The columns of a block of a survey file, the units the file states, and what it writes for "missing"."""

    columns: Columns
    units: Mapping[str, str]
    sentinels: Sequence[float] = SENTINELS
    computed: Collection[str] = ()  # those that are expressions of columns: none of their values stands for "missing"

    def sentinels_of(self, name: str) -> Sequence[float]:
        """Return the numbers that stand for "missing" in a column."""
        return () if name in self.computed else self.sentinels

    def passes(self, term: Term) -> np.ndarray:
        """Return which stars fulfil a condition."""
        return passes(term, self.columns, self.sentinels_of)

    def values(
        self,
        name: str,
        unit: str,
        wanted: str,
        valid: tuple[float, float] | None = None,
        good: Sequence[Term] = (),
        of: str = "",
    ) -> tuple[np.ndarray, dict[str, int]]:
        """Return a cleaned column in the unit wanted, `unit` being the definition's; see `clean_values`.

        Where the column has no unit, that of the column `of` counts.
        """
        trusted = np.logical_and.reduce([self.passes(term) for term in good]) if good else None
        try:
            factor = conversion_factor((self.units.get(name, ""), self.units.get(of, ""), unit), wanted)
            return clean_values(self.columns[name], factor, valid, trusted, self.sentinels_of(name))
        except SurveyError as exc:
            exc.add_note(f"Column {name!r}")
            raise

    def errors(self, name: str, values: np.ndarray, of: str, unit: str, wanted: str) -> np.ndarray:
        """Return cleaned errors of the column `of`, whose unit counts where the errors have none."""
        try:
            stated = (self.units.get(name, ""), self.units.get(of, ""), unit)
            return clean_errors(self.columns[name], values, conversion_factor(stated, wanted), self.sentinels_of(name))
        except SurveyError as exc:
            exc.add_note(f"Column {name!r}")
            raise

    def half_range(
        self, of: str, percentiles: tuple[str, str], unit: str, wanted: str, valid: tuple[float, float] | None = None
    ) -> np.ndarray:
        """Return half the difference of two percentiles of the column `of`, whose unit counts where they have none."""
        low, high = (self.values(name, unit, wanted, valid, of=of)[0] for name in percentiles)
        return np.where(high > low, (high - low) / 2, np.nan)

    def merits(self, best: str) -> np.ndarray:
        """Return the column that rows of one star are compared by, in the file's unit, NaN where missing."""
        return clean_values(self.columns[best], 1.0, None, sentinels=self.sentinels_of(best))[0]


class StatedLabel(NamedTuple):
    """A label as the survey states it, in the catalogue's unit; each array of shape (n_stars,), float64."""

    values: np.ndarray
    errors: np.ndarray  # NaN where there is none
    lost: dict[str, int]  # values, by `VALUE_COUNTS`


def stated_label(name: str, label: Label, source: SurveyColumns) -> StatedLabel:
    """Return a label and its errors cleaned, before typical errors and floors.

    Raises
    ------
    SurveyError
        If a unit or a kind of column does not fit.
    """
    unit = schema.quantity(name, label.unit).unit
    values, lost = source.values(label.column, label.unit, unit, label.valid, label.good)
    errors = np.full(values.size, np.nan)
    if label.error:
        errors = source.errors(label.error, values, label.column, label.unit, unit)
    elif label.percentile_16 and label.percentile_84:
        errors = source.half_range(label.column, (label.percentile_16, label.percentile_84), label.unit, unit)
        errors[np.isnan(values)] = np.nan
    return StatedLabel(values, errors, lost)


def catalogue_columns(
    definition: SurveyDefinition,
    source: SurveyColumns,
    ebv_of_map: np.ndarray | None = None,
    factors: Mapping[str, ErrorFactors] | None = None,
) -> tuple[dict[str, np.ndarray], Counts, list[np.ndarray]]:
    """Return the catalogue's columns for a block of stars, except ids and positions.

    Parameters
    ----------
    definition
        Of the survey.
    source
        The survey columns that it names, each of shape (n_stars,).
    ebv_of_map : shape (n_stars,), mag
        E(B-V) that replaces the survey's own.
    factors
        Of the stated errors of labels, from repeat visits.

    Returns
    -------
    arrays
        Labels, photometry, E(B-V), colours, distance, proper motion (float64, NaN for missing) and GOOD (bool),
        each of shape (n_stars,), in the units of the schema.
    counts
        Kinds of values of each survey column; counts of blocks add up.
    passing
        For each cut of the definition, shape (n_stars,), bool.

    Raises
    ------
    SurveyError
        If a unit or a kind of column does not fit.
    """
    n_stars = len(next(iter(source.columns.values())))
    arrays: dict[str, np.ndarray] = {}
    counts: Counts = {}
    scales = _error_scales(definition, source, factors or {})
    for name, label in definition.labels.items():
        _add_label(name, label, source, scales.get(name), arrays, counts)
    ebv = definition.own_ebv
    if ebv_of_map is not None:
        arrays["EBV"], counts["EBV", f"map {definition.ebv_map}"] = clean_values(ebv_of_map, 1.0, EBV_RANGE)
    elif ebv:
        arrays["EBV"], counts["EBV", ebv] = source.values(ebv, "mag", "mag", EBV_RANGE)
    if definition.photometry:
        _add_magnitudes(definition.photometry, source, arrays, counts)
    if definition.distances:
        _add_distance(definition.distances, source, arrays, counts)
    if definition.has_absolute_magnitudes:
        _add_distance_modulus(definition.parallax, source, arrays, counts)
    _add_derived(definition, arrays)
    if definition.proper_motion:
        _add_proper_motion(definition.proper_motion, source, arrays, counts)
    passing = [source.passes(term) for term in definition.cuts]
    arrays["GOOD"] = np.logical_and.reduce([np.ones(n_stars, dtype=bool), *passing])
    return arrays, counts, passing


def _error_scales(
    definition: SurveyDefinition, source: SurveyColumns, factors: Mapping[str, ErrorFactors]
) -> dict[str, np.ndarray]:
    """Return what to multiply the stated errors of labels by, each of shape (n_stars,)."""
    if not factors:
        return {}
    n_stars = len(next(iter(source.columns.values())))
    merits = source.merits(definition.duplicates.best) if definition.duplicates else np.full(n_stars, np.nan)
    return {name: factor.at(merits) for name, factor in factors.items()}


def _add_label(
    name: str,
    label: Label,
    source: SurveyColumns,
    scale: np.ndarray | None,
    arrays: dict[str, np.ndarray],
    counts: Counts,
) -> None:
    values, errors, lost = stated_label(name, label, source)
    rescaled = errors if scale is None else errors * scale
    errors, replaced = complete_errors(rescaled, values, label.typical_error, label.error_floor)
    arrays[name], arrays[f"{name}_ERR"] = values, errors
    counts[name, label.column] = lost | replaced


def _add_magnitudes(
    photometry: Photometry, source: SurveyColumns, arrays: dict[str, np.ndarray], counts: Counts
) -> None:
    unit = photometry.unit
    for band, columns in photometry.magnitudes.items():
        name, column = schema.magnitude_name(band), columns.column
        values, lost = source.values(column, unit, "mag", MAGNITUDE_RANGE)
        errors = source.errors(columns.error, values, column, unit, "mag") if columns.error else None
        errors, replaced = complete_errors(errors, values, photometry.typical_error)
        arrays[name], arrays[f"{name}_ERR"] = values, errors
        counts[name, column] = lost | replaced
    for band, column in photometry.stated_extinctions.items():
        name = schema.extinction_name(band)
        arrays[name], counts[name, column] = source.values(column, unit, "mag", EXTINCTION_RANGE)
    n_stars = len(next(iter(source.columns.values())))
    arrays.setdefault("EBV", np.full(n_stars, np.nan))


def _add_derived(definition: SurveyDefinition, arrays: dict[str, np.ndarray]) -> None:
    """Add dereddened colours and absolute magnitudes."""
    if definition.photometry is None:
        return
    extinctions = {band: _extinction(band, own, arrays) for band, own in definition.photometry.magnitudes.items()}
    for name, derived in definition.derived_quantities.items():
        observed = [arrays[schema.magnitude_name(band)] for band in derived.bands]
        dimmed = [extinctions[band] for band in derived.bands]
        if derived.is_colour:
            arrays[name] = intrinsic_colour(observed[0], observed[1], arrays["EBV"], (dimmed[0], dimmed[1]))
        else:
            intrinsic = intrinsic_magnitude(observed[0], arrays["EBV"], dimmed[0])
            arrays[name] = intrinsic - arrays[schema.DISTANCE_MODULUS[0].name]


def _extinction(name: str, band: Band, arrays: Mapping[str, np.ndarray]) -> Extinction:
    """Return the extinction of a band: as the survey or its definition states it, else the known one."""
    if isinstance(band.extinction, str):
        return Extinction(stated=arrays[schema.extinction_name(name)])
    if band.extinction is not None:
        return Extinction(band.extinction / schema.VISUAL_EXTINCTION)
    return Extinction(schema.BANDS[name].extinction)


def _add_distance_modulus(
    parallax: Parallax | None, source: SurveyColumns, arrays: dict[str, np.ndarray], counts: Counts
) -> None:
    """Add the distance modulus: of the parallax if the survey has one, else of the distance."""
    name, error = (column.name for column in schema.DISTANCE_MODULUS)
    if parallax is None:
        arrays[name], arrays[error] = modulus_of_distance(arrays["DISTANCE"], arrays["DISTANCE_ERR"])
        return
    values, lost = source.values(parallax.column, parallax.unit, "mas")
    errors = np.full(values.size, np.nan)
    if parallax.error:
        errors = source.errors(parallax.error, values, parallax.column, parallax.unit, "mas")
    arrays[name], arrays[error] = modulus_of_parallax(values, errors)
    n_measured = int(np.count_nonzero(np.isfinite(arrays[name])))
    n_no_error = n_measured - int(np.count_nonzero(np.isfinite(arrays[error])))
    too_uncertain = {"n_outside": lost["n_outside"] + lost["n_measured"] - n_measured, "n_measured": n_measured}
    counts[name, parallax.column] = lost | too_uncertain | {"n_typical_error": 0, "n_no_error": n_no_error}


def _add_proper_motion(
    motion: ProperMotion, source: SurveyColumns, arrays: dict[str, np.ndarray], counts: Counts
) -> None:
    for name, column, error in (
        ("PMRA", motion.pmra, motion.pmra_error),
        ("PMDEC", motion.pmdec, motion.pmdec_error),
    ):
        values, lost = source.values(column, motion.unit, "mas/yr", MOTION_RANGE)
        errors = source.errors(error, values, column, motion.unit, "mas/yr") if error else None
        arrays[name], (arrays[f"{name}_ERR"], replaced) = values, complete_errors(errors, values, typical=None)
        counts[name, column] = lost | replaced


def _add_distance(
    distances: Sequence[Distance], source: SurveyColumns, arrays: dict[str, np.ndarray], counts: Counts
) -> None:
    """Take for each star the first distance it has; `n_measured` counts the stars that take it."""
    n_stars = source.columns[distances[0].column].size
    chosen, chosen_errors = np.full(n_stars, np.nan), np.full(n_stars, np.nan)
    for distance in distances:
        values, lost = source.values(distance.column, distance.unit, "kpc", DISTANCE_RANGE, distance.accept)
        errors = _distance_errors(distance, values, source)
        taken = np.isnan(chosen) & ~np.isnan(values)
        chosen, chosen_errors = np.where(taken, values, chosen), np.where(taken, errors, chosen_errors)
        n_taken = int(np.count_nonzero(taken))
        n_no_error = int(np.count_nonzero(taken & np.isnan(errors)))
        counts["DISTANCE", distance.column] = lost | {"n_measured": n_taken, "n_no_error": n_no_error}
    arrays["DISTANCE"], arrays["DISTANCE_ERR"] = chosen, chosen_errors


def _distance_errors(distance: Distance, values: np.ndarray, source: SurveyColumns) -> np.ndarray:
    """Return 1-sigma errors: of a lower and an upper one the mean, of two percentiles half the difference."""
    unit = distance.unit
    if distance.error_low and distance.error_high:
        pair = (distance.error_low, distance.error_high)
        low, high = (source.errors(name, values, distance.column, unit, "kpc") for name in pair)
        return (low + high) / 2
    if distance.percentile_16 and distance.percentile_84:
        pair = (distance.percentile_16, distance.percentile_84)
        return source.half_range(distance.column, pair, unit, "kpc", DISTANCE_RANGE)
    if distance.error:
        return source.errors(distance.error, values, distance.column, unit, "kpc")
    return np.full(values.size, np.nan)
