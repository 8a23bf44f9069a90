"""Which labels the atlas is of, and what each sample of a catalogue of means is made of."""

import numpy as np
import pytest
from astropy.table import Table

from stdask.stages.atlas import stage as atlas
from stdask.stages.atlas.samples import ABUNDANCES, MAPPED, METALLICITIES, SurveyPair
from stdask.storage import paths
from tests import hand_made
from tests.hand_made import A, B, definition, make_run, write_catalogue
from tests.stages.atlas.test_stage import COLUMNS, SETTINGS, chosen, disc

QUICK = {"n_bootstraps": 10, "translation_errors": False}


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


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, client):
    """The profiles of a disc in which means of B's stars are 0.1 dex above what B measured, and the stars."""
    data = disc()
    data["FE_H"] = np.where(data["SURVEY"] == B, data["FE_H_RAW"] + 0.1, data["FE_H"]).astype(np.float32)
    run = make_run(tmp_path_factory.mktemp("means"), atlas=SETTINGS | QUICK, merge={"values": "mean"})
    write_catalogue(run, paths.MERGED, COLUMNS, data, 4000)
    hand_made.write_receipts(run, "ingest_b", "pair", "evaluate", "translate", "merge")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("write_parameter_space", "write_diagrams", "write_maps"):
            patch.setattr(atlas, name, lambda *_: [])
        patch.setattr(atlas, "training_keys", lambda *_: None)
        atlas.run(run, client)
    return Table.read(paths.products(run.output) / "profile_radial.ecsv"), data


@pytest.mark.parametrize(
    ("sample", "column", "which"),
    [
        ("ALONE", "FE_H_RAW", "B"),
        ("MERGED", "FE_H", "all"),
        ("UNTRANSLATED", "FE_H_RAW", "all"),
        ("A_ONLY", "FE_H", "A"),
    ],
)
def test_medians_are_of_means_but_where_b_stands_alone(drawn, sample, column, which):
    table, data = drawn
    of_b = data["SURVEY"] == B
    stars = chosen(data) & {"B": of_b, "A": ~of_b, "all": np.ones(len(of_b), dtype=bool)}[which]
    rows = table[(table["SAMPLE"] == sample) & np.isfinite(table["FE_H_MEDIAN"])]
    assert len(rows) > 10
    for row in rows:
        height = data["Z_GC"] if row["SIDE"] == "north" else -data["Z_GC"]
        inside = stars & (height >= row["Z_LOW"]) & (height < row["Z_HIGH"])
        inside &= (data["R_GC"] >= row["R_LOW"]) & (data["R_GC"] < row["R_HIGH"])
        assert row["FE_H_MEDIAN"] == np.median(data[column][inside])
