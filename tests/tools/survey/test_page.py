"""A definition in words: nothing that it says is left out."""

import pytest

from stdask.config.survey import load_definition, shipped_names
from stdask.tools.survey.page import DRAFT, survey_page


@pytest.mark.parametrize("name", shipped_names())
def test_a_page_names_every_column_cut_and_the_reference(name: str):
    definition = load_definition(name)
    page = survey_page(definition)
    assert definition.reference in page
    for column in {*definition.source_columns} - {c for term in definition.cuts for c in term.columns}:
        if column not in {c for label in definition.labels.values() for term in label.good for c in term.columns}:
            assert f"`{column}`" in page or column in page
    assert all(term.text in page for term in definition.cuts)
    assert (DRAFT in page) == definition.draft


def test_errors_that_are_rescaled_are_told():
    definition = load_definition("apogee_dr17")
    assert definition.duplicates
    assert "multiplied" not in survey_page(definition)
    duplicates = definition.duplicates.model_copy(update={"rescale_errors": True})
    page = survey_page(definition.model_copy(update={"duplicates": duplicates}))
    assert (
        "errors of TEFF, LOGG, M_H, FE_H, MG_FE, VHELIO are multiplied by how far GOOD rows of one `APOGEE_ID`" in page
    )
    assert "a factor for each range of `SNR`" in page
