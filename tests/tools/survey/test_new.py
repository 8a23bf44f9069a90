"""A definition proposed from a file: it can be read, and says of the file what its own definition says."""

import tomllib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Column, Table

from stdask.config.survey import SurveyDefinition, load_definition
from stdask.config.survey_files import FileHints
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


def proposed(path: Path, hints: FileHints | None = None) -> SurveyDefinition:
    return SurveyDefinition.model_validate(tomllib.loads(propose(path, hints or FileHints())))


def write(path: Path, **columns: object) -> Path:
    Table({"source_id": [1, 2, 3], "ra": [1.0, 2, 3], "dec": [4.0, 5, 6]} | columns).write(path)
    return path


NUMBERS = [1.0, 2.0, 3.0]
GAIA = dict.fromkeys(("teff_gspphot", "teff_gspphot_lower", "teff_gspphot_upper"), NUMBERS)


@pytest.mark.parametrize(
    ("columns", "distance", "unit", "percentiles"),
    [
        (GAIA | {"distance_gspphot": NUMBERS, "dist": NUMBERS}, "distance_gspphot", "pc", (None, None)),
        (GAIA | {"dist": NUMBERS}, None, "", (None, None)),
        (
            dict.fromkeys(("r_med_photogeo", "r_lo_photogeo", "r_hi_photogeo"), NUMBERS),
            "r_med_photogeo",
            "pc",
            ("r_lo_photogeo", "r_hi_photogeo"),
        ),
        ({"dist": Column(NUMBERS, unit="deg")}, None, "", (None, None)),
        ({"dist": NUMBERS}, "dist", "kpc", (None, None)),
    ],
    ids=["cone search of Gaia", "without a distance", "Bailer-Jones", "separation in deg", "distance of a survey"],
)
def test_a_separation_is_no_distance_and_units_follow_from_names(
    tmp_path: Path, columns: dict, distance: str | None, unit: str, percentiles: tuple
):
    definition = proposed(write(tmp_path / "mine.fits", **columns))
    found = definition.distances[0] if definition.distances else None
    assert (found.column if found else None) == distance
    if found:
        assert (found.unit, found.percentile_16, found.percentile_84) == (unit, *percentiles)


def test_columns_of_apogee_are_what_they_are_called(tmp_path: Path):
    names = ("ALPHA_M", "ALPHA_M_ERR", "VHELIO_AVG", "VERR", "MG_FE", "MG_FE_ERR")
    path = write(tmp_path / "a.fits", **dict.fromkeys(names, NUMBERS), MG_FE_FLAG=[0, 0, 1])
    labels = proposed(path).labels
    assert labels.keys() == {"ALPHA_M", "MG_FE", "RV"}
    assert (labels["ALPHA_M"].column, labels["ALPHA_M"].error) == ("ALPHA_M", "ALPHA_M_ERR")
    assert (labels["RV"].column, labels["RV"].error) == ("VHELIO_AVG", "VERR")
    assert [term.text for term in labels["MG_FE"].good] == ["MG_FE_FLAG = 0"]


@pytest.mark.parametrize(
    ("columns", "epoch"),
    [
        (GAIA, 2016.0),
        ({"priam_flags": [0, 0, 0], "astrometric_n_obs": [1, 1, 1]}, 2015.5),
        (GAIA | {"ref_epoch": [2017.5] * 3}, 2017.5),
        ({"teff": NUMBERS}, 2000.0),
    ],
    ids=["Gaia DR3", "Gaia DR2", "ref_epoch", "not known"],
)
def test_the_epoch_is_that_of_the_positions(tmp_path: Path, columns: dict, epoch: float):
    assert proposed(write(tmp_path / "mine.fits", **columns)).position.epoch == epoch


def test_percentiles_are_taken_as_errors(tmp_path: Path):
    label = proposed(write(tmp_path / "mine.fits", **GAIA)).labels["TEFF"]
    assert (label.error, label.percentile_16, label.percentile_84) == (None, "teff_gspphot_lower", "teff_gspphot_upper")


def test_vectors_text_and_constants_are_not_taken_for_numbers_and_ids(tmp_path: Path):
    columns = {
        "sobject_id": [7, 7, 7],
        "cname": ["a", "b", "c"],
        "snr": [[1.0, 2.0]] * 3,
        "teff": ["hot"] * 3,
        "teff_cal": NUMBERS,
        "rv": [[1.0, 2.0]] * 3,
        "gaia": ["red"] * 3,
    }
    text = propose(write(tmp_path / "mine.fits", **columns))
    definition = SurveyDefinition.model_validate(tomllib.loads(text))
    assert (definition.id, definition.gaia_id) == ("cname", "source_id")
    assert definition.labels.keys() == {"TEFF"}
    assert definition.labels["TEFF"].column == "teff_cal"
    assert definition.duplicates is None
    assert "# rv" in text


@pytest.mark.parametrize("unit", ["Kelvins!", "'dex'", "[-]"])
def test_a_unit_that_is_not_known_is_stated_and_the_proposal_fits(tmp_path: Path, unit: str):
    path = tmp_path / "mine.vot"
    Table({"id": [1, 2], "ra": [1.0, 2.0], "dec": [3.0, 4.0], "feh": [-1.0, -0.5]}).write(path, format="votable")
    path.write_text(path.read_text().replace('name="feh"', f'name="feh" unit="{unit}"'))
    assert check(proposed(path), path, 10) is not None


def test_what_is_stated_of_the_format_is_written_down(tmp_path: Path):
    path = write(tmp_path / "a.csv", teff=NUMBERS).rename(tmp_path / "a.dat")
    definition = proposed(path, FileHints(format="csv"))
    assert definition.file.format == "csv"


@pytest.mark.parametrize("delimiter", ["|", ";", "\t"])
def test_another_delimiter_than_a_comma_is_found_and_written_down(tmp_path: Path, delimiter: str):
    path = write(tmp_path / "a.ecsv", teff=NUMBERS).with_name("a.csv")
    Table({"source_id": [1, 2], "ra": [1.0, 2], "dec": [4.0, 5], "teff": [4000.0, 5000]}).write(
        path, format="ascii.csv", delimiter=delimiter
    )
    definition = proposed(path)
    assert definition.file.delimiter == delimiter
    assert check(definition, path, 10) is not None


def test_names_with_any_characters_make_a_valid_file(tmp_path: Path):
    path = tmp_path / "x.parquet"
    names = ["id", "ra", "dec", "teff", 'flag "a"', "flag\\b", "line\nbreak = [", "delete\x7f", "[labels.TEFF]"]
    pq.write_table(pa.table({name: [1, 2] for name in names}), path)
    assert proposed(path).labels["TEFF"].column == "teff"


def test_what_is_not_found_is_asked_for(tmp_path: Path):
    Table({"a": [1], "b": [2.0]}).write(tmp_path / "mine.fits")
    text = propose(tmp_path / "mine.fits")
    assert "no column looks like an id" in text
    assert "no column looks like ra" in text
    assert "no column looks like a label" in text
    tomllib.loads(text)
