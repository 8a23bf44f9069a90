"""Each shipped definition on a file of made-up stars in the survey's own format: what ingest makes of it."""

import csv
import gzip
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal

from stdask import schema
from stdask.config.survey import SurveyDefinition, load_definition, shipped_names
from stdask.config.survey_files import FileHints
from stdask.science.measurements.survey_columns import SurveyColumns, catalogue_columns
from stdask.stages.ingest.blocks import catalogue_fields
from stdask.stages.ingest.plan import Source
from stdask.storage.surveys.computed import ComputedColumns
from stdask.storage.surveys.files import SurveyFile, open_survey
from stdask.storage.tables import to_masked
from tests.made_up_surveys import (
    N_STARS,
    PER_UNIT,
    distance_values,
    failing_value,
    label_values,
    made_up_columns,
    write_survey,
)

FLOAT32 = 2e-7  # values go through 32 bits, which round them by 6e-8, and a unit and a difference of two round again
DRAFTS = {"fourmost", "h3", "weave"}
# cuts that the surveys recommend, in the sources that the notes of each definition name
RECOMMENDED = {
    "desi_mws": {
        ("RVTAB.SUCCESS", "=", True),
        ("RVTAB.RVS_WARN", "=", 0),
        ("RVTAB.RR_SPECTYPE", "=", "STAR"),
        ("RVTAB.PRIMARY", "=", True),
    },
    "gaia_dr3_gspspec": {("gspspec_flags", "=", 13 * "0")},
    "galah_dr4": {("snr_px_ccd3", ">", 30.0), ("flag_sp", "=", 0)},
    "rave_dr6": {
        ("hrv_error_sparv", "<", 8.0),
        ("correlation_coeff_sparv", ">", 10.0),
        ("algo_conv_madera", "!=", 1),
        *((f"flag{rank}_class", "=", "n") for rank in (1, 2, 3)),
    },
    "sdss_v": {("flag_bad", "=", False), ("spectrum_flags", "=", 0)},
    "segue": {("sciencePrimary", "=", 1), ("ZWARNING", "=", 0), ("FLAG", "=", "nnnnn")},
}
WITH_GAIA = [name for name in shipped_names() if load_definition(name).gaia_id]
WITH_FLAGS = [name for name in shipped_names() if any(label.good for label in load_definition(name).labels.values())]
WITH_CUTS = [name for name in shipped_names() if load_definition(name).cuts]


class Made(NamedTuple):
    """What a definition makes of a file."""

    arrays: dict[str, np.ndarray]
    passing: list[np.ndarray]


def opened(path: Path, definition: SurveyDefinition) -> SurveyFile:
    return open_survey(path) if definition.file == FileHints() else open_survey(path, definition.file)


def converted(folder: Path, definition: SurveyDefinition, columns: dict[str, np.ndarray]) -> Made:
    survey = opened(write_survey(folder, definition, columns), definition)
    table = survey.read(definition.source_columns)
    source = SurveyColumns(to_masked(table), survey.columns, definition.sentinels)
    arrays, _, passing = catalogue_columns(definition, source)
    return Made(arrays, passing)


@pytest.mark.parametrize("name", shipped_names())
def test_the_file_of_made_up_stars_has_the_columns_of_the_survey_in_its_own_format(name: str, tmp_path: Path):
    definition = load_definition(name)
    path = write_survey(tmp_path, definition, made_up_columns(definition))
    if path.name.endswith(".csv.gz"):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            names = next(csv.reader(file, delimiter=definition.file.delimiter))
    elif definition.file.hdus:
        with fits.open(path) as hdus:
            names = [f"{hdu}.{column}" for hdu in definition.file.hdus for column in hdus[hdu].columns.names]
    else:
        names = list(open_survey(path).columns)
    assert sorted(names) == sorted(definition.source_columns)


@pytest.mark.parametrize("name", shipped_names())
def test_good_stars_are_good_and_keep_their_labels_and_errors(name: str, tmp_path: Path):
    definition = load_definition(name)
    columns = made_up_columns(definition)
    arrays, _ = converted(tmp_path, definition, columns)
    assert_array_equal(arrays["GOOD"], np.ones(N_STARS, dtype=bool))
    for label_name, label in definition.labels.items():
        assert label.unit == schema.quantity(label_name, label.unit).unit  # so values go over as they are
        assert_allclose(arrays[label_name], label_values(label), rtol=FLOAT32)
        errors = columns[label.error] if label.error else np.full(N_STARS, label.typical_error or np.nan)
        assert_allclose(arrays[f"{label_name}_ERR"], np.fmax(errors, label.error_floor or -1.0), rtol=FLOAT32)


