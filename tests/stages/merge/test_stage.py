"""The merged catalogue, star by star, from hand-made catalogues."""

import shutil
from dataclasses import replace

import healpy as hp
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from numpy.testing import assert_allclose, assert_array_equal

from stdask import schema
from stdask.config.run import joined
from stdask.config.survey_tables import Duplicates
from stdask.errors import CatalogueError, ConfigError, SurveyError
from stdask.pairing import usable
from stdask.runs.counts import PartitionCounts
from stdask.runs.receipts import Receipt, describe_outputs, read_receipt, write_damaged, write_receipt
from stdask.runs.registry import stage_settings
from stdask.science.galaxy.galactocentric import galactic_positions, galactic_velocities, position_errors
from stdask.science.keys.star_keys import star_keys
from stdask.science.sky.healpix import sky_index
from stdask.stages.merge import stage as merge
from stdask.stages.merge import tiles as merge_tiles
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.catalogue.hats import catalogue_files
from stdask.storage.documents import write_ecsv
from stdask.storage.tables import read_parquet, to_numpy, to_table, write_parquet
from stdask.tools.run import check_files
from tests import hand_made
from tests.counted import made_up_counts
from tests.hand_made import A, B, columns_a, columns_b, make_run, stars, write_catalogue

C = "mock_c"  # a further survey
TRANSLATED = paths.translated_name(A, B)
N_A, N_B = 12, 9


def prepare(run):
    """Write twelve stars of A (keys 1-12), nine of B (keys 101-109), and the pairs 11-101 and 12-102."""
    write_a(run)
    write_b(run)
    hand_made.write_pairs(run, [11, 12], [101, 102], [True, True])
    write_receipts(run)
    return run


def write_receipts(run):
    """Write the receipts of the stages before, which name the partitions that are there."""
    a = run.definition_a.name
    for stage, name in (("ingest_a", a), ("translate", paths.translated_name(a, B)), ("ingest_b", B)):
        outputs = describe_outputs(run.output, catalogue_files(paths.catalogue(run.output, name)))
        write_receipt(run.output, Receipt(stage, "key", {}, stage_settings(run, stage), outputs, made_up_counts(stage)))
    hand_made.write_receipts(run, *(("train",) if run.config.train.ensemble else ("pair", "train")))


def refresh_receipts(run):
    """Let the receipts, where there are any, speak of the catalogues as they are now."""
    if paths.receipt(run.output, "translate").exists():
        write_receipts(run)


@pytest.fixture
def run(tmp_path):
    return prepare(make_run(tmp_path))


@pytest.fixture(scope="module")
def plain(tmp_path_factory, client):
    """The run of `prepare`, merged: for tests that only read it."""
    run = prepare(make_run(tmp_path_factory.mktemp("plain")))
    merge.run(run, client)
    return run


def write_cuts(run, name, good):
    """Write what ingest tells of a survey with one duplicate and one quality cut."""
    lines = [("rows of the file", 0, len(good) + 1), ("duplicate id", 1, len(good)), ("snr > 30", 1, good.sum())]
    write_ecsv(paths.catalogue(run.output, name) / "cuts.ecsv", Table(rows=lines, names=("cut", "n_failing", "n_left")))


def write_a(run, families=schema.FAMILIES, extra=(), **given):
    columns = (*columns_a(families), *extra)
    values = {
        "FE_H": -9.0,
        "MG_FE": -9.0,
        "FE_H_PRED_16": -0.5,
        "FE_H_PRED_50": -0.4,
        "FE_H_PRED_84": -0.2,
        "FE_H_PRED_SIGMA": 0.15,
        "FE_H_PRED_SAMPLE": -0.55,
        "FE_H_PRED_MEMBER_1": -0.45,
        "FE_H_PRED_MEMBER_2": -0.35,
        "RV": 41.0,
    }
    if "extrinsic" in families:
        values |= {"VHELIO_PRED_16": 40.0, "VHELIO_PRED_50": 42.0, "VHELIO_PRED_84": 44.0}
    a, data = run.definition_a.name, stars(columns, N_A, **(values | given))
    write_catalogue(run, paths.translated_name(a, B), columns, data)
    write_cuts(run, a, data["GOOD"])
    refresh_receipts(run)


def write_b(run, **given):
    columns = columns_b()
    keys = np.arange(101, 101 + N_B, dtype=np.uint64)
    values = {"STAR_KEY": keys, "FE_H": 0.1, "FE_H_ERR": 0.01, "MG_FE": 0.2, "DISTANCE": 2.0}
    data = stars(columns, N_B, **(values | given))
    write_catalogue(run, B, columns, data)
    write_cuts(run, B, data["GOOD"])
    refresh_receipts(run)


def merged(run):
    return open_catalogue(paths.catalogue(run.output, paths.MERGED))


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
    assert receipt.counts.rows.n_in == N_A + N_B
    assert receipt.counts.rows.n_out == merged(plain).n_rows == N_A - 2 + N_B
    rejected = pq.read_table(paths.catalogue(plain.output, paths.MERGED) / paths.REJECTED)
    assert set(rejected.column("id").to_pylist()) == {"110", "111"}
    assert set(rejected.column("reason").to_pylist()) == {f"{A}: {merge_tiles.IN_BOTH}"}
    assert receipt.counts.rows.set_aside == {f"{A}: {merge_tiles.IN_BOTH}": 2}


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


