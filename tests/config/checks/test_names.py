"""A name that a stage will write, or look for, cannot be that of another column of the survey."""

import pytest
from pydantic import ValidationError

from stdask import schema
from stdask.config.atlas import AtlasFile
from stdask.config.checks.names import collision
from stdask.config.survey import SurveyDefinition, load_definition, shipped_names

LEAST = {"name": "s", "title": "S", "reference": "none", "id": "id", "labels": {"TEFF": {"column": "teff"}}}
PHOTOMETRY = {"photometry": {"g": "gmag", "bp": "bpmag", "rp": "rpmag"}}


def refusal(**change: object) -> str:
    """Return why a definition is refused; empty if it is not."""
    try:
        SurveyDefinition.model_validate(LEAST | change)
    except ValidationError as exc:
        return str(exc)
    return ""


# What the stages add to a catalogue of A: Thomas et al. 2024, Table A.1, and the further columns of docs/columns.md.
OF_A_TRANSLATION = [
    *(f"TEFF_PRED_{p}" for p in (5, 16, 50, 84, 95)),
    *(f"TEFF_PRED_{name}" for name in ("ERR", "SIGMA", "SIGMA_MEMBERS", "NOMINAL", "SAMPLE", "DEBIASED")),
    *("TEFF_PRED_HALFWIDTH_99", "TEFF_PRED_MEMBER_1", "TEFF_PRED_MEMBER_12", "USE", "QFLAG_COMMENTS"),
    *("FLAG_MISSING_INPUTS_INTRINSIC", "QFLAG_INPUT_EXTRINSIC", "QFLAG_OUTPUT_INTRINSIC", "QFLAG_DOMAIN_EXTRINSIC"),
    *("DOMAIN_INDEX_INTRINSIC", "DOMAIN_DENSITY_EXTRINSIC"),
]


@pytest.mark.parametrize("name", OF_A_TRANSLATION)
def test_a_kept_column_an_id_or_a_label_cannot_have_the_name_of_a_translated_one(name: str):
    for given in (name, name.lower()):
        assert "`stdask translate` adds" in refusal(keep=[given])
        assert "`stdask translate` adds" in refusal(id=given)
    assert "`stdask translate` adds" in refusal(labels={name: {"column": "x"}})


def test_a_translated_column_can_be_the_column_of_a_label():
    assert refusal(labels={"TEFF": {"column": "TEFF_PRED_50", "error": "TEFF_PRED_SIGMA"}}) == ""


@pytest.mark.parametrize("name", ["USED", "PRED_50", "TEFF_PRED_51", "TEFF_PRED", "QFLAG_MINE", "TEFF_PRED_MEMBER_"])
def test_names_that_only_look_like_those_of_a_translation_are_free(name: str):
    assert not schema.is_translated(name)
    assert refusal(keep=[name]) == ""


@pytest.mark.parametrize("name", ["TEFF", "TEFF_ERR", "ra", "dec", "GOOD", "STAR_KEY", "_healpix_29", "_stdask_row"])
def test_a_kept_column_cannot_have_the_name_of_a_column_of_the_catalogue_in_any_case(name: str):
    assert f"its own column '{name}'. Remove it" in refusal(keep=[name])
    other = name.swapcase()
    assert f"its own column '{name}', which FITS files do not tell from '{other}'" in refusal(keep=[other])


@pytest.mark.parametrize("name", ["EBV", "DISTANCE", "DISTANCE_ERR", "DISTANCE_MODULUS", "PMRA", "PMDEC_ERR"])
def test_a_kept_column_is_not_taken_for_one_that_the_survey_lacks(name: str):
    # merge and pair look these up by name: a kept DISTANCE in pc would be read as kpc
    assert "would be taken for it" in refusal(keep=[name])
    assert refusal(keep=[name.lower()]) == ""  # they do not look for this one, and there is no other


@pytest.mark.parametrize("name", ["DISTANCE", "EBV", "PMRA", "ID", "SURVEY", "R_GC", "VPHI_GC", "L_Z", "R_GUIDE"])
def test_a_label_cannot_have_the_name_of_a_column_of_the_merged_catalogue(name: str):
    assert "Give the label another name" in refusal(labels={name: {"column": "x", "unit": "km/s"}})


def test_a_label_cannot_be_the_error_of_another_nor_a_magnitude():
    labels = {"TEFF": {"column": "a"}, "TEFF_ERR": {"column": "b"}}
    assert "its own column 'TEFF_ERR'. Give the label another name" in refusal(labels=labels)
    assert "Give the label another name" in refusal(labels={"G_MAG": {"column": "a"}}, **PHOTOMETRY)
    assert "Give the label another name" in refusal(labels={"RA": {"column": "a"}})  # ra of the position


def test_two_kept_columns_must_differ_by_more_than_the_case_of_letters():
    assert "FITS files do not tell 'snr' from 'SNR'" in refusal(keep=["snr", "SNR"])
    assert "FITS files do not tell 'id' from 'ID'" in refusal(keep=["ID"])


def test_source_id_holds_the_ids_of_gaia_alone():
    assert "`gaia_id` names 'gaia'. If the column holds ids of Gaia" in refusal(id="SOURCE_ID", gaia_id="gaia")
    assert "`gaia_id` is not set" in refusal(id="SOURCE_ID")
    assert "own column 'SOURCE_ID'" in refusal(keep=["SOURCE_ID"], gaia_id="gaia")
    assert "own column 'SOURCE_ID'" in refusal(id="source_id", gaia_id="gaia")
    assert 'Set gaia_id = "SOURCE_ID"' in refusal(keep=["SOURCE_ID"])
    for name in ("SOURCE_ID", "source_id"):  # the ids of the survey are those of Gaia
        assert refusal(id=name, gaia_id=name) == ""


@pytest.mark.parametrize("name", ["merged", "a_on_b", "merged_collection"])
def test_a_survey_cannot_have_the_name_of_a_folder_of_stdask(name: str):
    assert "reserved for catalogues of stdask" in refusal(name=name)


@pytest.mark.parametrize("name", shipped_names())
def test_no_shipped_definition_has_a_name_twice(name: str):
    assert collision(load_definition(name)) == ""


@pytest.mark.parametrize(
    ("table", "labels", "message"),
    [
        ({"columns": {"DISTANCE": "d"}}, [], "`columns` names 'DISTANCE', which stdask computes or has a key"),
        ({"columns": {"R_GC": "r"}}, [], "`columns` names 'R_GC'"),
        ({"columns": {"HEIGHT": "z"}}, [], "`columns` names 'HEIGHT'"),
        ({"columns": {"FE_H": "a", "fe_h": "b"}}, [], "two quantities are called 'FE_H' and 'fe_h'"),
        ({"columns": {"AGE": "a", "AGE_ERR": "b"}, "errors": {"AGE": "c"}}, [], "called 'AGE_ERR' and 'AGE_ERR'"),
        ({"columns": {"AGE": "a", "AGE_MAD": "b"}}, ["AGE", "AGE_MAD"], "two columns 'AGE_MAD' and 'AGE_MAD'"),
    ],
)
def test_quantities_of_a_table_of_ones_own_have_each_name_once(table: dict, labels: list[str], message: str):
    content = {"output": "out", "atlas": {"labels": labels}}
    fine = {"file": "t.fits", "columns": {"AGE": "a"}, "errors": {"AGE": "b"}}
    AtlasFile.model_validate({"output": "out", "table": fine, "atlas": {"labels": ["AGE"]}})
    with pytest.raises(ValidationError, match=message):
        AtlasFile.model_validate(content | {"table": {"file": "t.fits"} | table})
