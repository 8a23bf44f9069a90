"""Pairing: which stars are matched, which pairs are used for training; and every star of A is accounted for."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table

from stdask import __version__
from stdask.config.run import Run, load_run
from stdask.errors import ConfigError, PairingError, SurveyError
from stdask.runs.receipts import read_receipt
from stdask.stages.ingest import stage as ingest
from stdask.stages.pair import stage as pair
from stdask.stages.train import stage as train
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.tables import read_parquet
from stdask.tools.run import check_files
from tests.conftest import JOBS
from tests.hand_made import A, B, columns_a, columns_b, make_run, stars, write_catalogue, write_receipts


@pytest.fixture
def paired(tmp_path: Path):
    """Return a run whose eight stars, of ids 100 to 107 in A and 2M0 to 2M7 in B, are all in both surveys."""

    def make(*lists: dict[str, str]) -> Run:
        run = make_run(tmp_path, pair={"match": {"by": "position"}, "exclude": lists})
        for name, columns in ((A, columns_a()), (B, columns_b())):
            write_catalogue(run, name, columns, stars(columns, 8))
        write_receipts(run, "ingest_a", "ingest_b")
        return run

    return make


def listed(file: str, column: str = "star", survey: str = "a", **options: str) -> dict[str, str]:
    return {"file": file, "column": column, "survey": survey} | options


def kept(run: Run, family: str = "extrinsic") -> list[bool]:
    """Return, by the numbers of A's ids, which stars are used for training."""
    pairs = read_parquet(paths.pairs(run.output, A, B)).sort_by("ID_A")
    return pairs.column(f"USED_{family.upper()}").to_pylist()


@pytest.mark.parametrize(
    ("file", "survey", "ids"),
    [
        ("whole.fits", "a", np.array([103, 101, 999], dtype=np.int32)),
        ("text.parquet", "a", np.array(["103", "101 ", "0101"])),
        ("padded.fits", "b", np.array(["2M1", "2M3       ", "2M30"])),
        ("table.csv", "b", np.array(["2M3", "2M1", ""])),
        ("table.csv", "a", np.array(["103", "", "101"])),
        ("table.ecsv", "a", np.ma.masked_array([103, 101, 102], [False, False, True])),
    ],
)
def test_listed_stars_train_no_velocities_in_whatever_way_their_ids_are_written(
    paired, client, tmp_path: Path, file: str, survey: str, ids: np.ndarray
):
    Table({"star": ids, "period": np.arange(3.0)}).write(tmp_path / file)
    run = paired(listed(file, survey=survey))
    receipt = pair.run(run, client)
    assert kept(run) == [number not in (1, 3) for number in range(8)]
    assert all(kept(run, "intrinsic"))
    assert receipt.counts.usable["extrinsic"][f"not in {file}"] == 6
    assert f"not in {file}" not in receipt.counts.usable["intrinsic"]
    assert receipt.counts.notes == ()


def test_each_family_has_lists_of_its_own(paired, client, tmp_path: Path):
    for file, ids in (("one.csv", [100]), ("two.csv", [101, 102]), ("three.csv", [107])):
        Table({"star": ids}).write(tmp_path / file)
    run = paired(listed("one.csv"), listed("two.csv", family="intrinsic"), listed("three.csv"))
    usable = pair.run(run, client).counts.usable
    assert [name for name in usable["extrinsic"] if name.startswith("not in")] == ["not in one.csv", "not in three.csv"]
    assert (usable["extrinsic"]["not in one.csv"], usable["extrinsic"]["not in three.csv"]) == (7, 6)
    assert usable["intrinsic"]["not in two.csv"] == 6
    assert kept(run) == [number not in (0, 7) for number in range(8)]


def test_a_list_that_names_no_pair_is_noted(paired, client, tmp_path: Path, capsys: pytest.CaptureFixture):
    Table({"star": ["2M1", "2M3"]}).write(tmp_path / "binaries.csv")
    run = paired(listed("binaries.csv", survey="a"))  # they are ids of B
    note = "None of the 2 ids in binaries.csv, star, belongs to a star of LAMOST DR3 in a pair."
    assert pair.run(run, client).counts.notes == (f"{note} The list may hold ids of another survey.",)
    assert all(kept(run))
    assert note in capsys.readouterr().out


def test_no_version_is_in_what_later_stages_read(paired, client):
    run = paired()
    receipt = pair.run(run, client)
    outputs = [run.output / name for name in receipt.outputs]
    for path in (*outputs, *run.output.glob("catalogues/**/*.*")):
        # else a version that writes it again would repeat training and translation
        assert __version__.encode() not in path.read_bytes(), path


