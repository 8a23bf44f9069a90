"""Errors rescaled from repeat visits, through the whole ingest: known factors, the same bytes however it is shared."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from numpy.testing import assert_allclose, assert_array_equal

from stdask.config import Run
from stdask.errors import SurveyError
from stdask.pipeline import ingest, ingest_repeats
from stdask.pipeline.cluster import Workers
from stdask.pipeline.ingest_repeats import factors_table, read_rescaling
from stdask.science.repeat_errors import ErrorFactors
from stdask.storage import paths
from stdask.storage.documents import write_ecsv
from stdask.storage.hats import open_catalogue
from stdask.survey_definition import Duplicates, load_definition
from tests.pipeline.test_ingest import make_run

DEFINITION = """
name = "small"
title = "Small"
reference = "none"
id = "id"
gaia_id = "gaia"
cuts = [{ column = "flag", op = "=", value = 0 }]
[labels.TEFF]
column = "teff"
unit = "K"
error = "e_teff"
typical_error = 77.0
[labels.FE_H]
column = "feh"
error = "e_feh"
error_floor = 0.05
[labels.LOGG]
column = "logg"
typical_error = 0.1
[duplicates]
by = "gaia"
best = "snr"
rescale_errors = true
"""
FACTORS = {"TEFF": 2.0, "FE_H": 0.5}  # true over stated errors
N_STARS = 3000


def visits() -> pa.Table:
    """Return two visits of each star; flagged ones are far off."""
    rng = np.random.default_rng(4)
    star = np.tile(np.arange(N_STARS), 2)
    flag = (rng.random(star.size) < 0.1).astype(int)
    stated = {"teff": rng.uniform(30, 60, star.size), "feh": rng.uniform(0.05, 0.2, star.size)}
    truth = {"teff": rng.uniform(4000, 5000, N_STARS)[star], "feh": rng.normal(-0.5, 0.3, N_STARS)[star]}
    columns = {"id": np.arange(star.size), "gaia": 1 + star, "flag": flag, "snr": rng.uniform(10, 100, star.size)}
    columns |= {"ra": (star * 0.1) % 360, "dec": star / 50 - 30, "logg": np.full(star.size, 2.0)}
    for name, factor in zip(truth, FACTORS.values(), strict=True):
        noise = rng.normal(0, 1, star.size) * factor * stated[name]
        columns |= {name: truth[name] + noise + 30 * flag * noise, f"e_{name}": stated[name]}
    columns["e_teff"][::50] = 0.0  # no error: the typical one
    return pa.table(columns)


def ingested(folder: Path, client: Workers, definition: str = DEFINITION, block: int = 700) -> Run:
    folder.mkdir(exist_ok=True)
    (folder / "small.toml").write_text(definition)
    pq.write_table(visits(), folder / "small.parquet")
    run = make_run(folder, folder, "small.toml", "small.parquet", block, 1000)
    ingest.run(run, client, "a")
    return run


def contents(run: Run) -> dict[str, bytes]:
    folder = paths.catalogue(run.output, "small")
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_stated_errors_become_what_visits_scatter_by(client: Workers, tmp_path: Path, capsys):
    run = ingested(tmp_path / "own", client)
    stars = open_catalogue(paths.catalogue(run.output, "small")).read().sort_by("id")
    rows = visits().take(stars["id"].combine_chunks())
    table = Table.read(paths.catalogue(run.output, "small") / paths.REPEATS)
    for label, column in (("TEFF", "e_teff"), ("FE_H", "e_feh")):
        own = table[table["label"] == label]
        assert own["n_pairs"].sum() > 0.75 * N_STARS  # both visits unflagged, and with an error
        assert_allclose(own["factor"], FACTORS[label], atol=5 * own["factor_err"].max())
        assert np.average(own["factor"], weights=own["n_pairs"]) == pytest.approx(FACTORS[label], rel=0.06)
        bins = np.searchsorted(own["to"][:-1], rows["snr"].to_numpy(), side="right")
        stated = rows[column].to_numpy()
        expected = np.where(stated > 0, stated * np.asarray(own["factor"])[bins], 77.0)
        expected = np.maximum(expected, 0.05) if label == "FE_H" else expected  # the floor is of what is rescaled
        assert_array_equal(stars[f"{label}_ERR"].to_numpy(), expected.astype(np.float32))
    assert set(stars["LOGG_ERR"].to_pylist()) == {np.float32(0.1)}
    said = capsys.readouterr().out
    assert "errors of TEFF x " in said
    assert "with rising snr" in said


def test_the_catalogue_is_the_same_however_the_work_is_shared(client: Workers, tmp_path: Path, monkeypatch):
    whole = contents(ingested(tmp_path / "whole", client, block=100_000))
    assert contents(ingested(tmp_path / "blocks", client, block=333)) == whole
    monkeypatch.setattr(ingest, "ROWS_PER_SHARE", 500)
    assert contents(ingested(tmp_path / "shares", client)) == whole


def test_without_the_option_errors_are_as_stated(client: Workers, tmp_path: Path):
    run = ingested(tmp_path / "own", client, DEFINITION.replace("rescale_errors = true", ""))
    stars = open_catalogue(paths.catalogue(run.output, "small")).read().sort_by("id")
    stated = visits().take(stars["id"].combine_chunks())["e_teff"].to_numpy()
    assert_array_equal(stars["TEFF_ERR"].to_numpy(), np.where(stated > 0, stated, 77.0).astype(np.float32))
    assert not (paths.catalogue(run.output, "small") / paths.REPEATS).exists()


def test_of_a_large_survey_a_share_of_the_stars_is_enough(client: Workers, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(ingest_repeats, "MOST_PAIRS", 1000)
    run = ingested(tmp_path / "own", client)
    table = Table.read(paths.catalogue(run.output, "small") / paths.REPEATS)
    n_pairs = table["n_pairs"][table["label"] == "FE_H"].sum()
    assert n_pairs == pytest.approx(1000 * 0.81, rel=0.15)  # of both visits unflagged; Poisson at 4 sigma


def test_few_repeats_leave_the_errors_alone_and_it_is_said(client: Workers, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(ingest_repeats, "MOST_PAIRS", 20)
    ingested(tmp_path / "own", client)
    assert "errors of FE_H as they are: only" in capsys.readouterr().out


def test_a_definition_without_errors_has_nothing_to_rescale(tmp_path: Path):
    text = DEFINITION.replace('error = "e_teff"', "").replace('error = "e_feh"', "")
    (tmp_path / "small.toml").write_text(text)
    with pytest.raises(SurveyError, match="no label has an `error` column: name one"):
        load_definition("small.toml", tmp_path)


@pytest.mark.parametrize("keep", ["highest", "lowest"])
def test_factors_are_read_as_they_were_written(keep: str, tmp_path: Path):
    (tmp_path / "small.toml").write_text(DEFINITION.replace('best = "snr"', f'best = "snr"\nkeep = "{keep}"'))
    found = {"FE_H": ErrorFactors(np.array([-30.0, 20.0]), np.array([3.0, 2.0, 1.0]), np.full(3, 0.1), np.full(3, 200))}
    table = factors_table(found, Duplicates(by="gaia", best="snr", keep=keep))
    assert list(table["factor"]) == ([3, 2, 1] if keep == "highest" else [1, 2, 3])  # with rising snr
    write_ecsv(tmp_path / "repeats.ecsv", table)
    again = read_rescaling(tmp_path / "repeats.ecsv", load_definition("small.toml", tmp_path))
    for one, other in zip(found["FE_H"], again["FE_H"], strict=True):
        assert_array_equal(one, other)
