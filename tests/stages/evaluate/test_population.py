"""The bias of stars that B does not have, where what decides who B has is known and moves the residuals."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.schema.evaluation import ALL, ATLAS, CATALOGUE, DWARFS, GIANTS, PopulationRow
from stdask.stages.evaluate.population import compare_populations, notes_of_shifts, read_stars
from stdask.stages.evaluate.scores import EvaluatedFamily
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.tables import read_parquet
from tests.hand_made import A, make_run, stars, write_catalogue, write_pairs
from tests.tools.validate.checked_stars import identity, training

N = 8000
COLUMNS = (
    schema.STAR_KEY,
    *schema.POSITION,
    *(schema.Column(name, "float32", "K" if "TEFF" in name else "") for name in ("TEFF", "TEFF_ERR", "LOGG")),
    *(schema.Column(name, "float32", "mag") for name in ("BP_G_0", "G_RP_0", "G_MAG")),
    *(schema.Column(name, "float32", "km/s") for name in ("RV", "RV_ERR")),
    schema.EBV,
    *schema.DISTANCE,
    schema.GOOD,
)
UNITS = {"TEFF": "K", "MG_FE": "dex", "VHELIO": "km/s"}
GAIN = 80.0  # K for a factor e in distance


class Mock(NamedTuple):
    run: Run
    in_b: np.ndarray
    good: np.ndarray
    residuals: np.ndarray  # of TEFF: translated minus what B measures, or would measure
    data: dict
    evaluated: EvaluatedFamily


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Mock:
    """B observes distant stars: TEFF of A is too high for them, and no input tells the distance."""
    rng = np.random.default_rng(1)
    run = make_run(tmp_path_factory.mktemp("populations"))
    distance = rng.lognormal(0, 0.5, N)
    values = {
        "TEFF": rng.normal(4800, 300, N),
        "TEFF_ERR": rng.lognormal(4, 0.3, N),
        "LOGG": np.where(rng.random(N) < 0.5, 2.5, 4.4),
        "BP_G_0": rng.normal(0.5, 0.1, N),
        "G_RP_0": rng.normal(0.6, 0.1, N),
        "G_MAG": 10 + 5 * np.log10(distance) + rng.normal(0, 0.3, N),
        "RV": rng.normal(0, 80, N),
        "RV_ERR": np.full(N, 0.5),
        "DISTANCE": distance,
    }
    data = stars(COLUMNS, N, **values, GOOD=rng.random(N) < 0.95)
    in_b = rng.random(N) < 0.5 / (1 + np.exp(-4 * np.log(distance)))
    good_b = rng.random(N) < 0.9
    residuals = GAIN * np.log(distance) + rng.normal(0, 30, N)
    write_catalogue(run, A, COLUMNS, data, most=1000)
    write_pairs(run, data["STAR_KEY"][in_b], data["STAR_KEY"][in_b], good_b[in_b])
    used = in_b & good_b & data["GOOD"]
    inputs = np.column_stack([data[name] for name in ("TEFF", "BP_G_0", "G_RP_0", "RV")])
    labels = np.column_stack([inputs[:, 0] - residuals, rng.normal(0.15, 0.1, N), inputs[:, 3]])
    family = identity(inputs[used])
    pairs = replace(training(inputs[used], labels[used]), star_keys=data["STAR_KEY"][used])
    evaluated = EvaluatedFamily(family, pairs, {"translated": labels[used][pairs.is_test] * [0, 1, 1]})
    evaluated.predictions["translated"][:, 0] = pairs.inputs[pairs.is_test, 0]
    return Mock(run, in_b & good_b, data["GOOD"], residuals, data, evaluated)


def inside(mock: Mock) -> np.ndarray:
    """Tell which stars lie in the domain of inputs."""
    family = mock.evaluated.family
    return family.input_domain.contains(np.column_stack([mock.data[n] for n in family.inputs])).all(axis=1)


def test_good_stars_that_are_no_good_stars_of_b_are_sampled_whatever_the_partitions(mock: Mock, client: Workers):
    pairs = read_parquet(paths.pairs(mock.run.output, A, "mock_b"))
    catalogue = open_catalogue(paths.catalogue(mock.run.output, A))
    found = read_stars(catalogue, [mock.evaluated.family], pairs, 7, client)
    keys = mock.data["STAR_KEY"]
    assert set(found.keys[found.is_alone]) == set(keys[mock.good & ~mock.in_b])  # 8,000 stars are all drawn
    assert set(keys[mock.good & mock.in_b]) <= set(found.keys)
    assert {"TEFF", "TEFF_ERR", "LOGG", "G_MAG", "EBV", "DISTANCE"} <= set(found.names)
    row = np.flatnonzero(keys == found.keys[5])[0]
    assert found.of(["TEFF", "DISTANCE"])[5] == pytest.approx([mock.data["TEFF"][row], mock.data["DISTANCE"][row]])


@pytest.fixture(scope="module")
def rows(mock: Mock, client: Workers) -> dict[tuple[str, str], PopulationRow]:
    """Return the rows of TEFF by population and group."""
    return {(row.population, row.group): row for row in compared(mock, client, {"TEFF": (4500.0, 5000.0)}).rows[:]}


def compared(mock: Mock, client: Workers, select: dict):
    catalogue = open_catalogue(paths.catalogue(mock.run.output, A))
    pairs = read_parquet(paths.pairs(mock.run.output, A, "mock_b"))
    read = read_stars(catalogue, [mock.evaluated.family], pairs, 7, client)
    found = compare_populations(mock.evaluated, mock.evaluated.family, read, select, UNITS, (200, 7))
    found.rows[:] = [row for row in found.rows if row.label == "TEFF"]
    return found


@pytest.mark.parametrize("group", [ALL, GIANTS, DWARFS])
def test_the_shift_is_that_of_the_stars_that_b_does_not_have(
    mock: Mock, rows: dict[tuple[str, str], PopulationRow], group: str
):
    row = rows[CATALOGUE, group]
    logg = mock.data["LOGG"]
    members = {ALL: logg > 0, GIANTS: logg < 3.5, DWARFS: logg >= 3.5}[group] & inside(mock) & mock.good
    truth = mock.residuals[members & ~mock.in_b].mean() - mock.residuals[members & mock.in_b].mean()
    assert truth < -20  # K: far more than the errors
    assert row.n_stars == (members & ~mock.in_b).sum()
    assert row.shift == pytest.approx(row.reweighted - row.bias)
    # three errors, and the error of the weights themselves, a tenth of the shift
    assert abs(row.shift - truth) < 3 * row.shift_err + 0.1 * abs(truth)
    assert abs(row.shift) > 2 * row.shift_err
    assert 30 < row.n_effective < row.n_test


def test_the_population_of_the_atlas_is_selected_by_translated_labels(
    mock: Mock, rows: dict[tuple[str, str], PopulationRow]
):
    teff = mock.data["TEFF"].astype(np.float32)
    chosen = (teff > 4500) & (teff < 5000) & inside(mock) & mock.good
    assert rows[ATLAS, ALL].n_stars == (chosen & ~mock.in_b).sum()
    assert rows[ATLAS, ALL].n_test < rows[CATALOGUE, ALL].n_test


def test_a_group_of_nearly_all_stars_has_no_rows_of_its_own(mock: Mock, client: Workers):
    family, pairs, predictions = mock.evaluated
    giants = mock.data["LOGG"][np.isin(mock.data["STAR_KEY"], pairs.star_keys)] < 3.5
    translated = predictions["translated"][giants[pairs.is_test]]
    evaluated = EvaluatedFamily(family, pairs.subset(giants), {"translated": translated})
    rows = compared(mock._replace(evaluated=evaluated), client, {}).rows
    assert {row.group for row in rows} == {ALL}


def test_how_the_populations_differ_is_told_for_each_column(mock: Mock, client: Workers):
    found = compared(mock, client, {})
    rows = {(row.population, row.quantity): row for row in found.distributions}
    alone, in_b = mock.good & ~mock.in_b & inside(mock), mock.good & mock.in_b
    distance, teff = rows[CATALOGUE, "DISTANCE"], rows[CATALOGUE, "TEFF"]
    assert (distance.unit, teff.unit) == ("kpc", "K")
    assert (distance.n_pairs, distance.n_stars) == (in_b.sum(), alone.sum())
    assert distance.stars == pytest.approx(np.median(mock.data["DISTANCE"][alone]), rel=1e-5)
    assert distance.pairs == pytest.approx(np.median(mock.data["DISTANCE"][in_b]), rel=1e-5)
    assert distance.separation > 0.3 > 0.1 > teff.separation
    # without a selection the atlas maps all of them
    assert rows[ATLAS, "DISTANCE"].n_stars == distance.n_stars
    assert set(found.stars) == {CATALOGUE}  # and the figure shows them once
    assert set(compared(mock, client, {"TEFF": (4500.0, 5000.0)}).stars) == {CATALOGUE, ATLAS}


def test_a_selection_by_a_label_that_a_is_not_translated_to_leaves_no_population_of_the_atlas(
    mock: Mock, client: Workers
):
    assert {row.population for row in compared(mock, client, {"AGE": (0.0, 1.0)}).rows} == {CATALOGUE}


def test_shifts_of_more_than_two_errors_are_noted_once_a_label_and_population():
    row = PopulationRow("intrinsic", "MG_FE", "dex", CATALOGUE, ALL, 900, 300, 200.0, *[0.0, 0.001] * 2, -0.004, 0.002)
    rows = [row, replace(row, group=GIANTS, shift=-0.0089, shift_err=0.001), replace(row, group=DWARFS, shift=0.009)]
    (note,) = notes_of_shifts([*rows, *(replace(row, population=ATLAS) for row in rows)])  # nothing was selected
    assert note.startswith("MG_FE: the mean error of stars that B does not have")
    assert "\N{MINUS SIGN}0.0089 ± 0.0010 dex for giants, +0.0090 ± 0.0020 dex for dwarfs" in note
