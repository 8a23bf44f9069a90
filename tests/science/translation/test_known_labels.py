"""Labels that B lacks for some stars: grouped by the stars that have them, and filled from stars alike."""

import numpy as np

from stdask.science.translation.known_labels import group_labels, take_from_neighbours

RNG = np.random.default_rng(1)


def test_labels_known_for_the_same_stars_are_one_group():
    labels = RNG.normal(size=(6, 4))
    labels[[1, 4], 1] = labels[[1, 4], 3] = np.nan
    groups = {tuple(group): stars.tolist() for group, stars in group_labels(labels)}
    assert groups == {(0, 2): [True] * 6, (1, 3): [True, False, True, True, False, True]}


def test_labels_without_gaps_are_a_single_group_in_their_order():
    ((group, stars),) = group_labels(RNG.normal(size=(5, 3)))
    assert group.tolist() == [0, 1, 2]
    assert stars.all()


def test_a_missing_label_comes_from_the_star_with_the_nearest_inputs_that_has_it():
    inputs, labels = RNG.normal(size=(200, 2)), RNG.normal(size=(200, 3))
    missing = RNG.random(200) < 0.6
    gaps = labels.copy()
    gaps[missing, 1] = np.nan
    filled = take_from_neighbours(gaps, inputs)
    np.testing.assert_array_equal(filled[:, [0, 2]], labels[:, [0, 2]])
    np.testing.assert_array_equal(filled[~missing, 1], labels[~missing, 1])
    for star in np.flatnonzero(missing):
        donor = min(np.flatnonzero(~missing), key=lambda other: ((inputs[other] - inputs[star]) ** 2).sum())
        assert filled[star, 1] == labels[donor, 1]
    np.testing.assert_array_equal(gaps[missing, 1], np.nan)  # the labels given are not changed
