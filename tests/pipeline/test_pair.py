"""Pairing: who is matched, who may teach, and that every star of A is accounted for."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table

from stdask.config import PairConfig, TrainConfig, load_run
from stdask.errors import PairingError
from stdask.pipeline import ingest, pair, train
from stdask.pipeline.pair import select
from stdask.storage import paths
from stdask.storage.receipts import read_receipt
from stdask.storage.tables import read_parquet
from tests.pipeline.conftest import JOBS

TRAIN = TrainConfig.model_validate(
    {"intrinsic": [{"label": "TEFF", "from": "TEFF"}], "extrinsic": [{"label": "VHELIO", "from": "RV"}]}
)


def table(n: int, **changes: object) -> pa.Table:
    columns = {
        "A_GOOD": np.ones(n, bool),
        "B_GOOD": np.ones(n, bool),
        "A_EBV": np.full(n, 0.1),
        "A_TEFF": np.full(n, 5000.0),
        "A_RV": np.linspace(-100, 100, n),
        "B_TEFF": np.full(n, 5000.0),
        "B_VHELIO": np.linspace(-100, 100, n) + np.tile([0.05, -0.05, 0.1, -0.1], n // 4),
    }
    for name, (rows, value) in changes.items():
        columns[name][rows] = value
    return pa.table(columns)


def last(steps: dict[str, np.ndarray]) -> np.ndarray:
    return list(steps.values())[-1]


@pytest.mark.parametrize(
    ("column", "value"),
    [("A_GOOD", False), ("B_GOOD", False), ("A_EBV", 0.31), ("A_EBV", np.nan), ("A_TEFF", np.nan), ("B_TEFF", np.nan)],
)
def test_a_pair_teaches_only_if_it_is_good_little_reddened_and_complete(column: str, value: object):
    steps = select(table(40, **{column: (3, value)}), PairConfig.model_validate({"match": {"by": "position"}}), TRAIN)
    assert np.flatnonzero(~last(steps["intrinsic"])).tolist() == [3]
    # the extrinsic networks learn no B_TEFF, so they do not need it
    assert last(steps["extrinsic"])[3] == (column == "B_TEFF")


def test_a_missing_velocity_costs_the_extrinsic_networks_only():
    steps = select(table(40, A_RV=(5, np.nan)), PairConfig.model_validate({"match": {"by": "position"}}), TRAIN)
    assert last(steps["intrinsic"]).all()
    assert np.flatnonzero(~last(steps["extrinsic"])).tolist() == [5]


def test_velocities_that_differ_by_more_than_five_sigma_are_clipped():
    # the difference is +-0.05 or +-0.1 km/s, so 1.4826 MAD is 0.11 and 5 sigma 0.56
    pairs = table(40, B_VHELIO=([4, 9], [50.0, -99.0]))
    steps = select(pairs, PairConfig.model_validate({"match": {"by": "position"}}), TRAIN)
    assert set(np.flatnonzero(~last(steps["extrinsic"]))) == {4, 9}
    assert last(steps["intrinsic"]).all()


def test_every_lamost_star_is_paired_or_set_aside_and_the_pairs_are_one_to_one(lamost_run, client):
    for side in "ab":
        ingest.run(lamost_run, client, side)
    receipt = pair.run(lamost_run, client)
    pairs = read_parquet(paths.pairs(lamost_run.output, "lamost_dr3", "apogee_dr17_giants"))
    assert receipt.counts["in"] == 18_733
    # 742 are said to be in both, most within 1 arcsec and a few up to 3; the limit here is 2
    assert abs(pairs.num_rows - 742) <= 5
    for name in ("ID_A", "ID_B"):
        assert len(set(pairs.column(name).to_pylist())) == pairs.num_rows
    assert pairs.column("SEPARATION").to_numpy().max() <= 2.0
    # astropy's own matching, the brute-force oracle
    data = lamost_run.data_dir
    a = Table.read(data / "lamost_dr3_kgiants.fits")
    b = pq.read_table(data / "apogee_dr17_giants.parquet").to_pydict()
    sky_a, sky_b = (SkyCoord(np.asarray(t["ra"]) * u.deg, np.asarray(t["dec"]) * u.deg) for t in (a, b))
    to_b, separation, _ = sky_a.match_to_catalog_sky(sky_b)
    to_a, _, _ = sky_b.match_to_catalog_sky(sky_a)
    mutual = (separation < 2 * u.arcsec) & (to_a[to_b] == np.arange(len(a)))
    expected = {(str(a["obsid"][i]), str(b["apogee_id"][to_b[i]])) for i in np.flatnonzero(mutual)}
    assert set(zip(pairs.column("ID_A").to_pylist(), pairs.column("ID_B").to_pylist(), strict=True)) == expected


def test_few_common_velocities_are_counted_cut_by_cut(lamost_run, client):
    for side in "ab":
        ingest.run(lamost_run, client, side)
    pair.run(lamost_run, client)
    receipt = read_receipt(lamost_run.output, "pair")
    assert receipt is not None
    extrinsic = list(receipt.counts["usable"]["extrinsic"].values())
    assert extrinsic == sorted(extrinsic, reverse=True)  # a cut never adds a star
    assert extrinsic[-1] < 40  # 36 stars have both velocities


def test_surveys_without_a_common_star_are_told_so_and_nothing_is_written(data_dir, tmp_path, client):
    # LAMOST sees nothing south of -10 degrees
    south = pq.read_table(data_dir / "apogee_dr17_giants.parquet", filters=[("dec", "<", -30)])
    pq.write_table(south, tmp_path / "south.parquet")
    text = (JOBS / "lamost_to_apogee.toml").read_text()
    (tmp_path / "run.toml").write_text(text.replace("apogee_dr17_giants.parquet", f"{tmp_path}/south.parquet"))
    run = load_run(tmp_path / "run.toml", data_dir, tmp_path / "out")
    for side in "ab":
        ingest.run(run, client, side)
    with pytest.raises(PairingError, match=r"No star of lamost_dr3 is in apogee_dr17_giants: 18,733 and"):
        pair.run(run, client)
    assert not (run.output / "pairs").exists()


def test_too_few_common_stars_for_the_intrinsic_networks_end_the_run(lamost_run, client):
    for side in "ab":
        ingest.run(lamost_run, client, side)
    pair.run(lamost_run, client)
    demanding = lamost_run.config.train.model_copy(update={"min_pairs": 5000})
    config = lamost_run.config.model_copy(update={"train": demanding})
    with pytest.raises(PairingError, match=r"7\d\d usable pairs for the intrinsic networks, 5000 are needed"):
        train.run(lamost_run.model_copy(update={"config": config}), client)
    assert not paths.ensemble(lamost_run.output).exists()