def test_stars_in_both_surveys_are_marked_whichever_of_their_values_are_kept(run, client):
    write_b(run, GOOD=bools(N_B, 1))
    hand_made.write_pairs(run, [11, 12], [101, 102], [True, False])
    merge.run(run, client)
    assert_array_equal(of_survey(run, A, "STAR_KEY")[of_survey(run, A, "IN_PAIRS")], [12])
    assert_array_equal(of_survey(run, B, "STAR_KEY")[of_survey(run, B, "IN_PAIRS")], [101])


def test_labels_of_a_are_the_translated_medians_with_their_calibrated_errors(plain):
    assert_allclose(of_survey(plain, A, "FE_H"), -0.4, rtol=1e-6)  # float32
    assert_allclose(of_survey(plain, A, "FE_H_ERR"), 0.15, rtol=1e-6)
    assert_allclose(of_survey(plain, A, "VHELIO"), 42.0)


def test_the_untranslated_value_stands_beside_the_translated_one(plain):
    assert_allclose(of_survey(plain, A, "FE_H_RAW"), -9.0)
    assert_allclose(of_survey(plain, A, "VHELIO_RAW"), 41.0)  # what A calls RV: `from` of the run file
    assert np.isnan(of_survey(plain, A, "MG_FE_RAW")).all()  # A has one, but it is the counterpart of nothing
    for label in hand_made.LABEL_B:
        assert_array_equal(of_survey(plain, B, f"{label}_RAW"), of_survey(plain, B, label))


def test_the_sample_of_a_translated_star_and_the_value_of_one_of_b_stand_in_one_column(plain):
    assert_allclose(of_survey(plain, A, "FE_H_SAMPLE"), -0.55, rtol=1e-6)  # float32
    assert np.isnan(of_survey(plain, A, "MG_FE_SAMPLE")).all()  # not translated to it
    for label in hand_made.LABEL_B:
        assert_array_equal(of_survey(plain, B, f"{label}_SAMPLE"), of_survey(plain, B, label))


def test_the_untranslated_value_is_there_without_a_network_too(run, client):
    write_a(run, families=("intrinsic",))
    merge.run(run, client)
    assert np.isnan(of_survey(run, A, "VHELIO")).all()
    assert_allclose(of_survey(run, A, "VHELIO_RAW"), 41.0)


def test_what_each_network_says_stands_beside_the_labels_that_networks_translated(plain):
    assert_allclose(of_survey(plain, A, "FE_H_MEMBER_1"), -0.45, rtol=1e-6)  # float32
    assert_allclose(of_survey(plain, A, "FE_H_MEMBER_2"), -0.35, rtol=1e-6)
    for k in (1, 2):
        assert_array_equal(of_survey(plain, B, f"FE_H_MEMBER_{k}"), of_survey(plain, B, "FE_H"))
    names = [column.name for column in merged(plain).columns]
    assert "FE_H_MEMBER_3" not in names
    assert "MG_FE_MEMBER_1" not in names


def test_what_a_network_says_outside_its_domain_is_missing_as_the_label_is(run, client):
    write_a(run, QFLAG_OUTPUT_EXTRINSIC=bools(N_A, 0))
    merge.run(run, client)
    for name in ("VHELIO", "VHELIO_SAMPLE", "VHELIO_MEMBER_1", "VHELIO_MEMBER_2"):
        assert_array_equal(np.isnan(of_survey(run, A, name)), ~bools(10, 0))


def test_a_label_that_was_not_translated_is_missing_for_a_though_a_has_one_of_that_name(plain):
    receipt = read_receipt(plain.output, "merge")
    assert np.isnan(of_survey(plain, A, "MG_FE")).all()
    assert np.isnan(of_survey(plain, A, "MG_FE_ERR")).all()
    assert_allclose(of_survey(plain, B, "MG_FE"), 0.2, rtol=1e-6)
    assert any("MG_FE" in note for note in receipt.counts.notes)


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
        ("GOOD", False, usable.QUALITY),
        ("FLAG_MISSING_INPUTS_INTRINSIC", True, usable.MISSING),
        ("QFLAG_INPUT_INTRINSIC", False, usable.OUTSIDE_INPUTS),
        ("QFLAG_OUTPUT_INTRINSIC", False, usable.OUTSIDE_OUTPUTS),
    ],
)
def test_a_star_of_a_with_a_bad_flag_is_set_aside_for_it(run, client, column, value, reason):
    flags = np.full(N_A, not value)
    flags[[2, 5]] = value
    write_a(run, **{column: flags})
    receipt = merge.run(run, client)
    assert receipt.counts.rows.set_aside[f"{A}: {reason}"] == 2
    assert not set(of_survey(run, A, "STAR_KEY")) & {3, 6}


@pytest.mark.parametrize("wanted", [False, True])
def test_stars_unlike_the_training_stars_are_set_aside_if_that_is_wanted(tmp_path, client, wanted):
    run = prepare(make_run(tmp_path, merge={"qflag_domain": wanted}))
    write_a(run, QFLAG_DOMAIN_INTRINSIC=bools(N_A, 2, 5), QFLAG_DOMAIN_EXTRINSIC=bools(N_A, 0))
    receipt = merge.run(run, client)
    assert receipt.counts.rows.set_aside.get(f"{A}: {usable.UNLIKE}", 0) == 2 * wanted
    assert ({3, 6} <= set(of_survey(run, A, "STAR_KEY"))) == (not wanted)
    assert np.isnan(of_survey(run, A, "VHELIO")[0]) == wanted
    assert np.isfinite(of_survey(run, A, "FE_H")).all()


