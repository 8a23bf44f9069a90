"""Families that do nothing to a star, and stars whose truth is known: what each check should find follows by hand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stdask.config.run import Run
from stdask.network.ensemble import Family
from stdask.network.plan import Plan
from stdask.pairing.training_set import TrainingSet
from stdask.runs.ensemble import draws_of
from stdask.science.translation.calibration import N_GROUPS, Calibration
from stdask.science.translation.dissimilarity import fit_neighbourhood
from stdask.science.translation.gaussian_mixture import fit_mixture
from stdask.tools.validate.stars import Checked
from tests.network.made_up import made_up_family, training_stars

TEFF, BP_G, G_RP, RV = range(4)  # columns of the inputs
TEFF_B, MG_FE_B, VHELIO_B = range(3)  # of the labels; MG_FE has no counterpart
CALIBRATION = Calibration(  # the noise of the draws as it is, and next to nothing else
    scales=np.full(3, 1e-9),
    weights=np.zeros((3, 9)),
    input_factors=np.ones(3),
    member_factors=np.zeros(3),
    group_columns=np.array([-1, -1]),
    group_factors=np.ones((3, N_GROUPS)),
    missing_factors=np.ones(3),
)


def identity(inputs: np.ndarray | None = None) -> Family:
    """Return a family whose networks say 0: a label is its counterpart in A, or the training mean.

    `inputs`, of shape (n_stars, 4), replace the training stars of the density and of the neighbourhood.
    """
    family = made_up_family()
    arrays = {name: array * 0 if name.startswith("head.") else array for name, array in family.plan.arrays.items()}
    family = replace(family, plan=Plan(family.plan.depth, arrays), calibration=CALIBRATION)
    if inputs is None:
        return family
    neighbourhood = fit_neighbourhood(inputs, family.inputs, 1)
    return replace(family, density=fit_mixture(inputs, 1), neighbourhood=neighbourhood)


def training(
    inputs: np.ndarray, labels: np.ndarray, errors: Sequence[float] | np.ndarray = (0, 0, 0, 0, 0)
) -> TrainingSet:
    """Return stars of which every fifth is a test star; `errors` are of TEFF, BP, G, RP and RV."""
    number = np.arange(len(inputs))
    return TrainingSet(
        inputs,
        np.broadcast_to(np.asarray(errors, dtype=float), (len(inputs), 5)).copy(),
        labels,
        np.zeros_like(labels),
        np.full(len(inputs), np.nan),
        number.astype(np.uint64),
        number.astype(str),
        number % 5 == 0,
    )


def checked(run: Run, family: Family, stars: TrainingSet, **expected: np.ndarray) -> Checked:
    """Return a family and its stars, with B's labels of the test stars and whatever else is expected."""
    expected = {"B": stars.labels[stars.is_test], **expected}
    units, n_bootstraps = run.definition_b.units, run.config.evaluate.n_bootstraps
    return Checked(family, stars, expected, units, draws_of(run.config), n_bootstraps)


def stars_and_labels(n_stars: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs of stars like the training stars, and labels equal to their counterparts."""
    inputs, labels = training_stars(n_stars, seed)
    labels[:, TEFF_B], labels[:, VHELIO_B] = inputs[:, TEFF], inputs[:, RV]
    return inputs, labels
