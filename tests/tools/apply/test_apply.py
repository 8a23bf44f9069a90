"""An ensemble applied to a table: same stars, same numbers; every row accounted for; what is wrong is said."""

import hashlib
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from numpy.testing import assert_array_equal
from pyarrow import csv

from stdask.errors import ConfigError, StdaskError, SurveyError
from stdask.runs.ensemble import open_ensemble
from stdask.science.keys.star_keys import star_keys
from stdask.science.measurements.repeats import ErrorFactors
from stdask.stages.translate.table import inputs_of, translate_table
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.tools.apply import apply, order
from tests.tools.apply.made_up import make_ensemble, stars

NEW = ("TEFF_PRED_50", "LOGG_PRED_SIGMA", "VHELIO_PRED_16", "DOMAIN_INDEX_INTRINSIC")


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_ensemble(tmp_path_factory.mktemp("ensemble"))


def applied(ensemble: Path, table: Table, folder: Path, name: str = "stars.fits", **options: object) -> Table:
    """Return what comes of a table that is written to a file of this name."""
    table.write(folder / name, overwrite=True)
    apply.run(ensemble, folder / name, folder / "out.fits", **options)
    return Table.read(folder / "out.fits")


def test_the_rows_of_a_file_keep_their_order_and_get_the_numbers_of_the_networks(ensemble: Path, tmp_path: Path):
    table = stars(30)
    found = applied(ensemble, table, tmp_path)
    assert_array_equal(found["star"], table["star"])
    assert_array_equal(found["field"], table["field"])
    assert_array_equal(found["GOOD"], table["snr"] > 30)
    assert_array_equal(found["STAR_KEY"], star_keys(np.asarray(table["star"])))
    assert "_stdask_row" not in found.colnames
    opened = open_ensemble(ensemble)
    inputs = {name: found[name].astype(found[name].dtype.newbyteorder("=")) for name in inputs_of(opened.families)}
    expected = translate_table(pa.table(inputs), opened.families, opened.draws)
    for name in NEW:
        assert_array_equal(np.asarray(found[name]), expected[name].astype(np.float32))
    assert not (tmp_path / "out.fits.partial").exists()
    assert not list(tmp_path.glob("*set_aside*"))


def test_any_order_and_any_number_of_pieces_give_the_same_rows(ensemble: Path, tmp_path: Path, monkeypatch):
    table = stars(30)
    whole = applied(ensemble, table, tmp_path)
    monkeypatch.setattr(order, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(apply, "ROWS", apply.ROWS.model_copy(update={"rows_per_partition": 4, "rows_per_block": 11}))
    pieces = applied(ensemble, table[::-1], tmp_path, overwrite=True)
    assert [list(row) for row in pieces.as_array()[::-1]] == [list(row) for row in whole.as_array()]


def test_columns_of_other_names_and_units_in_another_format_give_the_same_numbers(ensemble: Path, tmp_path: Path):
    table = stars(20)
    expected = applied(ensemble, table, tmp_path)
    other = Table({"ID": table["star"], "RA": table["ra"], "DE": table["dec"], "T": table["teff"], "g": table["logg"]})
    other["v"], other["e_v"] = 1000 * table["rv"], 1000 * table["e_rv"]
    other["T_err"], other["ebv"] = table["e_teff"], table["red"]
    (tmp_path / "own.toml").write_text(
        """
        name = "own"
        title = "Own"
        reference = "none"
        id = "ID"
        ebv = "ebv"
        position = { ra = "RA", dec = "DE" }
        labels.TEFF = { column = "T", error = "T_err" }
        labels.LOGG = { column = "g" }
        labels.RV = { column = "v", error = "e_v", unit = "m/s" }
        """
    )
    own = str(tmp_path / "own.toml")
    found = applied(ensemble, other, tmp_path, "other.csv", definition=own, overwrite=True)
    for name in NEW:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-6)  # 1000 v / 1000 is not always v
    np.testing.assert_array_equal(found["TEFF_PRED_50"], expected["TEFF_PRED_50"])


