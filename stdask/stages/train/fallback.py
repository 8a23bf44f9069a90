"""Train: do no harm. Where a simpler method is closer to B on held-out stars, it replaces the networks."""

import numpy as np
from threadpoolctl import threadpool_limits

from stdask.config.training import TrainConfig
from stdask.network.ensemble import Fallback, Family, predict_members
from stdask.pairing.training_set import TrainingSet
from stdask.science.assessment.baselines import SIMPLER
from stdask.science.assessment.metrics import compare_mae
from stdask.science.translation.combining import mean_of_unseen
from stdask.science.translation.polynomials import METHODS, Polynomials, fit_polynomials
from stdask.stages.train.errors import held_out_stars

NETWORKS = "networks"
N_BOOTSTRAPS = 1000  # so that the error of a difference is known to 2 %


def choose_fallback(
    family: Family, known: TrainingSet, train: TrainConfig, seed: int
) -> tuple[Fallback | None, list[str]]:
    """Return what replaces the networks, if anything, and a line for each label where it does.

    Each method is fitted for each member on the training stars of this member, and compared with the networks on the
    stars that it held out; test stars are not used. It must be closer to B by more than the error of the difference.
    Most stars were held out by one member alone, and averaging improves networks more than polynomials: where both are
    about equal, the polynomial is preferred.

    Parameters
    ----------
    family
        The networks.
    known
        The stars that are not test stars.
    train, seed
        `[train]`, and the seed of the run.
    """
    held_out = held_out_stars(len(known), train, seed)
    scaled = family.scaling.scale_inputs(known.inputs)
    corrections = family.scaling.to_corrections(known.inputs, known.labels)
    with threadpool_limits(1):  # on a busy machine several threads are slower than one
        fitted = {
            method: np.stack([fit_polynomials(scaled[~o], corrections[~o], method).coefficients for o in held_out])
            for method in METHODS
        }
    start, scales = family.scaling.untranslated(known.inputs), family.scaling.scales
    predicted = {
        method: np.stack([start + scales * Polynomials(own).evaluate(scaled) for own in members])
        for method, members in fitted.items()
    }
    predicted[NETWORKS] = predict_members(family, known.inputs)
    unseen = np.any(held_out, axis=0)
    residuals = {
        method: mean_of_unseen(members[:, unseen], held_out[:, unseen]) - known.labels[unseen]
        for method, members in predicted.items()
    }
    chosen, notes = np.zeros_like(fitted["raw"]), []
    replaced = np.zeros(len(family.labels), dtype=bool)
    for number, (label, counterpart) in enumerate(zip(family.labels, family.counterparts, strict=True)):
        own = {m: r[:, number] for m, r in residuals.items() if counterpart or m != "raw"}
        if (method := _better(own, seed)) is not None:
            replaced[number] = True
            chosen[:, :, number] = fitted[method][:, :, number]
            name = SIMPLER[method] if counterpart or method != "offset" else "a constant"
            notes.append(f"{label}: closer to B on held-out stars, {name} replaces the networks")
    return (Fallback(replaced, chosen) if replaced.any() else None), notes


def _better(residuals: dict[str, np.ndarray], seed: int) -> str | None:
    """Return the method closest to B, if it is closer than the networks by more than the error of the difference."""
    best = min(residuals, key=lambda method: np.nanmean(np.abs(residuals[method])))
    result = compare_mae(residuals[NETWORKS], residuals[best], N_BOOTSTRAPS, seed)
    return best if result.difference > result.difference_err else None
