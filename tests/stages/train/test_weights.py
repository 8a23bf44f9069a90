"""Weights of training stars: which stars count more, and that only what helps held-out stars is chosen."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stdask.network.ensemble import Family
from stdask.stages.train.weights import (
    CATALOGUE,
    EQUAL,
    ERRORS,
    choose_way,
    density_of,
    note_of_equal,
    read_others,
    star_weights,
    ways_of,
)
from stdask.storage.tables import to_table, write_parquet
from tests.hand_made import columns_a, make_run, stars
from tests.network.made_up import training_stars
from tests.tools.validate.checked_stars import RV, TEFF, identity, training

ERRORS_A = [40.0, 0.01, 0.01, 0.01, 0.5]
N = 2000


def known(**changes: np.ndarray):
    inputs, _ = training_stars(N, seed=3)
    labels = np.stack([inputs[:, TEFF], np.full(N, 0.15), inputs[:, RV]], axis=1)
    labels += np.random.default_rng(4).normal(0, [40.0, 0.1, 0.5], (N, 3))
    return replace(training(inputs, labels, ERRORS_A), **changes)


def shifted(by: float) -> Family:
    """Return a family whose TEFF is off by so much, and whose other labels are those of A."""
    family = identity()
    return replace(family, scaling=replace(family.scaling, offsets=np.array([by, 0.15, 0.0])))


def test_best_trains_with_all_weights_and_the_others_with_their_own():
    assert ways_of("best") == (EQUAL, ERRORS, CATALOGUE)
    assert [ways_of(way) for way in (EQUAL, ERRORS, CATALOGUE)] == [(EQUAL,), (ERRORS,), (CATALOGUE,)]


def test_equal_weights_are_one_and_those_of_the_catalogue_the_same_for_all_labels():
    stars, density = known(), np.linspace(0.1, 3, N)
    assert (star_weights(EQUAL, stars, density) == 1).all()
    np.testing.assert_array_equal(star_weights(CATALOGUE, stars, density), np.tile(density[:, None], 3))


def test_stars_with_large_errors_of_b_count_less_and_only_in_that_label():
    noisy = np.arange(N) % 2 == 0
    stars = known(label_errors=np.where(noisy[:, None] & [True, False, False], 200.0, [1.0, 0.01, 0.01]))
    weights = star_weights(ERRORS, stars, np.ones(N))
    assert weights[noisy, 0].max() < 0.5 * weights[~noisy, 0].min()
    np.testing.assert_allclose(weights[:, 1:], 1, rtol=1e-9)


def test_stars_count_by_how_dense_the_catalogue_is_at_their_place():
    stars, rng = known(), np.random.default_rng(5)
    others = stars.inputs[rng.integers(0, N, 5000)]
    others[:, TEFF] = rng.normal(5100, 300, 5000)  # K; the pairs are at 4800
    errors = np.tile(ERRORS_A, (5000, 1))
    density = density_of(stars, (others, errors), 1)
    expected = np.exp((stars.inputs[:, TEFF] - 4950) * 300 / 300**2)  # the ratio of two Gaussians
    middle = np.abs(stars.inputs[:, TEFF] - 4800) < 450
    # a regression of 7000 stars: a tenth of a logarithm
    np.testing.assert_allclose(np.log(density / expected)[middle], 0, atol=0.35)
    assert density.mean() == pytest.approx(1)
    assert (density_of(stars, (others[:50], errors[:50]), 1) == 1).all()  # too few for a density


def test_noisier_stars_of_the_catalogue_give_noisier_training_stars_more_weight():
    noisy = np.arange(N) % 2 == 0
    stars = known(errors=np.where(noisy[:, None], 2.0, 1.0) * ERRORS_A)
    others = stars.inputs[:1000]
    density = density_of(stars, (others, np.tile(2 * np.array(ERRORS_A), (1000, 1))), 1)
    assert density[noisy].mean() > 3 * density[~noisy].mean()


def test_weights_that_follow_nothing_are_told():
    stars, few = known(label_errors=np.full((N, 3), np.nan)), (known().inputs[:50], np.tile(ERRORS_A, (50, 1)))
    unstated, unknown = (star_weights(way, stars, density_of(stars, few, 1)) for way in (ERRORS, CATALOGUE))
    (note,) = note_of_equal("intrinsic", ERRORS, unstated)
    assert "because B states no errors" in note
    (note,) = note_of_equal("intrinsic", CATALOGUE, unknown)
    assert "because fewer than 100 good stars of A with all inputs are in no pair" in note
    assert note_of_equal("intrinsic", EQUAL, unknown) == []
    assert note_of_equal("intrinsic", CATALOGUE, np.linspace(0.9, 1.1, N)[:, None]) == []


@pytest.mark.parametrize(("of_errors", "chosen"), [(0.0, ERRORS), (30.0, EQUAL), (60.0, EQUAL)])
def test_weights_are_chosen_if_they_bring_held_out_stars_closer_to_b(tmp_path: Path, of_errors: float, chosen: str):
    train = make_run(tmp_path).config.train
    families = {EQUAL: shifted(30.0), ERRORS: shifted(of_errors), CATALOGUE: shifted(60.0)}
    way, (note,) = choose_way(families, known(), np.ones(N), train, 1)
    assert way == chosen
    assert note.startswith(f"weights of the intrinsic networks: {chosen!r}. Gain over equal weights: 'errors' ")


def test_weights_of_the_catalogue_are_judged_by_stars_like_those_of_the_catalogue(tmp_path: Path):
    """A family that is right for hot stars and wrong for others helps a catalogue of hot stars."""
    train, stars = make_run(tmp_path).config.train, known()
    hot = stars.inputs[:, TEFF] > 5000
    labels = stars.labels.copy()
    labels[hot, 0] += 100
    stars = replace(stars, labels=labels)
    families = {EQUAL: shifted(0.0), ERRORS: shifted(0.0), CATALOGUE: shifted(100.0)}
    assert choose_way(families, stars, np.ones(N), train, 1)[0] == EQUAL
    assert choose_way(families, stars, np.where(hot, 4.0, 0.01), train, 1)[0] == CATALOGUE


def test_the_sample_of_a_partition_is_of_good_stars_in_no_pair(tmp_path: Path):
    columns = columns_a(())
    good = np.arange(40) % 5 > 0
    data = stars(columns, 40, TEFF=np.arange(40.0), TEFF_ERR=np.arange(40.0) + 100, GOOD=good)
    path = tmp_path / "part.parquet"
    write_parquet(path, to_table(columns, data))
    in_pairs = data["STAR_KEY"][10:20]
    inputs, errors = read_others(path, ["TEFF"], in_pairs, 1.0, 1)
    expected = [n for n in range(40) if good[n] and not 10 <= n < 20]
    assert inputs[:, 0].tolist() == expected
    assert (errors[:, 0] - 100).tolist() == expected
    some, _ = read_others(path, ["TEFF"], in_pairs, 0.5, 1)
    assert 0 < len(some) < len(inputs)
    assert set(some[:, 0]) <= set(inputs[:, 0])
