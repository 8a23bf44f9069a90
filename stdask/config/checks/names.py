"""Names of columns that collide: a catalogue has each name once, whatever the case of its letters.

Readers of FITS files and TAP services ignore the case of letters. Columns that a later stage adds, or looks for by
name, are reserved, so that a collision is reported with the definition and not after the training.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from stdask import schema
from stdask.schema.products import MAP_STARS, SHARES, excess_columns, map_columns, profile_columns

if TYPE_CHECKING:
    from stdask.config.survey import SurveyDefinition

SOURCE_ID = schema.SOURCE_ID.name
LOOKED_FOR = frozenset(  # by name, in the catalogue of a survey: stages would take any column of these names
    column.name for column in (schema.EBV, *schema.DISTANCE, *schema.DISTANCE_MODULUS, *schema.PROPER_MOTION)
)
MERGED = (
    schema.ID,
    schema.SURVEY,
    schema.IN_PAIRS,
    schema.SOURCE_ID,
    schema.DISTANCE_FROM,
    *schema.GALACTOCENTRIC,
    *schema.GALACTOCENTRIC_ERR,
    *schema.VELOCITIES,
    *schema.ORBITS,
)


def collision(definition: "SurveyDefinition") -> str:
    """Return which name of a survey definition collides with another column, and the remedy; empty if none does."""
    ours = [schema.HEALPIX.name, schema.ROW.name, *(column.name for column in definition.catalogue_columns)]
    return (
        _of_source_id(definition)
        or _of_labels(definition, ours)
        or _of_kept_columns(definition, ours)
        or _of_later_stages((*definition.labels, definition.id, *definition.keep))
    )


def _of_source_id(definition: "SurveyDefinition") -> str:
    """Return what is wrong with the column SOURCE_ID, which holds the ids of Gaia in every catalogue."""
    if definition.id == SOURCE_ID != definition.gaia_id:
        other = f"names {definition.gaia_id!r}" if definition.gaia_id else "is not set"
        return (
            f"`id` names {SOURCE_ID!r}, under which catalogues hold Gaia's source_id, but `gaia_id` {other}. "
            f'If the column holds ids of Gaia, set gaia_id = "{SOURCE_ID}"; if not, rename it in the '
            "survey file"
        )
    if SOURCE_ID in definition.keep and definition.gaia_id is None:
        return (
            f"{SOURCE_ID!r} in `keep` has the name under which catalogues hold Gaia's source_id. Set "
            f'gaia_id = "{SOURCE_ID}" and remove it from `keep`, or rename it in the survey file'
        )
    return ""


def _of_labels(definition: "SurveyDefinition", ours: list[str]) -> str:
    later = {column.name for column in MERGED}
    for name in definition.labels:
        if name in later or name in LOOKED_FOR:
            return f"the catalogue has its own column {name!r}. Give the label another name"
    if twice := repeated(ours):
        what = "label" if twice[0].upper() in map(str.upper, _columns_of_labels(definition)) else "band"
        return f"the catalogue has its own column {twice[1]!r}. Give the {what} another name"
    return ""


def _columns_of_labels(definition: "SurveyDefinition") -> list[str]:
    return [column.name for name in definition.labels for column in schema.measured_columns(name)]


def _of_kept_columns(definition: "SurveyDefinition", ours: list[str]) -> str:
    kept = (definition.id, *definition.keep)
    if len(set(kept)) < len(kept):
        return "a column is named twice in `keep`, or in both `keep` and `id`. Name it once"
    folded = {name.upper(): name for name in ours}
    for name in kept:
        own = folded.get(name.upper())
        if own == SOURCE_ID and name in (definition.gaia_id, SOURCE_ID) and name == definition.id:
            continue  # One column is both ids, under two names with the same values.
        if own == name:
            return f"the catalogue has its own column {name!r}. Remove it from `keep` or `id`"
        if own:
            return (
                f"the catalogue has its own column {own!r}, which FITS files do not tell from {name!r}. Remove it from "
                "`keep` or `id`, or rename it in the survey file"
            )
        if name in LOOKED_FOR:
            return (
                f"{name!r} in `keep` or `id` has the name of a column that stdask makes, and would be taken for it. "
                "Remove it, or rename it in the survey file"
            )
    if twice := repeated(kept):
        return f"FITS files do not tell {twice[0]!r} from {twice[1]!r}. Remove one of them from `keep`"
    return ""


def _of_later_stages(names: Iterable[str]) -> str:
    for name in names:
        if schema.is_translated(name):
            return (
                f"{name!r} is the name of a column that `stdask translate` adds. Remove it from `keep`, or give the "
                "label or the column of the survey file another name"
            )
    return ""


def repeated(names: Iterable[str]) -> tuple[str, str] | None:
    """Return the first two names that differ by no more than the case of their letters, None if all differ."""
    seen: dict[str, str] = {}
    for name in names:
        if name.upper() in seen:
            return seen[name.upper()], name
        seen[name.upper()] = name
    return None


def collision_of_maps(labels: Iterable[str]) -> str:
    """Return which columns of the tables of the atlas have one name, and the remedy; empty if none have.

    Parameters
    ----------
    labels
        What is mapped.
    """
    mapped = [name for label in labels for name in _columns_of_products(label)]
    if twice := repeated([*(column.name for column in (*MAP_STARS, *SHARES)), *mapped]):
        return f"the tables would have two columns {twice[0]!r} and {twice[1]!r}. Leave one of the labels out"
    return ""


def _columns_of_products(label: str) -> list[str]:
    """Return the columns of a label in maps and profiles, each name once."""
    profile = [column.name for column in profile_columns("R", "Z", {}, {label: ""}) if label in column.name]
    columns = (*map_columns(label), *excess_columns(label))
    return list(dict.fromkeys([label, *(column.name for column in columns), *profile]))


def collision_of_table(columns: Iterable[str], errors: Iterable[str], untranslated: Iterable[str]) -> str:
    """Return which quantity of a user's own table collides with another one, and the remedy; empty if none does.

    Parameters
    ----------
    columns, errors, untranslated
        Names of the quantities of `[table]` that have a column of each kind.
    """
    computed = (*schema.POSITION, *schema.DISTANCE, schema.SURVEY, schema.STAR_KEY, *schema.GALACTOCENTRIC)
    own = {column.name.upper() for column in (*computed, *MAP_STARS, *SHARES)}
    columns = list(columns)
    if taken := next((name for name in columns if name.upper() in own), None):
        return f"`columns` names {taken!r}, which stdask computes or has a key of its own for. Give it another name"
    names = [*columns, *(f"{name}_ERR" for name in errors), *(f"{name}_RAW" for name in untranslated)]
    if twice := repeated(names):
        return f"two quantities are called {twice[0]!r} and {twice[1]!r}. Give one of them another name in `columns`"
    return ""