def test_stars_of_a_with_more_or_unknown_reddening_are_set_aside_and_those_of_b_are_not(tmp_path, client):
    run = prepare(make_run(tmp_path, merge={"max_ebv": 0.3}))
    reddening = np.full(N_A, 0.1)
    reddening[[1, 3, 4]] = 0.31, np.nan, 0.3
    write_a(run, extra=(schema.EBV,), EBV=reddening)
    receipt = merge.run(run, client)
    reason = f"{A}: E(B-V) unknown or above 0.3 (scale of SFD 1998)"
    assert receipt.counts.rows.set_aside[reason] == 2
    assert_array_equal(of_survey(run, A, "STAR_KEY"), [1, 3, 5, 6, 7, 8, 9, 10])
    assert len(of_survey(run, B, "STAR_KEY")) == N_B


def test_a_largest_reddening_of_a_survey_without_any_is_refused(tmp_path, client):
    run = prepare(make_run(tmp_path, merge={"max_ebv": 0.3}))
    with pytest.raises(ConfigError, match=rf"max_ebv is set, but {A} has no reddening"):
        merge.run(run, client)


def test_a_rejected_row_is_numbered_as_in_the_catalogue_it_came_from(run, client):
    write_a(run, GOOD=bools(N_A, 0, 4, 7))
    merge.run(run, client)
    rejected = pq.read_table(paths.catalogue(run.output, paths.MERGED) / paths.REJECTED)
    source = open_catalogue(paths.catalogue(run.output, TRANSLATED)).read()
    ids = source.column("obsid").take(rejected.column("row")).to_pylist()
    assert rejected.num_rows == 5
    assert [str(number) for number in ids] == rejected.column("id").to_pylist()


def write_clusters(run, ra, dec, distance, half_light):
    columns = tuple(schema.Column(name, "float64") for name in schema.CLUSTER_COLUMNS)
    data = dict(zip(schema.CLUSTER_COLUMNS, (ra, dec, distance, half_light), strict=True))
    write_parquet(run.data_dir / "clusters.parquet", to_table(columns, {k: np.array(v) for k, v in data.items()}))


def test_stars_in_a_globular_cluster_are_set_aside_from_both(tmp_path, client):
    run = make_run(tmp_path, merge={"globular_clusters": "clusters.parquet"})
    write_a(run, DISTANCE=2.0)
    write_b(run, DISTANCE=np.where(np.arange(N_B) == 3, 9.0, 2.0))
    hand_made.write_pairs(run, [], [], [])
    write_receipts(run)
    a, b = (stars(c, n) for c, n in ((columns_a(), N_A), (columns_b(), N_B)))
    # around one star of A, one of B at its distance, one of B behind it, and one of A without a radius
    ra, dec = ([*a[n][1:2], *b[n][2:4], *a[n][5:6]] for n in ("ra", "dec"))
    write_clusters(run, ra, dec, [2.0] * 4, [1.0, 1.0, 1.0, np.nan])
    receipt = merge.run(run, client)
    assert receipt.counts.rows.set_aside == {f"{A}: {merge_tiles.CLUSTER}": 1, f"{B}: {merge_tiles.CLUSTER}": 1}
    assert any(
        note.startswith("1 of the 4 globular clusters have no half-light radius") for note in receipt.counts.notes
    )
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
    assert receipt.counts.n_with_distance == 7 + N_B


def test_errors_of_places_are_those_of_the_distances(run, client):
    write_a(run, DISTANCE=3.0, DISTANCE_ERR=np.where(np.arange(N_A) < 3, np.nan, 0.3))
    merge.run(run, client)
    given = stars(columns_a(), N_A, DISTANCE=3.0)
    places = galactic_positions(given["ra"], given["dec"], given["DISTANCE"])
    errors = position_errors(places, given["DISTANCE"], np.where(np.arange(N_A) < 3, np.nan, 0.3))
    for name, expected in zip(("R_GC_ERR", "Z_GC_ERR"), errors, strict=True):
        assert_allclose(of_survey(run, A, name), expected[:10], rtol=1e-6)  # float32


def test_velocities_are_there_where_a_star_has_a_motion_on_the_sky_and_along_the_line_of_sight(run, client):
    motions = {"PMRA": np.linspace(-9, 9, N_A), "PMDEC": np.where(np.arange(N_A) == 4, np.nan, 2.0)}
    write_a(run, extra=schema.PROPER_MOTION, DISTANCE=3.0, QFLAG_OUTPUT_EXTRINSIC=bools(N_A, 0), **motions)
    merge.run(run, client)
    given = stars(columns_a(), N_A)
    truth = galactic_velocities(given["ra"], given["dec"], np.full(N_A, 3.0), *motions.values(), np.full(N_A, 42.0))
    known = bools(10, 0, 4)  # the first has no translated velocity
    for column, values in zip(schema.VELOCITIES, truth, strict=True):
        assert_allclose(of_survey(run, A, column.name), np.where(known, values[:10], np.nan), rtol=1e-6, atol=1e-5)
        assert np.isnan(of_survey(run, B, column.name)).all()  # B has no proper motions
    momenta = of_survey(run, A, "R_GC") * of_survey(run, A, "VPHI_GC")
    assert_allclose(of_survey(run, A, "L_Z"), momenta, rtol=1e-5)  # products of float32
    assert_allclose(of_survey(run, A, "R_GUIDE"), np.where(momenta > 0, momenta, np.nan) / 233.36, rtol=1e-5)
    assert_allclose(of_survey(run, A, "PMRA"), motions["PMRA"][:10], rtol=1e-6)


