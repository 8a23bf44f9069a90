"""The matrix of every two surveys of a merge: the offsets that were put in, and the same numbers by numpy."""

from itertools import combinations

import numpy as np
import pytest
from astropy.table import Table
from numpy.testing import assert_allclose, assert_array_equal

from stdask import schema
from stdask.runs.surveys.finished import SurveyRun
from stdask.schema.products import CONSISTENCY
from stdask.science.galaxy.map_grid import sky_pixels
from stdask.stages.atlas import stage as atlas
from stdask.stages.atlas.comparisons.consistency import SKY_ORDER, ComparedSurvey, surveys_of
from stdask.storage import paths
from tests import hand_made
from tests.hand_made import A, B, make_run, write_catalogue
from tests.stages.atlas.test_stage import COLUMNS, SETTINGS, chosen, disc, prepare

C = "mock_c"
# Networks of A are trained on 80 % of the pairs, those of C on half of them, and B has none.
SURVEYS = {
    A: ComparedSurvey("LAMOST DR3", 2.0),
    C: ComparedSurvey("another survey", 1.0),
    B: ComparedSurvey("APOGEE DR17", 0.0),
}
RAW = {A: 0.15, C: -0.2, B: 0.0}  # offsets of [Fe/H] as measured
AFTER = 0.02  # of C that is left after translation
MEMBERS = (-0.01, 0.0, 0.01)  # by which each network moves the stars of A; those of C move against them


def three_surveys():
    """Return the disc with half of the stars of A as those of C, which lies off by `AFTER` on the scale of B."""
    rng, data = np.random.default_rng(9), disc()
    data |= {"ra": rng.uniform(0, 30, len(data["ra"])), "dec": rng.uniform(-15, 15, len(data["ra"]))}  # some 20 pixels
    of_a = data["SURVEY"] == A
    of_c = of_a & (rng.random(len(of_a)) < 0.2 + 0.6 * (data["R_GC"] > 9))  # which sees the outer disc
    data["SURVEY"][of_c] = C
    for name, values in {"FE_H": AFTER, "TEFF": 10.0}.items():
        data[name] = (data[name] + values * of_c).astype(np.float32)
    raw = np.select([data["SURVEY"] == name for name in RAW], list(RAW.values()))
    data["FE_H_RAW"] = (data["FE_H"] + raw).astype(np.float32)
    for number, moved in enumerate(MEMBERS, start=1):
        sign = np.select([data["SURVEY"] == A, data["SURVEY"] == C], [1, -1], 0)
        data[f"FE_H_MEMBER_{number}"] = (data["FE_H"] + moved * sign).astype(np.float32)
    return data


def draw(tmp_path, client, data, monkeypatch, surveys=SURVEYS, **settings):
    return draw_run(prepare(tmp_path, data, **settings), client, monkeypatch, surveys)


def draw_run(run, client, monkeypatch, surveys=SURVEYS):
    monkeypatch.setattr(atlas, "surveys_of", lambda _: surveys)
    monkeypatch.setattr(atlas, "write_products", lambda *_: ([], []))
    monkeypatch.setattr(atlas, "write_diagrams", lambda *_: [])
    monkeypatch.setattr(atlas, "write_parameter_space", lambda *_: [])
    monkeypatch.setattr(atlas, "training_keys", lambda *_: None)
    receipt = atlas.run(run, client)
    return paths.products(run.output) / "consistency.ecsv", receipt


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, client):
    with pytest.MonkeyPatch.context() as patch:
        path, receipt = draw(tmp_path_factory.mktemp("consistency"), client, three_surveys(), patch)
    return path, receipt


def rows_of(path):
    return {(row["LABEL"], row["FIRST"], row["SECOND"]): row for row in Table.read(path)}


def test_every_pair_of_surveys_has_a_row_for_each_translated_label_of_the_maps(drawn):
    path, receipt = drawn
    assert list(rows_of(path)) == [("FE_H", *pair) for pair in combinations(SURVEYS, 2)]
    assert Table.read(path).colnames == [column.name for column in CONSISTENCY]
    assert {f"products/consistency.{ending}" for ending in ("ecsv", "png", "pdf")} <= set(receipt.outputs)


