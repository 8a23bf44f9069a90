"""Columns of the catalogues: units, types and UCDs that astropy and Arrow know, and no name twice."""

import astropy.units as u
import pyarrow as pa
import pytest
from astropy.io.votable.ucd import check_ucd

from stdask import schema
from stdask.errors import ConfigError

LABELS = {**dict.fromkeys(schema.QUANTITIES, ""), "SI_FE": "dex"}
SHARED = [
    schema.HEALPIX, schema.SOURCE_ID, schema.STAR_KEY, *schema.POSITION, schema.GOOD, *schema.DISTANCE,
    *schema.PROPER_MOTION, schema.ID, schema.DISTANCE_FROM, schema.SURVEY, *schema.GALACTOCENTRIC,
    *schema.GALACTOCENTRIC_ERR, *schema.VELOCITIES, *schema.ORBITS, *schema.photometric_columns(),
]  # fmt: skip
TRANSLATED = [
    column
    for label, unit in LABELS.items()
    for column in (
        *schema.measured_columns(label, unit),
        *schema.translated_columns(label, unit),
        *schema.member_columns(label, 5, unit),
        schema.debiased_column(label, unit),
    )
] + [schema.USE, *schema.flag_columns(schema.FAMILIES), *map(schema.used_column, schema.FAMILIES)]
TABLES = {
    "catalogue": [*SHARED, *TRANSLATED],
    "merged": [*SHARED, *(c for label, unit in LABELS.items() for c in schema.merged_columns(label, unit, 5))],
    "means": [c for label, unit in LABELS.items() for c in schema.merged_columns(label, unit, 5, of_means=True)],
    "pairs": list(schema.PAIRS),
    "rejected": list(schema.REJECTED),
}
COLUMNS = list(dict.fromkeys(column for table in TABLES.values() for column in table))


@pytest.mark.parametrize("table", TABLES)
def test_no_name_stands_twice(table: str):
    names = [column.name for column in TABLES[table]]
    assert sorted(names) == sorted(set(names))


def test_units_and_types_are_known_to_astropy_and_arrow_and_every_column_says_what_it_is():
    for column in COLUMNS:
        u.Unit(column.unit)
        pa.type_for_alias(column.dtype)
    assert [column.name for column in COLUMNS if not column.description] == []


def wrong_ucds(columns: list[schema.Column]) -> list[str]:
    """Return the UCDs with a word, or an order of words, that the controlled vocabulary of the IVOA does not have."""
    ucds = {column.ucd for column in columns} - {""}
    return [ucd for ucd in sorted(ucds) if not check_ucd(ucd, check_controlled_vocabulary=True)]


def test_ucds_have_the_words_and_the_order_of_the_vocabulary():
    assert wrong_ucds(COLUMNS) == []


def test_ucds_of_a_label_that_stdask_does_not_know_are_of_the_vocabulary():
    assert wrong_ucds(list(schema.translated_columns("SI_FE", "dex"))) == []


def test_velocities_are_told_by_what_they_are():
    assert {label for label in LABELS if schema.is_velocity(label)} == {"RV", "VHELIO"}


def test_an_unknown_label_keeps_its_own_unit_and_a_known_one_has_that_of_stdask():
    assert schema.quantity("A_LI", "dex").unit == "dex"
    assert schema.quantity("RV", "m/s").unit == "km/s"


def test_a_name_that_stands_twice_is_refused():
    schema.unique_names(["TEFF", "LOGG"], "the labels")
    with pytest.raises(ConfigError, match=r"'TEFF' appears twice in the labels\. Keep one"):
        schema.unique_names(["TEFF", "LOGG", "TEFF"], "the labels")
