"""Columns are told by what their first rows hold, not by their names alone."""

from pathlib import Path

import pytest
from astropy.table import Column, Table

from stdask.storage.surveys.files import open_survey
from stdask.tools.survey.guesses import Guesses


def guesses(path: Path, **columns: object) -> Guesses:
    Table(columns).write(path)
    return Guesses(open_survey(path))


@pytest.mark.parametrize("name", ["Source", "Gaia", "GaiaDR3", "GaiaEDR3", "GAIAEDR3_ID", "dr3_source_id"])
@pytest.mark.parametrize(
    ("values", "are_ids"),
    [
        ([4657988450340570624, 5853498713190525696], True),
        (["4657988450340570624", "None"], True),  # GALAH
        (["Gaia DR3 4657988450340570624", ""], False),
        ([1.5, 2.5], False),
        (["J00002416", "J00023429"], False),
    ],
)
def test_ids_of_gaia_are_whole_numbers_or_digits(tmp_path: Path, name: str, values: list, are_ids: bool):
    assert guesses(tmp_path / "a.fits", **{name: values}).gaia_id == (name if are_ids else None)


def test_positions_in_text_or_in_another_unit_give_way_to_degrees(tmp_path: Path):
    found = guesses(
        tmp_path / "a.fits",
        RA=["00:00:24.0", "00:02:34.3"],
        DEC=["-11:07:44.4", "-19:24:59.0"],
        RAJ2000=Column([1.0, 2.0], unit="km"),
        DEJ2000=Column([1.0, 2.0], unit="km"),
        RAdeg=[0.1, 0.64],
        DEdeg=[-11.1, -19.4],
    )
    assert found.position == ("RAdeg", "DEdeg")


def test_a_column_with_values_comes_before_an_empty_one(tmp_path: Path):
    found = guesses(tmp_path / "a.fits", teff=[float("nan")] * 2, teff_gspphot=[5000.0, 6000.0])
    assert found.labels == {"TEFF": "teff_gspphot"}