def test_without_proper_motions_there_are_no_columns_of_velocities(plain):
    names = {column.name for column in merged(plain).columns}
    assert not names & {column.name for column in (*schema.VELOCITIES, *schema.ORBITS, *schema.PROPER_MOTION)}


def test_a_survey_without_distances_is_merged_with_missing_positions(tmp_path, client):
    run = make_run(tmp_path)
    for name, columns, n_stars in ((TRANSLATED, columns_a(), N_A), (B, columns_b(), N_B)):
        columns = tuple(c for c in columns if not c.name.startswith("DISTANCE"))
        write_catalogue(run, name, columns, stars(columns, n_stars))
    for name in (A, B):
        write_cuts(run, name, np.ones(N_A, bool))
    hand_made.write_pairs(run, [], [], [])
    write_receipts(run)
    assert merge.run(run, client).counts.rows.n_out == N_A + N_B
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


def contents(run):
    """Return the bytes of every partition, and of every file of rows set aside."""
    folder = paths.catalogue(run.output, paths.MERGED)
    return {path: path.read_bytes() for path in folder.rglob("*.parquet") if path.is_file()}


def finely(tmp_path):
    """Return a run of many tiles: at most three stars each."""
    return prepare(make_run(tmp_path, ingest={"rows_per_partition": 3}))


def test_a_second_run_does_nothing(run, client):
    merge.run(run, client)
    assert merge.run(run, client) == read_receipt(run.output, "merge")


def test_a_changed_partition_makes_only_the_tiles_over_it_again_and_says_why(tmp_path, client, capsys):
    run = finely(tmp_path)
    first = merge.run(run, client)
    before, tiles = contents(run), merged(run).pixels
    write_b(run, FE_H=np.where(np.arange(N_B) == 4, 0.3, 0.1))  # as many rows, one of them changed
    write_receipts(run)
    capsys.readouterr()
    receipt = merge.run(run, client)
    changed = {path for path, content in contents(run).items() if content != before[path]}
    catalogue_b = open_catalogue(paths.catalogue(run.output, B))
    index = catalogue_b.read().filter(pc.field("STAR_KEY") == 105).column("_healpix_29")[0].as_py()
    partition = next(pixel for pixel in catalogue_b.pixels if pixel.first_index <= index < pixel.end_index)
    over = [pixel for pixel in tiles if pixel.overlaps(partition)]
    assert 0 < len(over) < len(tiles)
    assert changed == {merged(run).path(pixel) for pixel in over}
    partitions = receipt.counts.partitions
    assert partitions.n_all - partitions.n_kept == len(over)
    said = f"{len(over)} repeated, changed: partitions of {B}"
    assert said in capsys.readouterr().out
    assert replace(receipt.counts, partitions=first.counts.partitions) == first.counts
    assert_allclose(np.sort(of_survey(run, B, "FE_H"))[-1], 0.3, rtol=1e-6)  # float32


def test_a_merge_after_a_change_is_byte_for_byte_that_of_a_run_from_nothing(tmp_path, client):
    changes = {"GOOD": bools(N_B, 4)}
    runs = [finely(tmp_path / name) for name in ("changed", "new")]
    merge.run(runs[0], client)
    for run in runs:
        write_b(run, **changes)
        write_receipts(run)
        merge.run(run, client)
    changed, new = ({p.relative_to(run.output): c for p, c in contents(run).items()} for run in runs)
    assert changed == new


def test_a_merge_that_was_cut_off_goes_on_where_it_was(tmp_path, client, monkeypatch):
    whole, cut = (finely(tmp_path / name) for name in ("whole", "cut"))
    merge.run(whole, client)
    each = merge.each

    def cut_off(workers, function, items, *shared, **named):
        for number, done in enumerate(each(workers, function, items, *shared, **named)):
            if function is merge_tiles.merge_tile and number == 2:
                raise KeyboardInterrupt
            yield done

    monkeypatch.setattr(merge, "each", cut_off)
    with pytest.raises(KeyboardInterrupt):
        merge.run(cut, client)
    monkeypatch.undo()
    assert not (paths.catalogue(cut.output, paths.MERGED) / "hats.properties").exists()
    partitions = merge.run(cut, client).counts.partitions
    assert partitions == PartitionCounts(len(merged(whole).pixels), 2)
    found, wanted = ({p.relative_to(run.output): c for p, c in contents(run).items()} for run in (cut, whole))
    assert found == wanted


@pytest.mark.parametrize("damage", ["remove", "cut", "listed"])
def test_a_tile_whose_file_is_not_whole_is_made_again_with_the_same_bytes_and_no_other(tmp_path, client, damage):
    run = finely(tmp_path)
    merge.run(run, client)
    before = contents(run)
    victim = merged(run).path(merged(run).pixels[1])
    if damage == "remove":
        victim.unlink()
    elif damage == "cut":
        victim.write_bytes(before[victim][:100])
    else:
        victim.write_bytes(before[victim][::-1])
        write_damaged(run.output, {str(victim.relative_to(run.output)): "checksum"})
    partitions = merge.run(run, client).counts.partitions
    assert partitions.n_kept == partitions.n_all - 1
    assert contents(run) == before


