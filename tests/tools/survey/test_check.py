"""A definition tried on a file: numbers of what every column becomes, and what looks wrong."""

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

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
        "teff": np.full(n_stars, 5000.0),
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
    ],
)
def test_what_looks_wrong_is_told(tmp_path: Path, changes: dict, said: str):
    faults = check(SurveyDefinition.model_validate(CONTENT), write(tmp_path / "mine.fits", **changes), 1000)
    assert any(said in fault for fault in faults)


def test_a_column_that_the_file_lacks_is_an_error(tmp_path: Path):
    asked = SurveyDefinition.model_validate(CONTENT | {"gaia_id": "sourceid"})
    with pytest.raises(SurveyError, match="has no column 'sourceid'"):
        check(asked, write(tmp_path / "mine.fits"), 10)
