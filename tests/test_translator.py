"""A table in memory is translated as the run translates its catalogue, to the bit, whatever library it is of."""

import pickle
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.table import MaskedColumn, QTable, Table
from numpy.testing import assert_array_equal

import stdask
from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.config.survey import SurveyDefinition
from stdask.errors import SurveyError
from stdask.network.ensemble import Draws
from stdask.runs.ensemble import Ensemble, TargetSurvey, save_ensemble
from stdask.science.measurements.repeats import ErrorFactors
from stdask.science.translation.dissimilarity import fit_neighbourhood
from stdask.stages.ingest import stage as ingest
from stdask.stages.translate.table import translate_table
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from stdask.storage.memory_tables import MemoryTable, to_astropy
from stdask.storage.tables import to_numpy, to_table, write_parquet
from stdask.translator import Translator
from tests.hand_made import make_run
from tests.network.made_up import training_stars
from tests.network.test_parts import full_family

N_STARS = 60
NEW = ("_PRED_", "FLAG", "DOMAIN")  # parts of the names of translated columns
UNITS = {"TEFF": "K", "MG_FE": "dex", "VHELIO": "km/s"}
DEFINITION: dict[str, Any] = {
    "name": "mock_a",
    "title": "Survey A",
    "reference": "made up",
    "id": "obsid",
    "gaia_id": "source_id",
    "labels": {
        "TEFF": {"column": "teff", "error": "e_teff", "typical_error": 60, "error_floor": 21.3, "valid": [3000, 8000]},
        "RV": {
            "column": "rv",
            "unit": "m/s",
            "error": "e_rv",
            "good": [{"column": "flag", "op": "=", "value": 0}],
        },
        "MG_FE": {"column": "mgfe"},
    },
    "photometry": {
        "g": "gmag",
        "bp": "bpmag",
        "rp": "rpmag",
        "g_error": "e_gmag",
        "bp_error": "e_bpmag",
        "rp_error": "e_rpmag",
        "typical_error": 0.01,
        "ebv": "ebv",
    },
    "cuts": [{"column": "snr", "op": ">", "value": 20}],
    "duplicates": {"by": "source_id", "best": "snr"},
}


def family_with_reddening():
    inputs, _ = training_stars()
    values = np.column_stack([inputs, np.random.default_rng(5).uniform(0, 0.3, len(inputs))])
    names = ("TEFF", "BP_G_0", "G_RP_0", "RV", "EBV")
    return replace(full_family(), neighbourhood=fit_neighbourhood(values, names, 1))


def make_translator(**changes: Any) -> Translator:
    definition = SurveyDefinition.model_validate(DEFINITION | changes)
    ensemble = Ensemble(
        name="mock_a_to_mock_b",
        families=(family_with_reddening(),),
        definition=definition,
        target=TargetSurvey("mock_b", "Survey B", "made up", UNITS),
        draws=Draws(n_draws=16, sampler="sobol", seed=3, include_nominal=False),
        error_factors={},
        digest="abc",
        card="# A card\n",
    )
    return Translator(ensemble, definition)


def survey_table() -> pa.Table:
    """Return stars as a survey publishes them, with every kind of missing value, in an order of its own."""
    rng = np.random.default_rng(2)
    inputs, _ = training_stars(N_STARS, seed=7)
    g = rng.uniform(11, 15, N_STARS)
    columns: dict[str, Any] = {
        "obsid": rng.permutation(N_STARS) + 10**12,
        "source_id": 10**18 + np.arange(N_STARS),
        "ra": rng.uniform(0, 360, N_STARS),
        "dec": np.degrees(np.arcsin(rng.uniform(-1, 1, N_STARS))),
        "teff": inputs[:, 0],
        "e_teff": rng.uniform(10, 90, N_STARS),
        "rv": 1000 * inputs[:, 3],
        "e_rv": rng.uniform(300, 900, N_STARS),
        "flag": rng.integers(0, 2, N_STARS),
        "mgfe": rng.normal(0, 0.1, N_STARS),
        "gmag": g,
        "bpmag": g + inputs[:, 1],
        "rpmag": g - inputs[:, 2],
        "ebv": rng.uniform(0, 0.3, N_STARS),
        "snr": rng.uniform(10, 100, N_STARS),
    }
    columns |= {f"e_{band}mag": rng.uniform(0.002, 0.02, N_STARS) for band in ("g", "bp", "rp")}
    columns["teff"][3::10], columns["e_teff"][4::10], columns["rv"][5::10] = -9999, np.nan, np.nan
    columns["teff"][6], columns["e_rv"][7::10], columns["ebv"][8], columns["gmag"][9] = 9000, 0, np.nan, 99
    columns["e_bpmag"][10] = -999
    return pa.table(columns)


