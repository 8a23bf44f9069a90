"""The tasks of a join, one after the other: what pandas merges and what astropy finds on the sky, in any shares."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import astropy.units as u
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st

from stdask.config.survey_files import Join
from stdask.config.survey_tables import Position
from stdask.errors import SurveyError
from stdask.stages.ingest.joins.lookup import LookedUp
from stdask.stages.ingest.joins.matching import Joining
from stdask.stages.ingest.joins.tasks import (
    JoinPlan,
    MatchRecord,
    align_block,
    count_used,
    deal_main,
    deal_table,
    match_share,
)
from stdask.stages.ingest.plan import Deal, Item
from stdask.storage.surveys.files import open_survey

INTEGERS = st.one_of(st.integers(-2, 8), st.none())
TEXT = st.one_of(st.sampled_from(["A", "B", "C 1", "7", "None", "0", "-9999"]), st.none())
NONE = {"None", "0", "-9999"}
SIZES = st.tuples(st.integers(1, 9), st.integers(1, 4))  # rows in a block, and shares


def plan_of(
    folder: Path, join: Join, main: pa.Table, table: pa.Table, names: Sequence[str], rows_per_block: int, n_shares: int
) -> JoinPlan:
    for name, content in (("main", main), ("table", table)):
        pq.write_table(content, folder / f"{name}.parquet", row_group_size=3)
    opened = [open_survey(folder / f"{name}.parquet") for name in ("main", "table")]
    deals = [Deal(folder / "scratch", survey.n_rows, rows_per_block, n_shares) for survey in opened]
    return JoinPlan(Joining(join, Position(), *opened), tuple(names), *deals)


def run_tasks(plan: JoinPlan) -> tuple[pa.Table, MatchRecord]:
    """Return the columns of the further table in the rows of the main one, and how many rows belong together."""
    for number in range(plan.blocks.n_blocks):
        deal_main(Item("block", number), plan)
    for number in range(plan.table_blocks.n_blocks):
        deal_table(Item("block", number), plan)
    found = [match_share(Item("share", number), plan).record for number in range(plan.blocks.n_shares)]
    aligned = [align_block(Item("block", number), plan).files[0] for number in range(plan.blocks.n_blocks)]
    n_used = sum(record.n_used for record in found)
    if plan.joining.by_position:
        n_used = sum(count_used(Item("block", n), plan).record for n in range(plan.table_blocks.n_blocks))
    return pa.concat_tables(map(pq.read_table, aligned)), MatchRecord(sum(r.n_matched for r in found), n_used)


@settings(deadline=None, max_examples=60)
@given(st.data(), st.sampled_from([INTEGERS, TEXT]), SIZES)
def test_a_join_by_key_is_the_left_merge_of_pandas_in_any_blocks_and_shares(data, keys, sizes):
    left, right = (data.draw(st.lists(keys, min_size=1, max_size=25)) for _ in range(2))
    kind = pa.string() if keys is TEXT else pa.int64()
    main, table = (
        pa.table({"id": pa.array(left, kind)}),
        pa.table({"id": pa.array(right, kind), "n": range(len(right))}),
    )
    valid = [key is not None and (key not in NONE if keys is TEXT else key > 0) for key in right]
    first = table.to_pandas()[valid].drop_duplicates("id")
    merged = pd.DataFrame({"id": pd.Series(left, dtype=object)}).merge(
        first.astype({"id": object, "n": "Int64"}), on="id", how="left"
    )
    with tempfile.TemporaryDirectory() as name:
        plan = plan_of(Path(name), Join(name="t", on="id", repeats="first"), main, table, ["n"], *sizes)
        aligned, record = run_tasks(plan)
        looked_up = LookedUp.of(plan.joining).read(["n"])
    expected = [None if pd.isna(n) else int(n) for n in merged["n"]]
    assert aligned["n"].to_pylist() == looked_up["n"].to_pylist() == expected
    assert record == MatchRecord(sum(n is not None for n in expected), len({*expected} - {None}))


def sky(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return crowds of positions: at a corner of many cells, where right ascension begins again, and at the poles."""
    rng = np.random.default_rng(seed)
    ra, dec = [], []
    for ra_0, dec_0 in ((45.0, 0.0), (359.9999, 30.0), (0.0, 89.999), (200.0, -89.999), (12.3, 41.8)):
        dec_1 = np.clip(dec_0 + rng.uniform(-40, 40, n) / 3600, -90, 90)
        ra.append((ra_0 + rng.uniform(-40, 40, n) / 3600 / np.cos(np.radians(dec_1))) % 360)
        dec.append(dec_1)
    return np.concatenate(ra), np.concatenate(dec)


