"""What a table must have to be translated by an ensemble: one row for each of its columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stdask import schema
from stdask.config.survey import SurveyDefinition
from stdask.config.survey_tables import Photometry, Term
from stdask.runs.ensemble import Ensemble
from stdask.schema import rows
from stdask.science.measurements.units import conversion_factor
from stdask.science.translation.resampling import measured_behind

YES, BY_APPLY, NO = "yes", "by apply", "no"
MAP = "map of E(B-V)"


@dataclass(frozen=True)
class RequiredColumn:
    """A column that an ensemble reads from a table."""

    name: str = rows.column("What stdask calls the quantity: its key in a survey definition")
    column: str = rows.column("Name of the column in the files of survey A, and so by default in the table")
    unit: str = rows.column("Unit of the column, used if the table states none")
    error: str = rows.column("Column of the 1-sigma errors, empty if none is read")
    typical_error: float = rows.column("Error of stars without one, in `unit`; NaN if there is none")
    needed: str = rows.column("`yes`; `by apply`: by the command `stdask apply` alone; or `no`")
    purpose: str = rows.column("What the column is read for")


def requirements(ensemble: Ensemble) -> list[RequiredColumn]:
    """Return the columns that a table must have, and those that are read if it has them.

    Inputs of the networks come first, then what identifies and places a star, then columns of quality conditions.
    """
    definition = ensemble.definition
    inputs = {name: [family.name for family in ensemble.families if name in family.inputs] for name in ensemble.inputs}
    read = [
        *_inputs(definition, inputs),
        *_reddening(ensemble, coloured=any(name in schema.COLOURS for name in inputs)),
        _row("ID", definition.id, BY_APPLY, "identifies the star and seeds its random draws"),
        _row("ra", definition.position.ra, BY_APPLY, "position, ICRS", "deg"),
        _row("dec", definition.position.dec, BY_APPLY, "position, ICRS", "deg"),
    ]
    for name in inputs:
        if name in definition.labels:
            read += _conditions(name, definition.labels[name].good, f"{name} is missing where this fails")
    read += _conditions(schema.GOOD.name, definition.cuts, "star is not GOOD where this fails")
    if ensemble.error_factors and definition.duplicates:
        purpose = f"errors of {', '.join(ensemble.error_factors)} are multiplied by a factor that depends on it"
        read.append(_row("duplicates.best", definition.duplicates.best, NO, purpose))
    return read


def _inputs(definition: SurveyDefinition, inputs: dict[str, list[str]]) -> Iterator[RequiredColumn]:
    for name, families in inputs.items():
        if name in definition.labels:
            label, wanted = definition.labels[name], definition.units[name]
            typical = float("nan")
            if label.typical_error:
                typical = label.typical_error / conversion_factor((label.unit,), wanted)
            purpose = f"input of the {' and '.join(families)} networks"
            yield RequiredColumn(name, label.column, label.unit or wanted, label.error or "", typical, YES, purpose)
    colours = [name for name in inputs if name in schema.COLOURS]
    if colours and definition.photometry:
        for name in measured_behind(colours)[0]:
            yield _magnitude(name, definition.photometry, [own for own in colours if name in schema.COLOURS[own]])


def _magnitude(name: str, photometry: Photometry, colours: Sequence[str]) -> RequiredColumn:
    band = name.removesuffix("_MAG").lower()
    error = getattr(photometry, f"{band}_error") or ""
    typical = photometry.typical_error or float("nan")
    return RequiredColumn(name, getattr(photometry, band), "mag", error, typical, YES, f"input {', '.join(colours)}")


def _reddening(ensemble: Ensemble, *, coloured: bool) -> Iterator[RequiredColumn]:
    """Yield the source of E(B-V), where it makes a difference."""
    definition = ensemble.definition
    measured = (definition.photometry and definition.photometry.ebv) or definition.ebv
    source = f"{MAP} {definition.ebv_map}" if definition.ebv_map else measured
    in_domain = any(schema.EBV.name in family.neighbourhood.names for family in ensemble.families)
    if source and (coloured or in_domain):
        purpose = "reddening: dereddens the colours" if coloured else "reddening: DOMAIN_INDEX and QFLAG_DOMAIN use it"
        yield _row(schema.EBV.name, source, YES if coloured else NO, purpose, "mag")


def _conditions(name: str, terms: Sequence[Term], consequence: str) -> Iterator[RequiredColumn]:
    for term in terms:
        for own in term.columns:
            yield _row(name, own, NO, f"{consequence}: {term.text}")


def _row(name: str, own: str, needed: str, purpose: str, unit: str = "") -> RequiredColumn:
    return RequiredColumn(name, own, unit, "", float("nan"), needed, purpose)
