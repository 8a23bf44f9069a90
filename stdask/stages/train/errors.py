"""Train: errors learnt from the stars that the members had held out for validation."""

from dataclasses import replace

import numpy as np

from stdask.config.run import Run
from stdask.network.ensemble import Family, translate
from stdask.pairing.training_set import TrainingSet
from stdask.runs.draws import draws_of
from stdask.science.keys.random_keys import uniforms
from stdask.science.keys.splits import split_for_member
from stdask.science.translation.calibration import fit_calibration
from stdask.science.translation.masking import Patterns, mask_inputs

GROUPED_BY = (("LOGG",), ("M_H", "FE_H"))  # errors are calibrated by these inputs, where A has them
MASKED_STARS = 2000  # that are translated once more without some inputs: 68 % of them are known to 1 %


def held_out_stars(n_stars: int, run: Run) -> np.ndarray:
    """Return which stars each member held out for validation, (n_members, n_stars) bool.

    Parameters
    ----------
    n_stars
        That are not test stars.
    run
        Its `[train]` and seed.
    """
    train = run.config.train
    held_out = np.zeros((train.n_members, n_stars), dtype=bool)
    for member in range(train.n_members):
        held_out[member, split_for_member(n_stars, train.validation_fraction, run.config.seed, member)[1]] = True
    return held_out


def calibrate(family: Family, known: TrainingSet, patterns: Patterns, run: Run) -> Family:
    """Return the family with its calibration.

    Stars that lack inputs, at the rate of the catalogue, are calibrated on stars whose inputs are taken away.

    Parameters
    ----------
    family
        Before its calibration.
    known
        The stars that are not test stars.
    patterns
        Of the missing inputs of catalogue A.
    run
        Its `[train]`, `[translate]` and seed.
    """
    held_out = held_out_stars(len(known), run)
    unseen = np.any(held_out, axis=0)
    stars, held_out = known.subset(unseen), held_out[:, unseen]
    inputs, rows = stars.inputs, np.arange(len(stars))
    if len(patterns.partial.counts):
        seed = run.config.seed
        masked = mask_inputs(inputs, patterns.partial, stars.star_keys, seed, "masked for the errors")
        # of all over the sky: the pairs are in the order of their pixels
        chosen = np.argsort(uniforms(stars.star_keys, seed, "stars masked for the errors"))[:MASKED_STARS]
        inputs = np.concatenate([inputs, masked[chosen]])
        rows = np.concatenate([rows, chosen])
    translation = translate(
        family, inputs, stars.errors[rows], stars.star_keys[rows], draws_of(run.config), held_out[:, rows]
    )
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