def test_the_offsets_before_and_after_are_those_that_were_put_in(drawn):
    path, _ = drawn
    for (label, first, second), row in rows_of(path).items():
        if label == "FE_H":
            left = AFTER * ((first == C) - (second == C))
            assert_allclose(row["BEFORE"], RAW[first] - RAW[second] + left, atol=4 * row["BEFORE_ERR"])
            assert_allclose(row["AFTER"], left, atol=4 * row["AFTER_ERR"])
            assert row["BEFORE_ERR"] < 0.02


def test_the_numbers_are_those_of_numpy_over_the_cells(drawn):
    path, _ = drawn
    data, row = three_surveys(), rows_of(path)["FE_H", C, B]
    data["SURVEY"] = data["SURVEY"].astype(str)
    unplaced = np.isnan(data["X_GC"])  # without a distance: cells of their own
    data |= {"R_GC": np.where(unplaced, 99, data["R_GC"]), "Z_GC": np.where(unplaced, 0, data["Z_GC"])}
    cells = np.stack(
        [
            sky_pixels(data["ra"], data["dec"], SKY_ORDER),
            data["R_GC"] // 1,  # halves of the rings of 2 kpc
            np.digitize(np.abs(data["Z_GC"]), [0.25, 0.5, 1.0, 2.0]),
            (data["LOGG"] - 1.5) // 0.25,
            data["Z_GC"] < 0,
        ]
    )
    stars = chosen(data) | (unplaced & (data["LOGG"] > 1.5) & (data["LOGG"] < 2.5))
    found = []
    for cell in np.unique(cells[:, stars], axis=1).T:
        inside = stars & (cells == cell[:, None]).all(axis=0)
        of_c, of_b = (data["FE_H"][inside & (data["SURVEY"] == name)].astype(float) for name in (C, B))
        if len(of_c) and len(of_b):
            found.append((of_c.mean() - of_b.mean(), len(of_c), len(of_b)))
    differences, n_c, n_b = np.array(found).T
    assert_array_equal([row["N_CELLS"], row["N_FIRST"], row["N_SECOND"]], [len(found), n_c.sum(), n_b.sum()])
    expected = np.average(differences, weights=n_c * n_b / (n_c + n_b))
    assert_allclose(row["AFTER"], expected, atol=1e-6)  # sums are of whole numbers of 2^-20


def test_the_error_by_the_translations_is_that_of_networks_trained_on_other_pairs(drawn):
    """Networks scatter by 0.01 dex: half the error of A, all of that of C; those of both surveys are independent."""
    path, _ = drawn
    rows = rows_of(path)
    for pair, expected in {(A, B): 0.02, (C, B): 0.01, (A, C): np.hypot(0.02, 0.01)}.items():
        row = rows["FE_H", *pair]
        assert_allclose(row["TRANSLATION"], expected, rtol=1e-3)  # of whole numbers of 2^-20
        assert row["AFTER_ERR"] > row["TRANSLATION"]
    assert all(np.isnan(row["TRANSLATION"]) for (label, *_), row in rows.items() if label != "FE_H")


def test_stars_without_a_distance_are_compared_with_one_another(tmp_path, client, monkeypatch):
    """Those of C and B are off by `AFTER`; of A, all but 70 stars have one, and are compared with none of them."""
    data = three_surveys()
    for name in ("X_GC", "Y_GC", "Z_GC", "R_GC"):
        data[name] = np.where((data["SURVEY"] == C) | (data["SURVEY"] == B), np.nan, data[name]).astype(np.float32)
    data["FE_H"] = np.where(data["SURVEY"] == B, -0.3, -0.3 + AFTER).astype(np.float32)  # no gradient, which they have
    path, _ = draw(tmp_path, client, data, monkeypatch)
    rows = rows_of(path)
    assert_allclose(rows["FE_H", C, B]["AFTER"], AFTER, atol=2e-6)  # sums are of whole numbers of 2^-20
    selected = (data["LOGG"] > 1.5) & (data["LOGG"] < 2.5)
    assert rows["FE_H", C, B]["N_SECOND"] > 0.9 * (selected & (data["SURVEY"] == B)).sum()
    assert rows["FE_H", A, B]["N_FIRST"] <= 70