def test_rows_set_aside_are_numbered_again_where_a_row_was_added_before_them(tmp_path, client):
    run = finely(tmp_path)
    given = stars(columns_a(), N_A, GOOD=bools(N_A, 3, 7))
    first = np.argmin(sky_index(given["ra"], given["dec"]))
    write_catalogue(run, TRANSLATED, columns_a(), given)
    write_receipts(run)
    merge.run(run, client)
    more = {name: np.append(values, values[first]) for name, values in given.items()}  # beside the first star
    write_catalogue(run, TRANSLATED, columns_a(), more | {"STAR_KEY": np.append(given["STAR_KEY"], [50])})
    write_receipts(run)
    merge.run(run, client)
    rejected = pq.read_table(paths.catalogue(run.output, paths.MERGED) / paths.REJECTED)
    source = open_catalogue(paths.catalogue(run.output, TRANSLATED)).read()
    ids = source.column("obsid").take(rejected.column("row")).cast(pa.string())
    assert ids.to_pylist() == rejected.column("id").to_pylist()


def test_changed_settings_make_every_tile_again(tmp_path, client, capsys):
    run = finely(tmp_path)
    merge.run(run, client)
    wider = make_run(tmp_path, ingest={"rows_per_partition": 3}, merge={"half_light_radii": 7.0})
    write_receipts(wider)
    partitions = merge.run(wider, client).counts.partitions
    assert partitions.n_kept == 0
    assert f"({partitions.n_all} repeated, changed: settings)" in capsys.readouterr().out


@pytest.mark.parametrize("most", [1, 2, 5, 40])
def test_no_star_is_lost_or_doubled_at_the_borders_of_tiles(tmp_path, client, most):
    """Stars of A in clumps and on the borders of pixels, of B beside them; both cut otherwise than the tiles."""
    rng = np.random.default_rng(most)
    run = make_run(tmp_path, ingest={"rows_per_partition": most})
    borders = pixel_corners(order=4)
    clump = np.array([[10.0, 20.0]]) + rng.normal(0, 1e-4, (10, 2))  # within 0.4 arcsec: cells of the finest order
    places_a, places_b = np.concatenate([borders, clump]), np.concatenate([borders + 1e-7, clump[::-1], [[10, 20]] * 3])
    for name, columns, places, first in ((TRANSLATED, columns_a(), places_a, 1), (B, columns_b(), places_b, 1001)):
        keys = np.arange(first, first + len(places), dtype=np.uint64)
        bad = rng.random(len(places)) < 0.3
        data = stars(columns, len(places), ra=places[:, 0], dec=places[:, 1], STAR_KEY=keys, GOOD=~bad)
        write_catalogue(run, name, columns, data, most=7)
    for name in (A, B):
        write_cuts(run, name, np.ones(N_A, bool))
    hand_made.write_pairs(run, [], [], [])
    write_receipts(run)
    merge.run(run, client)
    rejected = pq.read_table(paths.catalogue(run.output, paths.MERGED) / paths.REJECTED)
    for name, survey, own_id in ((TRANSLATED, A, "obsid"), (B, B, "apogee_id")):
        source = open_catalogue(paths.catalogue(run.output, name)).read()
        good = to_numpy(source, "GOOD")
        assert_array_equal(of_survey(run, survey, "STAR_KEY"), np.sort(to_numpy(source, "STAR_KEY")[good]))
        aside = rejected.filter(pc.starts_with(pc.field("reason"), survey)).sort_by("row")
        assert_array_equal(aside.column("row"), np.flatnonzero(~good))
        assert aside.column("id").to_pylist() == source.column(own_id).cast(pa.string()).filter(~good).to_pylist()


def pixel_corners(order):
    """Return positions on the corners of some pixels, (n, 2) in degrees."""
    pixels = np.arange(0, hp.order2npix(order), 97)
    corners = hp.boundaries(1 << order, pixels, nest=True)[:, :, 0]
    return np.stack(hp.vec2ang(corners, lonlat=True), axis=-1)


def test_partitions_of_an_earlier_merge_do_not_stay(run, client):
    merge.run(run, client)
    finer = run.model_copy(
        update={
            "config": run.config.model_copy(
                update={"ingest": run.config.ingest.model_copy(update={"rows_per_partition": 3})}
            )
        }
    )
    write_receipts(finer)
    merge.run(finer, client)
    catalogue = merged(run)
    files = list(catalogue.folder.glob("dataset/**/Npix=*.parquet"))
    assert len(files) == len(catalogue.pixels)
    assert sum(read_parquet(path).num_rows for path in files) == catalogue.n_rows


def test_merging_in_an_empty_folder_names_the_first_stage_to_run(tmp_path, client):
    with pytest.raises(CatalogueError, match="Run `stdask ingest` first"):
        merge.run(make_run(tmp_path), client)


def test_a_missing_table_of_clusters_is_named(run, client):
    wanting = make_run(run.data_dir, merge={"globular_clusters": "harris.parquet"})
    with pytest.raises(SurveyError, match=r"\[merge\] globular_clusters: .*harris"):
        merge.run(wanting, client)


def read_cuts(run):
    """Return the lines of the table of cuts, (cut, in, aside, left), by survey."""
    lines = {}
    for survey, *line in Table.read(paths.catalogue(run.output, paths.MERGED) / "cuts.ecsv").iterrows():
        lines.setdefault(survey, []).append(tuple(line))
    return lines


def test_the_table_of_cuts_goes_from_the_rows_of_the_file_to_the_stars_of_the_catalogue(run, client, capsys):
    write_a(run, GOOD=bools(N_A, 0, 10), QFLAG_INPUT_INTRINSIC=bools(N_A, 1), QFLAG_OUTPUT_INTRINSIC=bools(N_A, 1, 2))
    write_b(run, GOOD=bools(N_B, 8))
    receipt = merge.run(run, client)
    cuts = read_cuts(run)
    assert cuts[A] == [
        ("rows of the file", 13, 0, 13),
        ("duplicate id", 13, 1, 12),
        ("snr > 30", 12, 2, 10),
        (usable.MISSING, 10, 0, 10),
        (usable.OUTSIDE_INPUTS, 10, 1, 9),
        (usable.OUTSIDE_OUTPUTS, 9, 1, 8),
        (merge_tiles.IN_BOTH, 8, 1, 7),
    ]
    assert cuts[B] == [("rows of the file", 10, 0, 10), ("duplicate id", 10, 1, 9), ("snr > 30", 9, 1, 8)]
    assert {survey: lines[-1][-1] for survey, lines in cuts.items()} == receipt.counts.by_survey
    assert usable.OUTSIDE_INPUTS in capsys.readouterr().out