def test_a_changed_list_pairs_again_and_the_same_list_does_not(paired, client, tmp_path: Path):
    Table({"star": [103]}).write(tmp_path / "binaries.csv")
    run = paired(listed("binaries.csv"))
    pair.run(run, client)
    written = paths.pairs(run.output, A, B).stat().st_mtime_ns
    pair.run(run, client)
    assert paths.pairs(run.output, A, B).stat().st_mtime_ns == written
    Table({"star": [103, 104]}).write(tmp_path / "binaries.csv", overwrite=True)
    pair.run(run, client)
    assert kept(run) == [number not in (3, 4) for number in range(8)]


@pytest.mark.parametrize(
    ("column", "message"),
    [("sta", r"binaries.csv has no column 'star'. Did you mean 'sta'\?"), (None, "No survey file .*binaries.csv")],
)
def test_a_list_that_cannot_be_read_is_told_before_any_work(
    paired, client, tmp_path: Path, column: str | None, message: str
):
    run = paired(listed("binaries.csv"))
    columns = [*run.definition_a.source_columns, *run.definition_b.source_columns]
    pq.write_table(
        pa.table({name: [1.0] for name in columns}), run.survey_files("a")["main"].path
    )  # which is B's file too
    if column:
        Table({column: [103]}).write(tmp_path / "binaries.csv")
    for work in (lambda: check_files(run), lambda: pair.run(run, client)):
        with pytest.raises(SurveyError, match=message):
            work()
    assert not (run.output / "pairs").exists()


def test_ids_are_no_fractions(paired, client, tmp_path: Path):
    Table({"star": [103.0, 104.5]}).write(tmp_path / "binaries.csv")
    with pytest.raises(SurveyError, match=r"binaries.csv: column 'star' is double, but ids are whole numbers"):
        pair.run(paired(listed("binaries.csv")), client)


def test_stars_without_a_counterpart_are_listed_in_the_order_of_the_catalogue(tmp_path: Path, client):
    run = make_run(tmp_path)
    a, b = columns_a(), columns_b()
    both = stars(a, 30)
    write_catalogue(run, A, a, both)
    # every third star of A is in B
    write_catalogue(run, B, b, stars(b, 10, ra=both["ra"][::3], dec=both["dec"][::3]))
    write_receipts(run, "ingest_a", "ingest_b")
    receipt = pair.run(run, client)
    ids = open_catalogue(paths.catalogue(run.output, A)).read(["obsid"])["obsid"].to_pylist()
    alone = [(row, str(number)) for row, number in enumerate(ids) if (number - 100) % 3]
    rejected = pq.read_table(paths.pairs(run.output, A, B).with_name(paths.REJECTED))
    assert list(zip(rejected["row"].to_pylist(), rejected["id"].to_pylist(), strict=True)) == alone
    assert set(rejected["reason"].to_pylist()) == {pair.NO_COUNTERPART}
    assert (receipt.counts.rows.n_out, receipt.counts.rows.set_aside) == (10, {pair.NO_COUNTERPART: 20})


@pytest.mark.parametrize("match", [{"by": "position"}, {"by": "id", "column": "SOURCE_ID"}])
def test_each_pair_has_the_values_of_its_two_stars(tmp_path: Path, client, match: dict[str, str]):
    run = make_run(tmp_path, pair={"match": match})
    a, b = columns_a(), columns_b()
    # B has the stars of A in another order, with values that tell which star it is; by position it has them 1 arcsec
    # off, by id at the place of another, so that its catalogue has them in another order too
    stars_a, order = stars(a, 30, TEFF=np.arange(30.0)), np.random.default_rng(3).permutation(30)
    place = order if match["by"] == "position" else 29 - order
    stars_b = stars(b, 30, TEFF=1000.0 + order, SOURCE_ID=order + 1)
    stars_b |= {"ra": stars_a["ra"][place], "dec": stars_a["dec"][place] + 1 / 3600}
    write_catalogue(run, A, a, stars_a)
    write_catalogue(run, B, b, stars_b, most=3)
    write_receipts(run, "ingest_a", "ingest_b")
    pair.run(run, client)
    pairs = read_parquet(paths.pairs(run.output, A, B))
    sky_a, sky_b = (SkyCoord(side["ra"], side["dec"], unit="deg") for side in (stars_a, stars_b))
    rows_a = np.array(pairs["ID_A"].to_pylist(), dtype=int) - 100
    rows_b = np.array([int(name.removeprefix("2M")) for name in pairs["ID_B"].to_pylist()])
    assert pairs.num_rows == 30
    assert rows_a.tolist() == order[rows_b].tolist() == pairs["A_TEFF"].to_pylist()
    assert pairs["B_TEFF"].to_pylist() == (1000 + rows_a).tolist()
    # float32, and chords of 5e-6 at least that are good to 1e-16
    np.testing.assert_allclose(pairs["SEPARATION"], sky_a[rows_a].separation(sky_b[rows_b]).arcsec, rtol=1e-6)
    assert not paths.scratch(run.output / "pairs").exists()