@pytest.mark.parametrize("name", shipped_names())
def test_magnitudes_motions_and_distances_arrive_in_the_units_of_the_catalogue(name: str, tmp_path: Path):
    definition = load_definition(name)
    columns = made_up_columns(definition)
    arrays, _ = converted(tmp_path, definition, columns)
    if photometry := definition.photometry:
        for band, own in photometry.magnitudes.items():
            assert_allclose(arrays[f"{band}_MAG"], columns[own.column], rtol=FLOAT32)
            assert np.isfinite(arrays[f"{band}_MAG_ERR"]).all() == bool(own.error or photometry.typical_error)
        if photometry.g and photometry.bp:
            assert np.isfinite(arrays["BP_G_0"]).all() == bool(photometry.ebv)  # no colour without its reddening
    if motion := definition.proper_motion:
        assert_allclose(arrays["PMDEC"], columns[motion.pmdec], rtol=FLOAT32)
    if definition.distances:
        first = definition.distances[0]
        kiloparsecs = distance_values(first) / PER_UNIT[first.unit]
        assert_allclose(arrays["DISTANCE"], kiloparsecs, rtol=FLOAT32)
        stated = first.error or first.error_low or first.percentile_16
        # a difference of two percentiles rounds ten times worse than the percentiles themselves
        assert_allclose(arrays["DISTANCE_ERR"], 0.1 * kiloparsecs if stated else np.nan, rtol=10 * FLOAT32)


@pytest.mark.parametrize("name", WITH_CUTS)
def test_a_star_that_fails_one_cut_is_not_good(name: str, tmp_path: Path):
    definition = load_definition(name)
    columns = made_up_columns(definition)
    for star, term in enumerate(definition.cuts, start=1):
        columns[term.column][star] = failing_value(term)
    arrays, passing = converted(tmp_path, definition, columns)
    is_good = np.ones(N_STARS, dtype=bool)
    is_good[1 : 1 + len(definition.cuts)] = False
    assert_array_equal(arrays["GOOD"], is_good)
    for star, fulfilled in enumerate(passing, start=1):
        assert_array_equal(np.flatnonzero(~fulfilled), [star])


@pytest.mark.parametrize("name", WITH_FLAGS)
def test_a_label_whose_own_flag_is_set_is_missing_and_its_star_stays_good(name: str, tmp_path: Path):
    definition = load_definition(name)
    columns = made_up_columns(definition)
    flags = {term.column: term for label in definition.labels.values() for term in label.good}
    for column, term in flags.items():
        columns[column][1] = failing_value(term)
    arrays, _ = converted(tmp_path, definition, columns)
    assert arrays["GOOD"].all()
    for label_name, label in definition.labels.items():
        assert_array_equal(np.isnan(arrays[label_name]), (np.arange(N_STARS) == 1) & bool(label.good))


@pytest.mark.parametrize("name", shipped_names())
def test_what_the_survey_writes_for_missing_becomes_nan(name: str, tmp_path: Path):
    definition = load_definition(name)
    columns = made_up_columns(definition)
    n_sentinels = len(definition.sentinels)
    for label in definition.labels.values():
        columns[label.column][:n_sentinels] = definition.sentinels
    arrays, _ = converted(tmp_path, definition, columns)
    for label_name in definition.labels:
        assert_array_equal(np.isnan(arrays[label_name]), np.arange(N_STARS) < n_sentinels)
        assert_array_equal(np.isnan(arrays[f"{label_name}_ERR"])[:n_sentinels], np.ones(n_sentinels, dtype=bool))


@pytest.mark.parametrize("name", shipped_names())
def test_ingest_finds_ids_positions_and_units_that_it_can_use(name: str, tmp_path: Path):
    definition = load_definition(name)
    survey = opened(write_survey(tmp_path, definition, made_up_columns(definition)), definition)
    source = Source(ComputedColumns(survey, definition.sentinels), survey.columns, definition, reddening=None)
    fields = {column.name: column for column in catalogue_fields(source)}
    assert fields[definition.id].dtype in ("int64", "string")
    assert set(definition.labels) <= set(fields)


@pytest.mark.parametrize("name", WITH_GAIA)
def test_the_ids_of_gaia_keep_all_their_19_digits(name: str, tmp_path: Path):
    definition = load_definition(name)
    columns = made_up_columns(definition)
    table = opened(write_survey(tmp_path, definition, columns), definition).read([definition.gaia_id])
    assert_array_equal(table[definition.gaia_id].to_numpy(), columns[definition.gaia_id])


@pytest.mark.parametrize("name", RECOMMENDED)
def test_the_cuts_that_a_survey_recommends_are_made(name: str):
    assert RECOMMENDED[name] <= {(term.column, term.op, term.value) for term in load_definition(name).cuts}


def test_galah_dr4_does_not_trust_the_flag_of_iron_that_the_survey_calls_wrong():
    galah = load_definition("galah_dr4")
    assert "flag_fe_h" not in galah.source_columns
    assert [term.column for term in galah.labels["MG_FE"].good] == ["flag_mg_fe"]


def test_drafts_are_marked_and_say_that_they_are():
    drafts = {name for name in shipped_names() if load_definition(name).draft}
    assert drafts == DRAFTS
    for name in drafts:
        assert "a draft" in load_definition(name).notes


def test_no_definition_has_more_cuts_than_there_are_made_up_stars_to_fail_them():
    assert max(len(load_definition(name).cuts) for name in shipped_names()) < N_STARS