@pytest.mark.parametrize(("radius", "n_shares"), [(1.5, 1), (1.5, 7), (60.0, 5), (0.001, 3)])
def test_a_join_by_position_takes_the_nearest_as_astropy_does(tmp_path: Path, radius: float, n_shares: int):
    (ra_a, dec_a), (ra_b, dec_b) = sky(1, 80), sky(2, 60)
    main = pa.table({"ra": ra_a, "dec": dec_a})
    table = pa.table({"ra_2": ra_b, "dec_2": dec_b, "n": np.arange(ra_b.size)})
    join = Join(name="t", by="position", ra="ra_2", dec="dec_2", radius_arcsec=radius)
    aligned, record = run_tasks(plan_of(tmp_path, join, main, table, ["n"], 37, n_shares))
    stars, others = (SkyCoord(ra, dec, unit=u.deg) for ra, dec in ((ra_a, dec_a), (ra_b, dec_b)))
    rows, separation, _ = stars.match_to_catalog_sky(others)
    expected = [int(row) if near else None for row, near in zip(rows, separation.arcsec < radius, strict=True)]
    assert aligned["n"].to_pylist() == expected
    assert record == MatchRecord(sum(n is not None for n in expected), len({*expected} - {None}))
    looked_up = LookedUp.of(
        Joining(join, Position(), *map(open_survey, (tmp_path / "main.parquet", tmp_path / "table.parquet")))
    )
    assert looked_up.read(["n"], 30, 120)["n"].to_pylist() == expected[30:120]


def test_positions_that_are_missing_or_impossible_match_nothing(tmp_path: Path):
    main = pa.table({"ra": [10.0, None, 400.0, 360.0], "dec": [5.0, 5.0, 5.0, 1.0]})
    table = pa.table({"ra": [None, 400.0, 0.0, 10.0], "dec": [5.0, 5.0, 1.0, 5.0], "n": [0, 1, 2, 3]})
    aligned, _ = run_tasks(plan_of(tmp_path, Join(name="t", by="position"), main, table, ["n"], 2, 2))
    assert aligned["n"].to_pylist() == [3, None, None, 2]


def test_integers_match_the_same_ids_written_as_text_and_as_exact_floats(tmp_path: Path):
    main = pa.table({"id": pa.array([12, 140115002101042, -9999, 3])})
    for keys in (["0012", "140115002101042", "-9999", None], [12.0, 140115002101042.0, -9999.0, float("nan")]):
        table = pa.table({"id": keys, "n": [0, 1, 2, 3]})
        aligned, _ = run_tasks(plan_of(tmp_path, Join(name="t", on="id"), main, table, ["n"], 3, 2))
        assert aligned["n"].to_pylist() == [0, 1, None, None]


def test_a_key_that_repeats_is_an_error_that_names_it_the_rows_and_the_remedy(tmp_path: Path):
    main = pa.table({"id": [5, 6, 7]})
    table = pa.table({"star": [7, 9, 5, 9, 7, 7, 7], "n": range(7)})
    message = r'table\.parquet: rows 0, 4, 5 and others have the same star, 7, .*table \'t\'\. Write repeats = "first"'
    plan = plan_of(tmp_path, Join(name="t", on="id", key="star"), main, table, ["n"], 2, 3)
    with pytest.raises(SurveyError, match=message):
        run_tasks(plan)
    with pytest.raises(SurveyError, match=message):
        LookedUp.of(plan.joining).read(["n"])
    # 9 repeats too, but no star has it
    aligned, record = run_tasks(
        plan_of(tmp_path, Join(name="t", on="id", key="star"), pa.table({"id": [5]}), table, ["n"], 2, 3)
    )
    assert (aligned["n"].to_pylist(), record) == ([2], MatchRecord(1, 1))


def test_units_go_with_the_columns(tmp_path: Path):
    fields = pa.schema([("id", pa.int64()), pa.field("plx", pa.float64(), metadata={"unit": "mas"})])
    table = pa.table([[1, 2], [0.5, 0.7]], schema=fields)
    plan = plan_of(tmp_path, Join(name="t", on="id"), pa.table({"id": [2, 3]}), table, ["plx"], 2, 1)
    run_tasks(plan)
    aligned = open_survey(plan.aligned(0))
    assert aligned.unit("plx") == "mas"
    np.testing.assert_array_equal(aligned.read(["plx"])["plx"], [0.7, np.nan])
