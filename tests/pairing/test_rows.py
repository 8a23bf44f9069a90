"""Rows of a catalogue by their number, whatever its partitions."""

from pathlib import Path

import numpy as np
import pytest

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.pairing.rows import gather, parts_of, split
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from stdask.storage.tables import to_numpy
from tests.hand_made import A, make_run, write_catalogue

N_STARS = 200


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    rng = np.random.default_rng(4)
    places = {"ra": rng.uniform(0, 360, N_STARS), "dec": np.degrees(np.arcsin(rng.uniform(-1, 1, N_STARS)))}
    run = make_run(tmp_path)
    write_catalogue(run, A, [*schema.POSITION, schema.STAR_KEY], places | {"STAR_KEY": np.arange(N_STARS)}, most=15)
    return open_catalogue(paths.catalogue(run.output, A))


def test_parts_follow_one_another_and_hold_all_rows(catalogue: Catalogue):
    parts = parts_of(catalogue)
    assert len(parts) > 10
    assert [part.first_row for part in parts] == np.cumsum([0, *(part.n_rows for part in parts[:-1])]).tolist()
    assert sum(part.n_rows for part in parts) == N_STARS


def test_each_row_goes_to_the_part_that_holds_it(catalogue: Catalogue):
    rows = np.array([0, 1, 57, 58, 120, N_STARS - 1])
    shares = split(catalogue, rows)
    assert [share.part for share in shares] == parts_of(catalogue)
    for share in shares:
        first, n_rows = share.part.first_row, share.part.n_rows
        assert share.rows.tolist() == [row for row in rows if first <= row < first + n_rows]


@pytest.mark.parametrize("rows", [[199, 3, 3, 77, 0, 150], list(range(N_STARS)), [42]])
def test_stars_come_in_the_order_they_are_asked_for(catalogue: Catalogue, client: Workers, rows: list[int]):
    whole = catalogue.read(["STAR_KEY", "ra"])
    found = gather(client, catalogue, ["STAR_KEY", "ra"], np.array(rows))
    for name in ("STAR_KEY", "ra"):
        np.testing.assert_array_equal(to_numpy(found, name), to_numpy(whole, name)[rows])
