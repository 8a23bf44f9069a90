"""Abundances of many elements whose columns are named alike."""

import pytest

from stdask.config.survey import SurveyDefinition

LEAST = {"name": "s", "title": "S", "reference": "none", "id": "id", "labels": {"TEFF": {"column": "teff"}}}
ELEMENTS = {
    "symbols": ["Mg", "O"],
    "column": "{x}_h - fe_h",
    "error": "hypot(e_{x}_h, e_fe_h)",
    "unit": "dex",
    "good": [{"column": "{x}_h_flags", "op": "=", "value": 0}],
    "description": "[{Xx}/Fe]",
}


def test_each_element_becomes_a_label_whose_columns_have_its_symbol():
    definition = SurveyDefinition.model_validate(LEAST | {"elements": ELEMENTS})
    magnesium = definition.labels["MG_FE"]
    assert (magnesium.column, magnesium.error) == ("mg_h - fe_h", "hypot(e_mg_h, e_fe_h)")
    assert [term.column for term in magnesium.good] == ["mg_h_flags"]
    assert definition.labels["O_FE"].description == "[O/Fe]"


def test_a_label_that_is_written_by_itself_takes_precedence_over_an_element():
    own = LEAST["labels"] | {"MG_FE": {"column": "mgfe", "unit": "dex"}}
    definition = SurveyDefinition.model_validate(LEAST | {"labels": own, "elements": ELEMENTS})
    assert definition.labels["MG_FE"].column == "mgfe"


def test_a_definition_with_elements_is_stored_with_their_labels():
    definition = SurveyDefinition.model_validate(LEAST | {"elements": ELEMENTS})
    assert SurveyDefinition.model_validate(definition.model_dump(mode="json")) == definition


def test_at_least_one_element_is_named():
    with pytest.raises(ValueError, match="symbols"):
        SurveyDefinition.model_validate(LEAST | {"elements": ELEMENTS | {"symbols": []}})