@pytest.mark.parametrize(
    ("match", "message"),
    [
        ({"column": "gaia"}, r"the catalogue of mock_a has no column 'gaia'. Name its id 'obsid', SOURCE_ID"),
        ({"column": "obsid"}, r"the catalogue of mock_b has no column 'obsid'. Name its id 'apogee_id'"),
        (
            {"column": "TEFF"},
            r"column 'TEFF' of mock_a is float32, but ids are whole numbers or text",
        ),
        (
            {"column": "obsid", "column_b": "apogee_id"},
            r"'obsid' is int64 in mock_a and 'apogee_id' is string in mock_b",
        ),
    ],
)
def test_columns_that_cannot_be_matched_by_are_told(tmp_path: Path, client, match: dict[str, str], message: str):
    run = make_run(tmp_path, pair={"match": {"by": "id"} | match})
    for name, columns in ((A, columns_a()), (B, columns_b())):
        write_catalogue(run, name, columns, stars(columns, 8))
    write_receipts(run, "ingest_a", "ingest_b")
    with pytest.raises(ConfigError, match=message):
        pair.run(run, client)


def test_every_lamost_star_is_paired_or_set_aside_and_the_pairs_are_one_to_one(lamost_run, client):
    for side in "ab":
        ingest.run(lamost_run, client, side)
    receipt = pair.run(lamost_run, client)
    pairs = read_parquet(paths.pairs(lamost_run.output, "lamost_dr3", "apogee_dr17_giants"))
    assert receipt.counts.rows.n_in == 18_733
    assert receipt.counts.n_chance < 1  # 29,513 stars on half the sky
    # 742 are said to be in both, most within 1 arcsec and a few up to 3; the limit here is 2
    assert abs(pairs.num_rows - 742) <= 5
    for name in ("ID_A", "ID_B"):
        assert len(set(pairs.column(name).to_pylist())) == pairs.num_rows
    assert pairs.column("SEPARATION").to_numpy().max() <= 2.0
    # brute force: every star of A with every star of B
    data = lamost_run.data_dir
    a = Table.read(data / "lamost_dr3_kgiants.fits")
    b = pq.read_table(data / "apogee_dr17_giants.parquet").to_pydict()
    skies = (SkyCoord(np.asarray(t["ra"]) * u.deg, np.asarray(t["dec"]) * u.deg) for t in (a, b))
    vectors = [np.stack(sky.cartesian.xyz.value, axis=-1) for sky in skies]
    to_b, near, to_a = np.zeros(len(a), int), np.zeros(len(a)), np.full(len(vectors[1]), -1)
    nearest = np.full(len(to_a), np.inf)
    for start in range(0, len(a), 200):
        distances = np.linalg.norm(vectors[0][start : start + 200, None] - vectors[1][None], axis=-1)
        to_b[start : start + 200], near[start : start + 200] = distances.argmin(axis=1), distances.min(axis=1)
        nearer = distances.min(axis=0) < nearest
        to_a = np.where(nearer, start + distances.argmin(axis=0), to_a)
        nearest = np.minimum(nearest, distances.min(axis=0))
    mutual = (near < 2 * np.pi / 180 / 3600) & (to_a[to_b] == np.arange(len(a)))
    expected = {(str(a["obsid"][i]), str(b["apogee_id"][to_b[i]])) for i in np.flatnonzero(mutual)}
    assert set(zip(pairs.column("ID_A").to_pylist(), pairs.column("ID_B").to_pylist(), strict=True)) == expected


def test_few_common_velocities_are_counted_cut_by_cut(lamost_run, client):
    for side in "ab":
        ingest.run(lamost_run, client, side)
    pair.run(lamost_run, client)
    receipt = read_receipt(lamost_run.output, "pair")
    assert receipt is not None
    extrinsic = list(receipt.counts.usable["extrinsic"].values())
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