def test_surveys_that_still_differ_are_told(drawn, tmp_path, client, monkeypatch):
    _, receipt = drawn
    told = [note for note in receipt.counts.notes if "differs in shared cells" in note]
    assert not [note for note in told if note.startswith("FE_H")]  # the translation may be as wrong
    data = three_surveys()
    data["FE_H"] = np.where(data["SURVEY"] == C, data["FE_H"] + 0.3, data["FE_H"]).astype(np.float32)
    _, receipt = draw(tmp_path, client, data, monkeypatch)
    (note,) = (note for note in receipt.counts.notes if note.startswith("FE_H of surveys differs"))
    assert f"{A} minus {C} {chr(0x2212)}0.3" in note
    assert f"{C} minus {B} +0.3" in note
    assert f"{A} minus {B}" not in note


def test_two_surveys_have_no_matrix(tmp_path, client, monkeypatch):
    path, _ = draw(tmp_path, client, disc(), monkeypatch, {name: SURVEYS[name] for name in (A, B)})
    assert not path.exists()


def test_of_means_the_values_of_one_survey_are_compared(tmp_path, client, monkeypatch):
    """Every other star of A has a mean with one of C, off by 1 dex, and all of B one with translations, off by 2."""
    data, rng = three_surveys(), np.random.default_rng(1)
    of_a, of_b = (data["SURVEY"] == name for name in (A, B))
    mixed = of_a & (rng.random(len(of_a)) < 0.5)
    data["FE_H_RAW"] = np.where(of_b, data["FE_H"], data["FE_H_RAW"]).astype(np.float32)
    data["FE_H"] = (data["FE_H"] + 1.0 * mixed + 2.0 * of_b).astype(np.float32)
    numbers = {f"{label}_N_SURVEYS": (1 + mixed + of_b).astype(np.int32) for label in ("FE_H", "MG_FE")}
    run = make_run(tmp_path, atlas=SETTINGS, merge={"values": "mean"})
    columns = (*COLUMNS, *(schema.Column(name, "int32") for name in numbers))
    write_catalogue(run, paths.MERGED, columns, data | numbers, 2000)
    hand_made.write_receipts(run, "ingest_b", "pair", "evaluate", "translate", "merge")
    path, _ = draw_run(run, client, monkeypatch)
    rows = rows_of(path)
    for pair, left in {(A, C): -AFTER, (C, B): AFTER, (A, B): 0.0}.items():
        assert_allclose(rows["FE_H", *pair]["AFTER"], left, atol=4 * rows["FE_H", *pair]["AFTER_ERR"])
    assert 0 < rows["FE_H", A, B]["N_FIRST"] <= (of_a & ~mixed).sum()


def test_surveys_have_the_factor_of_their_own_networks(tmp_path, monkeypatch):
    run = make_run(tmp_path)
    train, renamed = run.config.train, run.definition_a.model_copy(update={"name": C, "title": "another survey"})
    halved = train.model_copy(update={"validation_fraction": 0.5})
    runs = [SurveyRun(run.output, run.definition_a, train, {}), SurveyRun(run.output, renamed, halved, {})]
    monkeypatch.setattr("stdask.stages.atlas.comparisons.consistency.translated_surveys", lambda _: runs)
    assert surveys_of(run) == {name: (title, pytest.approx(factor)) for name, (title, factor) in SURVEYS.items()}


def test_the_table_does_not_depend_on_the_partitions_to_the_last_bit(tmp_path, client, monkeypatch):
    path, _ = draw(tmp_path, client, three_surveys(), monkeypatch)
    other, _ = draw(tmp_path / "other", client, three_surveys(), monkeypatch, most=300)
    for name in (table := Table.read(path)).colnames:
        assert_array_equal(table[name], Table.read(other)[name])
