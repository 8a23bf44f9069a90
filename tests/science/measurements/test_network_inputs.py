"""Inputs of networks from columns named as in the catalogues: cleaned and completed as those of a survey file."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from stdask.config.survey import SurveyDefinition
from stdask.errors import SurveyError
from stdask.science.measurements.network_inputs import (
    columns_read,
    named_inputs,
    unit_of,
)
from stdask.science.measurements.survey_columns import SurveyColumns

INPUTS = ("TEFF", "FE_H", "BP_G_0")
DEFINITION = SurveyDefinition.model_validate(
    {
        "name": "a",
        "title": "A",
        "reference": "none",
        "id": "id",
        "ebv": "ebv",
        "labels": {
            "TEFF": {"column": "t", "typical_error": 50, "error_floor": 10, "valid": [3000, 8000]},
            "FE_H": {"column": "m", "unit": "dex"},
            "VSINI": {"column": "v", "unit": "km/s", "description": "Rotation"},
        },
        "photometry": {"g": "g", "bp": "b", "rp": "r", "typical_error": 0.02, "ebv": "ebv"},
        "cuts": [{"column": "snr", "op": ">", "value": 5}],
        "distances": [{"column": "d"}],
        "keep": ["n"],
    }
)


def test_values_are_cleaned_and_errors_completed():
    nan = np.nan
    columns = {
        "TEFF": np.array([5000.0, 9000.0, -9999.0, nan]),
        "TEFF_ERR": np.array([2.0, 30.0, 30.0, 30.0]),
        "FE_H": np.ma.masked_array([-1.0, 0.0, 0.2, 0.3], mask=[False, False, True, False]),
        "BP_G_0": np.array([0.5, 0.6, nan, 0.7]),
    }
    found = named_inputs(DEFINITION, SurveyColumns(columns, {}), INPUTS, ["EBV", "TEFF"])
    assert_array_equal(found["TEFF"], [5000, nan, nan, nan])
    assert_array_equal(found["TEFF_ERR"], [10, nan, nan, nan])
    assert_array_equal(found["FE_H"], [-1, 0, nan, 0.3])
    assert_array_equal(found["FE_H_ERR"], [nan] * 4)  # no error and no typical one
    assert_array_equal(found["BP_G_0"], columns["BP_G_0"])
    assert_array_equal(found["BP_MAG_ERR"], [0.02] * 4)  # the magnitudes themselves are not needed
    assert_array_equal(found["EBV"], [nan] * 4)


def test_units_that_the_table_states_are_converted_or_refused():
    columns = {name: np.array([5000.0]) for name in INPUTS}
    source = SurveyColumns(columns | {"TEFF_ERR": np.array([0.1])}, {"TEFF": "K", "TEFF_ERR": "kK"})
    assert named_inputs(DEFINITION, source, INPUTS, [])["TEFF_ERR"] == [100]
    with pytest.raises(SurveyError, match=r"^Column 'BP_G_0': unit 'km' cannot be converted to 'mag'"):
        named_inputs(DEFINITION, SurveyColumns(columns, {"BP_G_0": "km"}), INPUTS, [])


def test_columns_and_units_are_those_of_the_definition():
    assert columns_read(INPUTS, ["EBV"]) == [
        *("TEFF", "FE_H", "BP_G_0", "EBV", "TEFF_ERR", "FE_H_ERR", "BP_MAG", "BP_MAG_ERR", "G_MAG", "G_MAG_ERR"),
    ]
    assert [unit_of(name, DEFINITION) for name in ("TEFF", "VSINI", "G_RP_0", "EBV")] == ["K", "km/s", "mag", "mag"]


def test_the_errors_behind_an_absolute_magnitude_are_read_and_no_typical_one_stands_for_the_distance():
    asked = DEFINITION.model_copy(update={"derived": ("M_G",)})
    read = columns_read(["M_G"], [])
    assert read == ["M_G", "G_MAG", "G_MAG_ERR", "DISTANCE_MODULUS", "DISTANCE_MODULUS_ERR"]
    columns = {"M_G": np.array([0.4, 0.5]), "DISTANCE_MODULUS_ERR": np.array([0.1, np.nan])}
    found = named_inputs(asked, SurveyColumns(columns, {}), ["M_G"], [])
    assert_array_equal(found["DISTANCE_MODULUS_ERR"], [0.1, np.nan])
    assert_array_equal(found["G_MAG_ERR"], [0.02, 0.02])
    assert unit_of("DISTANCE_MODULUS", asked) == unit_of("M_G", asked) == "mag"