def test_a_table_that_has_to_be_computed_gives_the_same_numbers(
    ensemble: Path, tmp_path: Path, capsys: pytest.CaptureFixture
):
    table = stars(20)
    expected = applied(ensemble, table, tmp_path)
    other = table["star", "ra", "dec", "logg", "rv", "e_rv", "red"]
    other["low"], other["high"] = table["teff"] / 2, table["teff"] / 2  # exact, as is their sum
    other["e_teff"] = table["e_teff"]
    (tmp_path / "own.toml").write_text(
        """
        name = "own"
        title = "Own"
        reference = "none"
        id = "star"
        ebv = "red * 1"
        cuts = [{ column = "low - no_column", op = ">", value = 0 }]
        labels.TEFF = { column = "low + high", error = "max(e_teff, 0)" }
        labels.LOGG = { column = "logg + 0 * low" }
        labels.RV = { column = "rv", error = "hypot(e_rv, 0)" }
        """
    )
    found = applied(ensemble, other, tmp_path, "other.csv", definition=str(tmp_path / "own.toml"), overwrite=True)
    for name in NEW:
        np.testing.assert_array_equal(found[name], expected[name])
    assert "The table has no column no_column: the cut" in " ".join(capsys.readouterr().out.split())


def test_a_typical_error_that_a_definition_lacks_is_that_of_the_training_stars(
    ensemble: Path, tmp_path: Path, capsys: pytest.CaptureFixture
):
    (tmp_path / "own.toml").write_text(
        """
        name = "own"
        title = "Own"
        reference = "none"
        id = "star"
        ebv = "red"
        labels = { TEFF = { column = "teff" }, LOGG = { column = "logg" }, RV = { column = "rv", typical_error = 1 } }
        """
    )
    found = applied(ensemble, stars(20), tmp_path, definition=str(tmp_path / "own.toml"))
    assert set(found["TEFF_ERR"]) == {0.5}
    assert set(found["RV_ERR"]) == {1.0}
    assert "TEFF of a star without an error has that of the training stars, 0.5." in capsys.readouterr().out


def test_errors_have_the_factors_of_the_training_stars_whatever_the_repeats_in_the_table(tmp_path: Path):
    factors = {
        name: ErrorFactors(np.array([50.0]), np.array([300, 300]), np.array([1.5, 2.0]), np.array([0.1, 0.1]))
        for name in ("TEFF", "RV")
    }
    duplicates = {"by": "gaia", "best": "snr", "rescale_errors": True}
    rescaled = make_ensemble(tmp_path, factors, duplicates=duplicates)
    visits = stars(200)
    visits["gaia"] = 10**18 + np.arange(200) % 100  # two visits of each star, which differ by far more than stated
    found = applied(rescaled, visits, tmp_path)
    assert len(found) == 100
    kept = visits[[list(visits["star"]).index(star) for star in found["star"]]]
    factor = np.where(kept["snr"] < 50, 1.5, 2.0)
    np.testing.assert_allclose(found["TEFF_ERR"], kept["e_teff"] * factor, rtol=1e-6)  # float32
    np.testing.assert_allclose(found["RV_ERR"], kept["e_rv"] * factor, rtol=1e-6)
    visits.remove_column("snr")
    found = applied(rescaled, visits, tmp_path, overwrite=True)  # without S/N no error may come out too small
    np.testing.assert_allclose(found["TEFF_ERR"], 2.0 * visits["e_teff"], rtol=1e-6)


def test_rows_set_aside_are_counted_and_written_with_their_reasons(
    ensemble: Path, tmp_path: Path, capsys: pytest.CaptureFixture
):
    table = stars(10)
    table["ra"][3] = np.nan
    table["gaia"][5] = table["gaia"][6]
    found = applied(ensemble, table, tmp_path)
    aside = pq.read_table(tmp_path / "out_set_aside.parquet")
    assert aside["reason"].to_pylist() == ["no position", "duplicate star"]
    assert len(found) == 8
    said = capsys.readouterr().out
    assert "rows 10 in = 8 out + 2 set aside (duplicate star: 1; no position: 1)" in said
    assert "out_set_aside.parquet: 2 rows set aside, with reasons" in said


