"""The merged catalogue, star by star, from hand-made catalogues."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from stdask import schema
from stdask.errors import CatalogueError, SurveyError
from stdask.pipeline import merge
from stdask.science.galactocentric import galactic_positions
from stdask.storage import paths
from stdask.storage.hats import open_catalogue
from stdask.storage.receipts import read_receipt
from stdask.storage.tables import read_parquet, to_numpy, to_table, write_parquet
from tests.pipeline import hand_made
from tests.pipeline.hand_made import A, B, columns_a, columns_b, make_run, stars, write_catalogue

TRANSLATED = paths.translated_name(A, B)
UPSTREAM = ("translate", "ingest_b", "pair")
N_A, N_B = 12, 9


def prepare(run):
    """Write twelve stars of A (keys 1-12), nine of B (keys 101-109), and the pairs 11-101 and 12-102."""
    write_a(run)
    write_b(run)
    hand_made.write_pairs(run, [11, 12], [101, 102], [True, True])
    hand_made.write_receipts(run, *UPSTREAM)
    return run


@pytest.fixture
def run(tmp_path):
    return prepare(make_run(tmp_path))


@pytest.fixture(scope="module")
def plain(tmp_path_factory, client):
    """The run of `prepare`, merged: for tests that only read it."""
    run = prepare(make_run(tmp_path_factory.mktemp("plain")))
    merge.run(run, client)
    return run


def write_a(run, families=schema.FAMILIES, **given):
    columns = columns_a(families)
    values = {
        "FE_H": -9.0,
        "MG_FE": -9.0,
        "FE_H_PRED_16": -0.5,
        "FE_H_PRED_50": -0.4,
        "FE_H_PRED_84": -0.2,
        "FE_H_PRED_SIGMA": 0.15,
    }
    if "extrinsic" in families:
        values |= {"VHELIO_PRED_16": 40.0, "VHELIO_PRED_50": 42.0, "VHELIO_PRED_84": 44.0}
    write_catalogue(run, TRANSLATED, columns, stars(columns, N_A, **(values | given)))


def write_b(run, **given):
    columns = columns_b()
    keys = np.arange(101, 101 + N_B, dtype=np.uint64)
    values = {"STAR_KEY": keys, "FE_H": 0.1, "FE_H_ERR": 0.01, "MG_FE": 0.2, "DISTANCE": 2.0}
    write_catalogue(run, B, columns, stars(columns, N_B, **(values | given)))


def merged(run):
    return open_catalogue(paths.catalogue(run.output, merge.NAME))


def of_survey(run, survey, name):
    """Return a column of the merged stars of one survey, in the order of their keys."""
    table = merged(run).read()
    table = table.filter(pa.array(to_numpy(table, "SURVEY") == survey)).sort_by("STAR_KEY")
    return to_numpy(table, name)


def bools(n_stars, *false):
    values = np.ones(n_stars, dtype=bool)
    values[list(false)] = False
    return values


def test_every_row_is_either_in_the_catalogue_or_set_aside_with_a_reason(plain):
    receipt = read_receipt(plain.output, "merge")
    assert receipt.counts["in"] == N_A + N_B
    assert receipt.counts["out"] == merged(plain).n_rows == N_A - 2 + N_B
    rejected = read_parquet(paths.catalogue(plain.output, merge.NAME) / paths.REJECTED)
    assert set(rejected.column("id").to_pylist()) == {"110", "111"}
    assert set(rejected.column("reason").to_pylist()) == {f"{A}: {merge.IN_BOTH}"}
    assert receipt.counts["set aside"] == {f"{A}: {merge.IN_BOTH}": 2}


def test_a_star_in_both_keeps_the_values_of_b(plain):
    assert_array_equal(of_survey(plain, A, "STAR_KEY"), np.arange(1, 11))
    assert_array_equal(of_survey(plain, B, "STAR_KEY"), np.arange(101, 110))
    assert_allclose(of_survey(plain, B, "FE_H"), 0.1, rtol=1e-6)  # float32


def test_a_star_in_both_keeps_the_values_of_a_where_those_of_b_are_bad(run, client):
    write_b(run, GOOD=bools(N_B, 1))
    hand_made.write_pairs(run, [11, 12], [101, 102], [True, False])
    merge.run(run, client)
    assert_array_equal(of_survey(run, A, "STAR_KEY"), [*range(1, 11), 12])
    assert 102 not in of_survey(run, B, "STAR_KEY")


def test_labels_of_a_are_the_translated_medians_with_their_calibrated_errors(plain):
    assert_allclose(of_survey(plain, A, "FE_H"), -0.4, rtol=1e-6)  # float32
    assert_allclose(of_survey(plain, A, "FE_H_ERR"), 0.15, rtol=1e-6)
    assert_allclose(of_survey(plain, A, "VHELIO"), 42.0)


def test_a_label_that_was_not_translated_is_missing_for_a_though_a_has_one_of_that_name(plain):
    receipt = read_receipt(plain.output, "merge")
    assert np.isnan(of_survey(plain, A, "MG_FE")).all()
    assert np.isnan(of_survey(plain, A, "MG_FE_ERR")).all()
    assert_allclose(of_survey(plain, B, "MG_FE"), 0.2, rtol=1e-6)
    assert any("MG_FE" in note for note in receipt.counts["notes"])


def test_an_extrinsic_label_without_a_network_is_missing_for_a(run, client):
    write_a(run, families=("intrinsic",))
    merge.run(run, client)
    assert np.isnan(of_survey(run, A, "VHELIO")).all()
    assert len(of_survey(run, A, "VHELIO")) == N_A - 2


def test_an_extrinsic_label_outside_its_domain_is_missing_but_the_star_stays(run, client):
    write_a(run, QFLAG_OUTPUT_EXTRINSIC=bools(N_A, 0), FLAG_MISSING_INPUTS_EXTRINSIC=~bools(N_A, 1))
    merge.run(run, client)
    assert_array_equal(np.isnan(of_survey(run, A, "VHELIO")), ~bools(10, 0, 1))
    assert np.isfinite(of_survey(run, A, "FE_H")).all()


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("GOOD", False, merge.QUALITY),
        ("FLAG_MISSING_INPUTS_INTRINSIC", True, merge.MISSING),
        ("QFLAG_INPUT_INTRINSIC", False, merge.OUTSIDE_INPUTS),
        ("QFLAG_OUTPUT_INTRINSIC", False, merge.OUTSIDE_OUTPUTS),
    ],
)
def test_a_star_of_a_with_a_bad_flag_is_set_aside_for_it(run, client, column, value, reason):
    flags = np.full(N_A, not value)
    flags[[2, 5]] = value
    write_a(run, **{column: flags})
    receipt = merge.run(run, client)
    assert receipt.counts["set aside"][f"{A}: {reason}"] == 2
    assert not set(of_survey(run, A, "STAR_KEY")) & {3, 6}


def test_a_rejected_row_is_numbered_as_in_the_catalogue_it_came_from(run, client):
    write_a(run, GOOD=bools(N_A, 0, 4, 7))
    merge.run(run, client)
    rejected = read_parquet(paths.catalogue(run.output, merge.NAME) / paths.REJECTED)
    source = open_catalogue(paths.catalogue(run.output, TRANSLATED)).read()
    ids = source.column("obsid").take(rejected.column("row")).to_pylist()
    assert rejected.num_rows == 5
    assert [str(number) for number in ids] == rejected.column("id").to_pylist()


def write_clusters(run, ra, dec, distance, half_light):
    columns = tuple(schema.Column(name, "float64") for name in merge.CLUSTER_COLUMNS)
    data = dict(zip(merge.CLUSTER_COLUMNS, (ra, dec, distance, half_light), strict=True))
    write_parquet(run.data_dir / "clusters.parquet", to_table(columns, {k: np.array(v) for k, v in data.items()}))


def test_stars_in_a_globular_cluster_are_set_aside_from_both(tmp_path, client):
    run = make_run(tmp_path, merge={"globular_clusters": "clusters.parquet"})
    write_a(run, DISTANCE=2.0)
    write_b(run, DISTANCE=np.where(np.arange(N_B) == 3, 9.0, 2.0))
    hand_made.write_pairs(run, [], [], [])
    hand_made.write_receipts(run, *UPSTREAM)
    a, b = (stars(c, n) for c, n in ((columns_a(), N_A), (columns_b(), N_B)))
    # around one star of A, one of B at its distance, one of B behind it, and one of A without a radius
    ra, dec = ([*a[n][1:2], *b[n][2:4], *a[n][5:6]] for n in ("ra", "dec"))
    write_clusters(run, ra, dec, [2.0] * 4, [1.0, 1.0, 1.0, np.nan])
    receipt = merge.run(run, client)
    assert receipt.counts["set aside"] == {f"{A}: {merge.CLUSTER}": 1, f"{B}: {merge.CLUSTER}": 1}
    assert 2 not in of_survey(run, A, "STAR_KEY")
    assert 103 not in of_survey(run, B, "STAR_KEY")


def test_positions_are_those_of_the_distances_and_missing_without(run, client):
    distance = np.where(np.arange(N_A) < 3, np.nan, 3.0)
    write_a(run, DISTANCE=distance)
    receipt = merge.run(run, client)
    given = stars(columns_a(), N_A)
    truth = galactic_positions(given["ra"], given["dec"], distance)
    for column, values in zip(schema.GALACTOCENTRIC, truth, strict=True):
        assert_allclose(of_survey(run, A, column.name), values[:10], rtol=1e-6, atol=1e-6)  # float32
    assert receipt.counts["with a distance"] == 7 + N_B


def test_a_survey_without_distances_is_merged_with_missing_positions(tmp_path, client):
    run = make_run(tmp_path)
    for name, columns, n_stars in ((TRANSLATED, columns_a(), N_A), (B, columns_b(), N_B)):
        columns = tuple(c for c in columns if not c.name.startswith("DISTANCE"))
        write_catalogue(run, name, columns, stars(columns, n_stars))
    hand_made.write_pairs(run, [], [], [])
    hand_made.write_receipts(run, *UPSTREAM)
    assert merge.run(run, client).counts["out"] == N_A + N_B
    assert np.isnan(to_numpy(merged(run).read(), "X_GC")).all()


def test_ids_are_kept_as_text_and_gaia_ids_as_numbers(plain):
    assert of_survey(plain, A, "ID").tolist() == [str(n) for n in range(100, 110)]
    assert of_survey(plain, B, "ID").tolist() == [f"2M{n}" for n in range(N_B)]
    assert_array_equal(of_survey(plain, A, "SOURCE_ID"), np.arange(1, 11))


def test_a_missing_gaia_id_stays_missing(run, client):
    write_b(run, SOURCE_ID=pa.array([None, *range(2, N_B + 1)], pa.int64()))
    merge.run(run, client)
    assert merged(run).read().column("SOURCE_ID").null_count == 1


def test_partitions_hold_no_more_rows_than_asked_and_units_are_kept(tmp_path, client):
    run = prepare(make_run(tmp_path, ingest={"rows_per_partition": 5}))
    merge.run(run, client)
    catalogue = merged(run)
    assert max(catalogue.rows.values()) <= 5
    assert len(catalogue.pixels) > 3
    assert {c.name: c.unit for c in catalogue.columns}["X_GC"] == "kpc"
    assert_array_equal(np.diff(to_numpy(catalogue.read(), "_healpix_29")) >= 0, True)


def test_a_second_run_does_nothing_and_a_changed_input_runs_again(run, client):
    first = merge.run(run, client)
    assert merge.run(run, client) == read_receipt(run.output, "merge")
    hand_made.write_receipts(run, "ingest_b")
    receipt = read_receipt(run.output, "ingest_b")
    hand_made.write_receipt(run.output, replace(receipt, outputs={"other": {"sha256": "1"}}))
    write_b(run, GOOD=bools(N_B, 4))
    assert merge.run(run, client).counts["out"] == first.counts["out"] - 1


def test_partitions_of_an_earlier_merge_do_not_stay(run, client):
    merge.run(run, client)
    finer = run.model_copy(
        update={
            "config": run.config.model_copy(
                update={"ingest": run.config.ingest.model_copy(update={"rows_per_partition": 3})}
            )
        }
    )
    hand_made.write_receipts(finer, *UPSTREAM)
    merge.run(finer, client)
    catalogue = merged(run)
    files = list(catalogue.folder.glob("dataset/**/Npix=*.parquet"))
    assert len(files) == len(catalogue.pixels)
    assert sum(read_parquet(path).num_rows for path in files) == catalogue.n_rows


def test_merging_before_translating_says_which_stage_to_run(tmp_path, client):
    with pytest.raises(CatalogueError, match="stdask translate"):
        merge.run(make_run(tmp_path), client)


def test_a_missing_table_of_clusters_is_named(run, client):
    wanting = make_run(run.data_dir, merge={"globular_clusters": "harris.parquet"})
    with pytest.raises(SurveyError, match=r"\[merge\] globular_clusters: .*harris"):
        merge.run(wanting, client)
