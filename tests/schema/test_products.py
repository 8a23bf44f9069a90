"""Columns of maps, profiles and gradients: named once, with the unit of their label."""

import astropy.units as u
import pytest

from stdask.schema import Column
from stdask.schema.products import (
    ASYMMETRY,
    CONSISTENCY,
    GRADIENTS,
    MAP_NEW,
    MAP_STARS,
    SEAM,
    excess_columns,
    map_columns,
    profile_columns,
)

UNITS = {"TEFF": "", "FE_H": "", "SI_FE": "dex"}  # label -> unit of its definition; those of known labels are known
RADIAL = profile_columns("R", "Z", {"ALL": "all stars", "B": "stars of B"}, UNITS)
MAP = (
    *MAP_STARS,
    MAP_NEW,
    *(
        column
        for columns in (map_columns, excess_columns)
        for label, unit in (("TEFF", "K"), ("FE_H", "dex"))
        for column in columns(label, unit)
    ),
)
TABLES = {
    "gradients": GRADIENTS,
    "asymmetry": ASYMMETRY,
    "seam": SEAM,
    "consistency": CONSISTENCY,
    "map": MAP,
    "radial": RADIAL,
    "vertical": profile_columns("Z", "R", {"ALL": "all stars"}, UNITS),
}


@pytest.mark.parametrize("table", TABLES)
def test_columns_are_named_once_with_units_and_descriptions(table: str):
    columns = TABLES[table]
    assert len({column.name for column in columns}) == len(columns)
    for column in columns:
        u.Unit(column.unit)
        assert column.description


def test_medians_and_their_errors_have_the_unit_of_their_label():
    for label, unit in {"TEFF": "K", "FE_H": "dex", "SI_FE": "dex"}.items():
        own = [c for c in RADIAL if c.name.startswith(f"{label}_")]
        assert [c.name.removeprefix(f"{label}_") for c in own] == [
            "MEDIAN",
            "P16",
            "P84",
            "TRANSLATION",
            "NOISE",
            "NOISE_SHIFT",
            "POPULATION",
            "TOTAL",
        ]
        assert {c.unit for c in own} == {unit}
    assert {c.unit for c in MAP if c.name.startswith("TEFF_")} == {"K"}


@pytest.mark.parametrize(("table", "along", "across"), [("radial", "R", "Z"), ("vertical", "Z", "R")])
def test_a_profile_runs_along_one_coordinate_in_slices_of_the_other(table: str, along: str, across: str):
    edges = [c for c in TABLES[table] if c.unit == "kpc"]
    assert [c.name for c in edges] == [
        f"{across}_LOW",
        f"{across}_HIGH",
        f"{along}_LOW",
        f"{along}_CENTRE",
        f"{along}_HIGH",
    ]


def test_the_samples_are_explained_where_they_are_named():
    sample = next(column for column in RADIAL if column.name == "SAMPLE")
    assert sample == Column("SAMPLE", "string", description="ALL: all stars; B: stars of B")
