"""Translations of the same stars compared, on hand-made catalogues whose offsets and errors are known."""

import numpy as np
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose

from stdask.runs.receipts import Receipt, describe_outputs, read_receipt, write_receipt
from stdask.runs.registry import stage_settings
from stdask.schema.closure import (
    DOMAIN_INDEX,
    EVERYWHERE,
    INSIDE_B,
    LATITUDE,
    OUTSIDE_B,
    RADIUS,
    ClosureTables,
)
from stdask.stages.closure import stage as closure
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.catalogue.hats import catalogue_files
from stdask.storage.documents import read_tables
from stdask.storage.tables import read_parquet, write_parquet
from tests import hand_made
from tests.counted import made_up_counts
from tests.hand_made import A, B, columns_a, columns_b, make_run, stars, write_catalogue

C = "mock_c"  # a further survey
N, N_IN_B = 900, 200  # common stars of A and C, the first of which B has
SIGMA_A, SIGMA_C, NOISE_B = 0.05, 0.08, 0.03  # dex in [Fe/H]
SNR = "snr_red"


def write_receipts(run):
    a = run.definition_a.name
    for stage, name in (("ingest_a", a), ("translate", paths.translated_name(a, B)), ("ingest_b", B)):
        outputs = describe_outputs(run.output, catalogue_files(paths.catalogue(run.output, name)))
        write_receipt(run.output, Receipt(stage, "key", {}, stage_settings(run, stage), outputs, made_up_counts(stage)))
    hand_made.write_receipts(run, "pair", "train")


def named(run, name):
    return run.definition_a.model_copy(update={"name": name})


def survey_of(folder, name, seed, sigma, shift=0.0, stated=1.0, **given):
    """Return a run whose A is `name`: [Fe/H] of the same stars, with noise and errors that cover B's noise too."""
    run = make_run(folder)
    run = run.model_copy(update={"definition_a": named(run, name)})
    truth = np.random.default_rng(99).normal(-0.3, 0.3, N)
    values = truth + shift + sigma * np.random.default_rng(seed).standard_normal(N)
    data = {
        "STAR_KEY": (np.arange(N) + 1000 * (name == C) + 1).astype(np.uint64),
        "FE_H": values + 0.2 * (name == A),  # not translated, A is too rich by 0.2 dex
        "FE_H_PRED_50": values,
        "FE_H_PRED_SIGMA": stated * np.hypot(sigma, NOISE_B),
        "FE_H_PRED_SIGMA_INPUT_NOISE": 0.0,
        "FE_H_PRED_SIGMA_MEMBERS": 0.0,
        "FE_H_PRED_MEMBER_1": values + 0.001,
        "FE_H_PRED_MEMBER_2": values - 0.001,
        "DOMAIN_INDEX_INTRINSIC": np.linspace(0.1, 1.2, N),
        "DISTANCE": np.linspace(0.5, 8.0, N),
    }
    columns = columns_a()
    write_catalogue(run, paths.translated_name(name, B), columns, stars(columns, N, **(data | given)), most=400)
    columns = columns_b()
    write_catalogue(run, B, columns, stars(columns, 3))
    keys = data["STAR_KEY"][:N_IN_B]
    hand_made.write_pairs(run, keys, np.arange(N_IN_B) + 5001, np.ones(N_IN_B, dtype=bool))
    pairs = paths.pairs(run.output, name, B)
    errors = pa.array(np.full(N_IN_B, NOISE_B), pa.float32())
    write_parquet(pairs, read_parquet(pairs).append_column("B_FE_H_ERR", errors))
    write_receipts(run)
    return run


def two_surveys(folder, seed=1, shift=0.0, stated=1.0, of_a=None, of_c=None):
    """Return a run that compares A with C, whose [Fe/H] are higher by `shift`."""
    other = survey_of(folder / "other", C, 100 + seed, SIGMA_C, shift, stated, **(of_c or {}))
    run = survey_of(folder, A, seed, SIGMA_A, stated=stated, **(of_a or {}))
    config = make_run(folder, merge={"also": [{"run": str(other.output)}]}).config
    return run.model_copy(update={"config": config})


def tables_of(run) -> ClosureTables:
    return read_tables(paths.closure(run.output), ClosureTables)


