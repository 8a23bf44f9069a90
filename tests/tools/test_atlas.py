"""The atlas from Python: the same maps as of the file, from a table in memory, without workers."""

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable, Table
from numpy.testing import assert_array_equal

import stdask
from stdask.cluster import workers as cluster_workers
from stdask.errors import ConfigError, SurveyError
from stdask.runs.folder import RunFolder
from stdask.runs.receipts import read_receipt
from stdask.stages.atlas import gradients as atlas_gradients
from stdask.stages.atlas import maps as atlas_maps
from stdask.stages.atlas import profiles as atlas_profiles

N_STARS = 2000
SETTINGS = {"select": {}, "n_bootstraps": 20}


@pytest.fixture(autouse=True)
def no_workers_and_no_figures(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cluster_workers, "LocalWorkers", None)
    monkeypatch.setattr(atlas_maps, "write_map_figures", lambda *_: [])
    for module in (atlas_profiles, atlas_gradients):
        monkeypatch.setattr(module, "write_figures", lambda *_: [])
        for name in ("draw_profiles", "draw_gradients"):
            monkeypatch.setattr(module, name, lambda *_, **__: None, raising=False)


def giants() -> QTable:
    rng = np.random.default_rng(1)
    return QTable(
        {
            "ra": rng.uniform(0, 360, N_STARS) * u.deg,
            "dec": np.degrees(np.arcsin(rng.uniform(-1, 1, N_STARS))) * u.deg,
            "dist": rng.gamma(3, 800, N_STARS) * u.pc,
            "iron": rng.normal(-0.2, 0.2, N_STARS),
            "e_iron": rng.uniform(0.01, 0.1, N_STARS),
            "spectrum": rng.normal(size=(N_STARS, 3)),  # not read
        }
    )


def assert_same_tables(one: RunFolder, other: RunFolder) -> None:
    assert "gradients" in one.tables
    assert [name for name in one.tables if name != "stars"] == [name for name in other.tables if name != "stars"]
    for name in other.tables:
        if name != "stars":
            for column in other.table(name).colnames:
                assert_array_equal(one.table(name)[column], other.table(name)[column], err_msg=f"{name}: {column}")


def test_a_table_in_memory_gives_the_tables_of_its_file(tmp_path: Path):
    stars = giants()
    names = {"FE_H": "iron", "FE_H_ERR": "e_iron"}
    results = stdask.draw_atlas(stars, tmp_path / "memory", names, **SETTINGS)
    del stars["spectrum"]
    Table(stars).write(tmp_path / "stars.fits")
    assert_same_tables(results, stdask.draw_atlas(tmp_path / "stars.fits", tmp_path / "file", names, **SETTINGS))
    in_kpc = stars.to_pandas()
    in_kpc["dist"] /= 1000
    again = stdask.draw_atlas(in_kpc, tmp_path / "pandas", names, **SETTINGS)
    counts = [run.table("map_edge_on")["COUNT"].sum() for run in (results, again)]
    assert counts[0] == counts[1] > N_STARS / 2


def test_the_same_call_again_opens_the_results(tmp_path: Path, capsys: pytest.CaptureFixture):
    names = {"FE_H": "iron"}
    stdask.draw_atlas(giants(), tmp_path, names, **SETTINGS)
    first = read_receipt(tmp_path, "atlas")
    stdask.draw_atlas(giants(), tmp_path, names, **SETTINGS)
    assert "done before, skipped" in capsys.readouterr().out
    assert read_receipt(tmp_path, "atlas") == first
    stdask.draw_atlas(giants()[:1500], tmp_path, names, **SETTINGS)
    assert read_receipt(tmp_path, "atlas") != first


def test_wrong_settings_and_columns_are_one_line(tmp_path: Path):
    with pytest.raises(ConfigError, match="selekt"):
        stdask.draw_atlas(giants(), tmp_path, {"FE_H": "iron"}, selekt={})
    with pytest.raises(SurveyError, match="has no column 'feh'"):
        stdask.draw_atlas(giants(), tmp_path, {"FE_H": "feh"})
    with pytest.raises(SurveyError, match=r"^A list is no table"):
        stdask.draw_atlas([1, 2], tmp_path)


def test_a_table_has_a_report_of_its_own_with_what_was_drawn_and_left_out(tmp_path: Path):
    stars = giants()
    stars["dist"][:50] = np.nan
    results = stdask.draw_atlas(stars, tmp_path / "maps", {"FE_H": "iron"}, **SETTINGS)
    text = results.report.read_text(encoding="utf-8")
    counts = read_receipt(results.folder, "atlas").counts.rows
    assert f"{counts.n_out:,} of 2,000 stars" in text
    assert "50 (2.5 %): no distance" in text
    assert "all stars" in text
    assert "on the scale of" not in text
    assert [name for name in ("accuracy", "domain", "coverage") if f'id="{name}"' in text] == []
    made = results.report.stat().st_mtime_ns
    stdask.draw_atlas(stars, tmp_path / "maps", {"FE_H": "iron"}, **SETTINGS)
    assert results.report.stat().st_mtime_ns == made
