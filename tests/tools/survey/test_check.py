"""A definition tried on a file: numbers of what every column becomes, and what looks wrong."""

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Column, Table

from stdask.config.survey import SurveyDefinition, load_definition
from stdask.errors import SurveyError
from stdask.tools.survey.check import check

CONTENT = {
    "name": "mine",
    "title": "Mine",
    "reference": "none",
    "id": "id",
    "labels": {"TEFF": {"column": "teff", "error": "e_teff", "valid": [3000, 8000]}},
    "cuts": [{"column": "flag", "op": "=", "value": 0}],
}


def write(path: Path, n_stars: int = 200, **changes: object) -> Path:
    rng = np.random.default_rng(1)
    columns = {
        "id": np.arange(n_stars),
        "ra": rng.uniform(0, 360, n_stars),
        "dec": rng.uniform(-90, 90, n_stars),
        "teff": np.linspace(4900.0, 5100.0, n_stars),
        "e_teff": np.full(n_stars, 50.0),
        "flag": np.zeros(n_stars, dtype=np.int16),
    }
    for name, (rows, value) in changes.items():
        columns[name][rows] = value
    Table(columns).write(path, overwrite=True)
    return path


def test_real_files_fit_their_definitions(data_dir: Path, capsys: pytest.CaptureFixture):
    assert check(load_definition("lamost_dr3"), data_dir / "lamost_dr3_kgiants.fits", 100_000) == []
    text = capsys.readouterr().out
    assert "18,733 rows, the first 18,733 of them read" in text
    assert "DISTANCE from dist_kpc: 45 not good" in text


def test_a_file_that_fits_has_nothing_wrong_and_only_the_rows_asked_for_are_read(tmp_path: Path, capsys):
    assert check(SurveyDefinition.model_validate(CONTENT), write(tmp_path / "mine.fits"), 150) == []
    text = " ".join(capsys.readouterr().out.split())
    assert "200 rows, the first 150 of them read" in text
    assert "flag = 0" in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dec": (slice(3), 95.0)}, "3 of the rows will be set aside: impossible position"),
        ({"ra": (slice(None), np.nan)}, "no row has both a position and an id"),
        ({"id": (slice(5), 7)}, "id: 200 rows have 195 ids; of each the first row will be kept"),
        ({"teff": (slice(None), 5.0)}, "TEFF: 0 of 200 stars have a value; check its column, unit and `valid`"),
        ({"e_teff": (slice(40), -1.0)}, "TEFF: 40 values have no error"),
        ({"flag": (slice(None), 1)}, "0 of 200 stars are GOOD: check `cuts`"),
        ({"teff": (slice(None), 5000.0)}, "TEFF: all 200 values are 5000"),
        (
            {"ra": (slice(None), np.linspace(0, 6.28, 200)), "dec": (slice(None), np.linspace(-1.5, 1.5, 200))},
            "the positions look like radians",
        ),
        ({"ra": (slice(None), np.linspace(0, 23.9, 200))}, "the right ascensions look like hours"),
    ],
)
def test_what_looks_wrong_is_told(tmp_path: Path, changes: dict, said: str):
    faults = check(SurveyDefinition.model_validate(CONTENT), write(tmp_path / "mine.fits", **changes), 1000)
    assert any(said in fault for fault in faults)


@pytest.mark.parametrize(
    ("unit", "is_told"), [({}, True), ({"unit": "pc"}, False)], ids=["pc taken for kpc", "pc as they are"]
)
def test_stars_beyond_100_kpc_are_told(tmp_path: Path, unit: dict, is_told: bool):
    path = with_columns(tmp_path / "mine.fits", dist=np.linspace(90.0, 1368.0, 200))
    asked = SurveyDefinition.model_validate(CONTENT | {"distances": [{"column": "dist"} | unit]})
    assert any("beyond 100 kpc, the farthest at 1,368 kpc" in line for line in check(asked, path, 1000)) == is_told