def with_lists(tmp_path, lists):
    """Return a run with lists of members, (file, column, survey, ids), and with keys as ingest makes them from ids."""
    exclude = []
    for file, column, survey, ids in lists:
        write_parquet(tmp_path / file, pa.table({column: ids}))
        exclude.append({"file": file, "column": column, "survey": survey})
    run = make_run(tmp_path, merge={"exclude": exclude})
    keys_a = star_keys(np.arange(N_A) + 100)
    keys_b = star_keys(np.array([f"2M{n}" for n in range(N_B)], dtype=object))
    write_a(run, STAR_KEY=keys_a)
    write_b(run, STAR_KEY=keys_b)
    hand_made.write_pairs(run, keys_a[10:], keys_b[:2], [True, False])
    write_receipts(run)
    return run


def test_listed_members_are_set_aside_by_their_own_id_or_that_of_their_partner(tmp_path, client):
    lists = [("m1.parquet", "obsid", "a", [100, 103, 110, 5]), ("m2.parquet", "name", "b", ["2M1", "2M7", "other"])]
    run = with_lists(tmp_path, lists)
    receipt = merge.run(run, client)
    rejected = pq.read_table(paths.catalogue(run.output, paths.MERGED) / paths.REJECTED)
    listed = rejected.filter(pc.ends_with(pc.field("reason"), merge_tiles.LISTED)).column("id").to_pylist()
    # 110 is 2M0, and 2M1 is 111, whose partner fails the quality cuts of B
    assert sorted(listed) == ["100", "103", "111", "2M0", "2M1", "2M7"]
    assert receipt.counts.rows.set_aside == {
        f"{A}: {merge_tiles.IN_BOTH}": 1,
        f"{A}: {merge_tiles.LISTED}": 3,
        f"{B}: {merge_tiles.LISTED}": 3,
    }
    assert read_cuts(run)[B][-1] == (merge_tiles.LISTED, 9, 3, 6)
    assert not any("None of" in note for note in receipt.counts.notes)


def test_a_list_that_names_no_star_is_told(tmp_path, client):
    run = with_lists(tmp_path, [("m1.parquet", "obsid", "a", [1, 2]), ("m2.parquet", "name", "b", ["2M1"])])
    notes = merge.run(run, client).counts.notes
    assert [note for note in notes if "None of" in note] == [
        "None of the stars in m1.parquet, obsid, is in the merged surveys."
    ]


def test_a_list_that_is_not_there_is_told_before_any_work(tmp_path):
    run = make_run(tmp_path, merge={"exclude": [{"file": "m.parquet", "column": "name", "survey": "b"}]})
    columns = [*run.definition_a.source_columns, *run.definition_b.source_columns]
    write_parquet(
        run.survey_files("a")["main"].path, pa.table({name: [1] for name in columns})
    )  # which is B's file too
    with pytest.raises(SurveyError, match=r"m\.parquet"):
        check_files(run)


def test_ids_of_another_kind_than_the_surveys_are_refused(tmp_path, client):
    run = with_lists(tmp_path, [("m1.parquet", "name", "a", ["2M1"])])
    with pytest.raises(SurveyError, match=r"ids of mock_a are whole numbers.*or another survey"):
        merge.run(run, client)


def test_a_changed_list_merges_again(tmp_path, client):
    run = with_lists(tmp_path, [("m1.parquet", "obsid", "a", [100])])
    merge.run(run, client)
    write_parquet(tmp_path / "m1.parquet", pa.table({"obsid": [100, 101]}))
    assert merge.run(run, client).counts.rows.set_aside[f"{A}: {merge_tiles.LISTED}"] == 2


def other_run(tmp_path, name=C, **given):
    """Return a finished run of another survey on the same B: twelve stars (keys 1001-1012) where those of A are."""
    run = make_run(tmp_path / "other")
    run = run.model_copy(update={"definition_a": run.definition_a.model_copy(update={"name": name})})
    number = np.arange(N_A)
    values = {
        "STAR_KEY": (number + 1001).astype(np.uint64),
        "SOURCE_ID": number + 5001,
        "FE_H": -8.0,
        "FE_H_PRED_50": -0.6,
        "ra": (number * 137.5 + 20) % 360,  # not where those of A are
    }
    write_a(run, **(values | given))
    write_b(run)
    hand_made.write_pairs(run, [1011], [109], [True])
    write_receipts(run)
    return run


def with_other(tmp_path, other, **tables):
    return prepare(make_run(tmp_path, merge={"also": [{"run": str(other.output)}]}, **tables))


def accounted(run):
    """Return for each survey the ids in the catalogue and those set aside."""
    table = merged(run).read()
    rejected = pq.read_table(paths.catalogue(run.output, paths.MERGED) / paths.REJECTED)
    surveys = np.array([reason.split(":")[0] for reason in rejected.column("reason").to_pylist()])
    return {
        name: sorted(
            [
                *np.array(table.column("ID").to_pylist())[to_numpy(table, "SURVEY") == name],
                *np.array(rejected.column("id").to_pylist())[surveys == name],
            ]
        )
        for name in (A, B, C)
    }


