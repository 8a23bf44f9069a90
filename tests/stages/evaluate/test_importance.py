"""Importance of a family's inputs: as another library has it, whatever the workers, and 100 per cent each time."""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from distributed import LocalCluster
from numpy.testing import assert_allclose, assert_array_equal

from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.config.stages import EvaluateConfig
from stdask.network.ensemble import predict
from stdask.pairing.training_set import TrainingSet
from stdask.schema.evaluation import ImportanceRow
from stdask.science.assessment.importance import relative_importance, shapley_values
from stdask.stages.evaluate import importance as evaluate_importance
from stdask.stages.evaluate.importance import evaluate_coalitions, importance_rows
from tests.network.made_up import made_up_family, training_stars

FAMILY = made_up_family()  # TEFF and VHELIO with counterparts TEFF and RV, MG_FE without
N_EXPLAINED = 20
EVALUATE = EvaluateConfig(importance_stars=N_EXPLAINED, n_bootstraps=50)


@pytest.fixture
def stars() -> TrainingSet:
    """20 test stars, all of which are explained, and as many others, all of which are background."""
    inputs, labels = training_stars(2 * N_EXPLAINED)
    number = np.arange(2 * N_EXPLAINED)
    reddening = np.full(len(inputs), np.nan)
    return TrainingSet(
        inputs, inputs * 0, labels, labels * 0, reddening, number.astype(np.uint64), number.astype(str), number % 2 == 0
    )


