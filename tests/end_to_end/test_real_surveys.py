"""The real surveys all the way: nothing lost, better than what a user would try, maps, catalogues others can open."""

import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table

from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.tables import to_numpy
from tests.end_to_end.conftest import Finished, run_job, stdask

STAGES = ("ingest_a", "ingest_b", "pair", "train", "evaluate", "translate", "merge", "atlas", "report")
RUNS = {
    "lamost": ("lamost_to_apogee", "lamost_dr3", "apogee_dr17_giants", 18_733, 29_513),
    "apogee": ("apogee_dr14_to_dr16", "apogee_dr14_kepler", "apogee_dr16_kepler", 5_975, 8_937),
    "kepler": ("lamost_kepler_to_apogee", "lamost_kepler", "apogee_dr16_kepler", 999, 8_937),
}


@pytest.fixture(params=list(RUNS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def finished(name: str, request: pytest.FixtureRequest) -> Finished:
    done = request.getfixturevalue(name)
    assert done.code == 0, done.text
    return done


def receipt(output: Path, stage: str) -> dict:
    return json.loads((output / "receipts" / f"{stage}.json").read_text())


def accuracy(output: Path) -> dict[tuple[str, str], dict[str, float]]:
    table = Table.read(output / "evaluation" / "accuracy.ecsv")
    return {(row["label"], row["method"]): dict(row) for row in table}


@pytest.mark.slow
def test_every_star_of_both_surveys_is_accounted_for(name: str, finished: Finished):
    _, a, b, n_a, n_b = RUNS[name]
    rows = {"ingest_a": n_a, "ingest_b": n_b, "pair": n_a, "translate": n_a, "merge": n_a + n_b}
    for stage, expected in rows.items():
        counts = receipt(finished.output, stage)["counts"]["rows"]
        assert counts["n_in"] == expected, stage
        assert counts["n_out"] + sum(counts["set_aside"].values()) == expected, stage
    assert open_catalogue(finished.output / "catalogues" / f"{a}_on_{b}").n_rows == n_a


@pytest.mark.slow
def test_pairs_by_position_are_those_of_comparing_every_star_with_every_other(lamost: Finished, data_dir: Path):
    a, b = Table.read(data_dir / "lamost_dr3_kgiants.fits"), pq.read_table(data_dir / "apogee_dr17_giants.parquet")
    of_a, of_b = (directions(np.asarray(t["ra"]), np.asarray(t["dec"])) for t in (a, b))
    nearest_b, nearest_a = np.empty(len(of_a), dtype=int), np.zeros(len(of_b), dtype=int)
    cosines = np.full(len(of_b), -1.0)
    for first in range(0, len(of_a), 1000):
        own = of_a[first : first + 1000] @ of_b.T
        nearest_b[first : first + 1000] = own.argmax(axis=1)
        better = own.max(axis=0) > cosines
        nearest_a[better] = first + own.argmax(axis=0)[better]
        cosines = np.maximum(cosines, own.max(axis=0))
    rows = np.flatnonzero(nearest_a[nearest_b] == np.arange(len(of_a)))
    apart = np.degrees(2 * np.arcsin(np.linalg.norm(of_a[rows] - of_b[nearest_b[rows]], axis=1) / 2)) * 3600
    rows = rows[apart <= 2.0]
    expected = dict(zip(a["obsid"][rows].astype(str), b["apogee_id"].take(nearest_b[rows]).to_pylist(), strict=True))
    pairs = pq.read_table(lamost.output / "pairs" / "lamost_dr3_apogee_dr17_giants.parquet")
    found = dict(zip(pairs["ID_A"].to_pylist(), pairs["ID_B"].to_pylist(), strict=True))
    assert len(found) == pairs.num_rows == 740
    assert found == expected
    assert np.percentile(pairs["SEPARATION"], (50, 90, 99)) == pytest.approx([0.113, 0.239, 0.611], abs=0.0005)


def directions(ra_deg: np.ndarray, dec_deg: np.ndarray) -> np.ndarray:
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


@pytest.mark.slow
def test_unseen_stars_land_closer_to_b_than_raw_a_and_than_a_quadratic_ridge_regression(finished: Finished):
    scores = accuracy(finished.output)
    for label in {label for label, _ in scores}:
        mae = {method: scores[label, method]["mae"] for method in ("translated", "raw", "ridge2")}
        assert mae["translated"] < mae["raw"], label
        assert mae["translated"] < mae["ridge2"], label


@pytest.mark.slow
def test_a_second_run_recomputes_nothing(name: str, finished: Finished, data_dir: Path):
    written = {path: path.stat().st_mtime_ns for path in finished.output.rglob("*") if path.is_file()}
    again = run_job(RUNS[name][0], data_dir, finished.output)
    assert again.code == 0
    assert again.text.count("done before, skipped") == len(STAGES)
    unchanged = {path: path.stat().st_mtime_ns for path in written if path.name != "run.json"}
    assert unchanged == {path: time for path, time in written.items() if path.name != "run.json"}


@pytest.mark.slow
def test_the_report_opens_without_a_network(finished: Finished):
    found: list[str] = []

    class Loads(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(str(v) for k, v in attrs if k == "src" or (tag == "link" and k == "href"))

    Loads().feed((finished.output / "report" / "index.html").read_text())
    assert found
    assert all(address.startswith("data:") for address in found)


@pytest.mark.slow
def test_lamost_fills_the_outer_disc_of_the_maps_and_mg_comes_from_apogee_alone(lamost: Finished):
    merged = open_catalogue(lamost.output / "catalogues" / "merged").read()
    survey, radii = to_numpy(merged, "SURVEY"), to_numpy(merged, "R_GC")
    from_lamost = survey == "lamost_dr3"
    # this APOGEE sample ends at R = 5 kpc but for stars whose distance is LAMOST's, which looks away from the centre
    own = to_numpy(merged, "DISTANCE_FROM") == "apogee_dr17_giants"
    assert np.nanmedian(radii[from_lamost]) > 8 > 5.5 > np.nanmax(radii[own])
    assert not own[from_lamost].any()
    mg = to_numpy(merged, "MG_FE")
    assert np.isnan(mg[from_lamost]).all()
    assert np.isfinite(mg[~from_lamost]).mean() > 0.9
    for product in ("map_edge_on.fits", "map_face_on.fits", "map_edge_on.png", "map_face_on.png"):
        assert (lamost.output / "products" / product).stat().st_size > 0
    with fits.open(lamost.output / "products" / "map_edge_on.fits") as maps:
        maps.verify("exception")
        assert any("kpc" in str(hdu.header.get("CUNIT1", "")) for hdu in maps)


@pytest.mark.slow
def test_too_few_common_velocities_are_said_and_the_run_goes_on_without_them(lamost: Finished):
    assert "usable pairs for the extrinsic networks" in lamost.text
    translated = open_catalogue(lamost.output / "catalogues" / "lamost_dr3_on_apogee_dr17_giants")
    columns = {column.name for column in translated.columns}
    assert "TEFF_PRED_50" in columns
    assert not any(column.startswith("VHELIO") for column in columns)


@pytest.mark.slow
def test_workers_and_partitions_change_no_bit_of_a_star(kepler: Finished, data_dir: Path, tmp_path: Path):
    """Above two workers and one partition; here one worker, and partitions of 100 stars at most."""
    text = (Path(__file__).parents[2] / "jobs" / "lamost_kepler_to_apogee.toml").read_text()
    job = tmp_path / "small.toml"
    job.write_text(text + "\n[ingest]\nrows_per_partition = 100\nrows_per_block = 170\n")
    output = tmp_path / "small"
    small = stdask("run", job, "--data-dir", data_dir, "--output", output, "--workers", 1, output=output)
    assert small.code == 0, small.text
    name = "lamost_kepler_on_apogee_dr16_kepler"
    one, other = (open_catalogue(folder / "catalogues" / name) for folder in (kepler.output, output))
    assert len(other.pixels) > len(one.pixels)
    one_table, other_table = one.read(), other.read()
    for column in one_table.column_names:
        np.testing.assert_array_equal(to_numpy(one_table, column), to_numpy(other_table, column), err_msg=column)
    # the ensembles were trained apart: training is as reproducible as translation
    assert (kepler.output / "ensemble/intrinsic.safetensors").read_bytes() == (
        output / "ensemble/intrinsic.safetensors"
    ).read_bytes()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The inplace keyword in NestedFrame:DeprecationWarning")  # inside nested-pandas
def test_lsdb_opens_and_searches_what_was_written_and_the_verifier_of_hats_import_passes_it(
    name: str, finished: Finished, tmp_path: Path
):
    lsdb = pytest.importorskip("lsdb")  # and not above: it warns as it is imported
    pytest.importorskip("hats_import")
    from hats_import.verification.arguments import VerificationArguments
    from hats_import.verification.run_verification import run as verify

    _, a, b, _, _ = RUNS[name]
    for catalogue in (f"{a}_on_{b}", "merged"):
        folder = finished.output / "catalogues" / catalogue
        stars = open_catalogue(folder).read()
        opened = lsdb.open_catalog(folder, columns="all")
        assert len(opened) == stars.num_rows
        places = SkyCoord(stars["ra"].to_numpy(), stars["dec"].to_numpy(), unit="deg")
        inside = places.separation(places[0]).deg <= 2.0
        cone = opened.cone_search(places[0].ra.deg, places[0].dec.deg, radius_arcsec=7200).compute()
        assert sorted(cone["STAR_KEY"]) == sorted(to_numpy(stars, "STAR_KEY")[inside])
        verifier = verify(
            VerificationArguments(
                input_catalog_path=folder, output_path=tmp_path, truth_total_rows=stars.num_rows, verbose=False
            )
        )
        assert verifier.results_df.query("not passed").empty, verifier.results_df.to_string()


@pytest.mark.slow
def test_a_catalogue_is_exported_as_one_fits_table_with_units(lamost: Finished, tmp_path: Path):
    path = tmp_path / "merged.fits"
    done = stdask("export", lamost.output / "catalogues" / "merged", path, output=tmp_path)
    assert done.code == 0, done.text
    table = Table.read(path)
    stars = open_catalogue(lamost.output / "catalogues" / "merged").read()
    assert len(table) == stars.num_rows
    assert (str(table["TEFF"].unit), str(table["DISTANCE"].unit), str(table["ra"].unit)) == ("K", "kpc", "deg")
    np.testing.assert_array_equal(np.asarray(table["STAR_KEY"]), to_numpy(stars, "STAR_KEY"))
    np.testing.assert_array_equal(np.ma.filled(table["FE_H"], np.nan), to_numpy(stars, "FE_H"))
    again = stdask("export", lamost.output / "catalogues" / "merged", path, output=tmp_path)
    assert again.code == 2
    assert "--overwrite" in again.text
