"""What a table must have to be translated by an ensemble: one row for each of its columns."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from stdask import schema
from stdask.config.derived import are_dereddened
from stdask.config.survey import SurveyDefinition
from stdask.config.survey_tables import Photometry, Term
from stdask.runs.ensemble import Ensemble
from stdask.schema import rows
from stdask.science.measurements.expressions import columns_of
from stdask.science.measurements.units import conversion_factor

YES, BY_APPLY, NO = "yes", "by apply", "no"
MAP = "map of E(B-V)"


@dataclass(frozen=True)
class RequiredColumn:
    """A column that an ensemble reads from a table."""

    name: str = rows.column("What stdask calls the quantity: its key in a survey definition")
    column: str = rows.column("Name of the column in the files of survey A, and so by default in the table")
    unit: str = rows.column("Unit of the column, used if the table states none; empty for a part of an expression")
    error: str = rows.column("Columns of the 1-sigma errors, empty if none is read")
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
        *_reddening(ensemble, dereddened=are_dereddened(inputs, definition)),
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
    plain = definition.in_one_table  # the table that is translated has the columns of all tables of the survey
    named = [replace(row, column=plain(row.column), error=plain(row.error)) for row in read]
    return [own for row in named for own in _behind(row)]


def _inputs(definition: SurveyDefinition, inputs: dict[str, list[str]]) -> Iterator[RequiredColumn]:
    for name, families in inputs.items():
        if name in definition.labels:
            label, wanted = definition.labels[name], definition.units[name]
            typical = float("nan")
            if label.typical_error:
                typical = label.typical_error / conversion_factor((label.unit,), wanted)
            purpose = f"input of the {' and '.join(families)} networks"
            yield RequiredColumn(
                name, label.column, label.unit or wanted, _columns(label.error_columns), typical, YES, purpose
            )
    derived = [own for name in inputs if name not in definition.labels and (own := schema.derived_quantity(name))]
    if derived and definition.photometry:
        yield from _magnitudes(definition.photometry, derived)
    if far := [own.name for own in derived if not own.is_colour]:
        yield from _distances(definition, f"input {', '.join(far)}")


def _magnitudes(photometry: Photometry, derived: Sequence[schema.Derived]) -> Iterator[RequiredColumn]:
    typical = photometry.typical_error or float("nan")
    for band in dict.fromkeys(band for own in derived for band in own.bands):
        columns, purpose = photometry.magnitudes[band], f"input {', '.join(o.name for o in derived if band in o.bands)}"
        name = schema.magnitude_name(band)
        yield RequiredColumn(name, columns.column, "mag", _columns([columns.error]), typical, YES, purpose)
        if stated := photometry.stated_extinctions.get(band):
            yield _row(schema.extinction_name(band), stated, YES, f"extinction of {purpose}", "mag")


def _distances(definition: SurveyDefinition, purpose: str) -> Iterator[RequiredColumn]:
    """Yield the parallax, or the distances, of which a table needs one."""
    if parallax := definition.parallax:
        none = float("nan")
        yield RequiredColumn("parallax", parallax.column, parallax.unit, _columns([parallax.error]), none, YES, purpose)
        return
    several = len(definition.distances) > 1
    for distance in definition.distances:
        error = _columns(distance.error_columns)
        text = f"{purpose}: one of the distances is needed" if several else purpose
        yield RequiredColumn(
            "DISTANCE", distance.column, distance.unit, error, float("nan"), NO if several else YES, text
        )


def _reddening(ensemble: Ensemble, *, dereddened: bool) -> Iterator[RequiredColumn]:
    """Yield the source of E(B-V), where it makes a difference."""
    definition = ensemble.definition
    source = f"{MAP} {definition.ebv_map}" if definition.ebv_map else definition.own_ebv
    in_domain = any(schema.EBV.name in family.neighbourhood.names for family in ensemble.families)
    if source and (dereddened or in_domain):
        why = "dereddens colours and magnitudes" if dereddened else "DOMAIN_INDEX and QFLAG_DOMAIN use it"
        yield _row(schema.EBV.name, source, YES if dereddened else NO, f"reddening: {why}", "mag")


def _conditions(name: str, terms: Sequence[Term], consequence: str) -> Iterator[RequiredColumn]:
    for term in terms:
        for own in term.columns:
            yield _row(name, own, NO, f"{consequence}: {term.text}")


def _behind(row: RequiredColumn) -> list[RequiredColumn]:
    """Return a row for each column that an expression reads, or the row of a column itself."""
    columns = (row.column,) if row.column.startswith(MAP) else columns_of(row.column)
    if columns == (row.column.strip("`"),):
        return [replace(row, column=columns[0])]
    return [replace(row, column=own, unit="", purpose=f"{row.purpose}: part of {row.column}") for own in columns]


def _columns(texts: Iterable[str | None]) -> str:
    return ", ".join(dict.fromkeys(own for text in texts if text for own in columns_of(text)))


def _row(name: str, own: str, needed: str, purpose: str, unit: str = "") -> RequiredColumn:
    return RequiredColumn(name, own, unit, "", float("nan"), needed, purpose)
