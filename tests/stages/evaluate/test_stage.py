"""Evaluate: simpler methods learn from the training stars alone, and where one is better it is said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.display import numbers as report_format
from stdask.pairing.training_set import TrainingSet
from stdask.runs.counts import EvaluateCounts
from stdask.runs.receipts import read_receipt
from stdask.science.translation.validity import fit_domain
from stdask.stages.evaluate import stage as evaluate
from stdask.stages.evaluate.stage import SIMPLER, baselines, count_outside, notes_of_harm
from stdask.storage.tables import write_parquet
from tests.hand_made import make_run, write_receipts
from tests.network.made_up import made_up_family, training_stars

FAMILY = made_up_family()  # TEFF and VHELIO with counterparts TEFF and RV, MG_FE without
SCATTER = np.array([50.0, 0.1, 0.5])  # K, dex, km/s


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path)


@pytest.fixture
def stars() -> TrainingSet:
    inputs, labels = training_stars(300)
    number = np.arange(300)
    reddening = np.full(len(inputs), np.nan)
    return TrainingSet(
        inputs, inputs * 0, labels, labels * 0, reddening, number.astype(np.uint64), number.astype(str), number % 5 == 0
    )


def scattered(expected: np.ndarray, times: float, seed: int) -> np.ndarray:
    return expected + times * SCATTER * np.random.default_rng(seed).normal(size=expected.shape)


def methods(expected: np.ndarray, translated: float, **closer: float) -> dict[str, np.ndarray]:
    """Return predictions that scatter about B by twice `SCATTER`, but for the networks and those named."""
    scatters = {"translated": translated} | dict.fromkeys(SIMPLER, 2.0) | closer
    return {method: scattered(expected, times, seed) for seed, (method, times) in enumerate(scatters.items())}


def test_simpler_methods_never_see_the_test_stars_labels(stars: TrainingSet) -> None:
    spoilt = stars.labels + np.where(stars.is_test, 1e6, 0.0)[:, None]
    ours, theirs = (baselines(FAMILY, some, seed=1) for some in (stars, replace(stars, labels=spoilt)))
    for method in SIMPLER:
        assert ours[method].shape == (60, 3)
        np.testing.assert_array_equal(ours[method], theirs[method], err_msg=method)


def test_a_counterpart_is_found_by_its_name(stars: TrainingSet) -> None:
    predicted = baselines(FAMILY, stars, seed=1)
    inputs = stars.inputs[stars.is_test]
    np.testing.assert_array_equal(predicted["raw"][:, [0, 2]], inputs[:, [0, 3]])
    assert np.isnan(predicted["offset"][:, 1]).all()
    # 30 K and 0.3 km/s, as the stars were made; medians of 240 stars: 1.25 sigma / sqrt(240) = 0.08 sigma, 3 sigma
    shifts = (predicted["offset"] - predicted["raw"])[0, [0, 2]]
    assert (np.abs(shifts - [30, 0.3]) < 0.25 * SCATTER[[0, 2]]).all()


def test_every_method_has_a_name_in_the_report_and_in_a_sentence(stars: TrainingSet) -> None:
    fitted = list(baselines(FAMILY, stars, seed=1))
    assert fitted == list(SIMPLER)
    assert [name for name in report_format.METHODS if name in SIMPLER] == fitted


def test_networks_closer_than_all_simpler_methods_are_not_noted(run: Run, stars: TrainingSet) -> None:
    assert notes_of_harm(FAMILY, methods(stars.labels, translated=1.0), stars.labels, run) == []


def test_the_closest_simpler_method_is_noted_for_each_label_with_both_errors(run: Run, stars: TrainingSet) -> None:
    predictions = methods(stars.labels, translated=1.5, gp=1.0, trees=1.3)
    predictions["gp"][:, 2] = scattered(stars.labels, 2.0, 99)[:, 2]  # VHELIO alone: trees are the closest
    notes = notes_of_harm(FAMILY, predictions, stars.labels, run)
    assert [note.split(",")[0] for note in notes] == [
        "TEFF: a Gaussian process is closer to B than the networks",
        "MG_FE: a Gaussian process is closer to B than the networks",
        "VHELIO: a sum of gradient-boosted trees is closer to B than the networks",
    ]
    ours, theirs = (np.abs(predictions[m] - stars.labels)[:, 0] for m in ("translated", "gp"))
    assert f"MAE {theirs.mean():.1f} against {ours.mean():.1f} K (difference {(ours - theirs).mean():.1f} ±" in notes[0]
    stated = float(notes[0].rpartition("± ")[2].removesuffix(")"))
    # 1000 bootstraps know an error to 2.2 %: 4 sigma
    assert stated == pytest.approx((ours - theirs).std() / np.sqrt(300), rel=0.1)


@pytest.mark.parametrize(("worse", "is_noted"), [(1.9, False), (1.8, True)])
def test_a_method_is_noted_if_it_is_closer_by_more_than_the_error(
    run: Run, stars: TrainingSet, worse: float, is_noted: bool
) -> None:
    predictions = methods(stars.labels, translated=1.0)
    predictions["translated"] = stars.labels + SCATTER
    # right for half of the stars: closer by 0.05 +- 0.95 / sqrt(300) = 0.055, or by 0.1 +- 0.052
    predictions["offset"] = stars.labels + SCATTER * np.where(np.arange(300) % 2, 0, worse)[:, None]
    notes = notes_of_harm(FAMILY, predictions, stars.labels, run)
    assert [note.split(":")[0] for note in notes] == (["TEFF", "MG_FE", "VHELIO"] if is_noted else [])


def test_a_label_that_a_does_not_have_is_compared_with_the_methods_that_know_it(run: Run, stars: TrainingSet) -> None:
    predictions = methods(stars.labels, translated=3.0, raw=0.1, ridge1=1.0)
    predictions["raw"][:, 1] = np.nan
    notes = notes_of_harm(FAMILY, predictions, stars.labels, run)
    assert [note.split(" is closer")[0] for note in notes] == [
        "TEFF: A as it is",
        "MG_FE: a linear ridge regression",
        "VHELIO: A as it is",
    ]


def test_stars_outside_the_domain_are_counted_pair_by_pair_and_once_over_all(tmp_path: Path) -> None:
    """Three columns of 0 to 1, each pair of them on the diagonal of two bins."""
    edge = np.array([0.0, 0.25, 0.75, 1.0])
    domain = fit_domain(np.column_stack([edge, edge, edge]), ("X", "Y", "Z"), n_bins=2, min_stars=1)
    stars = {"X": [0.2, 0.2, 0.2, 2.0, np.nan], "Y": [0.2, 0.8, 0.2, 0.8, 0.2], "Z": [0.2, 0.8, 0.8, 0.8, 0.8]}
    write_parquet(tmp_path / "part.parquet", pa.table(stars))
    # X-Y, X-Z, Y-Z, any: the first star is inside, and of the last one nothing is known of X
    assert count_outside(tmp_path / "part.parquet", domain).tolist() == [2, 3, 2, 4]


def test_notes_reach_the_receipt_and_the_terminal(
    run: Run, client: Workers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    note = "VHELIO: a constant offset is closer to B than the networks, MAE 0.31 against 0.34 km/s"
    scores = {f"{metric}{end}": 1.0 for metric in ("bias", "std", "robust", "mae") for end in ("", "_err")}
    row = {"family": "intrinsic", "label": "TEFF", "unit": "K", "method": "translated", "n": 60, **scores}
    monkeypatch.setattr(evaluate, "_evaluate_families", lambda *_: ({"accuracy": [row]}, [], [note]))
    write_receipts(run, "pair", "train", "ingest_a", "ingest_b")
    evaluate.run(run, client)
    receipt = read_receipt(run.output, "evaluate")
    assert receipt is not None
    assert receipt.counts == EvaluateCounts(n_test={"intrinsic": 60}, notes=(note,))
    assert "evaluation/accuracy.ecsv" in receipt.outputs
    assert note in capsys.readouterr().out
