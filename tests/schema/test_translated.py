"""Columns that a translation adds: named as published, each in the unit of its label."""

import pytest

from stdask import schema

LABELS = {**dict.fromkeys(schema.QUANTITIES, ""), "SI_FE": "dex"}
TRANSLATED = [
    column
    for label, unit in LABELS.items()
    for column in (
        *schema.measured_columns(label, unit),
        *schema.translated_columns(label, unit),
        *schema.member_columns(label, 5, unit),
        schema.debiased_column(label, unit),
    )
] + [schema.USE, *schema.flag_columns(schema.FAMILIES)]


@pytest.mark.parametrize("label", LABELS)
def test_all_columns_of_a_label_have_its_unit(label: str):
    own = [c for c in TRANSLATED if c.name == label or c.name.startswith((f"{label}_ERR", f"{label}_PRED"))]
    # measured, percentiles, PRED_ERR, PRED_SIGMA and parts, half-width, nominal, sample, members, debiased
    assert len(own) == 2 + 5 + 1 + 4 + 3 + 5 + 1
    assert {c.unit for c in own} == {schema.quantity(label, LABELS[label]).unit}


def test_the_columns_of_table_a_1_are_there_under_their_published_names():
    # Thomas et al. 2024, Table A.1
    names = {column.name for column in TRANSLATED}
    assert {f"TEFF_PRED_{p}" for p in (5, 16, 50, 84, 95)} | {"TEFF_PRED_ERR"} <= names
    assert {
        "FLAG_MISSING_INPUTS_INTRINSIC",
        "QFLAG_INPUT_INTRINSIC",
        "QFLAG_OUTPUT_EXTRINSIC",
        "QFLAG_COMMENTS",
    } <= names


def test_what_a_column_is_for_is_said_where_several_could_be_meant():
    described = {column.name: column.description for column in TRANSLATED}
    assert "not for single stars, nor for distributions" in described["MG_FE_PRED_DEBIASED"]
    assert "For distributions of many stars, not for single stars" in described["MG_FE_PRED_SAMPLE"]
    assert "NOT the error" in described["MG_FE_PRED_ERR"]
