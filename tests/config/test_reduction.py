"""A definition reduced to the columns of a table: what is left out is said, and what the networks need is required."""

from pathlib import Path

import pytest

from stdask.config.reduction import columns_behind, reduce_definition, reduced_to_inputs
from stdask.config.survey import SurveyDefinition, load_definition
from stdask.errors import SurveyError

DEFINITION = SurveyDefinition.model_validate(
    {
        "name": "s",
        "title": "S",
        "reference": "none",
        "id": "id",
        "gaia_id": "gaia",
        "labels": {
            "TEFF": {"column": "teff", "error": "e_teff", "typical_error": 50, "good": [{"column": "f_teff"}]},
            "MG_FE": {"column": "mg", "error": "e_mg"},
        },
        "photometry": {
            "g": "g",
            "bp": "bp",
            "rp": "rp",
            "g_error": "e_g",
            "ebv": "red",
            "bands": {"KS": {"column": "k", "extinction": "a_k"}},
        },
        "proper_motion": {"pmra": "pmra", "pmdec": "pmdec", "pmra_error": "e_pmra"},
        "distances": [
            {"column": "d", "percentile_16": "d16", "percentile_84": "d84", "accept": [{"column": "d_flag"}]},
            {"column": "plx_d"},
        ],
        "cuts": [{"column": "snr", "op": ">", "value": 30}, {"any_of": [{"column": "a"}, {"column": "b"}]}],
        "duplicates": {"by": "gaia", "best": "snr", "rescale_errors": True},
        "keep": ["x", "y", "z"],
    }
)
ALL = set(DEFINITION.source_columns)


def test_a_table_with_all_columns_leaves_the_definition_as_it_is():
    assert reduce_definition(DEFINITION, ALL, ["TEFF", "BP_G_0"]) == (DEFINITION, [])


def test_a_sentence_names_the_columns_that_an_expression_lacks():
    columns_of = {"teff - 3": ("teff",), "hypot(e, f)": ("e", "f"), "a + b": ("a", "b")}
    label = {"column": "teff - 3", "error": "hypot(e, f)", "typical_error": 50}
    content = {"name": "s", "title": "S", "reference": "none", "id": "id", "labels": {"TEFF": label}}
    definition = SurveyDefinition.model_validate(content | {"cuts": [{"column": "a + b", "op": ">", "value": 0}]})
    present = {"id", "ra", "dec", "teff", "teff - 3", "e", "b"}
    reduced, said = reduce_definition(definition, present, ["TEFF"], lambda name: columns_of.get(name, (name,)))
    assert said == [
        "The table has no column f: the error is 50 for TEFF of every star.",
        "The table has no column a: the cut 'a + b > 0' is left out, and GOOD does not test it.",
    ]
    assert (reduced.labels["TEFF"].column, reduced.labels["TEFF"].error, reduced.cuts) == ("teff - 3", None, ())
    with pytest.raises(SurveyError, match="The table has no column 'teff': the networks need it for their input TEFF"):
        reduce_definition(definition, {"id"}, ["TEFF"], lambda name: columns_of.get(name, (name,)))


def test_a_label_without_one_of_its_percentiles_has_no_error():
    labels = {"TEFF": {"column": "teff", "percentile_16": "low", "percentile_84": "high"}}
    content = {"name": "s", "title": "S", "reference": "none", "id": "id", "labels": labels}
    reduced, said = reduce_definition(SurveyDefinition.model_validate(content), {"id", "teff", "low"}, ["TEFF"])
    assert said == ["The table has no column high: no error is known for TEFF of every star."]
    assert reduced.labels["TEFF"].error_columns == ()


def test_the_inputs_alone_suffice():
    reduced, sentences = reduce_definition(DEFINITION, {"id", "ra", "dec", "teff"}, ["TEFF"])
    assert set(reduced.source_columns) == {"id", "ra", "dec", "teff"}
    said = " ".join(sentences)
    left_out = ("SOURCE_ID", "MG_FE", "reddening", "magnitudes", "proper motion", "distance", "snr > 30", "x, y, z")
    assert all(part in said for part in left_out)
    assert reduced.labels["TEFF"].typical_error == 50


@pytest.mark.parametrize(
    ("missing", "sentences"),
    [
        ({"gaia"}, ["no column gaia: SOURCE_ID is left out.", "the same star if they have the same id."]),
        ({"e_teff"}, ["no column e_teff: the error is 50 for TEFF of every star."]),
        ({"e_mg"}, ["no column e_mg: no error is known for MG_FE of every star."]),
        ({"f_teff"}, ["no column f_teff: the condition 'f_teff not_null' of TEFF is left out."]),
        ({"mg"}, ["no column mg: MG_FE is left out."]),
        ({"k"}, ["no column k: these magnitudes and colours are left out."]),
        ({"bp", "rp"}, ["no columns bp, rp: these magnitudes and colours are left out."]),
        ({"e_g"}, ["no column e_g: the error of the magnitude is unknown for G of every star."]),
        ({"red"}, ["no column red: the reddening is unknown, and what is dereddened with it is missing."]),
        ({"pmdec"}, ["no column pmdec: the proper motion is left out."]),
        ({"e_pmra"}, ["no column e_pmra: this error of the proper motion is unknown."]),
        ({"d"}, ["no column d: this distance is left out."]),
        ({"d16"}, ["no column d16: the error of d is unknown."]),
        ({"d_flag"}, ["no column d_flag: the condition 'd_flag not_null' of d is left out."]),
        ({"b"}, ["no column b: the cut 'a not_null or b not_null' is left out, and GOOD does not test it."]),
        (
            {"snr"},
            [
                "no column snr: the cut 'snr > 30' is left out, and GOOD does not test it.",
                "no column snr: all rows of a star are kept.",
            ],
        ),
        ({"x", "z"}, ["no columns x, z: left out."]),
    ],
)
def test_each_part_left_out_is_said(missing: set[str], sentences: list[str]):
    reduced, said = reduce_definition(DEFINITION, ALL - missing, ["TEFF"])
    assert len(said) == len(sentences)
    assert all(own.endswith(sentence) for own, sentence in zip(said, sentences, strict=True))
    assert not missing & set(reduced.source_columns)
    SurveyDefinition.model_validate(reduced.model_dump())  # what is left is a definition


