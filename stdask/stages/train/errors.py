"""Train: errors calibrated on the stars that the members held out for validation."""

from dataclasses import replace

import numpy as np

from stdask.config.training import TrainConfig
from stdask.network.ensemble import Draws, Family, translate
from stdask.pairing.training_set import TrainingSet
from stdask.science.keys.random_keys import uniforms
from stdask.science.keys.splits import split_for_member
from stdask.science.translation.calibration import fit_calibration
from stdask.science.translation.masking import Patterns, mask_inputs

GROUPED_BY = (("LOGG",), ("M_H", "FE_H"))  # errors are calibrated by these inputs, where A has them
MASKED_STARS = 2000  # translated a second time without some inputs: a share of 68 % is then known to 1 %


def held_out_stars(n_stars: int, train: TrainConfig, seed: int) -> np.ndarray:
    """Return which stars each member held out for validation, (n_members, n_stars) bool.

    Parameters
    ----------
    n_stars
        Number of stars that are not test stars.
    train, seed
        `[train]`, and the seed of the run.
    """
    held_out = np.zeros((train.n_members, n_stars), dtype=bool)
    for member in range(train.n_members):
        held_out[member, split_for_member(n_stars, train.validation_fraction, seed, member)[1]] = True
    return held_out


def calibrate(family: Family, known: TrainingSet, patterns: Patterns, train: TrainConfig, draws: Draws) -> Family:
    """Return the family with its calibration.

    The errors of stars with missing inputs are calibrated on stars whose inputs are deleted, at the catalogue's rate.

    Parameters
    ----------
    family
        Before its calibration.
    known
        The stars that are not test stars.
    patterns
        Of the missing inputs of catalogue A.
    train, draws
        `[train]`, and the Monte Carlo draws of a translation.
    """
    held_out = held_out_stars(len(known), train, draws.seed)
    unseen = np.any(held_out, axis=0)
    stars, held_out = known.subset(unseen), held_out[:, unseen]
    inputs, rows = stars.inputs, np.arange(len(stars))
    if len(patterns.partial.counts):
        masked = mask_inputs(inputs, patterns.partial, stars.star_keys, draws.seed, "masked for the errors")
        # Random stars of the whole sky: the pairs are in the order of their pixels.
        chosen = np.argsort(uniforms(stars.star_keys, draws.seed, "stars masked for the errors"))[:MASKED_STARS]
        inputs = np.concatenate([inputs, masked[chosen]])
        rows = np.concatenate([rows, chosen])
    translation = translate(family, inputs, stars.errors[rows], stars.star_keys[rows], draws, held_out[:, rows])
    columns = [next((family.inputs.index(n) for n in names if n in family.inputs), -1) for names in GROUPED_BY]
    calibration = fit_calibration(
        translation.unseen_medians - stars.labels[rows],
        inputs,
        family.scaling.scale_inputs(inputs),
        translation.input_noise,
        translation.member_spread,
        columns,
    )
    return replace(family, calibration=calibration)
