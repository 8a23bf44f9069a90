"""Validate: how far the percentiles of few draws lie from those of very many."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from stdask.display.console import Bar, progress_bar, say
from stdask.network.ensemble import Draws, translate
from stdask.pairing.training_set import TrainingSet
from stdask.schema.validation import DrawsRow, ValidationTables
from stdask.science.assessment.metrics import percentile_errors
from stdask.science.keys.seeds import integer_seed
from stdask.tools.validate.stars import Checked, Validation

SAMPLERS = ("random", "sobol")
N_DRAWS = (16, 32, 48, 64, 100, 128, 256)  # 100: Thomas et al. 2024, sect. 3.5
N_REFERENCE = 20_000  # pseudo-random draws: for a Gaussian, their 5th percentile is off by 0.015 half widths
MOST_STARS = 200  # of a family: enough to know a root mean square over three labels to 3 %
BATCH_DRAWS = 400_000  # translated in one piece, so that the bar moves


def check(validation: Validation) -> ValidationTables:
    """Compare the percentiles of both samplers with a reference, for complete stars and without an input."""
    counterparts = {item.source for item in validation.run.config.train.labels("intrinsic")}
    return ValidationTables(draws=[row for own in validation.checked for row in draws_rows(own, counterparts)])


def draws_rows(checked: Checked, counterparts: Collection[str | None]) -> list[DrawsRow]:
    """Return the errors of the percentiles of complete test stars, as they are and without one input.

    Parameters
    ----------
    checked
        A family and its stars.
    counterparts
        Of the intrinsic labels: the last of them that is an input is deleted.
    """
    family, stars = checked.family, complete_stars(checked.test)
    if not len(stars):
        say(f"  {family.name}: no test star has all inputs and all errors", "yellow")
        return []
    own = checked.draws
    numbers = sorted({*N_DRAWS, own.n_draws})
    kinds = [replace(own, n_draws=number, sampler=sampler) for sampler in SAMPLERS for number in numbers]
    # Another seed, so that no draw of the reference is among those compared with it.
    reference = replace(own, n_draws=N_REFERENCE, sampler="random", seed=integer_seed(own.seed, "reference draws"))
    cases, rows = ["none", *input_to_delete(checked.family.inputs, counterparts)], []
    total = len(cases) * len(stars) * sum(draws.n_draws for draws in (reference, *kinds))
    with progress_bar(f"{family.name} draws", total) as bar:
        for missing in cases:
            inputs = np.where(np.array(family.inputs) == missing, np.nan, stars.inputs)
            expected = _percentiles(checked, stars, inputs, reference, bar)
            for draws in kinds:
                errors = percentile_errors(_percentiles(checked, stars, inputs, draws, bar), expected)
                rows.append(DrawsRow(family.name, missing, len(stars), draws.sampler, draws.n_draws, *errors.values()))
    return rows


def complete_stars(stars: TrainingSet) -> TrainingSet:
    """Return at most `MOST_STARS` stars with all inputs and errors: those with the smallest keys, which are hashes."""
    complete = stars.subset(np.isfinite(stars.inputs).all(axis=1) & np.isfinite(stars.errors).all(axis=1))
    ranks = np.argsort(np.argsort(complete.star_keys))
    return complete.subset(ranks < MOST_STARS)


def input_to_delete(inputs: Sequence[str], counterparts: Collection[str | None]) -> list[str]:
    """Return the last input that is the counterpart of an intrinsic label, if there is one.

    It is an abundance where the run has one: what real catalogues miss most, as GALAH DR3 misses magnesium (Thomas
    et al. 2024, sect. 3.5).
    """
    return [name for name in inputs if name in counterparts][-1:]


def _percentiles(checked: Checked, stars: TrainingSet, inputs: np.ndarray, draws: Draws, bar: Bar) -> np.ndarray:
    """Return the percentiles over the draws, (n_percentiles, n_stars, n_labels)."""
    batch, parts = max(1, BATCH_DRAWS // draws.n_draws), []
    for start in range(0, len(stars), batch):
        some = slice(start, start + batch)
        translation = translate(checked.family, inputs[some], stars.errors[some], stars.star_keys[some], draws)
        parts.append(translation.percentiles)
        bar.advance(len(inputs[some]) * draws.n_draws)
    return np.concatenate(parts, axis=1)