@pytest.fixture
def lone_worker() -> Iterator[Workers]:
    with LocalCluster(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster:
        config = ClusterConfig(kind="address", address=cluster.scheduler_address)
        with Workers(config) as workers:
            yield workers


def metal_rich_and_poor(stars: TrainingSet) -> TrainingSet:
    """Return the stars with the second label a metallicity: 5 test stars poor, the other 15 rich."""
    labels = stars.labels.copy()
    labels[:, 1] = np.where(np.arange(len(stars)) % 8 == 0, -1.5, 0.0)
    return replace(stars, labels=labels)


def is_own(row: ImportanceRow) -> bool:
    return (row.label, row.input, row.players) in {("TEFF", "TEFF", "inputs"), ("VHELIO", "RV", "inputs")}


def chosen(rows: list[ImportanceRow], **wanted: str) -> list[ImportanceRow]:
    return [row for row in rows if wanted.items() <= vars(row).items()]


def shares(rows: list[ImportanceRow]) -> np.ndarray:
    return np.array([row.importance for row in rows])


def explain_with_shap(law: Any, stars: TrainingSet) -> np.ndarray:
    """Return the Shapley values of the test stars, shape (n_stars, n_inputs, n_labels)."""
    with warnings.catch_warnings():
        # shap 0.51 makes its colour maps as Matplotlib will not allow some day
        warnings.filterwarnings("ignore", r"The set_\w+ function will be deprecated", PendingDeprecationWarning)
        import shap
    masker = shap.maskers.Independent(stars.inputs[~stars.is_test], max_samples=N_EXPLAINED)
    return shap.ExactExplainer(law, masker)(stars.inputs[stars.is_test]).values


def correct(rows: np.ndarray) -> np.ndarray:
    """Return the labels of the family minus their counterparts."""
    return predict(FAMILY, rows) - rows[:, [0, 0, 3]] * [1, 0, 1]


def test_values_are_those_of_shap_to_a_fraction_of_the_scatter_of_the_labels(
    stars: TrainingSet, client: Workers
) -> None:
    background = stars.inputs[~stars.is_test]
    means = evaluate_coalitions(FAMILY, stars.inputs[stars.is_test], background, client)
    theirs = explain_with_shap(lambda rows: predict(FAMILY, rows), stars)
    differences = np.abs(shapley_values(means, [(0,), (1,), (2,), (3,)]) - theirs)
    # both are exact; a float32 network rounds a row to 1e-7 of its output, differently at different places
    assert (differences.max(axis=(0, 1)) < 1e-5 * stars.labels.std(axis=0)).all()


@pytest.mark.parametrize(("of", "law"), [("translated label", lambda x: predict(FAMILY, x)), ("correction", correct)])
def test_shares_of_label_and_correction_are_those_of_shap(
    of: str, law: Any, stars: TrainingSet, client: Workers
) -> None:
    rows = chosen(importance_rows(FAMILY, stars, EVALUATE, 0, client), of=of, players="inputs", group="all")
    assert [(row.label, row.input) for row in rows] == [
        (label, name) for label in FAMILY.labels for name in FAMILY.inputs
    ]
    theirs = relative_importance(explain_with_shap(law, stars))
    # values good to 1e-5 of the scatter of a label, hence shares to about 1e-3 per cent
    assert_allclose(shares(rows), theirs.T.ravel(), atol=1e-3)


def test_a_counterpart_matters_less_to_the_correction_than_to_the_label(stars: TrainingSet, client: Workers) -> None:
    rows = importance_rows(FAMILY, stars, EVALUATE, 0, client)
    of_label, of_correction = (
        {row.label: row.importance for row in rows if row.of == of and is_own(row)}
        for of in ("translated label", "correction")
    )
    # RV spans 80 km/s, its correction 0.5 km/s of scatter times outputs of order 1
    assert of_label["VHELIO"] > 95 > of_correction["VHELIO"]
    assert of_label["TEFF"] > of_correction["TEFF"]
    unmatched = [shares(chosen(rows, of=of, label="MG_FE")) for of in ("translated label", "correction")]
    assert_array_equal(*unmatched)  # MG_FE has no counterpart: its correction starts from a constant


def test_shares_add_up_to_100_per_cent_with_the_colours_apart_and_as_one(stars: TrainingSet, client: Workers) -> None:
    rows = importance_rows(FAMILY, metal_rich_and_poor(stars), EVALUATE, 0, client)
    totals: dict[tuple[str, ...], float] = {}
    for row in rows:
        key = tuple(getattr(row, name) for name in ("family", "label", "of", "players", "group"))
        totals[key] = totals.get(key, 0) + row.importance
    assert_allclose(list(totals.values()), 100)
    assert len(totals) == 3 * 2 * 2  # labels, kinds and players, for the one group there is
    assert {row.input for row in chosen(rows, players="colours as one")} == {"TEFF", "RV", "colours"}
    assert [row.input for row in rows if row.is_shown].count("colours") == 3 * 2
    assert all(row.players == "inputs" for row in rows if row.is_shown and row.input != "colours")
    assert all(row.importance_err > 0 for row in rows)


def test_a_single_colour_is_an_input_like_others(stars: TrainingSet, client: Workers) -> None:
    names = ("TEFF", "BP_G_0", "EBV", "RV")
    rows = importance_rows(replace(FAMILY, inputs=names), stars, EVALUATE, 0, client)
    assert {row.players for row in rows} == {"inputs"}
    assert {row.input for row in rows} == set(names)


def test_an_absolute_magnitude_is_no_colour(stars: TrainingSet, client: Workers) -> None:
    rows = importance_rows(replace(FAMILY, inputs=("TEFF", "BP_G_0", "M_G", "RV")), stars, EVALUATE, 0, client)
    assert {row.players for row in rows} == {"inputs"}  # a single colour


def test_metal_poor_and_metal_rich_stars_are_explained_apart_if_there_are_enough(
    stars: TrainingSet, client: Workers
) -> None:
    family = replace(FAMILY, labels=("TEFF", "FE_H", "VHELIO"))
    rows = importance_rows(family, metal_rich_and_poor(stars), EVALUATE, 0, client)
    assert list(dict.fromkeys(row.group for row in rows)) == ["all", "[Fe/H] > -0.4"]
    poor = metal_rich_and_poor(stars)
    alone = importance_rows(family, poor.subset(~poor.is_test | (poor.labels[:, 1] > -0.4)), EVALUATE, 0, client)
    # the mean over the stars adds them up in another order
    assert_allclose(shares(chosen(rows, group="[Fe/H] > -0.4")), shares(chosen(alone, group="all")), rtol=1e-12)


def test_a_star_of_two_groups_is_evaluated_once(
    stars: TrainingSet, client: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated = []
    monkeypatch.setattr(
        evaluate_importance, "evaluate_coalitions", lambda *job: evaluated.append(job[1]) or evaluate_coalitions(*job)
    )
    family = replace(FAMILY, labels=("TEFF", "FE_H", "VHELIO"))
    importance_rows(family, metal_rich_and_poor(stars), EVALUATE, 0, client)
    assert [len(inputs) for inputs in evaluated] == [N_EXPLAINED]


def test_values_do_not_depend_on_how_many_workers_there_are_or_which_is_done_first(
    stars: TrainingSet, client: Workers, lone_worker: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = (FAMILY, stars.inputs[stars.is_test], stars.inputs[~stars.is_test])
    whole = evaluate_coalitions(*job, client)
    monkeypatch.setattr(evaluate_importance, "ROWS_A_TASK", 3 * N_EXPLAINED << 4)  # three stars: seven tasks
    by_two = evaluate_coalitions(*job, client)
    monkeypatch.setattr(evaluate_importance, "each", lambda *a, **k: reversed(list(each(*a, **k))))
    assert_array_equal(evaluate_coalitions(*job, lone_worker), by_two)
    assert_array_equal(by_two, whole)  # whatever the rows beside one, its result is the same


def test_workers_forget_the_family(stars: TrainingSet, client: Workers) -> None:
    importance_rows(FAMILY, stars, EVALUATE, 0, client)
    held = client.client.run(lambda dask_worker: list(dask_worker.plugins))
    assert not [name for names in held.values() for name in names if name.startswith("stdask-importance")]
