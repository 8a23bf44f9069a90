"""Which labels the atlas is of."""

import pytest

from stdask.stages.atlas.samples import ABUNDANCES, MAPPED, METALLICITIES, SurveyPair
from tests.hand_made import A, B, definition, make_run


@pytest.mark.parametrize(
    ("translated", "metallicities"), [("M_H", ["M_H", "FE_H"]), ("FE_H", ["FE_H", "M_H"]), ("MG_FE", ["FE_H", "M_H"])]
)
def test_what_a_is_translated_to_comes_before_what_b_alone_measures(tmp_path, translated, metallicities):
    """A is GALAH, B APOGEE: B measures [Fe/H] too, but only [M/H] has values of A on its scale (paper, sect. 3)."""
    run = make_run(tmp_path, train={"intrinsic": [{"label": translated, "from": "FE_H"}], "extrinsic": []})
    run.definition_b.labels.update(definition(B, "id", MAPPED).labels)
    assert SurveyPair.of(run).labels(METALLICITIES) == metallicities
    assert SurveyPair.of(run).labels(ABUNDANCES) == ["MG_FE", "ALPHA_FE"]


def test_labels_that_b_does_not_measure_are_left_out(tmp_path):
    run = make_run(tmp_path)
    assert "M_H" in definition(A, "id", MAPPED).labels
    assert SurveyPair.of(run).labels(MAPPED) == ["FE_H", "MG_FE"]
