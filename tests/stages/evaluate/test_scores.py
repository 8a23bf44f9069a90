"""Evaluate: simpler methods learn from the training stars alone, and where one is better it is noted."""

from dataclasses import replace

import numpy as np
import pytest

from stdask.display import numbers as report_format
from stdask.pairing.training_set import TrainingSet
from stdask.science.assessment.baselines import SIMPLER
from stdask.stages.evaluate.scores import baselines, notes_of_harm, score_rows
from tests.network.made_up import made_up_family, training_stars

FAMILY = made_up_family()  # TEFF and VHELIO with counterparts TEFF and RV, MG_FE without
UNITS = {"TEFF": "K", "MG_FE": "dex", "VHELIO": "km/s"}
SCATTER = np.array([50.0, 0.1, 0.5])  # K, dex, km/s


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


def test_how_far_a_method_is_behind_the_networks_is_measured_star_by_star(stars: TrainingSet) -> None:
    predictions = methods(stars.labels, translated=1.0, gp=1.0)
    predictions["raw"][:, 1] = np.nan  # A has no MG_FE
    rows = score_rows(FAMILY, predictions, stars.labels, UNITS, 1000, 1)
    found = {(row.label, row.method): row for row in rows}
    assert ("MG_FE", "raw") not in found
    for number, label in enumerate(UNITS):
        ours, theirs = (np.abs(predictions[m] - stars.labels)[:, number] for m in ("translated", "ridge2"))
        row = found[label, "ridge2"]
        assert row.behind == pytest.approx(theirs.mean() - ours.mean())
        # 1000 bootstraps know an error to 2.2 %: 4 sigma
        assert row.behind_err == pytest.approx((theirs - ours).std() / np.sqrt(300), rel=0.1)
        assert found[label, "translated"].behind == 0
        assert abs(found[label, "gp"].behind) < 4 * found[label, "gp"].behind_err


def test_networks_closer_than_all_simpler_methods_are_not_noted(stars: TrainingSet) -> None:
    assert notes_of_harm(FAMILY, methods(stars.labels, translated=1.0), stars.labels, UNITS, 1000, 1) == []


def test_the_closest_simpler_method_is_noted_for_each_label_with_both_errors(stars: TrainingSet) -> None:
    predictions = methods(stars.labels, translated=1.5, gp=1.0, trees=1.1)
    predictions["gp"][:, 2] = scattered(stars.labels, 2.0, 99)[:, 2]  # VHELIO alone: trees are the closest
    notes = notes_of_harm(FAMILY, predictions, stars.labels, UNITS, 1000, 1)
    assert [note.split(",")[0] for note in notes] == [
        "TEFF: a Gaussian process is closer to B than the translation",
        "MG_FE: a Gaussian process is closer to B than the translation",
        "VHELIO: a sum of gradient-boosted trees is closer to B than the translation",
    ]
    ours, theirs = (np.abs(predictions[m] - stars.labels)[:, 0] for m in ("translated", "gp"))
    assert f"MAE {theirs.mean():.1f} against {ours.mean():.1f} K (difference {(ours - theirs).mean():.1f} ±" in notes[0]
    stated = float(notes[0].rpartition("± ")[2].removesuffix(")"))
    # 1000 bootstraps know an error to 2.2 %: 4 sigma
    assert stated == pytest.approx((ours - theirs).std() / np.sqrt(300), rel=0.1)


@pytest.mark.parametrize(("worse", "is_noted"), [(1.8, False), (1.7, True)])
def test_a_method_is_noted_if_it_is_closer_by_more_than_two_errors(
    stars: TrainingSet, worse: float, is_noted: bool
) -> None:
    predictions = methods(stars.labels, translated=1.0)
    predictions["translated"] = stars.labels + SCATTER
    # right for half of the stars: closer by 0.1 +- 0.9 / sqrt(300) = 0.052, or by 0.15 +- 0.049
    predictions["offset"] = stars.labels + SCATTER * np.where(np.arange(300) % 2, 0, worse)[:, None]
    notes = notes_of_harm(FAMILY, predictions, stars.labels, UNITS, 1000, 1)
    assert [note.split(":")[0] for note in notes] == (["TEFF", "MG_FE", "VHELIO"] if is_noted else [])


def test_a_label_that_a_does_not_have_is_compared_with_the_methods_that_know_it(stars: TrainingSet) -> None:
    predictions = methods(stars.labels, translated=3.0, raw=0.1, ridge1=1.0)
    predictions["raw"][:, 1] = np.nan
    notes = notes_of_harm(FAMILY, predictions, stars.labels, UNITS, 1000, 1)
    assert [note.split(" is closer")[0] for note in notes] == [
        "TEFF: A as it is",
        "MG_FE: a linear ridge regression",
        "VHELIO: A as it is",
    ]


def test_where_b_lacks_a_label_only_the_other_stars_count(stars: TrainingSet) -> None:
    """Test stars that lack MG_FE in B, with the networks far off there, change no note."""
    predictions = methods(stars.labels, translated=1.5, gp=1.0)
    lacking = np.arange(300) % 3 == 0
    gaps = np.where(lacking[:, None] & [False, True, False], np.nan, stars.labels)
    known = stars.labels[~lacking]
    notes = notes_of_harm(FAMILY, predictions, gaps, UNITS, 1000, 1)
    some = {method: values[~lacking] for method, values in predictions.items()}
    assert notes[1] == notes_of_harm(FAMILY, some, known, UNITS, 1000, 1)[1]
    assert notes[0] == notes_of_harm(FAMILY, predictions, stars.labels, UNITS, 1000, 1)[0]
    nowhere = np.where([False, True, False], np.nan, stars.labels)
    assert [n.split(":")[0] for n in notes_of_harm(FAMILY, predictions, nowhere, UNITS, 1000, 1)] == ["TEFF", "VHELIO"]
