"""A definition proposed from a file: it can be read, and says of the file what its own definition says."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from stdask.config.survey import SurveyDefinition, load_definition
from stdask.storage.surveys.files import open_survey
from stdask.tools.survey.check import check
from stdask.tools.survey.new import propose

REAL = {
    "lamost_dr3": "lamost_dr3_kgiants.fits",
    "apogee_dr17_giants": "apogee_dr17_giants.parquet",
    "apogee_dr14_kepler": "apogee_dr14_kepler.fits",
    "lamost_kepler": "lamost_kepler_giants.fits",
}


@pytest.mark.parametrize("name", REAL)
def test_of_a_real_file_it_is_valid_and_finds_what_the_shipped_definition_names(data_dir: Path, name: str):
    proposed = SurveyDefinition.model_validate(tomllib.loads(propose(data_dir / REAL[name])))
    shipped = load_definition(name)
    assert (proposed.id, proposed.position.ra, proposed.position.dec) == (
        shipped.id, shipped.position.ra, shipped.position.dec
    )  # fmt: skip
    for label in {"TEFF", "LOGG", "FE_H"} & set(shipped.labels):
        assert proposed.labels[label].column == shipped.labels[label].column
        assert proposed.labels[label].error == shipped.labels[label].error
    assert (proposed.photometry is None) == (shipped.photometry is None)
    assert check(proposed, data_dir / REAL[name], 1000) is not None


def test_every_column_is_used_or_listed_and_names_of_any_kind_are_quoted(tmp_path: Path):
    names = ["source_id", "ra", "dec", "Teff", "e_Teff", 'odd "name" \\', "flag_sp", "phot_g_mean_mag", "snr"]
    Table({name: np.arange(3) for name in names}).write(tmp_path / "mine.ecsv")
    text = propose(tmp_path / "mine.ecsv")
    content = tomllib.loads(text)
    assert content["id"] == "source_id"
    assert content["labels"]["TEFF"] == {"column": "Teff", "unit": "K", "error": "e_Teff", "valid": [2000, 50000]}
    assert content["duplicates"] == {"by": "source_id", "best": "snr"}
    assert all(
        name in text.replace("\\\\", "\\").replace('\\"', '"') for name in open_survey(tmp_path / "mine.ecsv").columns
    )
    assert '{ column = "flag_sp", op = "=", value = 0 }' in text


def test_what_is_not_found_is_asked_for(tmp_path: Path):
    Table({"a": [1], "b": [2.0]}).write(tmp_path / "mine.fits")
    text = propose(tmp_path / "mine.fits")
    assert "no column looks like an id" in text
    assert "no column looks like ra" in text
    assert "no column looks like a label" in text
    tomllib.loads(text)
