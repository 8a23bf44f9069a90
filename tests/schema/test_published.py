"""The columns of Table A.1 of Thomas et al. 2024."""

import pytest

from stdask import schema
from stdask.errors import ConfigError
from stdask.schema import Column
from stdask.schema.published import published_columns

LABELS = ("TEFF", "LOGG", "M_H", "MG_FE", "VHELIO")
CATALOGUE = (
    schema.HEALPIX,
    Column("sobject_id", "int64", "", "meta.id;meta.main"),
    schema.SOURCE_ID,
    schema.STAR_KEY,
    *schema.POSITION,
    *(column for label in LABELS for column in schema.measured_columns(label)),
    schema.GOOD,
    *(column for label in LABELS for column in schema.translated_columns(label)),
    *(column for label in LABELS for column in schema.member_columns(label, 5)),
    schema.debiased_column("TEFF"),
    *schema.flag_columns(schema.FAMILIES),
    schema.USE,
)


def test_they_are_those_of_the_paper():
    paper = ["sobject_id", "SOURCE_ID"]  # Thomas et al. 2024, Table A.1, line by line
    paper += [f"{label}_PRED_{ending}" for label in LABELS for ending in ("5", "16", "50", "84", "95", "ERR")]
    paper += ["FLAG_MISSING_INPUTS_INTRINSIC", "FLAG_MISSING_INPUTS_EXTRINSIC"]
    paper += ["QFLAG_INPUT_INTRINSIC", "QFLAG_OUTPUT_INTRINSIC", "QFLAG_INPUT_EXTRINSIC", "QFLAG_OUTPUT_EXTRINSIC"]
    paper += ["QFLAG_COMMENTS"]
    assert published_columns(CATALOGUE) == paper


def test_a_catalogue_without_predictions_has_none():
    with pytest.raises(ConfigError, match="are those of a translated catalogue"):
        published_columns(schema.POSITION)
