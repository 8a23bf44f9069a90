"""Validate: how far the percentiles of few draws lie from those of very many."""

from dataclasses import replace
from typing import Any

import numpy as np

from stdask.display.console import Bar, progress_bar, say
from stdask.network.ensemble import Draws, translate
from stdask.pairing.training_set import TrainingSet
from stdask.runs.draws import draws_of
from stdask.science.assessment.metrics import percentile_errors
from stdask.tools.validate.stars import Checked, Rows, Validation

SAMPLERS = ("random", "sobol")
N_DRAWS = (16, 32, 48, 64, 100, 128, 256)  # 100: Thomas et al. 2024, sect. 3.5
N_REFERENCE = 20_000  # pseudo-random: of Gaussian draws, its 5th percentile is off by 0.015 half widths
MOST_STARS = 200  # of a family: with three labels, they give a root mean square to 3 %
BATCH_DRAWS = 400_000  # translated at once, so that the bar moves


def check(validation: Validation) -> dict[str, Rows]:
    """Compare the percentiles of both samplers with a reference, for complete stars and without an input."""
    return {"draws": [row for checked in validation.checked for row in draws_rows(checked)]}


def draws_rows(checked: Checked) -> Rows:
    """Return the errors of the percentiles of complete test stars, as they are and without one input.

    Parameters
    ----------
    checked
        A family and its stars.
    """
    family, stars = checked.family, complete_stars(checked.test)
    if not len(stars):
        say(f"  {family.name}: no test star has all inputs and all errors", "yellow")
        return []
    own = draws_of(checked.run.config)
    numbers = sorted({*N_DRAWS, own.n_draws})
    kinds = [replace(own, n_draws=number, sampler=sampler) for sampler in SAMPLERS for number in numbers]
    # of another seed: no draw of the reference is among those that it judges
    reference = replace(own, n_draws=N_REFERENCE, sampler="random", seed=own.seed + 1)
    cases, rows = ["none", *input_to_delete(checked)], []
    total = len(cases) * len(stars) * sum(draws.n_draws for draws in (reference, *kinds))
    with progress_bar(f"{family.name} draws", total) as bar:
        for missing in cases:
            inputs = np.where(np.array(family.inputs) == missing, np.nan, stars.inputs)
            expected = _percentiles(checked, stars, inputs, reference, bar)
            for draws in kinds:
                row: dict[str, Any] = {"family": family.name, "missing": missing, "n": len(stars)}
                row |= {"sampler": draws.sampler, "n_draws": draws.n_draws}
                rows.append(row | percentile_errors(_percentiles(checked, stars, inputs, draws, bar), expected))
    return rows


def complete_stars(stars: TrainingSet) -> TrainingSet:
    """Return stars with all inputs and all errors; of many those with the smallest keys, which are hashes."""
    complete = stars.subset(np.isfinite(stars.inputs).all(axis=1) & np.isfinite(stars.errors).all(axis=1))
    ranks = np.argsort(np.argsort(complete.star_keys))
    return complete.subset(ranks < MOST_STARS)


def input_to_delete(checked: Checked) -> list[str]:
    """Return the last input that is the counterpart of an intrinsic label, if there is one.

    It is an abundance where the run has one: what real catalogues miss most, as GALAH DR3 misses magnesium (Thomas
    et al. 2024, sect. 3.5).
    """
    counterparts = {item.source for item in checked.run.config.train.labels("intrinsic")}
    return [name for name in checked.family.inputs if name in counterparts][-1:]


def _percentiles(checked: Checked, stars: TrainingSet, inputs: np.ndarray, draws: Draws, bar: Bar) -> np.ndarray:
    """Return the percentiles over the draws, (n_percentiles, n_stars, n_labels)."""
    batch, parts = max(1, BATCH_DRAWS // draws.n_draws), []
    for start in range(0, len(stars), batch):
        some = slice(start, start + batch)
        translation = translate(checked.family, inputs[some], stars.errors[some], stars.star_keys[some], draws)
        parts.append(translation.percentiles)
        bar.advance(len(inputs[some]) * draws.n_draws)
    return np.concatenate(parts, axis=1)
