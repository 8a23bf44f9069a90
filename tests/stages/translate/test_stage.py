"""Translate: which columns, which flags, and that a wrong ensemble is refused."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pyarrow as pa
import pytest

from stdask.cluster.tasks import each
from stdask.config.training import TrainConfig
from stdask.errors import EnsembleError
from stdask.network.ensemble import Draws, Family, Stretch
from stdask.network.plan import Plan
from stdask.runs.receipts import Receipt, describe_outputs, write_receipt
from stdask.runs.registry import stage_settings
from stdask.runs.stage import Stage
from stdask.schema import GOOD, POSITION, STAR_KEY, Column
from stdask.science.translation.calibration import Calibration
from stdask.science.translation.dissimilarity import fit_neighbourhood
from stdask.science.translation.gaussian_mixture import fit_mixture
from stdask.science.translation.scaling import Scaling
from stdask.science.translation.validity import fit_domain
from stdask.stages.translate.stage import check_inputs, translate_partitions
from stdask.stages.translate.table import new_columns, translate_table
from stdask.stages.translate.tasks import TranslationJob
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from stdask.storage.catalogue.hats import catalogue_files
from tests.counted import made_up_counts
from tests.hand_made import A, make_run, write_catalogue

DRAWS = Draws(n_draws=64, sampler="sobol", seed=3, include_nominal=False)
N_MEMBERS = 5


def shift_by(correction: float) -> Plan:
    """Return five members that add the same correction to both labels, whatever the input."""
    rng = np.random.default_rng(0)
    shapes = {"stem": (2, 4), "up0_a": (4, 4), "up0_b": (4, 4), "up0": (4, 8), "centre_a": (8, 8)}
    shapes |= {"down0": (16, 4), "down0_a": (4, 4)}
    arrays = {f"{n}.kernel": rng.normal(size=(N_MEMBERS, *s)).astype(np.float32) for n, s in shapes.items()}
    arrays |= {f"{n}.bias": np.zeros((N_MEMBERS, s[1]), np.float32) for n, s in shapes.items()}
    arrays["head.kernel"] = np.zeros((N_MEMBERS, 8, 2), np.float32)
    arrays["head.bias"] = np.full((N_MEMBERS, 2), correction, np.float32)
    return Plan(1, arrays)


@pytest.fixture
def family() -> Family:
    rng = np.random.default_rng(1)
    training = np.column_stack([rng.uniform(4000, 6000, 20_000), rng.uniform(1, 5, 20_000)])
    scaling = Scaling(
        input_means=training.mean(axis=0),
        input_stds=training.std(axis=0),
        own_input=np.array([0, 1]),
        gains=np.ones(2),
        offsets=np.zeros(2),
        scales=np.array([100.0, 0.1]),
    )
    domain = fit_domain(training, ("TEFF", "LOGG"), n_bins=10, min_stars=1)
    label_domain = fit_domain(training + np.array([50, 0.05]), ("TEFF", "LOGG"), n_bins=10, min_stars=1)
    names = ("TEFF", "LOGG")
    calibration = Calibration(
        scales=np.array([100.0, 0.1]),
        weights=np.column_stack([np.log([0.3, 0.5]), np.zeros((2, 4))]),  # intrinsic: 30 K and 0.05 dex
        input_factors=np.full(2, 0.5),
        member_factors=np.ones(2),
        group_columns=np.array([1, -1]),
        group_factors=np.repeat([[1.0, 1.0, 1.0, 2.0, 2.0, 2.0]], 2, axis=0),  # dwarfs: twice as uncertain
        missing_factors=np.array([1.0, 3.0]),
    )
    return Family(
        "intrinsic",
        names,
        names,
        names,
        scaling,
        shift_by(0.5),
        domain,
        label_domain,
        neighbourhood=fit_neighbourhood(training, names, seed=1),
        density=fit_mixture(training[:2000], seed=1),
        calibration=calibration,
    )


def stars(**changes: list[float]) -> pa.Table:
    columns = {"TEFF": [5000.0, 5000.0], "TEFF_ERR": [80.0, 80.0], "LOGG": [2.5, 4.5], "LOGG_ERR": [0.1, 0.1]}
    keys = pa.array([11, 22], pa.uint64())
    measured = {name: pa.array(values, pa.float32()) for name, values in (columns | changes).items()}
    return pa.table({"STAR_KEY": keys, "GOOD": [True, True], **measured})


def test_percentiles_carry_the_input_error_and_the_correction(family: Family):
    new = translate_table(stars(), [family], DRAWS)
    # correction: 0.5 x 100 K; 64 Sobol draws give the median of a Gaussian to well under 0.1 sigma
    assert new["TEFF_PRED_50"] == pytest.approx([5050, 5050], abs=8)
    width = (new["TEFF_PRED_84"] - new["TEFF_PRED_16"]) / 2
    assert width == pytest.approx([80, 80], rel=0.1)  # 16-84 % is one sigma (0.994); 64 draws
    assert new["TEFF_PRED_ERR"] == pytest.approx([0, 0], abs=1e-3)  # all members agree


def test_the_calibrated_error_adds_its_three_parts_and_is_scaled_by_group(family: Family):
    new = translate_table(stars(), [family], DRAWS)
    # a giant (log g 2.5) and a dwarf (4.5): half of 80 K of input noise, no disagreement, 30 K of scatter
    assert new["TEFF_PRED_SIGMA_INPUT_NOISE"] == pytest.approx([40, 80], rel=0.1)  # 64 draws, as above
    assert new["TEFF_PRED_SIGMA_MEMBERS"] == pytest.approx([0, 0], abs=1e-3)
    assert new["TEFF_PRED_SIGMA_INTRINSIC"] == pytest.approx([30, 60])
    parts = [new[f"TEFF_PRED_SIGMA_{part}"] for part in ("INPUT_NOISE", "MEMBERS", "INTRINSIC")]
    assert new["TEFF_PRED_SIGMA"] == pytest.approx(np.sqrt(np.sum(np.square(parts), axis=0)))


def test_what_each_member_alone_gives_stands_beside_their_combination(family: Family):
    corrections = np.array([0.3, 0.4, 0.5, 0.6, 2.0])  # of 100 K and 0.1 dex
    plan = shift_by(0.5)
    plan.arrays["head.bias"][:] = corrections[:, None]
    new = translate_table(stars(), [replace(family, plan=plan)], DRAWS)
    # the combination drops 0.3 and 2.0, the mean of all five does not: members stand around the combination by theirs
    for k, correction in enumerate(corrections - corrections.mean(), start=1):
        # corrections are float32
        assert new[f"TEFF_PRED_MEMBER_{k}"] == pytest.approx(new["TEFF_PRED_50"] + 100 * correction, abs=1e-4)
        assert new[f"LOGG_PRED_MEMBER_{k}"] == pytest.approx(new["LOGG_PRED_50"] + 0.1 * correction, abs=1e-6)
    assert "TEFF_PRED_MEMBER_6" not in new


def test_the_nominal_value_is_the_translation_of_the_measurement_itself(family: Family):
    values = {"TEFF": [5000.0, 5123.0], "LOGG": [2.5, 4.5]}
    new = translate_table(stars(**values, TEFF_ERR=[80.0, 900.0]), [family], DRAWS)
    assert new["TEFF_PRED_NOMINAL"] == pytest.approx([5050, 5173], abs=1e-3)  # 0.5 x 100 K; corrections are float32
    assert new["LOGG_PRED_NOMINAL"] == pytest.approx([2.55, 4.55], abs=1e-6)
    assert abs(new["TEFF_PRED_50"][1] - 5173) > 0.01  # the median of draws with an error of 900 K is another number
    fewer = translate_table(stars(**values), [family], replace(DRAWS, n_draws=7))
    assert list(fewer["TEFF_PRED_NOMINAL"]) == list(new["TEFF_PRED_NOMINAL"])


def test_without_an_input_there_is_no_nominal_value_of_any_label(family: Family):
    new = translate_table(stars(LOGG=[2.5, np.nan]), [family], DRAWS)
    for label in ("TEFF", "LOGG"):
        assert list(np.isnan(new[f"{label}_PRED_NOMINAL"])) == [False, True]
        assert np.isfinite(new[f"{label}_PRED_50"]).all()
        assert np.isfinite(new[f"{label}_PRED_SAMPLE"]).all()


def test_a_sample_is_the_median_plus_the_error_times_a_number_of_the_star(family: Family):
    one, other = (translate_table(stars(TEFF=[teff, teff]), [family], DRAWS) for teff in (5000.0, 5100.0))
    for new in (one, other):
        new["deviates"] = (new["TEFF_PRED_SAMPLE"] - new["TEFF_PRED_50"]) / new["TEFF_PRED_SIGMA"]
    assert one["deviates"] == pytest.approx(other["deviates"], abs=1e-9)  # rounding of doubles
    assert abs(one["deviates"][0] - one["deviates"][1]) > 1e-3
    assert one["deviates"] != pytest.approx((one["LOGG_PRED_SAMPLE"] - one["LOGG_PRED_50"]) / one["LOGG_PRED_SIGMA"])


def test_every_new_column_is_described_and_filled(family: Family, tmp_path):
    columns = new_columns([family], make_run(tmp_path).definition_b.units)
    assert {column.name for column in columns} == set(translate_table(stars(), [family], DRAWS))
    units = {column.name: column.unit for column in columns}
    assert (units["TEFF_PRED_MEMBER_5"], units["LOGG_PRED_MEMBER_1"]) == ("K", "dex")


def test_an_ensemble_without_a_calibration_is_refused(family: Family):
    with pytest.raises(EnsembleError, match="no calibration"):
        translate_table(stars(), [replace(family, calibration=None)], DRAWS)


def test_a_star_in_the_middle_of_the_training_stars_has_good_flags_and_no_comment(family: Family):
    new = translate_table(stars(), [family], DRAWS)
    assert new["QFLAG_INPUT_INTRINSIC"].all()
    assert new["QFLAG_OUTPUT_INTRINSIC"].all()
    assert not new["FLAG_MISSING_INPUTS_INTRINSIC"].any()
    assert list(new["QFLAG_COMMENTS"]) == ["", ""]


def test_a_star_outside_is_flagged_with_the_pair_that_fails(family: Family):
    new = translate_table(stars(TEFF=[5000.0, 9000.0]), [family], DRAWS)
    assert list(new["QFLAG_INPUT_INTRINSIC"]) == [True, False]
    assert list(new["QFLAG_OUTPUT_INTRINSIC"]) == [True, False]
    assert list(new["QFLAG_DOMAIN_INTRINSIC"]) == [True, False]
    assert new["DOMAIN_INDEX_INTRINSIC"][0] < 1 < new["DOMAIN_INDEX_INTRINSIC"][1]
    assert new["DOMAIN_DENSITY_INTRINSIC"][0] > new["DOMAIN_DENSITY_INTRINSIC"][1] == 0
    assert new["QFLAG_COMMENTS"][1] == (
        "intrinsic input outside TEFF-LOGG; intrinsic output outside TEFF-LOGG; "
        "intrinsic input unlike training stars, most in TEFF-LOGG"
    )


def test_a_missing_input_is_said_and_drawn_and_the_error_grows(family: Family):
    table = stars(LOGG=[4.5, np.nan])
    new = translate_table(table, [family], DRAWS)
    assert list(new["FLAG_MISSING_INPUTS_INTRINSIC"]) == [False, True]
    assert not new["QFLAG_INPUT_INTRINSIC"][1]
    assert not new["QFLAG_DOMAIN_INTRINSIC"][1]
    assert np.isnan(new["DOMAIN_INDEX_INTRINSIC"][1])
    assert new["QFLAG_COMMENTS"][1] == "intrinsic input missing LOGG"
    # log g of the training stars is uniform from 1 to 5, and so nearly are 64 draws of it: 16-84 % is 2.7 wide
    assert new["LOGG_PRED_84"][1] - new["LOGG_PRED_16"][1] == pytest.approx(2.7, abs=0.6)
    assert new["LOGG_PRED_SIGMA"][1] > 5 * new["LOGG_PRED_SIGMA"][0]


def test_without_draws_a_missing_input_counts_as_the_training_mean(family: Family):
    new = translate_table(stars(LOGG=[2.5, np.nan]), [replace(family, density=None)], DRAWS)
    assert new["LOGG_PRED_50"][1] == pytest.approx(family.scaling.input_means[1] + 0.05, abs=1e-6)


def test_a_star_that_fails_the_cuts_of_the_survey_says_so_and_is_not_to_be_used(family: Family):
    table = stars(TEFF=[5000.0, 9000.0])
    table = table.set_column(1, "GOOD", pa.array([False, False]))
    new = translate_table(table, [family], DRAWS)
    assert new["QFLAG_COMMENTS"][0] == "fails the cuts of the survey"
    assert new["QFLAG_COMMENTS"][1].startswith("fails the cuts of the survey; intrinsic input outside TEFF-LOGG; ")
    assert not new["USE"].any()


@pytest.mark.parametrize(
    "wrong", [{}, {"TEFF": 9000.0}, {"LOGG": np.nan}, {"TEFF_ERR": np.nan}, {"TEFF": 6030.0, "LOGG": 1.2}]
)
def test_a_star_is_to_be_used_if_it_is_good_and_no_flag_says_otherwise(family: Family, wrong: dict[str, float]):
    one = {"TEFF": 5000.0, "TEFF_ERR": 80.0, "LOGG": 2.5, "LOGG_ERR": 0.1} | wrong
    new = translate_table(stars(**{name: [value, 5000.0] for name, value in one.items()}), [family], DRAWS)
    fine = [new[name][0] for name in new if name.startswith("QFLAG_") and name != "QFLAG_COMMENTS"]
    assert len(fine) == 3
    assert new["USE"][0] == (all(fine) and not new["FLAG_MISSING_INPUTS_INTRINSIC"][0]) == (not wrong)
    assert (new["QFLAG_COMMENTS"][0] == "") == new["USE"][0]


def test_debiased_columns_are_there_where_the_networks_of_noise_free_inputs_are(family: Family):
    assert "TEFF_PRED_DEBIASED" not in translate_table(stars(), [family], DRAWS)
    stretch = Stretch(centres=np.array([5000.0, 0]), to=np.array([5000.0, 0]), gains=np.array([1.5, 1]))
    new = translate_table(stars(), [replace(family, latent_plan=shift_by(1.0), stretch=stretch)], DRAWS)
    assert new["TEFF_PRED_DEBIASED"] == pytest.approx([5150, 5150], abs=1e-3)  # 1.5 x 1.0 x 100 K, no draws


def test_a_missing_error_is_flagged_but_the_star_is_translated(family: Family):
    new = translate_table(stars(TEFF_ERR=[80.0, np.nan]), [family], DRAWS)
    assert list(new["FLAG_MISSING_INPUTS_INTRINSIC"]) == [False, True]
    assert new["QFLAG_COMMENTS"][1] == "intrinsic input without error TEFF"
    assert new["TEFF_PRED_84"][1] == pytest.approx(new["TEFF_PRED_16"][1])  # nothing drawn


def test_a_catalogue_without_an_input_of_the_ensemble_is_refused_by_name(family: Family, tmp_path):
    columns = tuple(Column(name, "float32") for name in ("TEFF", "TEFF_ERR", "LOGG"))
    catalogue = Catalogue(tmp_path, "other_survey", {}, columns)
    with pytest.raises(EnsembleError, match=r"reads 'LOGG_ERR', which the catalogue other_survey does not have"):
        check_inputs([family], catalogue, trained_for("TEFF", "LOGG"))


def test_an_ensemble_trained_for_other_inputs_than_the_run_file_names_is_refused(family: Family, tmp_path):
    catalogue = Catalogue(tmp_path, "survey", {}, tuple(Column(n, "float32") for n in ("TEFF", "LOGG", "FE_H")))
    with pytest.raises(EnsembleError, match=r"trained for TEFF, LOGG -> TEFF, LOGG.*asks for TEFF, FE_H -> TEFF, FE_H"):
        check_inputs([family], catalogue, trained_for("TEFF", "FE_H"))


def trained_for(*labels: str) -> TrainConfig:
    return TrainConfig.model_validate({"intrinsic": [{"label": name, "from": name} for name in labels]})


def test_a_star_whose_reddening_is_not_known_has_no_domain_and_says_so(family: Family):
    rng = np.random.default_rng(2)
    training = np.column_stack([rng.uniform(4000, 6000, 500), rng.uniform(1, 5, 500), rng.uniform(0, 0.3, 500)])
    where = fit_neighbourhood(training, ("TEFF", "LOGG", "EBV"), seed=1)
    table = stars().append_column("EBV", pa.array([0.1, np.nan], pa.float32()))
    new = translate_table(table, [replace(family, neighbourhood=where)], DRAWS)
    assert list(new["QFLAG_DOMAIN_INTRINSIC"]) == [True, False]
    assert list(new["QFLAG_COMMENTS"]) == ["", "intrinsic domain unknown without EBV"]
    assert not new["FLAG_MISSING_INPUTS_INTRINSIC"].any()


N_STARS = 12


def translate_all(run, client, family: Family, teff: np.ndarray, ensemble: str = "e", most_rows: int = 50) -> tuple:
    """Write a catalogue of a dozen stars as ingest does, translate it; return the partitions made now, and before."""
    measured = tuple(Column(name, "float32") for name in ("TEFF", "TEFF_ERR", "LOGG", "LOGG_ERR"))
    columns = (STAR_KEY, *POSITION, GOOD, *measured)
    number = np.arange(N_STARS)
    values = (number.astype(np.uint64), number * 30.0, np.linspace(-80, 80, N_STARS), True, teff, 80.0, 2.5, 0.1)
    data = {c.name: np.broadcast_to(v, N_STARS) for c, v in zip(columns, values, strict=True)}
    write_catalogue(run, A, columns, data)
    folder = paths.catalogue(run.output, A)
    outputs = describe_outputs(run.output, catalogue_files(folder))
    write_receipt(
        run.output, Receipt("ingest_a", "key", {}, stage_settings(run, "ingest_a"), outputs, made_up_counts("ingest_a"))
    )
    source = open_catalogue(folder)
    columns = (*source.columns, *new_columns([family], run.definition_b.units))
    inputs = {"ingest_a": str(teff), "train": ensemble}
    stage, target = Stage(run.output, "translate", inputs, {}), paths.catalogue(run.output, "a_on_b")
    job = TranslationJob(folder, target, [family], ensemble, DRAWS, columns)
    return translate_partitions(client, stage, run.config.cluster, source, job, most_rows)


def test_a_changed_partition_of_a_is_translated_again_and_no_other(family: Family, tmp_path, client, capsys):
    run, teff = make_run(tmp_path), np.full(N_STARS, 5000.0)
    first, _ = translate_all(run, client, family, teff)
    assert len(first) > 2
    made, kept = translate_all(run, client, family, np.where(np.arange(N_STARS) == 4, 5100.0, teff))
    assert len(made) == 1
    assert {pixel: record for pixel, record in first.items() if pixel in kept} == kept
    assert all(first[pixel].sha256 != record.sha256 for pixel, record in made.items())
    assert "1 to do (1 repeated, changed: input partition)" in capsys.readouterr().out


def test_another_ensemble_translates_every_partition_again(family: Family, tmp_path, client, capsys):
    run, teff = make_run(tmp_path), np.full(N_STARS, 5000.0)
    first, _ = translate_all(run, client, family, teff)
    assert translate_all(run, client, family, teff) == ({}, first)
    assert translate_all(run, client, family, teff, ensemble="f")[1] == {}
    assert "repeated, changed: ensemble)" in capsys.readouterr().out


def test_a_large_partition_is_translated_in_row_ranges_to_the_same_file(family: Family, tmp_path, client):
    teff = np.linspace(4500.0, 5500.0, N_STARS)
    whole, _ = translate_all(make_run(tmp_path / "whole"), client, family, teff)
    run = make_run(tmp_path / "ranges")
    assert translate_all(run, client, family, teff, most_rows=1) == (whole, {})
    assert not list(paths.scratch(paths.catalogue(run.output, "a_on_b")).glob("*"))  # pieces go when they are joined


def test_the_row_ranges_of_an_interrupted_run_are_kept(family: Family, tmp_path, client, capsys, monkeypatch):
    def interrupted(*args, **options):
        yield from islice(each(*args, **options), 3)
        raise KeyboardInterrupt

    run, teff = make_run(tmp_path), np.full(N_STARS, 5000.0)
    with monkeypatch.context() as patch:
        patch.setattr("stdask.stages.translate.stage.each", interrupted)
        with pytest.raises(KeyboardInterrupt):
            translate_all(run, client, family, teff, most_rows=1)
    capsys.readouterr()
    made, kept = translate_all(run, client, family, teff, most_rows=1)
    assert sum(record.rows for record in (made | kept).values()) == N_STARS
    n_pieces = N_STARS - sum(record.rows for record in kept.values())
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "pieces" in line)
    assert int(line.split()[1]) > 0
    assert f"of {n_pieces} kept" in line
