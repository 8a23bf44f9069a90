"""Shapley values against their axioms, the definition by orders of players, and another library."""

import warnings
from itertools import permutations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from stdask.science.assessment.importance import (
    coalition_means,
    importance_errors,
    relative_importance,
    shapley_values,
    values_of_correction,
)
from stdask.science.translation.scaling import NO_COUNTERPART

RNG = np.random.default_rng(1)
STARS, BACKGROUND = RNG.normal(size=(5, 4)), RNG.normal(size=(7, 4)) + 0.5
SINGLES = [(0,), (1,), (2,), (3,)]
GROUPED = [(2,), (3,), (0, 1)]
ROUNDING = 1e-12  # of sums of sixteen means of order 1


def predict(x):
    return np.column_stack([x[:, 0] * x[:, 1] + np.sin(x[:, 2]), np.exp(x[:, 0]) + 3 * x[:, 2] * x[:, 1] * x[:, 0]])


def explain(law, players, stars=STARS):
    return shapley_values(coalition_means(law, stars, BACKGROUND), players)


@pytest.mark.parametrize("players", [SINGLES, GROUPED])
def test_they_add_up_to_the_prediction_minus_the_mean_of_the_background(players):
    change = predict(STARS) - predict(BACKGROUND).mean(axis=0)
    assert_allclose(explain(predict, players).sum(axis=1), change, atol=ROUNDING)


@pytest.mark.parametrize("players", [SINGLES, GROUPED])
def test_they_are_the_mean_gain_over_all_orders_of_learning_the_players(players):
    values = explain(predict, players)
    orders = list(permutations(range(len(players))))
    for number, star in enumerate(STARS):
        gains = np.zeros((len(players), 2))
        for order in orders:
            rows = BACKGROUND.copy()
            before = predict(rows).mean(axis=0)
            for player in order:
                rows[:, players[player]] = star[list(players[player])]
                after = predict(rows).mean(axis=0)
                gains[player] += after - before
                before = after
        assert_allclose(values[number], gains / len(orders), atol=ROUNDING)


def test_they_are_those_of_shap():
    with warnings.catch_warnings():
        # shap 0.51 makes its colour maps as Matplotlib will not allow some day
        warnings.filterwarnings("ignore", r"The set_\w+ function will be deprecated", PendingDeprecationWarning)
        import shap
    stars = np.random.default_rng(2).normal(size=(40, 4))
    masker = shap.maskers.Independent(BACKGROUND, max_samples=len(BACKGROUND))
    theirs = shap.ExactExplainer(predict, masker)(stars).values
    # asked for: 1e-4 of the scatter of the labels; both are exact and in float64, so rounding is all there is
    assert (np.abs(explain(predict, SINGLES, stars) - theirs) < 1e-12 * predict(stars).std(axis=0)).all()


def test_an_input_that_is_not_used_has_none():
    assert_allclose(explain(predict, SINGLES)[:, 3], 0, atol=ROUNDING)


def test_a_linear_law_gives_each_player_its_terms():
    weights = np.array([[1.0], [-2.0], [0.5], [3.0]])
    terms = (STARS - BACKGROUND.mean(axis=0)) * weights[:, 0]
    assert_allclose(explain(lambda x: x @ weights, SINGLES)[..., 0], terms, atol=ROUNDING)
    grouped = np.column_stack([terms[:, 2], terms[:, 3], terms[:, 0] + terms[:, 1]])
    assert_allclose(explain(lambda x: x @ weights, GROUPED)[..., 0], grouped, atol=ROUNDING)


def test_a_lone_player_has_all_of_the_change():
    for players, stars in (([(0, 1, 2, 3)], STARS), ([(0,)], STARS[:, :1])):
        background = BACKGROUND[:, : stars.shape[1]]
        means = coalition_means(lambda x: x[:, :1] ** 3, stars, background)
        change = stars[:, :1] ** 3 - (background[:, :1] ** 3).mean()
        assert_allclose(shapley_values(means, players)[:, 0], change, atol=ROUNDING)


def test_one_evaluation_serves_all_divisions_into_players():
    calls = []

    def counted(x):
        calls.append(len(x))
        return predict(x)

    means = coalition_means(counted, STARS, BACKGROUND)
    assert shapley_values(means, SINGLES).shape == (5, 4, 2)
    assert shapley_values(means, GROUPED).shape == (5, 3, 2)
    # 14 coalitions of each star with each background star; all inputs known: 5 stars; none: 7 background stars
    assert calls == [14 * 5 * 7 + 5 + 7]


@pytest.mark.parametrize("players", [SINGLES, GROUPED])
def test_values_of_the_correction_are_those_of_the_label_minus_its_counterpart(players):
    own = [1, NO_COUNTERPART]
    expected = explain(lambda x: predict(x) - np.column_stack([x[:, 1], np.zeros(len(x))]), players)
    values = explain(predict, players)
    given = values.copy()
    assert_allclose(values_of_correction(given, players, STARS, BACKGROUND, own), expected, atol=ROUNDING)
    assert_array_equal(given, values)  # those of the label are still needed


def test_importance_is_the_share_of_the_mean_size_in_per_cent():
    importance = relative_importance(np.array([[[1.0], [-3.0]], [[-1.0], [1.0]]]))
    assert_allclose(importance[:, 0], [100 / 3, 200 / 3])


def test_where_nothing_moves_a_label_no_input_is_important():
    values = np.stack([np.ones((6, 3)), np.zeros((6, 3))], axis=-1)
    assert_allclose(relative_importance(values), np.column_stack([np.full(3, 100 / 3), np.zeros(3)]))
    # equal shares in every resampling
    assert_allclose(importance_errors(values, n_bootstraps=50, seed=1), 0, atol=ROUNDING)


def test_errors_are_the_scatter_of_the_importance_from_one_sample_of_stars_to_another():
    rng = np.random.default_rng(3)
    sizes = np.array([[1.0, 3.0], [2.0, 0.5], [0.5, 1.5]])  # of three players for two labels
    samples = sizes * rng.normal(size=(1000, 100, 3, 2))
    true = np.std([relative_importance(values) for values in samples], axis=0)
    stated = np.mean([importance_errors(values, n_bootstraps=200, seed=4) for values in samples[:50]], axis=0)
    # 1000 samples know the scatter to 2.2 %; the mean of 50 estimates, each good to 1 / sqrt(2 x 99) = 7 % from
    # its 100 stars and 5 % from its 200 bootstraps, is good to 1.2 %: 4 sigma of both
    assert_allclose(stated, true, rtol=0.1)


def test_errors_are_those_of_stars_drawn_with_replacement():
    rng = np.random.default_rng(5)
    values = rng.normal(size=(12, 3, 2)) * [[1.0], [2.0], [0.3]]
    drawn = [relative_importance(values[rng.integers(0, 12, 12)]) for _ in range(4000)]
    # 4000 bootstraps each know a spread to 1 / sqrt(2 x 4000) = 1.1 %: 4 sigma of the difference
    assert_allclose(importance_errors(values, 4000, seed=6), np.std(drawn, axis=0), rtol=0.07)