def matrix_row(run, label="FE_H", sample=OUTSIDE_B):
    (row,) = (row for row in tables_of(run).matrix if (row.label, row.sample) == (label, sample))
    return row


@pytest.fixture(scope="module")
def compared(tmp_path_factory, client):
    index = {"DOMAIN_INDEX_INTRINSIC": np.linspace(1.1, 0.2, N)}  # the other way round than that of A
    run = two_surveys(tmp_path_factory.mktemp("closure"), shift=0.02, of_c=index)
    closure.run(run, client)
    return run


def test_an_offset_put_into_one_survey_is_found_with_its_size_and_sign(compared):
    row = matrix_row(compared)
    assert (row.first, row.second, row.unit) == (A, C, "dex")
    assert row.n == row.n_common == N - N_IN_B
    expected_error = np.sqrt(np.pi / 2 / row.n) * np.hypot(SIGMA_A, SIGMA_C)
    assert_allclose(row.offset, -0.02, atol=4 * expected_error)
    assert_allclose(row.offset_err, expected_error, rtol=0.3)  # bootstrap error of a median: known to some 10 %
    assert row.significance == row.offset / row.offset_err < -3
    assert "differences of more than 3 sigma in FE_H" in " ".join(read_receipt(compared.output, "closure").counts.notes)


def test_the_noise_of_b_is_taken_out_of_the_errors_that_foresee_the_scatter(compared):
    row = matrix_row(compared)
    assert_allclose(row.expected, np.hypot(SIGMA_A, SIGMA_C), rtol=1e-5)  # float32
    assert_allclose(
        row.scatter, row.expected, rtol=4 * 1.17 / np.sqrt(2 * row.n) * 1.35
    )  # robust sigma: 37 % efficient
    assert_allclose([row.noise_of_b for row in tables_of(compared).excess if row.label == "FE_H"], NOISE_B, rtol=1e-6)


def test_the_values_as_measured_are_compared_too(compared):
    row = matrix_row(compared)
    assert_allclose(row.raw_offset, row.offset + 0.2, atol=1e-5)  # float32
    assert_allclose(row.raw_scatter, row.scatter, rtol=1e-4)


def test_numbers_are_those_of_brute_force(compared):
    tables = [
        open_catalogue(paths.catalogue(folder, paths.translated_name(name, B))).read().sort_by("STAR_KEY")
        for folder, name in ((compared.output, A), (compared.config.merge.also[0].run, C))
    ]
    values = [table["FE_H_PRED_50"].to_numpy()[N_IN_B:].astype(float) for table in tables]
    difference = values[0] - values[1]
    row = matrix_row(compared)
    assert_allclose(row.offset, np.median(difference), rtol=1e-6)
    assert_allclose(row.scatter, 1.4826022 * np.median(np.abs(difference - np.median(difference))), rtol=1e-6)
    weights = np.array([SIGMA_A, SIGMA_C]) ** -2.0
    sorted_by = {
        DOMAIN_INDEX: np.maximum(*(table["DOMAIN_INDEX_INTRINSIC"].to_numpy()[N_IN_B:] for table in tables)),
        "FE_H": np.average(values, axis=0, weights=weights),  # its noise tells nothing of that of the difference
    }
    for by, quantity in sorted_by.items():
        own = [r for r in tables_of(compared).closure if (r.label, r.sample, r.by) == ("FE_H", OUTSIDE_B, by)]
        for found in own:
            inside = (quantity >= found.low) & (quantity < found.high)
            if found.high == max(row.high for row in own):
                inside |= quantity == quantity.max()
            assert found.n == inside.sum()
            assert_allclose(found.offset, np.median(difference[inside]), rtol=1e-6)
        assert len(own) >= 2


@pytest.mark.usefixtures("undrawn")
def test_a_star_is_in_b_if_either_survey_has_it_there_as_a_good_star(tmp_path, client):
    run = two_surveys(tmp_path)
    first, (second,) = run, (item.run for item in run.config.merge.also)
    for output, name, rows, bad in ((first.output, A, 100, 0), (second, C, N_IN_B, 30)):
        path = paths.pairs(output, name, B)
        table = read_parquet(path).slice(0, rows)
        good = pa.array(np.arange(rows) < rows - bad)
        write_parquet(path, table.set_column(table.column_names.index("B_GOOD"), "B_GOOD", good))
    for own in (first, first.model_copy(update={"output": second, "definition_a": named(first, C)})):
        write_receipts(own)
    closure.run(run, client)
    assert matrix_row(run, sample=INSIDE_B).n == N_IN_B - 30  # A has 100 of them, C all but the last 30
    assert matrix_row(run).n == N - N_IN_B + 30


