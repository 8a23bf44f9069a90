"""Shapley values against their axioms and the definition by permutations."""

from itertools import permutations

import numpy as np

from stdask.science.importance import relative_importance, shapley_values

RNG = np.random.default_rng(1)
STARS, BACKGROUND = RNG.normal(size=(5, 4)), RNG.normal(size=(7, 4))


def predict(x):
    return np.column_stack([x[:, 0] * x[:, 1] + np.sin(x[:, 2]), np.exp(x[:, 0]) + 3 * x[:, 2] * x[:, 1] * x[:, 0]])


def test_they_add_up_to_the_prediction_minus_the_mean_of_the_background():
    values = shapley_values(predict, STARS, BACKGROUND)
    np.testing.assert_allclose(values.sum(axis=1), predict(STARS) - predict(BACKGROUND).mean(axis=0), atol=1e-12)


def test_they_are_the_mean_gain_over_all_orders_of_learning_the_inputs():
    values = shapley_values(predict, STARS, BACKGROUND)
    orders = list(permutations(range(4)))
    for number, star in enumerate(STARS):
        gains = np.zeros((4, 2))
        for order in orders:
            rows = BACKGROUND.copy()
            before = predict(rows).mean(axis=0)
            for i in order:
                rows[:, i] = star[i]
                after = predict(rows).mean(axis=0)
                gains[i] += after - before
                before = after
        np.testing.assert_allclose(values[number], gains / len(orders), atol=1e-12)  # rounding


def test_an_input_that_is_not_used_has_none():
    assert (shapley_values(predict, STARS, BACKGROUND)[:, 3] == 0).all()


def test_a_linear_law_gives_each_input_its_term():
    weights = np.array([[1.0], [-2.0], [0.5], [3.0]])
    values = shapley_values(lambda x: x @ weights, STARS, BACKGROUND)
    np.testing.assert_allclose(values[..., 0], (STARS - BACKGROUND.mean(axis=0)) * weights[:, 0], atol=1e-12)


def test_importance_is_the_share_of_the_mean_size_in_per_cent():
    importance = relative_importance(np.array([[[1.0], [-3.0]], [[-1.0], [1.0]]]))
    np.testing.assert_allclose(importance[:, 0], [100 / 3, 200 / 3])
