"""Rows of one star in one catalogue, against brute force on all rows at once; partitions and shares hold a few rows."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.pairing import matching, same_star
from stdask.pairing.same_star import Order, find_repeated
from stdask.science.sky.crossmatch import separations
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.tables import to_numpy
from tests.hand_made import A, make_run, write_catalogue

RADIUS = 1.0  # arcsec
N_STARS = 120


def ranks(table: pa.Table) -> np.ndarray:
    return to_numpy(table, "rank")


@pytest.mark.parametrize("with_ids", [True, False])
def test_one_row_of_each_star_stays(tmp_path: Path, client: Workers, monkeypatch: pytest.MonkeyPatch, with_ids: bool):
    """Truth: each row is compared with every other one."""
    monkeypatch.setattr(matching, "STARS_AT_ONCE", 40)
    monkeypatch.setattr(same_star, "STARS_AT_ONCE", 40)
    rng = np.random.default_rng(3)
    ids = pa.array(rng.integers(1, 40, N_STARS), mask=rng.random(N_STARS) < 0.4)
    data = {
        "STAR_KEY": np.arange(1, N_STARS + 1, dtype=np.uint64),
        "SOURCE_ID": ids,
        "ra": (359.999 + rng.uniform(0, 8 / 3600, N_STARS)) % 360,
        "dec": rng.uniform(-4 / 3600, 4 / 3600, N_STARS),
        "rank": rng.integers(0, 3, N_STARS),
    }
    columns = [schema.STAR_KEY, schema.SOURCE_ID, *schema.POSITION, schema.Column("rank", "int64")]
    run = make_run(tmp_path)
    write_catalogue(run, A, columns, data, most=20)
    catalogue = open_catalogue(paths.catalogue(run.output, A))
    found = find_repeated(
        client, catalogue, "SOURCE_ID" if with_ids else None, Order(("rank",), ranks), RADIUS, tmp_path / "scratch"
    )
    assert found.tolist() == expected(catalogue.read(), with_ids)
    assert 0 < found.size < N_STARS
    assert not (tmp_path / "scratch").exists()


def expected(table: pa.Table, with_ids: bool) -> list[int]:
    ids = table["SOURCE_ID"].to_pylist() if with_ids else [None] * table.num_rows
    ra, dec, rank = (to_numpy(table, name) for name in ("ra", "dec", "rank"))
    order = list(zip(rank.tolist(), range(table.num_rows), strict=True))
    gone = []
    for row in range(table.num_rows):
        near = separations(np.full(ra.size, ra[row]), np.full(ra.size, dec[row]), ra, dec) <= RADIUS
        for other in range(table.num_rows):
            nameless = ids[row] is None or ids[other] is None
            if order[other] < order[row] and (near[other] if nameless else ids[other] == ids[row]):
                gone.append(int(table["STAR_KEY"][row].as_py()))
                break
    return sorted(gone)
