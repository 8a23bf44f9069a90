"""The colours and absolute magnitudes that a survey has the columns for, and what others lack."""

from collections.abc import Iterable
from itertools import combinations
from typing import TYPE_CHECKING

from stdask import schema

if TYPE_CHECKING:
    from stdask.config.survey import SurveyDefinition


def offered(definition: "SurveyDefinition") -> tuple[str, ...]:
    """Return the names of the colours and absolute magnitudes that a survey has: the bluer band of a colour first."""
    if definition.photometry is None:
        return ()
    known = list(schema.BANDS)
    bands = definition.photometry.magnitudes
    bluest_first = sorted(bands, key=lambda band: known.index(band) if band in known else len(known))
    colours = ["_".join([*pair, "0"]) for pair in combinations(bluest_first, 2)]
    names = [*colours, *(f"M_{band}" for band in bluest_first)]
    return tuple(name for name in names if schema.derived_quantity(name) and not lacking(name, definition))


def lacking(name: str, definition: "SurveyDefinition") -> str:
    """Return what a survey lacks for a colour or absolute magnitude, and the remedy; empty if it lacks nothing.

    Parameters
    ----------
    name
        Of a derived quantity. Any other name lacks nothing.
    definition
        Of the survey.
    """
    if lack := lacking_columns(name, definition):
        return lack
    if are_dereddened([name], definition) and not (definition.own_ebv or definition.ebv_map):
        return f"{name} needs E(B-V): add `ebv` to [photometry], or name a map as `ebv_map`."
    return ""


def lacking_columns(name: str, definition: "SurveyDefinition") -> str:
    """Return what a survey lacks for a colour or absolute magnitude as `lacking` does, but for the reddening."""
    own = schema.derived_quantity(name)
    if own is None:
        return ""
    there = definition.photometry.magnitudes if definition.photometry else {}
    if absent := [band for band in own.bands if band not in there]:
        return f"{name} needs the magnitude {absent[0]}: add its column to [photometry]."
    if not (own.is_colour or definition.parallax or definition.distances):
        return f"{name} needs a distance: add [parallax] or [[distances]]."
    return ""


def are_dereddened(inputs: Iterable[str], definition: "SurveyDefinition") -> bool:
    """Tell whether the E(B-V) of a survey enters one of some inputs."""
    derived = [own for name in inputs if name not in definition.labels and (own := schema.derived_quantity(name))]
    photometry = definition.photometry
    return photometry is not None and any(photometry.is_reddened(band) for own in derived for band in own.bands)


def with_derived(definition: "SurveyDefinition", inputs: Iterable[str]) -> "SurveyDefinition":
    """Return a definition whose catalogue holds the derived quantities among some inputs, too."""
    stored = (*schema.GAIA_COLOURS, *definition.labels)
    further = [name for name in inputs if schema.derived_quantity(name) and name not in stored]
    return definition.model_copy(update={"derived": tuple(dict.fromkeys((*definition.derived, *further)))})