@pytest.fixture(scope="module")
def translator() -> Translator:
    return make_translator()


@pytest.fixture(scope="module")
def survey() -> pa.Table:
    return survey_table()


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory, survey: pa.Table) -> Catalogue:
    """The catalogue that ingest makes of the survey."""
    folder = tmp_path_factory.mktemp("ingested")
    definition = SurveyDefinition.model_validate(DEFINITION)
    run = make_run(folder, ingest={"rows_per_partition": 20}).model_copy(update={"definition_a": definition})
    write_parquet(folder / "none", survey)
    with Workers(ClusterConfig(), in_process=True) as workers:
        ingest.run(run, workers, "a")
    return open_catalogue(paths.catalogue(run.output, definition.name))


@pytest.fixture(scope="module")
def catalogue(ingested: Catalogue) -> pa.Table:
    """The stars of the survey as ingest writes them."""
    return ingested.to_arrow()


@pytest.fixture(scope="module")
def expected(translator: Translator, catalogue: pa.Table) -> dict[int, tuple]:
    """What the run makes of each star, by its id."""
    ensemble = translator.ensemble
    new = to_table(translator.provides, translate_table(catalogue, ensemble.families, ensemble.draws))
    return rows_by_id(new.add_column(0, "obsid", catalogue["obsid"]))


def rows_by_id(table: pa.Table) -> dict[int, tuple]:
    """Return the bits of the new columns of each star."""
    new = [name for name in table.column_names if name == "USE" or any(part in name for part in NEW)]
    assert len(new) > 40
    columns = [table[name].combine_chunks().to_numpy(zero_copy_only=False) for name in new]
    columns = [values.view(np.int32) if values.dtype == np.float32 else values for values in columns]
    return {key: tuple(column[n] for column in columns) for n, key in enumerate(table["obsid"].to_pylist())}


def assert_same(one: pa.Table, other: pa.Table) -> None:
    """Assert that the translated columns of two tables are the same to the bit; a NaN equals another one."""
    names = [name for name in one.column_names if name == "USE" or any(part in name for part in NEW)]
    assert len(names) > 40
    for name in names:
        assert_array_equal(
            *(table[name].combine_chunks().to_numpy(zero_copy_only=False) for table in (one, other)), err_msg=name
        )


def to_arrow(table: Any) -> pa.Table:
    """Return the columns of a translated table in the types of the schema."""
    given = MemoryTable(table)
    read = given.read(given.names)
    fields = [pa.field(f.name, pa.int32()) if "DENSITY" in f.name else f for f in read.schema]
    blank = {f.name: pa.array(read[f.name].fill_null("")) for f in fields if pa.types.is_string(f.type)}
    return pa.table({f.name: blank.get(f.name, read[f.name]) for f in fields}, schema=pa.schema(fields))


def as_masked(table: pa.Table) -> Table:
    """Return an astropy table that masks what is NaN."""
    masked = to_astropy(table)
    for name in masked.colnames:
        if masked[name].dtype.kind == "f":
            masked[name] = MaskedColumn(masked[name], mask=np.isnan(masked[name]), unit=masked[name].unit)
    return masked