def test_stars_that_b_has_are_a_sample_of_their_own(compared):
    assert matrix_row(compared, sample=INSIDE_B).n == N_IN_B


def test_stars_are_sorted_by_label_place_metallicity_and_domain_index(compared):
    rows = [row for row in tables_of(compared).closure if row.sample == OUTSIDE_B]
    assert {row.by for row in rows if row.label == "FE_H"} == {EVERYWHERE, "FE_H", DOMAIN_INDEX, LATITUDE, RADIUS}
    for by in ("FE_H", LATITUDE, RADIUS):
        assert sum(row.n for row in rows if (row.label, row.by) == ("FE_H", by)) <= N - N_IN_B
    assert {path.name for path in paths.closure(compared.output).iterdir()} == {
        *("closure.ecsv", "matrix.ecsv", "excess.ecsv"),
        *(f"{name}.{kind}" for name in ("closure", "trends") for kind in ("png", "pdf")),
    }


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the figures, which take most of the time."""
    monkeypatch.setattr(closure, "_draw", lambda *_: [])


@pytest.mark.usefixtures("undrawn")
def test_a_finished_comparison_is_not_repeated_and_a_changed_survey_is_compared_again(tmp_path, client):
    run = two_surveys(tmp_path)
    closure.run(run, client)
    assert closure.run(run, client) == read_receipt(run.output, "closure")
    survey_of(tmp_path / "other", C, 101, SIGMA_C, shift=0.5)
    closure.run(run, client)
    assert matrix_row(run).offset < -0.4


@pytest.mark.usefixtures("undrawn")
def test_surveys_on_one_scale_with_right_errors_raise_no_note_about_them(tmp_path, client):
    notes = " ".join(closure.run(two_surveys(tmp_path), client).counts.notes)
    assert "FE_H" not in notes


@pytest.mark.usefixtures("undrawn")
def test_errors_stated_too_small_are_told_of_and_their_lack_is_found(tmp_path, client):
    run = two_surveys(tmp_path, stated=0.7)
    notes = " ".join(closure.run(run, client).counts.notes)
    assert "differences exceed the errors of the stars in FE_H" in notes
    row = matrix_row(run)
    stated = [np.sqrt(0.49 * (own**2 + NOISE_B**2) - NOISE_B**2) for own in (SIGMA_A, SIGMA_C)]
    assert_allclose(row.expected, np.hypot(*stated), rtol=1e-5)
    (own,) = {r.excess for r in tables_of(run).excess if r.label == "FE_H"}  # of both surveys the same
    assert_allclose(own, np.sqrt((row.scatter**2 - row.expected**2) / 2), rtol=1e-9)


@pytest.mark.usefixtures("undrawn")
def test_what_fails_the_cuts_of_a_merge_is_not_compared(tmp_path, client):
    bad = np.zeros(N, dtype=bool)
    bad[N_IN_B : N_IN_B + 50] = True
    of_a, of_c = {"GOOD": ~bad}, {"QFLAG_OUTPUT_INTRINSIC": ~np.roll(bad, 50)}
    run = two_surveys(tmp_path, of_a=of_a, of_c=of_c)
    closure.run(run, client)
    assert matrix_row(run).n_common == N - N_IN_B - 100


@pytest.mark.parametrize("n", [0, 10])
def test_surveys_with_few_common_stars_are_not_judged(tmp_path, client, n):
    good = np.zeros(N, dtype=bool)
    good[N_IN_B : N_IN_B + n] = True  # none of them in B
    run = two_surveys(tmp_path, of_a={"GOOD": good})
    receipt = closure.run(run, client)
    assert f"{A} and {C} share {n} stars that B does not have: too few" in receipt.counts.notes[0]
    assert np.isnan([row.excess for row in tables_of(run).excess]).all()
    assert matrix_row(run, sample=INSIDE_B).n == 0
