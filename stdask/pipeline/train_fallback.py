"""Train: do no harm. Where a simpler method does better on held-out stars, it stands in for the networks."""

import numpy as np

from stdask.config import Run
from stdask.network.ensemble import Fallback, Family, predict_members
from stdask.pipeline.train_errors import held_out_stars
from stdask.pipeline.training_set import TrainingSet
from stdask.science.baselines import SIMPLER
from stdask.science.metrics import compare_mae
from stdask.science.polynomials import METHODS, Polynomials, fit_polynomials


def choose_fallback(family: Family, known: TrainingSet, run: Run) -> tuple[Fallback | None, list[str]]:
    """Return what stands in for the networks, if anything, and a line for each label where it does.

    Each method is fitted for each member on the stars that this member learnt from, and compared with the networks
    on the stars that it had held out; test stars have no say. It must be closer to B by more than the error of that.

    Parameters
    ----------
    family
        The networks.
    known
        The stars that are not test stars.
    run
        Its `[train]`, `[evaluate]` and seed.
    """
    held_out = held_out_stars(len(known), run)
    scaled = family.scaling.scale_inputs(known.inputs)
    corrections = family.scaling.to_corrections(known.inputs, known.labels)
    fitted = {
        method: np.stack([fit_polynomials(scaled[~own], corrections[~own], method).coefficients for own in held_out])
        for method in METHODS
    }
    start = family.scaling.untranslated(known.inputs)
    networks = _residuals(predict_members(family, known.inputs), known.labels, held_out)
    others = {
        method: _residuals(
            np.stack([start + family.scaling.scales * Polynomials(own).evaluate(scaled) for own in members]),
            known.labels,
            held_out,
        )
        for method, members in fitted.items()
    }
    chosen, notes = np.zeros_like(fitted["raw"]), []
    replaced = np.zeros(len(family.labels), dtype=bool)
    for number, label in enumerate(family.labels):
        if (method := _better(networks[:, number], {m: r[:, number] for m, r in others.items()}, run)) is not None:
            replaced[number] = True
            chosen[:, :, number] = fitted[method][:, :, number]
            notes.append(f"{label}: {SIMPLER[method]} is closer to B on held-out stars and replaces the networks")
    return (Fallback(replaced, chosen) if replaced.any() else None), notes


def _residuals(members: np.ndarray, labels: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    """Return the mean prediction of the members that had not seen a star, minus B, (n_unseen, n_labels)."""
    unseen = held_out.any(axis=0)
    shares = held_out[:, unseen] / held_out[:, unseen].sum(axis=0)
    return np.einsum("ms,msl->sl", shares, members[:, unseen]) - labels[unseen]


def _better(networks: np.ndarray, others: dict[str, np.ndarray], run: Run) -> str | None:
    """Return the method closest to B, if it is closer than the networks by more than the error of that."""
    best = min(others, key=lambda method: np.abs(others[method]).mean())
    result = compare_mae(networks, others[best], run.config.evaluate.n_bootstraps, run.config.seed)
    return best if result.difference > result.difference_err else None
