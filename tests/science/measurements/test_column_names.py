"""Columns are recognised by the names that surveys have for them."""

import pytest

from stdask.config.survey import load_definition, shipped_names
from stdask.science.measurements.column_names import (
    GAIA_ID,
    ID,
    LABELS,
    POSITION,
    find_column,
    find_columns,
    find_error,
    plain,
)


@pytest.mark.parametrize("name", ["[Fe/H]", "fe_h", "FeH", "FE_H", "Fe-H "])
def test_spellings_of_one_name_are_one(name: str):
    assert plain(name) == "feh"


def test_the_most_wanted_name_is_taken_wherever_it_stands():
    assert find_column(["id", "x", "SOBJECT_ID"], ID) == "SOBJECT_ID"
    assert find_column(["x"], ID) is None


@pytest.mark.parametrize(
    ("column", "error"), [("teff", "e_teff"), ("TEFF", "TEFF_ERR"), ("rv", "rv_error"), ("logg", "err_logg")]
)
def test_errors_are_found_by_the_forms_of_their_names(column: str, error: str):
    assert find_error(["other", error, column], column) == error


@pytest.mark.parametrize("name", [name for name in shipped_names() if not name.startswith("mock")])
def test_the_columns_that_definitions_name_are_recognised(name: str):
    """Truth: the shipped definitions, each of which was written by hand."""
    definition = load_definition(name)
    if definition.draft or len(definition.file.hdus) > 1:
        pytest.skip("its columns are not known for certain, or have the names of tables before them")
    names = definition.source_columns
    assert find_columns(names, POSITION) == {"ra": definition.position.ra, "dec": definition.position.dec}
    if definition.gaia_id:
        assert find_column(names, GAIA_ID) == definition.gaia_id
    found = find_columns(names, LABELS)
    for label in ("TEFF", "LOGG"):
        assert found[label] == definition.labels[label].column
