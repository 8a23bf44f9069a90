"""Each shipped definition on a file of made-up stars in the survey's own format: what ingest makes of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.config.run import load_run
from stdask.config.survey import SurveyDefinition, load_definition, shipped_names
from stdask.config.survey_tables import Label
from stdask.science.measurements.survey_columns import SurveyColumns, catalogue_columns
from stdask.stages.ingest import stage as ingest
from stdask.stages.ingest.blocks import catalogue_fields
from stdask.stages.ingest.joins.tables import as_one
from stdask.stages.ingest.plan import Source
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.surveys.computed import ComputedColumns
from stdask.storage.surveys.files import open_survey
from stdask.storage.surveys.format import AS_TEXT
from stdask.storage.tables import to_masked
from tests.made_up_surveys import (
    N_STARS,
    PER_UNIT,
    distance_values,
    made_up_columns,
    names_in,
    spoil,
    value_of,
    write_survey,
    write_tables,
)

COMPUTED = 2e-6  # differences of values of up to 10 in 32 bits
FLOAT32 = 2e-7  # values go through 32 bits, which round them by 6e-8, and a unit and a difference of two round again
DRAFTS = {"fourmost", "h3", "weave"}
EXTRACTS = {"apogee_dr16_dr17_giants"}  # of tables that nobody publishes as they are
# cuts that the surveys recommend, in the sources that the notes of each definition name
RECOMMENDED = {
    "desi_mws": {
        ("RVTAB.SUCCESS", "=", True),
        ("RVTAB.RVS_WARN", "=", 0),
        ("RVTAB.RR_SPECTYPE", "=", "STAR"),
        ("RVTAB.PRIMARY", "=", True),
    },
    "gaia_dr3_gspspec": {("substr(parameters.flags_gspspec, 0, 13)", "=", 13 * "0")},
    "galah_dr4": {("snr_px_ccd3", ">", 30.0), ("flag_sp", "=", 0)},
    "rave_dr6": {
        ("hrv_error_sparv", "<", 8.0),
        ("correlation_coeff_sparv", ">", 10.0),
        ("madera.algo_conv_madera", "!=", 1),
        *((f"classes.flag{rank}_class", "=", "n") for rank in (1, 2, 3)),
    },
    "sdss_v": {("flag_bad", "=", False), ("spectrum_flags", "=", 0)},
    "segue": {("SPECPRIMARY", "=", 1), ("ZWARNING", "=", 0), ("FLAG", "=", "nnnnn")},
}
WITH_GAIA = [name for name in shipped_names() if load_definition(name).gaia_id]
WITH_FLAGS = [name for name in shipped_names() if any(label.good for label in load_definition(name).labels.values())]
WITH_CUTS = [name for name in shipped_names() if load_definition(name).cuts]


class Made(NamedTuple):
    """What a definition makes of a file."""

    arrays: dict[str, np.ndarray]
    passing: list[np.ndarray]


def in_one_file(name: str) -> SurveyDefinition:
    """Return a definition for a file with the columns of all tables, which a file of several HDUs cannot be."""
    definition = load_definition(name)
    return definition.model_copy(update={"join": (), "distances": ()}) if definition.file.hdus else definition


def opened(folder: Path, definition: SurveyDefinition, columns: dict[str, np.ndarray]) -> ComputedColumns:
    """Write one file with the columns of all tables, and open it as ingest does."""
    survey = open_survey(write_survey(folder, definition, columns), definition.file)
    return ComputedColumns(as_one(definition, survey, {}), definition.sentinels)


def converted(folder: Path, definition: SurveyDefinition, columns: dict[str, np.ndarray]) -> Made:
    survey = opened(folder, definition, columns)
    units = {text: survey.unit(text) for text in definition.source_columns}
    source = SurveyColumns(to_masked(survey.read(definition.source_columns)), units, definition.sentinels)
    arrays, _, passing = catalogue_columns(definition, source)
    return Made(arrays, passing)


def expected(label: Label, columns: dict[str, np.ndarray]) -> np.ndarray:
    """Return the values of a label that its columns stand for, missing where they are not possible."""
    values = value_of(label.column, columns).astype("f8")
    low, high = label.valid or (-np.inf, np.inf)
    return np.where((values >= low) & (values <= high), values, np.nan)


@pytest.mark.parametrize("name", shipped_names())
def test_every_text_of_a_definition_is_a_column_of_the_survey_or_computed_from_some(name: str, tmp_path: Path):
    definition = in_one_file(name)
    survey = opened(tmp_path, definition, made_up_columns(definition))
    survey.require_for(definition)
    for text in definition.source_columns:
        behind = [column.removesuffix(AS_TEXT) for column in survey.behind([text])]
        assert set(behind) >= set(names_in(text))


@pytest.mark.parametrize("name", shipped_names())
def test_good_stars_are_good_and_keep_their_labels_and_errors(name: str, tmp_path: Path):
    definition = in_one_file(name)
    columns = made_up_columns(definition)
    arrays, _ = converted(tmp_path, definition, columns)
    assert_array_equal(arrays["GOOD"], np.ones(N_STARS, dtype=bool))
    for label_name, label in definition.labels.items():
        assert label.unit == schema.quantity(label_name, label.unit).unit  # so values go over as they are
        values = expected(label, columns)
        assert_allclose(arrays[label_name], values, rtol=FLOAT32, atol=COMPUTED)
        if label.error:
            errors = value_of(label.error, columns)
        elif label.percentile_16 and label.percentile_84:
            errors = (columns[label.percentile_84] - columns[label.percentile_16]) / 2
        else:
            errors = np.full(N_STARS, label.typical_error or np.nan)
        errors = np.where(np.isnan(values), np.nan, np.fmax(errors, label.error_floor or -1.0))
        assert_allclose(arrays[f"{label_name}_ERR"], errors, rtol=10 * FLOAT32, atol=COMPUTED)


@pytest.mark.parametrize("name", shipped_names())
def test_magnitudes_motions_and_distances_arrive_in_the_units_of_the_catalogue(name: str, tmp_path: Path):
    definition = in_one_file(name)
    columns = made_up_columns(definition)
    arrays, _ = converted(tmp_path, definition, columns)
    if photometry := definition.photometry:
        for band, own in photometry.magnitudes.items():
            assert_allclose(arrays[f"{band}_MAG"], value_of(own.column, columns), rtol=FLOAT32)
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
    definition = in_one_file(name)
    columns = made_up_columns(definition)
    for star, term in enumerate(definition.cuts, start=1):
        spoil(columns, term, star)
    arrays, passing = converted(tmp_path, definition, columns)
    is_good = np.ones(N_STARS, dtype=bool)
    is_good[1 : 1 + len(definition.cuts)] = False
    assert_array_equal(arrays["GOOD"], is_good)
    for star, fulfilled in enumerate(passing, start=1):
        assert_array_equal(np.flatnonzero(~fulfilled), [star])


@pytest.mark.parametrize("name", WITH_FLAGS)
def test_a_label_whose_own_flag_is_set_is_missing_and_its_star_stays_good(name: str, tmp_path: Path):
    definition = in_one_file(name)
    columns = made_up_columns(definition)
    flags = {term.column: term for label in definition.labels.values() for term in label.good}
    for term in flags.values():
        spoil(columns, term, 1)
    arrays, _ = converted(tmp_path, definition, columns)
    assert arrays["GOOD"].all()
    for label_name, label in definition.labels.items():
        impossible = np.isnan(expected(label, columns))
        assert_array_equal(np.isnan(arrays[label_name]), impossible | (np.arange(N_STARS) == 1) & bool(label.good))


@pytest.mark.parametrize("name", shipped_names())
def test_what_the_survey_writes_for_missing_becomes_nan(name: str, tmp_path: Path):
    definition = in_one_file(name)
    columns = made_up_columns(definition)
    n_sentinels = len(definition.sentinels)
    impossible = {label_name: np.isnan(expected(label, columns)) for label_name, label in definition.labels.items()}
    for column in {column for label in definition.labels.values() for column in names_in(label.column)}:
        columns[column][:n_sentinels] = definition.sentinels
    arrays, _ = converted(tmp_path, definition, columns)
    for label_name in definition.labels:
        assert_array_equal(np.isnan(arrays[label_name]), impossible[label_name] | (np.arange(N_STARS) < n_sentinels))
        assert_array_equal(np.isnan(arrays[f"{label_name}_ERR"])[:n_sentinels], np.ones(n_sentinels, dtype=bool))


@pytest.mark.parametrize("name", shipped_names())
def test_ingest_finds_ids_positions_and_units_that_it_can_use(name: str, tmp_path: Path):
    definition = in_one_file(name)
    survey = opened(tmp_path, definition, made_up_columns(definition))
    units = {text: survey.unit(text) for text in definition.source_columns}
    source = Source(survey, units, definition, reddening=None)
    fields = {column.name: column for column in catalogue_fields(source)}
    assert fields[definition.id].dtype in ("int64", "string")
    assert set(definition.labels) <= set(fields)


@pytest.mark.parametrize("name", WITH_GAIA)
def test_the_ids_of_gaia_keep_all_their_19_digits(name: str, tmp_path: Path):
    definition = in_one_file(name)
    columns = made_up_columns(definition)
    table = opened(tmp_path, definition, columns).read([definition.gaia_id])
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


def test_every_definition_that_is_no_draft_says_with_what_it_was_compared():
    for name in shipped_names():
        definition = load_definition(name)
        if not definition.draft and not name.startswith("mock_"):
            assert definition.data_model
            assert definition.checked


def test_where_to_fetch_each_table_is_told():
    for name in sorted({*shipped_names()} - EXTRACTS):
        definition = load_definition(name)
        fetched = {download.table for download in definition.download}
        assert {join.name for join in definition.join} <= fetched
        assert "main" in fetched or not definition.join


RUN = """
output = "unused"
[surveys.a]
definition = "{name}"
files = {{ {files} }}
[surveys.b]
definition = "mock_b"
file = "b.parquet"
[pair]
match = {{ by = "position" }}
[[train.intrinsic]]
label = "TEFF"
from = "TEFF"
"""
JOINED = [name for name in shipped_names() if load_definition(name).join]


def ingested(folder: Path, name: str, files: Mapping[str, Path], client: Workers) -> pd.DataFrame:
    folder.mkdir()
    stated = ", ".join(f'{table} = "{path}"' for table, path in files.items())
    (folder / "run.toml").write_text(RUN.format(name=name, files=stated))
    run = load_run(folder / "run.toml", output=folder / "out")
    ingest.run(run, client, "a")
    table = open_catalogue(paths.catalogue(run.output, name)).read()
    return table.to_pandas(integer_object_nulls=True).set_index(load_definition(name).id)


@pytest.mark.parametrize("name", JOINED)
def test_the_tables_of_a_survey_as_published_give_the_catalogue_of_one_file(name: str, client: Workers, tmp_path: Path):
    definition = load_definition(name)
    columns = made_up_columns(definition)
    stars = np.arange(N_STARS)[::-1][:-1]  # of the further tables: another order, and none for the first star
    joined = ingested(tmp_path / "tables", name, write_tables(tmp_path, definition, columns, stars), client)
    if definition.file.hdus:
        assert np.isfinite(joined["DISTANCE"]).sum() == N_STARS - 1
        return
    whole = ingested(tmp_path / "one", name, {"main": write_survey(tmp_path / "one.d", definition, columns)}, client)
    first, *others = columns[definition.id]
    pd.testing.assert_frame_equal(
        joined.loc[others].sort_index(), whole.loc[others].sort_index(), check_dtype=False
    )  # ids with gaps
    if name != "apogee_dr17":  # whose main table has a distance, too
        assert first not in joined.index or joined.loc[first].isna().sum() > whole.loc[first].isna().sum()
