"""A definition in words: nothing that it says is left out."""

import pytest

from stdask.pipeline.survey_page import DRAFT, survey_page
from stdask.survey_definition import load_definition, shipped_names


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