KINDS: dict[str, Callable[[pa.Table], Any]] = {
    "pyarrow": lambda table: table,
    "pandas": lambda table: table.to_pandas(),
    "pandas on pyarrow": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "astropy": to_astropy,
    "masked astropy": as_masked,
    "quantities": lambda table: QTable(to_astropy(table)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_catalogue_of_a_run_gives_the_numbers_of_the_run(
    kind: str, translator: Translator, catalogue: pa.Table, expected: dict
):
    table = KINDS[kind](catalogue)
    translated = translator(table)
    assert type(translated) is type(table)
    assert MemoryTable(translated).names == [*catalogue.column_names, *translator.provides.names]
    assert rows_by_id(to_arrow(translated)) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_of_the_survey_gives_the_numbers_of_the_run(
    kind: str, translator: Translator, survey: pa.Table, expected: dict
):
    translated = to_arrow(translator.translate(KINDS[kind](survey)))
    assert translated["obsid"].to_pylist() == survey["obsid"].to_pylist()  # the order of the rows
    rows = rows_by_id(translated)
    assert {star: rows[star] for star in expected} == expected
    assert len(rows) == N_STARS


@pytest.mark.parametrize("kind", KINDS)
def test_a_definition_of_several_tables_takes_one_table_without_prefixes(
    kind: str, translator: Translator, survey: pa.Table, expected: dict
):
    labels = {name: label | {"column": f"more.{label['column']}"} for name, label in DEFINITION["labels"].items()}
    joined = DEFINITION | {"labels": labels, "join": [{"name": "more", "on": "obsid"}]}
    own = Translator(translator.ensemble, SurveyDefinition.model_validate(joined))
    rows = rows_by_id(to_arrow(own.translate(KINDS[kind](survey))))
    assert {star: rows[star] for star in expected} == expected
    assert {"teff", "rv"} <= {*own.requires["column"].tolist()}
    with pytest.raises(SurveyError, match=r"no column 'more\.teff'"):
        own.translate(KINDS[kind](survey.drop_columns("teff")))


@pytest.mark.parametrize("kind", KINDS)
def test_a_definition_of_expressions_gives_the_numbers_of_the_plain_columns(
    kind: str, translator: Translator, survey: pa.Table, expected: dict
):
    """Half of an even split is exact, so the numbers are the same to the last bit."""
    labels = {name: dict(label) for name, label in DEFINITION["labels"].items()}
    labels["TEFF"] |= {"column": "half + half", "error": "max(e_teff, e_teff)"}
    labels["RV"] |= {"column": "1 * rv", "good": [{"column": "flag < 1 and isfinite(flag)", "op": "=", "value": True}]}
    photometry = DEFINITION["photometry"] | {"bp": "`bp mag` + 0"}
    own = Translator(
        translator.ensemble, SurveyDefinition.model_validate(DEFINITION | {"labels": labels, "photometry": photometry})
    )
    teff = survey["teff"].to_numpy()
    table = survey.drop_columns(["teff", "bpmag"]).append_column("bp mag", survey["bpmag"])
    table = table.append_column("half", pa.array(np.where(teff == -9999, teff, teff / 2)))
    rows = rows_by_id(to_arrow(own.translate(KINDS[kind](table))))
    assert {star: rows[star] for star in expected} == expected
    assert {"half", "bp mag", "rv"} <= {*own.requires["column"].tolist()}
    with pytest.raises(SurveyError, match=r"no column 'half': the networks need it for their input TEFF"):
        own.translate(KINDS[kind](table.drop_columns("half")))


def test_new_columns_have_units_and_descriptions(translator: Translator, survey: pa.Table):
    table = translator.translate(QTable(to_astropy(survey)))
    assert table["TEFF_PRED_50"].unit == u.K
    assert table["MG_FE_PRED_SIGMA"].unit == u.dex
    assert table["TEFF_PRED_SIGMA"].info.description.startswith("1-sigma error of TEFF_PRED_50")
    assert table["QFLAG_DOMAIN_INTRINSIC"].dtype == bool
    assert table["teff"].unit is None
    field = translator.translate(survey).schema.field("VHELIO_PRED_50")
    assert field.metadata[b"unit"] == b"km/s"


@pytest.mark.parametrize("keyed", [True, False])
def test_a_star_has_the_same_result_in_any_order_and_alone(translator: Translator, survey: pa.Table, keyed: bool):
    table = survey if keyed else survey.drop_columns(["obsid"])
    whole = translator.translate(table)
    order = np.random.default_rng(4).permutation(N_STARS)
    assert_same(translator.translate(table.take(order)), whole.take(order))
    assert_same(translator.translate(table.slice(17, 1)), whole.slice(17, 1))


def test_stars_without_id_have_draws_of_their_own(translator: Translator, survey: pa.Table):
    nameless = translator.translate(survey.drop_columns(["obsid"]))
    named = translator.translate(survey)
    median, again = (table["TEFF_PRED_50"].to_numpy() for table in (named, nameless))
    known = ~np.isnan(median)
    assert (median[known] != again[known]).mean() > 0.9
    # medians of 16 draws scatter by 1.25 sigma / 4: of 50 K, 16 K, and by more where an input is missing
    assert np.nanmedian(np.abs(median - again)) < 40
    partly = survey.set_column(0, "obsid", pa.array([None, *survey["obsid"].to_pylist()[1:]], pa.int64()))
    values = translator.translate(partly)["TEFF_PRED_50"].to_pylist()
    assert values[0] == again[0]
    assert values[1] == median[1]


def test_units_of_the_table_count_more_than_those_of_the_definition(translator: Translator, survey: pa.Table):
    table = QTable(to_astropy(survey))
    for name in ("rv", "e_rv"):
        table[name] = (np.asarray(table[name], dtype=np.float64) / 1000) * (u.km / u.s)
    table["gmag"] = np.asarray(table["gmag"]) * u.mag
    translated = translator.translate(table)
    again = translator.translate(survey)
    # division and multiplication by 1000 round in the last bit of a double
    np.testing.assert_allclose(np.asarray(translated["VHELIO_PRED_50"]), again["VHELIO_PRED_50"].to_numpy(), rtol=1e-5)
    arrow = survey.cast(pa.schema([f.with_metadata({"unit": "m"}) if f.name == "rv" else f for f in survey.schema]))
    with pytest.raises(SurveyError, match=r"^Column 'rv': unit 'm' cannot be converted to 'km/s'"):
        translator.translate(arrow)


def test_stars_that_fail_the_cuts_are_not_to_be_used_under_either_kind_of_names(
    translator: Translator, survey: pa.Table, catalogue: pa.Table
):
    published, named = translator.translate(survey), translator.translate(catalogue)
    for table, good in ((published, survey["snr"].to_numpy() > 20), (named, to_numpy(catalogue, "GOOD"))):
        assert 0 < good.sum() < len(good)
        comments = to_numpy(table, "QFLAG_COMMENTS")
        assert_array_equal([text.startswith("fails the cuts of the survey") for text in comments], ~good)
        assert not (to_numpy(table, "USE") & ~good).any()
        assert_array_equal(to_numpy(table, "USE"), comments == "")


def test_a_table_without_good_counts_all_stars_as_good_and_says_so(translator: Translator, catalogue: pa.Table):
    with pytest.warns(UserWarning, match=r"no column 'GOOD': USE and QFLAG_COMMENTS do not tell") as caught:
        translated = translator.translate(catalogue.drop_columns(["GOOD"]))
    assert Path(caught[0].filename).name == Path(__file__).name
    assert not any("cuts" in text for text in translated["QFLAG_COMMENTS"].to_pylist())


def test_a_star_whose_good_is_missing_is_not_to_be_used(translator: Translator, catalogue: pa.Table):
    for missing in (pa.nulls(catalogue.num_rows), pa.nulls(catalogue.num_rows, pa.bool_())):
        table = catalogue.drop_columns(["GOOD"]).append_column("GOOD", missing)
        assert not to_numpy(translator.translate(table), "USE").any()


def test_a_column_good_that_is_not_true_or_false_is_refused(translator: Translator, catalogue: pa.Table):
    table = catalogue.drop_columns(["GOOD"]).append_column("GOOD", pa.array(["yes"] * catalogue.num_rows))
    with pytest.raises(SurveyError, match=r"Column 'GOOD' holds string\. It must be true"):
        translator.translate(table)


def test_missing_errors_are_the_typical_ones_or_flagged(translator: Translator, survey: pa.Table):
    table = survey.drop_columns(["e_teff", "e_rv", "e_gmag", "snr", "mgfe", "ra", "dec", "source_id"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        translated = translator.translate(table)
    assert sorted(str(warning.message) for warning in caught) == [
        "The table has no column e_gmag: the error is 0.01 for G of every star.",
        "The table has no column e_rv: no error is known for RV of every star.",
        "The table has no column e_teff: the error is 60 for TEFF of every star.",
        "The table has no column snr: the cut 'snr > 20' is left out, and GOOD does not test it.",
    ]
    assert {Path(warning.filename).name for warning in caught} == {Path(__file__).name}
    assert translated["FLAG_MISSING_INPUTS_INTRINSIC"].to_numpy().all()
    comment = translated["QFLAG_COMMENTS"][0].as_py()
    assert "input without error RV" in comment
    typical = survey.set_column(5, "e_teff", pa.array(np.full(N_STARS, 60.0)))
    columns = ["TEFF_PRED_16", "TEFF_PRED_84"]
    with pytest.warns(UserWarning, match=r"e_rv|e_gmag"):
        known = translator.translate(typical.drop_columns(["e_rv", "e_gmag"]))
    for name in columns:
        assert_array_equal(translated[name].to_numpy(), known[name].to_numpy())


def test_names_of_the_catalogue_are_enough_without_key_and_errors(translator: Translator, catalogue: pa.Table):
    names = ["TEFF", "BP_G_0", "G_RP_0", "RV", "TEFF_ERR", "G_MAG_ERR", "BP_MAG_ERR", "RP_MAG_ERR", "obsid", "EBV"]
    whole = translator.translate(catalogue)
    frame = translator.translate(catalogue.select([*names, "RV_ERR", "GOOD"]).to_pandas())
    assert_array_equal(frame["TEFF_PRED_50"], whole["TEFF_PRED_50"].to_numpy())
    assert_array_equal(frame["DOMAIN_INDEX_INTRINSIC"], whole["DOMAIN_INDEX_INTRINSIC"].to_numpy())
    with pytest.warns(UserWarning, match="no column 'GOOD'"):
        less = translator.translate(catalogue.select(names[:4]))
    comment = less["QFLAG_COMMENTS"][0].as_py()  # the other errors are the typical ones
    assert comment == "intrinsic input without error RV; intrinsic domain unknown without EBV"


def test_a_table_without_rows_gives_the_same_types(translator: Translator, survey: pa.Table, catalogue: pa.Table):
    for table in (survey, catalogue):
        for kind in KINDS.values():
            full, empty = translator.translate(kind(table)), translator.translate(kind(table.slice(0, 0)))
            assert MemoryTable(empty).n_rows == 0
            if isinstance(full, pd.DataFrame):
                assert (full.dtypes == empty.dtypes).all()
            elif isinstance(full, pa.Table):
                assert full.schema == empty.schema
            else:
                assert [full[n].dtype.kind for n in full.colnames] == [empty[n].dtype.kind for n in empty.colnames]


def test_what_does_not_fit_is_one_line(translator: Translator, survey: pa.Table, catalogue: pa.Table):
    with pytest.raises(SurveyError, match=r"^The table has no column 'teff': the networks need it"):
        translator.translate(survey.drop_columns(["teff"]))
    with pytest.raises(SurveyError, match=r"^The table has no column 'RV', which the networks read\. They need TEFF"):
        translator.translate(catalogue.drop_columns(["RV"]))
    with pytest.raises(SurveyError, match=r"^The table already has the column 'TEFF_PRED_5'"):
        translator.translate(translator.translate(survey))
    with pytest.raises(SurveyError, match=r"^Column 'obsid' holds double, but ids are integers or text"):
        translator.translate(survey.set_column(0, "obsid", survey["obsid"].cast(pa.float64())))
    with pytest.raises(SurveyError, match=r"^A dict is no table"):
        translator.translate({"teff": [5000]})
    text = survey.set_column(survey.column_names.index("teff"), "teff", survey["teff"].cast(pa.string()))
    with pytest.raises(SurveyError, match=r"Column 'teff'.*no number"):
        translator.translate(text)


def test_a_unit_that_nobody_knows_and_a_column_without_values_bring_warnings(translator: Translator, survey: pa.Table):
    place = survey.column_names.index("rv")
    field = pa.field("rv", pa.float64(), metadata={"unit": "kms"})
    with pytest.warns(UserWarning, match="The unit 'kms' of column rv is unknown: its values are taken to be in m/s"):
        translator.translate(survey.set_column(place, field, survey["rv"]))
    place = survey.column_names.index("teff")
    logarithms = pa.array(np.full(N_STARS, 3.7))
    with pytest.warns(UserWarning, match=r"No star of the table has a usable value of TEFF\."):
        translator.translate(survey.set_column(place, "teff", logarithms))


def test_the_index_of_a_frame_may_hold_the_ids(translator: Translator, survey: pa.Table):
    frame = survey.to_pandas()
    indexed = translator.translate(frame.set_index("obsid"))
    assert indexed.index.name == "obsid"
    expected = translator.translate(frame)
    np.testing.assert_array_equal(indexed["TEFF_PRED_50"].to_numpy(), expected["TEFF_PRED_50"].to_numpy())


def test_stated_errors_are_rescaled_as_those_of_the_training_stars(survey: pa.Table):
    plain = make_translator()
    factors = {"TEFF": ErrorFactors(np.array([50.0]), np.array([400, 400]), np.array([3.0, 2.0]), np.zeros(2))}
    duplicates = DEFINITION["duplicates"] | {"rescale_errors": True}
    definition = SurveyDefinition.model_validate(DEFINITION | {"duplicates": duplicates})
    rescaling = Translator(replace(plain.ensemble, error_factors=factors, definition=definition), definition)
    errors, merits = survey["e_teff"].to_numpy(), survey["snr"].to_numpy()
    by_hand = survey.set_column(5, "e_teff", pa.array(errors * np.where(merits < 50, 3, 2)))
    assert_same(rescaling.translate(survey), plain.translate(by_hand))
    bare = survey.drop_columns(["snr"])
    with pytest.warns(UserWarning, match=r"no column snr: (errors are rescaled by the largest factor|the cut)"):
        without_merit = rescaling.translate(bare)
    with pytest.warns(UserWarning, match="no column snr: the cut"):
        assert_same(without_merit, plain.translate(bare.set_column(5, "e_teff", pa.array(3 * errors))))


def test_the_reddening_of_a_map_is_given_as_a_column(survey: pa.Table, expected: dict):
    photometry = {key: value for key, value in DEFINITION["photometry"].items() if key != "ebv"}
    mapped = make_translator(ebv_map="sfd.fits", photometry=photometry)
    names = ["EBV" if name == "ebv" else name for name in survey.column_names]
    rows = rows_by_id(mapped.translate(survey.rename_columns(names)))
    assert {star: rows[star] for star in expected} == expected
    with pytest.raises(
        SurveyError, match=r"no column 'EBV': .* with the map sfd\.fits\. Give its E\(B-V\) at the stars"
    ):
        mapped.translate(survey)


def test_a_definition_of_the_own_columns_is_given_when_an_ensemble_is_opened(
    translator: Translator, survey: pa.Table, tmp_path: Path
):
    definition, family = translator.definition, translator.ensemble.families[0]
    label = {"TEFF": "TEFF", "MG_FE": None, "VHELIO": "RV"}
    train = {"intrinsic": [{"label": name} | ({"from": source} if source else {}) for name, source in label.items()]}
    draws = {"n_draws": 16, "sampler": "sobol"}
    run = make_run(tmp_path, train=train, translate=draws, seed=3).model_copy(update={"definition_a": definition})
    save_ensemble(run, [family], {})
    folder = paths.ensemble(run.output)
    assert_same(Translator.open(folder).translate(survey), translator.translate(survey))
    labels = {**DEFINITION["labels"], "TEFF": {"column": "T_eff", "error": "e_teff", "error_floor": 21.3}}
    names = ["T_eff" if name == "teff" else name for name in survey.column_names]
    with pytest.warns(UserWarning, match="TEFF of a star without an error has that of the training stars, 60"):
        own = Translator.open(folder, SurveyDefinition.model_validate(DEFINITION | {"labels": labels}))
    valid = survey["teff"].to_numpy() < 8000  # the own definition believes any temperature
    known = survey.filter(pa.array(valid))
    assert_same(own.translate(known.rename_columns(names)), translator.translate(known))
    with pytest.raises(SurveyError, match="The networks read RV, but the definition 'lamost_kepler' has only TEFF"):
        Translator.open(folder, "lamost_kepler")


def test_it_works_in_threads_and_other_processes(translator: Translator, survey: pa.Table):
    assert pickle.loads(pickle.dumps(translator)) is not translator
    parts = [survey.slice(start, 20) for start in (0, 20, 40)]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        in_processes = pa.concat_tables(pool.map(translator, parts))
    with ThreadPoolExecutor(3) as threads:
        in_threads = pa.concat_tables(threads.map(translator, parts))
    assert_same(in_processes, translator.translate(survey))
    assert_same(in_threads, translator.translate(survey))


# nested-pandas 0.7 calls drop(inplace=True) on its own frames, which pandas 3.1 deprecates
@pytest.mark.filterwarnings("ignore:The inplace keyword in NestedFrame:DeprecationWarning")
def test_lsdb_maps_it_over_partitions_empty_ones_too(translator: Translator, ingested: Catalogue, expected: dict):
    lsdb = pytest.importorskip("lsdb")
    stars = lsdb.open_catalog(ingested.folder, margin_cache=None)
    assert stars.npartitions > 1
    mapped = stars.map_partitions(translator)
    frame = mapped.compute()
    assert rows_by_id(to_arrow(frame.reset_index())) == expected
    assert [f"{dtype}" for dtype in frame.dtypes] == [f"{dtype}" for dtype in mapped.dtypes]
    few = stars.query("TEFF > 5300").map_partitions(translator).compute()  # most partitions have no such star
    assert 0 < len(few) < stars.npartitions
    ids = few["obsid"].tolist()
    assert rows_by_id(to_arrow(few.reset_index())) == {star: expected[star] for star in ids}


def test_it_says_what_it_is_and_what_it_adds(translator: Translator):
    assert repr(translator) == (
        "<Translator: Survey A on the scale of Survey B, 5 networks, 16 draws a star\n"
        "  intrinsic: TEFF, BP_G_0, G_RP_0, RV -> TEFF, MG_FE, VHELIO>"
    )
    assert translator.card == "# A card\n"
    needed = translator.requires
    assert needed["column"][needed["needed"] == "yes"].tolist() == ["teff", "rv", "bpmag", "gmag", "rpmag", "ebv"]
    assert needed["unit"][needed["column"] == "rv"].tolist() == ["m/s"]
    assert "TEFF_PRED_SIGMA" in translator.provides.names
    assert stdask.Translator is Translator


def far_translator(**changes: Any) -> Translator:
    """Return a translator whose networks read a colour and an absolute magnitude, from a parallax or a distance."""
    names = ("TEFF", "BP_G_0", "M_KS", "RV")
    values = np.column_stack([training_stars()[0], np.random.default_rng(5).uniform(0, 0.3, 400)])
    near = fit_neighbourhood(values, (*names, "EBV"), 1)
    own = make_translator(photometry=FAR, derived=["M_KS"], **changes)
    family = replace(own.ensemble.families[0], inputs=names, neighbourhood=near)
    return replace(own, ensemble=replace(own.ensemble, families=(family,)))


FAR = DEFINITION["photometry"] | {"bands": {"KS": {"column": "kmag", "error": "e_kmag", "extinction": "a_k"}}}
OF_PARALLAX: dict[str, Any] = {"parallax": {"column": "plx", "error": "e_plx"}}
OF_DISTANCE: dict[str, Any] = {"distances": [{"column": "d", "unit": "pc", "error": "e_d"}]}


def far_table() -> pa.Table:
    rng = np.random.default_rng(8)
    distances = rng.uniform(200, 3000, N_STARS)  # pc
    columns = {
        "kmag": 0.6 + 5 * np.log10(distances / 10) + rng.normal(0, 0.1, N_STARS),
        "e_kmag": rng.uniform(0.01, 0.03, N_STARS),
        "a_k": rng.uniform(0.0, 0.1, N_STARS),
        "plx": 1000 / distances,
        "e_plx": 0.02 * 1000 / distances,
        "d": distances,
        "e_d": 0.02 * distances,
    }
    columns["a_k"][11], columns["kmag"][12], columns["plx"][13], columns["d"][13] = np.nan, 99, -1, np.nan
    columns["e_plx"][14], columns["e_d"][14] = np.nan, np.nan
    table = survey_table()
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values))
    return table


@pytest.mark.parametrize("distance", [OF_PARALLAX, OF_DISTANCE])
def test_an_absolute_magnitude_is_made_of_published_columns_as_ingest_makes_it(
    distance: dict[str, Any], tmp_path: Path
):
    translator, survey = far_translator(**distance), far_table()
    run = make_run(tmp_path).model_copy(update={"definition_a": translator.definition})
    write_parquet(tmp_path / "none", survey)
    with Workers(ClusterConfig(), in_process=True) as workers:
        ingest.run(run, workers, "a")
    catalogue = open_catalogue(paths.catalogue(run.output, translator.definition.name)).to_arrow()
    assert {"M_KS", "A_KS", "KS_MAG", "DISTANCE_MODULUS", "DISTANCE_MODULUS_ERR"} <= set(catalogue.column_names)
    published = rows_by_id(translator.translate(survey))
    assert rows_by_id(translator.translate(catalogue)) == published
    assert len(set(published.values())) == N_STARS
    flags = translator.translate(survey)["FLAG_MISSING_INPUTS_INTRINSIC"].to_numpy()
    comments = translator.translate(survey)["QFLAG_COMMENTS"].to_pylist()
    assert flags[[11, 12, 13, 14]].all()
    assert all("M_KS" in comments[star] for star in (11, 12, 13))
    assert "DISTANCE_MODULUS" in comments[14]
    needed = {row["name"]: row["column"] for row in translator.requires if row["needed"] == "yes"}
    own = {"parallax": "plx"} if distance == OF_PARALLAX else {"DISTANCE": "d"}
    assert needed.items() >= {"KS_MAG": "kmag", "A_KS": "a_k", "BP_MAG": "bpmag", "EBV": "ebv", **own}.items()
    assert "RP_MAG" not in needed


def test_parallaxes_and_the_distances_that_they_are_give_the_same_labels():
    published = far_table()
    names = ["TEFF_PRED_50", "TEFF_PRED_SIGMA", "DOMAIN_INDEX_INTRINSIC"]
    both = [far_translator(**distance).translate(published) for distance in (OF_PARALLAX, OF_DISTANCE)]
    for name in names:
        one, other = (table[name].to_numpy() for table in both)
        np.testing.assert_allclose(one, other, rtol=2e-6)  # of the modulus in float32


def test_a_table_without_its_distance_is_refused():
    with pytest.raises(SurveyError, match="no column 'plx': the networks need it for their input M_KS"):
        far_translator(**OF_PARALLAX).translate(far_table().drop_columns(["plx"]))
