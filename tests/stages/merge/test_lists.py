"""Listed stars are left out of every survey that has them, whichever survey the list has their ids of."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from stdask.cluster.workers import Workers
from stdask.config.run import Run, joined
from stdask.science.keys.star_keys import star_keys
from stdask.stages.merge import stage as merge
from stdask.storage.tables import read_parquet, to_numpy, write_parquet
from tests import hand_made
from tests.hand_made import A, B, make_run
from tests.stages.merge.test_stage import N_A, N_B, C, merged, write_a, write_b, write_receipts

# Stars by their numbers in A, C and B; -1 is not there. Ids are 100 + n in A, 500 + n in C, and 2Mn in B.
IN_ALL, IN_A_AND_C, BAD_IN_A, IN_A_AND_B = (0, 3, 0), (1, 4, -1), (2, 5, -1), (3, -1, 1)
KEYS = {
    A: star_keys(np.arange(N_A) + 100),
    C: star_keys(np.arange(N_A) + 500),
    B: star_keys(np.array([f"2M{n}" for n in range(N_B)], dtype=object)),
}


def write_translated(run: Run, name: str, first_id: int, pairs: Sequence[tuple[int, int]], **given: object) -> None:
    write_a(run, STAR_KEY=KEYS[name], obsid=np.arange(N_A) + first_id, **given)
    write_b(run, STAR_KEY=KEYS[B])
    here, there = np.transpose(pairs)
    hand_made.write_pairs(run, KEYS[name][here], KEYS[B][there], np.ones(len(pairs), dtype=bool))
    write_receipts(run)


def prepare(tmp_path: Path, survey: str, listed: list) -> Run:
    """Return a run of A, C and B whose list has ids of one of them."""
    write_parquet(tmp_path / "members.parquet", pa.table({"id": listed}))
    number = np.arange(N_A)
    gaia_c = number + 9001
    for in_a, in_c, _ in (IN_ALL, IN_A_AND_C, BAD_IN_A):
        gaia_c[in_c] = in_a + 1
    second = make_run(tmp_path / "other")
    second = second.model_copy(update={"definition_a": second.definition_a.model_copy(update={"name": C})})
    far = {"ra": (number * 137.5 + 20) % 360}  # not where those of A are
    write_translated(second, C, 500, [IN_ALL[1:]], SOURCE_ID=gaia_c, **far)
    exclude = {"file": "members.parquet", "column": "id", "survey": survey}
    run = joined([make_run(tmp_path, merge={"exclude": [exclude]}), second])
    shutil.copytree(second.output, run.further[0].output)
    good = number != BAD_IN_A[0]
    write_translated(run, A, 100, [(0, 0), IN_A_AND_B[::2]], SOURCE_ID=number + 1, GOOD=good)
    return run


def left(run: Run) -> set[str]:
    """Return which of the stars of this test are in the merged catalogue, as survey and id."""
    table = merged(run).read()
    ids = {A: [100, 101, 102, 103], C: [503, 504, 505], B: ["2M0", "2M1"]}
    known = {f"{name} {own}" for name, all_own in ids.items() for own in all_own}
    return known & {f"{s} {i}" for s, i in zip(to_numpy(table, "SURVEY"), to_numpy(table, "ID"), strict=True)}


BEFORE = {f"{B} 2M0", f"{B} 2M1", f"{A} 101", f"{C} 505"}  # 504 gives way to 101; 102 cannot be used


@pytest.mark.parametrize(
    ("survey", "listed", "kept"),
    [
        ("a1", [1], BEFORE),  # an id of no star
        ("a2", [504], BEFORE - {f"{A} 101"}),  # of a star that B does not have
        ("a2", [503], BEFORE - {f"{B} 2M0"}),
        ("a1", [102], BEFORE - {f"{C} 505"}),  # which cannot be used in A
        ("a1", [100, 103], BEFORE - {f"{B} 2M0", f"{B} 2M1"}),
        ("b", ["2M1"], BEFORE - {f"{B} 2M1"}),
    ],
)
def test_a_listed_star_is_left_out_of_all_surveys(tmp_path: Path, client: Workers, survey: str, listed, kept):
    run = prepare(tmp_path, survey, listed)
    merge.run(run, client)
    assert left(run) == kept


def test_the_table_of_shared_stars_is_a_result_of_the_stage(tmp_path: Path, client: Workers):
    run = prepare(tmp_path, "a2", [504])
    receipt = merge.run(run, client)
    name = f"repeats/{C}_and_{A}.parquet"
    assert name in receipt.outputs
    table = read_parquet(run.output / name)
    pairs = {*zip(to_numpy(table, "STAR_KEY").tolist(), to_numpy(table, "STAR_KEY_B").tolist(), strict=True)}
    assert pairs == {(KEYS[C][c], KEYS[A][a]) for a, c, _ in (IN_ALL, IN_A_AND_C, BAD_IN_A)}