def test_a_further_survey_joins_from_its_own_run_and_no_row_is_lost(tmp_path, client):
    other = other_run(tmp_path)
    run = with_other(tmp_path, other, ingest={"rows_per_partition": 3})
    receipt = merge.run(run, client)
    assert receipt.counts.rows.n_in == 2 * N_A + N_B
    assert receipt.counts.by_survey == {A: N_A - 2, C: N_A - 1, B: N_B}
    assert receipt.counts.rows.set_aside == {f"{A}: {merge_tiles.IN_BOTH}": 2, f"{C}: {merge_tiles.IN_BOTH}": 1}
    ids = sorted(str(n) for n in range(100, 112))
    assert accounted(run) == {A: ids, B: [f"2M{n}" for n in range(N_B)], C: ids}
    assert_array_equal(of_survey(run, C, "STAR_KEY"), [*range(1001, 1011), 1012])  # 1011 is in B
    assert_allclose(of_survey(run, C, "FE_H"), -0.6, rtol=1e-6)  # float32
    assert_allclose(of_survey(run, C, "FE_H_RAW"), -8.0)
    assert_allclose(of_survey(run, A, "FE_H"), -0.4, rtol=1e-6)


def test_a_star_in_several_surveys_is_kept_from_the_first_that_can_be_used(tmp_path, client):
    number = np.arange(N_A)
    given = stars(columns_a(), N_A)
    place = {  # the first four are stars of A by their place
        "ra": np.where(number < 4, given["ra"], (number * 137.5 + 20) % 360),
        "dec": given["dec"] + np.where(number < 4, 0.5 / 3600, 0),
    }
    gaia = pa.array([None, None, None, 5004, 5005, 6, 7, *range(5008, 5013)], pa.int64())  # 6 and 7 are of A
    run = with_other(tmp_path, other_run(tmp_path, SOURCE_ID=gaia, **place), ingest={"rows_per_partition": 3})
    write_a(run, GOOD=bools(N_A, 1, 6))  # what cannot be used has no say
    receipt = merge.run(run, client)
    reason = f"also in {A}, whose values are kept"
    assert receipt.counts.rows.set_aside[f"{C}: {reason}"] == 3
    # by place 1 and 3, as 2 is bad in A and 4 has another Gaia id than the star there; by Gaia id 6, as 7 is bad in A
    assert set(of_survey(run, C, "STAR_KEY") - 1000) == {2, 4, 5, 7, 8, 9, 10, 12}
    assert (reason, 11, 3, 8) in read_cuts(run)[C]
    table = merged(run).read()
    assert len(set(zip(*(table.column(n).to_pylist() for n in ("SURVEY", "ID")), strict=True))) == table.num_rows


def test_a_changed_other_run_merges_again_and_an_unchanged_one_does_not(tmp_path, client):
    other = other_run(tmp_path)
    run = with_other(tmp_path, other)
    merge.run(run, client)
    assert merge.run(run, client) == read_receipt(run.output, "merge")
    other_run(tmp_path, FE_H_PRED_50=-0.7)
    merge.run(run, client)
    assert_allclose(of_survey(run, C, "FE_H"), -0.7, rtol=1e-6)  # float32


def test_a_merge_of_three_does_not_depend_on_where_the_runs_lie_or_how_they_were_cut(tmp_path, client):
    tables = []
    for name, most in (("one", 3), ("two", 40)):
        folder = tmp_path / name
        run = with_other(folder, other_run(folder), ingest={"rows_per_partition": most})
        merge.run(run, client)
        tables.append(merged(run).read())
    for name in tables[0].column_names:
        np.testing.assert_array_equal(*(table.column(name).to_numpy() for table in tables), err_msg=name)


def test_further_surveys_of_a_run_file_are_merged_as_those_of_other_runs(tmp_path, client):
    """Also the other way: what was merged of two run files is not what one run file asks for, and is merged again."""
    other = other_run(tmp_path)
    run = with_other(tmp_path, other)
    merge.run(run, client)
    files = sorted(paths.catalogue(run.output, paths.MERGED).rglob("Npix=*.parquet"))
    wanted = [str(read_parquet(path).to_pylist()) for path in files]  # as text, in which NaN equals NaN
    assert wanted
    many = joined([make_run(tmp_path), other])
    shutil.copytree(other.output, many.further[0].output)
    assert merge.run(many, client).counts.by_survey == {A: N_A - 2, C: N_A - 1, B: N_B}
    assert [str(read_parquet(path).to_pylist()) for path in files] == wanted
    assert merge.run(many, client) == read_receipt(run.output, "merge")
    shutil.rmtree(many.further[0].output / "receipts")
    with pytest.raises(CatalogueError, match=f"^Survey {C}: the 'ingest_a' stage of .* is not finished"):
        merge.run(many, client)


UNTRAINED = {
    "ensemble": "some.stdask",
    "intrinsic": [{"label": label, "from": label} for label in ("TEFF", "LOGG", "FE_H")],
    "extrinsic": [{"label": "VHELIO", "from": "RV"}],
}
IN_A = pa.array([11, 12, *range(9001, 9001 + N_B - 2)], pa.int64())  # Gaia ids of B: the first two are of A