def test_magnitudes_without_an_error_are_told(tmp_path: Path):
    path = with_columns(tmp_path / "mine.fits", g=np.full(200, 15.0), e_g=np.where(np.arange(200) < 40, np.nan, 0.01))
    photometry = {"g": "g", "g_error": "e_g"}
    asked = SurveyDefinition.model_validate(CONTENT | {"photometry": photometry})
    assert any("magnitudes without an error: 40 of G_MAG" in line for line in check(asked, path, 1000))
    asked = SurveyDefinition.model_validate(CONTENT | {"photometry": photometry | {"typical_error": 0.01}})
    assert check(asked, path, 1000) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"id": "visit", "duplicates": {"by": "id", "best": "snr"}},
            "id: 200 rows are of 100 stars; of each the row with the highest snr will be kept",
        ),
        ({"id": "visit", "gaia_id": "id"}, "id: 200 rows are of 100 stars: add [duplicates]"),
    ],
)
def test_which_row_of_a_star_is_kept_is_told(tmp_path: Path, changes: dict, said: str):
    path = with_columns(tmp_path / "mine.fits", id=np.arange(200) // 2 + 1, visit=np.arange(200), snr=np.arange(200.0))
    assert [said in line for line in check(SurveyDefinition.model_validate(CONTENT | changes), path, 1000)] == [True]


def test_the_range_on_the_sky_and_the_units_of_file_and_catalogue_are_shown(tmp_path: Path, capsys):
    path = with_columns(tmp_path / "mine.fits", dist=Column(np.linspace(90.0, 1368.0, 200), unit="pc"))
    asked = SurveyDefinition.model_validate(CONTENT | {"distances": [{"column": "dist"}]})
    check(asked, path, 1000)
    text = capsys.readouterr().out
    ra = Table.read(path)["ra"]
    assert f"ra {ra.min():.4f} to {ra.max():.4f} deg" in text
    assert "DISTANCE [kpc]  dist [pc]" in text


def test_what_is_still_to_be_filled_in_is_named_before_the_file_is_read(tmp_path: Path):
    asked = CONTENT | {"id": "?", "position": {"ra": "?", "dec": "dec"}, "labels": {"TEFF": {"column": "?"}}}
    with pytest.raises(SurveyError, match=r"^id, position\.ra, labels\.TEFF\.column: '\?'"):
        check(SurveyDefinition.model_validate(asked), tmp_path / "mine.fits", 10)


def test_every_missing_column_is_named_at_once(tmp_path: Path):
    labels = {"TEFF": {"column": "tef", "error": "e_tef"}, "MG_FE": {"column": "mg_h - fe_h"}}
    asked = SurveyDefinition.model_validate(CONTENT | {"labels": labels})
    with pytest.raises(SurveyError) as raised:
        check(asked, write(tmp_path / "mine.fits"), 10)
    text = str(raised.value)
    assert "lacks 4 columns: 'tef' (did you mean 'teff'?), 'e_tef' (did you mean 'e_teff'?), 'mg_h', 'fe_h'" in text


def with_columns(path: Path, **columns: object) -> Path:
    table = Table.read(write(path))
    for name, values in columns.items():
        table[name] = values
    table.write(path, overwrite=True)
    return path


def test_a_column_that_the_file_lacks_is_an_error(tmp_path: Path):
    asked = SurveyDefinition.model_validate(CONTENT | {"gaia_id": "sourceid"})
    with pytest.raises(SurveyError, match="has no column 'sourceid'"):
        check(asked, write(tmp_path / "mine.fits"), 10)


def test_further_tables_are_looked_up_for_the_rows_that_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    join = [{"name": "more", "on": "id", "repeats": "first"}]
    definition = SurveyDefinition.model_validate(
        CONTENT | {"join": join, "labels": CONTENT["labels"] | {"FE_H": {"column": "more.mh"}}}
    )
    main, n = write(tmp_path / "mine.fits"), 60
    ids = Table.read(main)["id"]
    Table({"id": ids[::-1], "mh": np.linspace(-1, 0, len(ids))}).write(tmp_path / "more.csv")
    (line,) = check(definition, main, n, {"more": tmp_path / "more.csv"})
    assert "59 values have no error" in line  # the id 0 is no key
    assert f"the first {n} of them read" in " ".join(capsys.readouterr().out.split())
    Table({"id": ids + 1000, "mh": np.zeros(len(ids))}).write(tmp_path / "other.csv")
    assert "more: none of these rows has a row in it; check its [[join]]" in check(
        definition, main, n, {"more": tmp_path / "other.csv"}
    )
    assert check(definition, main, n)[:2] == [
        "No file is named for the table more: its columns are looked for in mine.fits.",
        "The table has no column more.mh: FE_H is left out.",
    ]
    with pytest.raises(SurveyError, match=r"has no table 'gaia'\. It joins more"):
        check(definition, main, n, {"gaia": main})