@pytest.mark.parametrize("lost", [{"d", "d16", "d84", "d_flag"}, {"plx_d"}, {"g", "bp", "rp", "e_g", "red"}])
def test_an_absolute_magnitude_needs_one_distance_and_its_own_magnitude_alone(lost: set[str]):
    reduced, _ = reduce_definition(DEFINITION, ALL - lost, ["M_KS"])
    assert reduced.derived == ("M_KS",)
    assert "M_KS" in {column.name for column in reduced.catalogue_columns}
    assert not lost & set(reduced.source_columns)


def test_a_colour_of_the_definition_without_its_columns_is_left_out():
    asked = SurveyDefinition.model_validate(DEFINITION.model_dump() | {"derived": ["M_KS", "BP_RP_0"]})
    assert reduce_definition(asked, ALL - {"k"}, ["TEFF"])[0].derived == ("BP_RP_0",)
    assert reduce_definition(asked, ALL - {"red"}, ["TEFF"])[0].derived == ("M_KS",)


def test_the_reddening_stays_without_the_magnitudes():
    reduced, _ = reduce_definition(DEFINITION, ALL - {"g", "bp", "rp", "k"}, ["TEFF"])
    assert reduced.photometry is None
    assert reduced.ebv == "red"


@pytest.mark.parametrize(
    ("columns", "inputs", "message"),
    [
        (ALL - {"teff"} | {"T_EFF"}, ["TEFF"], r"no column 'teff'.*input TEFF. Its column 'T_EFF'.*--definition"),
        (ALL - {"rp"}, ["G_RP_0"], "no column 'rp'.*input G_RP_0"),
        (ALL - {"k"}, ["M_KS"], "no column 'k'.*input M_KS"),
        (ALL - {"a_k"}, ["M_KS"], "no column 'a_k'.*input M_KS"),
        (ALL - {"d", "plx_d"}, ["M_KS"], "no column 'd'.*input M_KS"),
        (
            ALL,
            ["J_KS_0"],
            r"networks read J_KS_0, which the definition 's' does not have. J_KS_0 needs the magnitude J",
        ),
        (ALL - {"red"}, ["G_RP_0"], "no column 'red'.*input G_RP_0"),
        (ALL, ["LOGG"], r"networks read LOGG, but the definition 's' has only TEFF, MG_FE. Add \[labels.LOGG\]"),
    ],
)
def test_a_missing_input_is_refused(columns: set[str], inputs: list[str], message: str):
    with pytest.raises(SurveyError, match=message):
        reduce_definition(DEFINITION, columns, inputs)


def test_the_columns_behind_an_input_are_those_of_its_label_or_magnitudes():
    assert columns_behind("TEFF", DEFINITION) == ("teff",)
    assert columns_behind("G_RP_0", DEFINITION) == ("g", "rp")
    assert columns_behind("M_KS", DEFINITION) == ("k", "a_k", "d")
    assert columns_behind("RV", DEFINITION) == ()


CUT = ("snr", "a", "b")  # that stars are selected by


def test_a_definition_is_reduced_to_what_the_networks_and_the_cuts_read():
    reduced = reduced_to_inputs(DEFINITION, ["MG_FE"], reddening=False)
    assert set(reduced.labels) == {"MG_FE"}
    assert reduced.source_columns == ("id", "ra", "dec", "mg", "e_mg", *CUT)
    assert set(reduced_to_inputs(DEFINITION, ["MG_FE"], reddening=True).source_columns) == {
        *reduced.source_columns,
        "red",
    }
    coloured = reduced_to_inputs(DEFINITION, ["MG_FE", "BP_G_0"], reddening=False)
    assert set(coloured.source_columns) == {*reduced.source_columns, "g", "bp", "e_g", "red"}
    far = reduced_to_inputs(DEFINITION, ["MG_FE", "M_KS"], reddening=False)
    assert set(far.source_columns) == {*reduced.source_columns, "k", "a_k", "d", "d16", "d84", "d_flag", "plx_d"}
    for name in ("galah_dr4", "gaia_dr3_gspspec"):
        definition = load_definition(name)
        assert reduced_to_inputs(definition, ["TEFF"], reddening=True).cuts == definition.cuts  # they make GOOD


@pytest.mark.parametrize("column", ["red", "another"])
def test_the_own_reddening_of_a_survey_is_not_read_where_a_map_replaces_it(column: str):
    mapped = DEFINITION.model_copy(update={"ebv_map": Path("sfd.fits")})
    present = [column if name == "red" else name for name in DEFINITION.source_columns]
    for inputs in (["TEFF", "BP_G_0"], ["TEFF"]):
        reduced, sentences = reduce_definition(mapped, present, inputs)
        assert "red" not in reduced.source_columns
        assert sentences == []
