"""Factors between the units that survey files state and those of the catalogue."""

import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from stdask.errors import SurveyError
from stdask.science.measurements.unit_spellings import LOGARITHM, is_no_unit, spelled_plainly

if TYPE_CHECKING:  # slow to import, and needed only where units differ
    from astropy import units as u

    from stdask.config.survey import SurveyDefinition

LOGARITHMIC = ("mag", "dex", "dB")  # ends of the names of units that are logarithms of numbers
OWN = frozenset({"K", "dex", "mag", "km/s", "mas/yr", "kpc", "deg"})  # of the columns of the schema
HOURS = frozenset({"h", "hr", "hour", "hours"})  # of time to astropy; those of a right ascension are hour angles
FORMATS = (None, "fits", "cds", "vounit")  # of astropy's unit parser: its own, FITS Standard 4.0, CDS, IVOA


@lru_cache
def conversion_factor(stated: tuple[str, ...], wanted: str) -> float:
    """Return the factor from the unit of a column to the unit of the catalogue.

    Parameters
    ----------
    stated
        Units given for the column, the most trusted first: of the survey file, of its definition. Blank ones
        and ones that astropy does not know are skipped.
    wanted
        Unit of the catalogue. A column without any unit is taken to be in this one.

    Raises
    ------
    SurveyError
        If the two units are of different kinds, or none of those stated is known.
    """
    given = [unit for unit in stated if not is_no_unit(unit)]
    if not given:
        return 1.0
    if given[0] == wanted and wanted in OWN:
        return 1.0
    logarithmic = wanted == "dex"
    known = [unit for unit in given if _is_known(unit) or (logarithmic and LOGARITHM.match(unit))]
    if not known:
        raise SurveyError(
            f"unit {given[0]!r} is not known. Set `unit` in the survey definition ({wanted!r}?), or, "
            f"{_way_out(given[0], wanted)}."
        )
    if known[0] == wanted or (logarithmic and LOGARITHM.match(known[0])):
        return 1.0
    return _factor(known[0], wanted, of_definition=len(stated) > 1 and all(map(is_no_unit, stated[:-1])))


def unknown_units(definition: "SurveyDefinition", unit_of: Callable[[str], str]) -> list[str]:
    """Return a sentence for each label whose column has a unit that astropy does not know.

    Parameters
    ----------
    definition
        Whose units are taken for these columns.
    unit_of
        Returns the unit that a table states for a column, empty for none.
    """
    sentences = []
    for name, label in definition.labels.items():
        stated = unit_of(label.column)
        logarithmic = definition.units[name] == "dex" and LOGARITHM.match(stated)
        if label.unit and not (is_no_unit(stated) or stated in OWN or logarithmic or _is_known(stated)):
            sentences.append(
                f"The unit {stated!r} of column {label.column} is unknown: its values are taken to be in {label.unit}."
            )
    return sentences


@lru_cache
def parse_unit(text: str) -> "u.UnitBase | None":
    """Return the unit that a column states, mag or dex for a logarithm; None if there is none that is known.

    Parameters
    ----------
    text
        As a file or a definition writes it.
    """
    if is_no_unit(text):
        return None
    from astropy import units as u

    if LOGARITHM.match(text.strip()):
        return u.dex
    try:
        unit = _parse(text)
    except ValueError:
        return None
    if isinstance(unit, u.MagUnit):
        return u.mag
    return unit if isinstance(unit, u.UnitBase) else None


def are_alike(one: "u.UnitBase", other: "u.UnitBase", equivalencies: Sequence[tuple] = ()) -> bool:
    """Tell whether one unit can be converted to the other; astropy alone would turn mag into dex."""
    return one.is_equivalent(other, list(equivalencies)) and logarithms_in(one) == logarithms_in(other)


def logarithms_in(unit: "u.UnitBase") -> dict[str, float]:
    """Return the powers of magnitudes, dex and decibels in a unit."""
    powers: dict[str, float] = {}
    for base, power in zip(unit.bases, unit.powers, strict=True):
        for kind in LOGARITHMIC:
            if base.name.endswith(kind):
                powers[kind] = powers.get(kind, 0) + power
    return powers


def _factor(stated: str, wanted: str, of_definition: bool) -> float:
    from astropy import units as u

    way_out = "or correct `unit` in the definition" if of_definition else f"or, {_way_out(stated, wanted)}"
    refusal = f"unit {stated!r} cannot be converted to {wanted!r}. Name another column, {way_out}."
    source, target = _parse(stated), _parse(wanted)
    parsec = [(u.arcsec**-1, u.pc)]  # 1 / parallax: the definition of the parsec
    if not isinstance(source, u.UnitBase) or not are_alike(source, target, parsec):
        raise SurveyError(refusal)
    return float(source.to(target, equivalencies=parsec))


def _way_out(stated: str, wanted: str) -> str:
    right = "hourangle" if stated.lower() in HOURS and wanted == "deg" else wanted
    return f'if the file states a wrong unit, overrule it: [file] units = {{ COLUMN = "{right}" }}'


def _is_known(text: str) -> bool:
    try:
        _parse(text)
    except ValueError:
        return False
    return True


def _parse(text: str) -> "u.UnitBase":
    from astropy import units as u

    for spelling, form in itertools.product(spelled_plainly(text), FORMATS):
        with suppress(ValueError, TypeError):
            return u.Unit(spelling, format=form, parse_strict="raise")
    raise ValueError(text)