def test_a_name_without_suffix_is_a_hats_catalogue_that_says_what_it_was_made_from(ensemble: Path, tmp_path: Path):
    table = stars(20)
    table.write(tmp_path / "stars.fits")
    apply.run(ensemble, tmp_path / "stars.fits", tmp_path / "out")
    catalogue = open_catalogue(tmp_path / "out")
    joined = (tmp_path / "out_collection" / "collection.properties").read_text()
    assert "hats_primary_table_url=../out\n" in joined
    assert catalogue.n_rows == 20
    assert "_stdask_row" not in [column.name for column in catalogue.columns]
    properties = (tmp_path / "out" / "hats.properties").read_text()
    assert f"stdask_ens_sha256={open_ensemble(ensemble).digest}\n" in properties
    assert "stdask_table=stars.fits\n" in properties
    with pytest.raises(ConfigError, match=r"out exists. Choose another name or add --overwrite"):
        apply.run(ensemble, tmp_path / "stars.fits", tmp_path / "out")
    apply.run(ensemble, tmp_path / "stars.fits", tmp_path / "out", overwrite=True)


@pytest.mark.parametrize("suffix", ["parquet", "vot", "ecsv", "fits.gz"])
def test_every_format_has_the_rows_in_the_order_of_the_table(ensemble: Path, tmp_path: Path, suffix: str):
    table = stars(10)
    table.write(tmp_path / "stars.fits")
    apply.run(ensemble, tmp_path / "stars.fits", tmp_path / f"out.{suffix}")
    found = Table.read(tmp_path / f"out.{suffix}")
    assert_array_equal(found["star"], table["star"])
    assert np.isfinite(found["TEFF_PRED_50"]).all()


def test_a_csv_table_has_the_rows_in_the_order_of_the_table(ensemble: Path, tmp_path: Path):
    table = stars(10)
    table.write(tmp_path / "stars.csv")
    apply.run(ensemble, tmp_path / "stars.csv", tmp_path / "out.csv")
    found = csv.read_csv(tmp_path / "out.csv")  # astropy knows no unsigned integers of 64 bits in text
    assert found["star"].to_pylist() == table["star"].tolist()


def test_a_file_says_what_it_was_made_from(ensemble: Path, tmp_path: Path):
    applied(ensemble, stars(10), tmp_path)
    meta = fits.getheader(tmp_path / "out.fits", 0)
    assert meta["ENSEMBLE"] == "small_to_mock_b"
    assert meta["ENSSHA25"] == open_ensemble(ensemble).digest
    assert meta["TABLE"] == "stars.fits"
    assert meta["TABSHA25"] == hashlib.sha256((tmp_path / "stars.fits").read_bytes()).hexdigest()


