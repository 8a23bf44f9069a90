"""The table that an ensemble is applied to: tables of another release, of other columns, and the map of E(B-V)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from stdask.config.survey import SurveyDefinition, load_definition
from stdask.display.numbers import as_toml
from stdask.errors import SurveyError
from stdask.runs.ensemble import Ensemble, open_ensemble
from stdask.runs.requirements import requirements
from stdask.science.measurements.repeats import ErrorFactors
from stdask.stages.ingest.plan import RawSurvey
from stdask.tools.apply.table import open_table
from tests.made_up_surveys import made_up_columns, write_survey
from tests.tools.apply.made_up import DEFINITION, make_ensemble, stars


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory: pytest.TempPathFactory) -> Ensemble:
    return open_ensemble(make_ensemble(tmp_path_factory.mktemp("ensemble")))


def opened(ensemble: Ensemble, path: Path, definition: str | None = None, data_dir: Path | None = None) -> RawSurvey:
    return open_table(ensemble, path, definition, data_dir, numbered=False)


def trained_on(ensemble: Ensemble, name: str, *inputs: str) -> Ensemble:
    """Return an ensemble as if it were trained on a survey that ships with stdask."""
    families = tuple(replace(family, inputs=inputs) for family in ensemble.families)
    return replace(ensemble, definition=load_definition(name), families=families)


def survey_file(folder: Path, name: str) -> Path:
    definition = load_definition(name)
    return write_survey(folder, definition, made_up_columns(definition))


def test_a_table_of_another_release_says_which_one_it_is(ensemble: Ensemble, tmp_path: Path):
    galah = trained_on(ensemble, "galah_dr3", "TEFF", "RV")
    with pytest.raises(SurveyError) as error:
        opened(galah, survey_file(tmp_path, "galah_dr4"))
    title = load_definition("galah_dr3").title
    assert "The table has no column" in str(error.value)
    assert "(--definition galah_dr4); the ensemble was trained on " + title in str(error.value)


def test_the_definition_of_another_release_brings_a_warning(
    ensemble: Ensemble, tmp_path: Path, capsys: pytest.CaptureFixture
):
    galah = trained_on(ensemble, "galah_dr3", "TEFF")
    raw = opened(galah, survey_file(tmp_path, "galah_dr4"), "galah_dr4")
    assert raw.definition.name == "galah_dr4"
    said = capsys.readouterr().out
    assert f"The ensemble was trained on {galah.definition.title}. The values of " in said
    assert "may be on another scale." in said


def test_the_own_release_needs_no_definition_and_no_words(
    ensemble: Ensemble, tmp_path: Path, capsys: pytest.CaptureFixture
):
    raw = opened(trained_on(ensemble, "galah_dr3", "TEFF"), survey_file(tmp_path, "galah_dr3"))
    assert raw.definition == load_definition("galah_dr3")
    assert capsys.readouterr().out == ""


def test_the_factors_of_errors_are_those_of_the_ensemble(ensemble: Ensemble, tmp_path: Path):
    stars(10).write(tmp_path / "stars.fits")
    duplicates = DEFINITION["duplicates"] | {"rescale_errors": True}
    definition = SurveyDefinition.model_validate(DEFINITION | {"duplicates": duplicates})
    factors = {"TEFF": ErrorFactors(np.array([]), np.array([100]), np.array([1.5]), np.array([0.1]))}
    raw = opened(replace(ensemble, definition=definition, error_factors=factors), tmp_path / "stars.fits")
    assert raw.factors == factors


@pytest.mark.parametrize("needed", [False, True])
def test_a_map_of_reddening_that_is_not_there_is_left_out_or_asked_for(
    ensemble: Ensemble, tmp_path: Path, capsys: pytest.CaptureFixture, needed: bool
):
    table = stars(10)
    for name in ("g", "bp", "rp"):
        table[name] = np.arange(10.0)
    table.write(tmp_path / "stars.fits")
    definition = SurveyDefinition.model_validate(
        DEFINITION | {"ebv_map": "map.fits", "photometry": {"g": "g", "bp": "bp", "rp": "rp"}}
    )
    inputs = ("TEFF", "BP_G_0") if needed else ("TEFF",)
    families = tuple(replace(family, inputs=inputs) for family in ensemble.families)
    mapped = replace(ensemble, definition=definition, families=families)
    if needed:
        with pytest.raises(SurveyError, match=r"No map of E\(B-V\) at .*map.fits.*Name its folder with --data-dir"):
            opened(mapped, tmp_path / "stars.fits")
    else:
        assert opened(mapped, tmp_path / "stars.fits").ebv_map is None
        assert "the reddening is left out. Name its folder with --data-dir." in capsys.readouterr().out
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "map.fits").touch()
    raw = opened(mapped, tmp_path / "stars.fits", data_dir=tmp_path / "maps")
    assert raw.ebv_map == tmp_path / "maps" / "map.fits"
    own = DEFINITION | {"photometry": {"g": "g", "bp": "bp", "rp": "rp", "ebv": "nowhere"}}
    (tmp_path / "own.toml").write_text(as_toml(own))
    raw = opened(mapped, tmp_path / "stars.fits", str(tmp_path / "own.toml"), tmp_path / "maps")
    assert raw.ebv_map == tmp_path / "maps" / "map.fits"  # and no column of E(B-V) is asked for


def test_an_input_of_another_unit_than_that_of_the_training_stars_is_refused(ensemble: Ensemble, tmp_path: Path):
    definition = SurveyDefinition.model_validate(
        DEFINITION | {"labels": {"VSINI": {"column": "v", "unit": "km/s", "description": "rotation"}}}
    )
    families = tuple(replace(family, inputs=("VSINI",)) for family in ensemble.families)
    rotating = replace(ensemble, definition=definition, families=families)
    Table({"id": [1], "ra": [1.0], "dec": [1.0], "v": [5.0]}).write(tmp_path / "stars.fits")
    (tmp_path / "own.toml").write_text(
        'name = "own"\ntitle = "Own"\nreference = "none"\nid = "id"\n'
        'labels.VSINI = { column = "v", unit = "m/s", description = "rotation" }\n'
    )
    with pytest.raises(SurveyError, match=r"\[labels.VSINI\] of the definition 'own' is in 'm/s', but.*on 'km/s'"):
        opened(rotating, tmp_path / "stars.fits", str(tmp_path / "own.toml"))


def test_a_unit_that_nobody_knows_is_said(ensemble: Ensemble, tmp_path: Path, capsys: pytest.CaptureFixture):
    table = stars(5)
    table["rv"].unit = "kms"
    table.write(tmp_path / "stars.ecsv")
    opened(ensemble, tmp_path / "stars.ecsv")
    said = " ".join(capsys.readouterr().out.split())
    assert "The unit 'kms' of column rv is unknown: its values are taken to be in km/s." in said


def test_a_definition_of_several_tables_takes_one_wide_table(ensemble: Ensemble, tmp_path: Path):
    definition = DEFINITION | {
        "labels": {name: label | {"column": f"more.{label['column']}"} for name, label in DEFINITION["labels"].items()},
        "gaia_id": "gaia.source_id",
        "join": [{"name": "more", "on": "star"}, {"name": "gaia", "on": "star"}],
    }
    joined = replace(ensemble, definition=SurveyDefinition.model_validate(definition))
    table = stars(30)
    table["gaia"].name = "source_id"
    table.write(tmp_path / "stars.fits")
    raw = opened(joined, tmp_path / "stars.fits")
    assert raw.survey.read(["more.teff", "gaia.source_id"])["gaia.source_id"].to_pylist() == table["source_id"].tolist()
    named = {row.name: row.column for row in requirements(joined)}
    assert (named["TEFF"], named["ID"]) == ("teff", "star")
    table.remove_column("logg")
    table.write(tmp_path / "fewer.fits")
    with pytest.raises(SurveyError, match=r"no column 'more\.logg': the networks need it"):
        opened(joined, tmp_path / "fewer.fits")