def test_a_run_that_trained_nothing_finds_its_stars_in_b_by_their_gaia_ids(tmp_path, client):
    runs = []
    for name, train in (("paired", {}), ("untrained", {"train": UNTRAINED})):
        run = prepare(make_run(tmp_path / name, **train))
        write_b(run, SOURCE_ID=IN_A)
        runs.append(run)
    paths.pairs(runs[1].output, A, B).unlink()
    receipts = [merge.run(run, client) for run in runs]
    assert receipts[0].counts == receipts[1].counts
    assert receipts[1].counts.rows.set_aside == {f"{A}: {merge_tiles.IN_BOTH}": 2}
    paired, untrained = (merged(run).read() for run in runs)
    for name in paired.column_names:
        np.testing.assert_array_equal(paired[name].to_numpy(), untrained[name].to_numpy(), err_msg=name)
    assert merge.run(runs[1], client) == read_receipt(runs[1].output, "merge")
    write_b(runs[1], SOURCE_ID=IN_A, GOOD=bools(N_B, 1))
    assert merge.run(runs[1], client).counts.by_survey[A] == N_A - 1  # the values of 12 are those of A


def test_a_further_run_that_trained_nothing_has_its_stars_in_b_found_too(tmp_path, client):
    other = other_run(tmp_path, SOURCE_ID=pa.array([*range(5001, 5001 + N_A - 1), 9003], pa.int64()))
    untrained = make_run(tmp_path / "other", train=UNTRAINED)
    other = other.model_copy(update={"config": untrained.config})
    paths.receipt(other.output, "pair").unlink()
    run = with_other(tmp_path, other)
    for own in (run, other):
        write_b(own, SOURCE_ID=IN_A)
    receipt = merge.run(run, client)
    assert receipt.counts.rows.set_aside == {f"{A}: {merge_tiles.IN_BOTH}": 2, f"{C}: {merge_tiles.IN_BOTH}": 1}
    assert 1012 not in of_survey(run, C, "STAR_KEY")


def test_another_run_that_does_not_fit_is_refused(tmp_path, client):
    other = other_run(tmp_path)
    run = with_other(tmp_path, other)
    write_b(run, FE_H=0.3)
    with pytest.raises(ConfigError, match=r"merge.also.*its catalogue of mock_b is not this run's"):
        merge.run(run, client)
    write_b(run)
    paths.receipt(other.output, "translate").unlink()
    with pytest.raises(CatalogueError, match=r"merge.also.*'translate' stage of .* is not finished \(not run yet\)"):
        merge.run(run, client)


def test_another_run_of_the_same_survey_is_refused(tmp_path, client):
    run = with_other(tmp_path, other_run(tmp_path, name=A))
    with pytest.raises(ConfigError, match=r"its A, mock_a, is merged already"):
        merge.run(run, client)


SAME_STAR = np.array([1, 1, 1, 4, 5, 5, 7, 8, 9, 10, 11, 11])  # Gaia ids of the rows of A, by their keys less one


def test_of_the_rows_of_one_star_the_first_that_can_be_used_stays(run, client):
    """Keys 1, 2, 3 are one star, of which 1 is not good; 5, 6; and 11, 12, which are in B by 11 alone."""
    hand_made.write_pairs(run, [11], [101], [True])
    write_a(run, SOURCE_ID=SAME_STAR, GOOD=bools(N_A, 0))
    merge.run(run, client)
    kept = set(of_survey(run, A, "STAR_KEY").tolist())
    assert kept >= {4, 7, 8, 9, 10}
    assert len(kept & {2, 3}) == 1
    assert len(kept & {5, 6}) == 1
    assert not kept & {1, 11, 12}  # not good; in B; the same star as one in B
    counts = read_receipt(run.output, "merge").counts.rows
    assert counts.n_in == counts.n_out + sum(counts.set_aside.values())
    assert counts.set_aside == {
        f"{A}: {usable.QUALITY}": 1,
        f"{A}: {merge_tiles.IN_BOTH}": 1,
        f"{A}: {merge_tiles.REPEATED}": 3,
    }


def test_rows_without_a_gaia_id_are_one_star_where_their_positions_are_one(run, client):
    ra, dec = np.arange(N_A) * 20.0, np.linspace(-60, 60, N_A)
    ra[1], dec[1] = ra[0], dec[0] + 0.5 / 3600
    ra[3], dec[3] = ra[2], dec[2] + 0.5 / 3600  # but both have an id, and these differ
    write_a(run, SOURCE_ID=pa.array([None, 2, 3, 4, *range(5, 13)], pa.int64()), ra=ra, dec=dec)
    merge.run(run, client)
    kept = set(of_survey(run, A, "STAR_KEY").tolist())
    assert len(kept & {1, 2}) == 1
    assert kept >= {3, 4}


def test_the_rows_of_a_survey_that_says_which_row_stays_are_left_alone(run, client):
    duplicates = Duplicates(by="source_id", best="snr")
    own = run.definition_a.model_copy(update={"duplicates": duplicates})
    run = run.model_copy(update={"definition_a": own})
    write_a(run, SOURCE_ID=SAME_STAR)
    write_receipts(run)
    merge.run(run, client)
    assert merge_tiles.REPEATED not in str(read_receipt(run.output, "merge").counts.rows.set_aside)


def test_a_survey_of_which_no_star_is_merged_is_told_with_the_reason(run, client):
    write_a(run, FLAG_MISSING_INPUTS_INTRINSIC=bools(N_A))
    merge.run(run, client)
    (note,) = (note for note in read_receipt(run.output, "merge").counts.notes if "No star" in note)
    assert f"No star of {A} is in the merged catalogue: 12 of its 12 stars were set aside" in note
    assert f"because of: {usable.MISSING}." in note