def test_an_interrupted_command_resumes_with_what_was_done(
    ensemble: Path, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture
):
    table = stars(20)

    with monkeypatch.context() as patch:
        patch.setattr(apply, "translate_catalogue", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            applied(ensemble, table, tmp_path)
    assert (tmp_path / "out.fits.partial").is_dir()
    capsys.readouterr()
    assert len(applied(ensemble, table, tmp_path)) == 20
    assert "ingest_a: done before, skipped" in capsys.readouterr().out


def test_a_table_without_its_optional_columns_is_translated_and_each_one_is_said(
    ensemble: Path, tmp_path: Path, capsys: pytest.CaptureFixture
):
    table = stars(10)
    found = applied(ensemble, table["star", "ra", "dec", "teff", "logg", "rv"], tmp_path)
    said = capsys.readouterr().out
    for sentence in (
        "The table has no column gaia: SOURCE_ID is left out.",
        "The table has no column red: the reddening is left out.",
        "The table has no column e_teff: the error is 0.5 for TEFF of every star.",
        "The table has no column snr: the cut 'snr > 30' is left out, and GOOD does not test it.",
        "The table has no column field: left out.",
    ):
        assert sentence in said
    assert found["GOOD"].all()
    assert np.isfinite(found["TEFF_PRED_50"]).all()
    assert not found["QFLAG_DOMAIN_INTRINSIC"].any()  # unknown without the reddening


def changed(**columns: object) -> Table:
    table = stars(10)
    for name, values in columns.items():
        if values is None:
            table.remove_column(name)
        else:
            table[name] = values
    return table


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (changed(teff=None, teff_1=stars(10)["teff"]), r"no column 'teff'.*input TEFF. .*'teff_1'.*--definition"),
        (changed(star=None), r"no column 'star': it must hold the id"),
        (changed(dec=None), r"no column 'dec': it must hold the position"),
        (changed(teff=stars(10)["teff"] * u.m), r"Column 'teff': unit 'm' cannot be converted to 'K'"),
        (changed(logg=stars(10)["logg"].astype(str)), r"Column 'logg'"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_with_one_clear_line(
    ensemble: Path, tmp_path: Path, table: Table, message: str
):
    with pytest.raises(SurveyError, match=message) as error:
        applied(ensemble, table, tmp_path)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out.fits.partial").exists()


def test_neither_the_table_nor_a_folder_of_somebody_else_is_replaced(ensemble: Path, tmp_path: Path):
    stars(10).write(tmp_path / "stars.fits")
    with pytest.raises(ConfigError, match=r"stars.fits is the table itself"):
        apply.run(ensemble, tmp_path / "stars.fits", tmp_path / "stars.fits", overwrite=True)
    (tmp_path / "out.fits.partial").mkdir()
    with pytest.raises(ConfigError, match=r"out.fits.partial was not made by `stdask apply`"):
        apply.run(ensemble, tmp_path / "stars.fits", tmp_path / "out.fits")


def test_a_table_that_is_not_there_is_named(ensemble: Path, tmp_path: Path):
    with pytest.raises(SurveyError, match=r"No table .*none.fits. Check the path."):
        apply.run(ensemble, tmp_path / "none.fits", tmp_path / "out.fits")


def test_a_velocity_in_metres_a_second_is_converted(ensemble: Path, tmp_path: Path):
    expected = applied(ensemble, stars(10), tmp_path)
    table = changed(rv=1000 * stars(10)["rv"] * u.m / u.s, e_rv=1000 * stars(10)["e_rv"] * u.m / u.s)
    found = applied(ensemble, table, tmp_path, overwrite=True)
    np.testing.assert_allclose(found["VHELIO_PRED_50"], expected["VHELIO_PRED_50"], rtol=1e-6)


def test_stars_outside_the_domain_bring_a_warning(ensemble: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    applied(ensemble, changed(teff=stars(10)["teff"] + 5000), tmp_path)
    said = capsys.readouterr().out
    assert "QFLAG_DOMAIN_INTRINSIC 0.0 %" in said
    assert "Most stars are unlike the training stars (QFLAG_DOMAIN is false)" in said
    assert "Small survey DR1" in said


def test_an_output_that_cannot_be_is_refused_before_any_work(ensemble: Path, tmp_path: Path):
    for output, message in (
        ("out.xyz", r"ends in no known format.*A name without an ending is the folder"),
        ("folder", "folder exists, but is not a HATS catalogue"),
        ("gaia", "gaia_collection exists, but is not a HATS catalogue"),
    ):
        for name in ("folder", "gaia_collection"):
            (tmp_path / name).mkdir(exist_ok=True)
        with pytest.raises(StdaskError, match=message):
            apply.run(ensemble, tmp_path / "none.fits", tmp_path / output, overwrite=True)


def test_a_catalogue_that_holds_the_table_is_never_replaced(ensemble: Path, tmp_path: Path):
    table = tmp_path / "folder" / "dataset" / "stars.fits"
    table.parent.mkdir(parents=True)
    (tmp_path / "folder" / "hats.properties").touch()
    stars(3).write(table)
    with pytest.raises(ConfigError, match=r"folder holds the table itself\. Choose another name"):
        apply.run(ensemble, table, tmp_path / "folder", overwrite=True)
    assert len(Table.read(table)) == 3


def test_stars_without_a_usable_input_bring_a_warning(ensemble: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    applied(ensemble, changed(logg=np.full(10, np.nan)), tmp_path)
    assert "Most stars lack an input or its error (FLAG_MISSING_INPUTS is true)" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["gaia_collection", "gaia_set_aside.parquet"])
def test_what_lies_where_the_margin_or_the_rows_set_aside_go_is_kept(ensemble: Path, tmp_path: Path, name: str):
    (tmp_path / name).write_text("precious")
    with pytest.raises(StdaskError, match=f"{name} exists. Choose another name or add --overwrite"):
        apply.run(ensemble, tmp_path / "none.fits", tmp_path / "gaia")
    assert (tmp_path / name).read_text() == "precious"
