"""A definition in words: nothing that it says is left out."""

import pytest

from stdask.config.survey import load_definition, shipped_names
from stdask.tools.survey.page import DRAFT, some_labels, survey_page


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
    names = ", ".join(definition.labels)  # all of them have stated errors
    assert f"errors of {names} are multiplied by how far GOOD rows of one `APOGEE_ID`" in page
    assert "a factor for each range of `SNR`" in page


def test_a_page_says_where_the_files_are_and_how_their_tables_belong_together():
    page = survey_page(load_definition("galah_dr3"))
    assert "| `gaia` | GALAH_DR3_VAC_GaiaEDR3_v2.fits | cloud.datacentral.org.au" in page
    assert "`gaia` is joined by its `sobject_id`, which is `sobject_id` of the main table" in page
    assert 'files = { main = "GALAH_DR3_main_allstar_v2.fits", gaia = "GALAH_DR3_VAC_GaiaEDR3_v2.fits"' in page


@pytest.mark.parametrize("name", shipped_names())
def test_a_page_says_with_what_a_definition_was_compared_and_what_could_not_be(name: str):
    definition = load_definition(name)
    page = survey_page(definition)
    assert not definition.data_model or f"{definition.data_model}, compared on {definition.checked}" in page
    assert all(f"- {text}" in page for text in definition.unchecked)


def test_a_list_of_surveys_names_a_few_labels_of_each():
    assert some_labels(load_definition("galah_dr3")).endswith(" AGE LI_FE and 28 more")
    assert some_labels(load_definition("mock_b")) == "TEFF LOGG M_H MG_FE VHELIO"
