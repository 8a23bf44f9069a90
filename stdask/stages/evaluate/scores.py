"""Evaluate: how far the networks and simpler methods lie from B, or from the truth."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from stdask.display.numbers import decimals, measured
from stdask.network.ensemble import Family
from stdask.pairing.training_set import TrainingSet
from stdask.schema.evaluation import SIGNIFICANT, ScoreRow
from stdask.science.assessment.baselines import SIMPLER, fit_baselines
from stdask.science.assessment.metrics import compare_mae, score


class EvaluatedFamily(NamedTuple):
    """A family of networks, its stars, and what each method gives for the test stars."""

    family: Family
    stars: TrainingSet  # all usable pairs
    predictions: dict[str, np.ndarray]  # method -> shape (n_test, n_labels)

    @property
    def test(self) -> TrainingSet:
        """The test stars."""
        return self.stars.subset(self.stars.is_test)


def baselines(family: Family, stars: TrainingSet, seed: int) -> dict[str, np.ndarray]:
    """Return what users would try instead, on the test stars: method -> (n_test, n_labels).

    Fitted on all stars that are not test stars; the methods are those of `SIMPLER`.
    """
    test, known = stars.subset(stars.is_test), stars.subset(~stars.is_test)
    return fit_baselines(known.inputs, known.labels, family.own_columns, test.inputs, seed)


def score_rows(
    family: Family,
    predictions: Mapping[str, np.ndarray],
    expected: np.ndarray,
    units: Mapping[str, str],
    n_bootstraps: int,
    seed: int,
) -> list[ScoreRow]:
    """Return the errors of each label by each method that knows it.

    Parameters
    ----------
    family
        The networks.
    predictions
        Method -> shape (n_test, n_labels), `translated` among them.
    expected : shape (n_test, n_labels)
        B or the truth.
    units
        Label -> unit.
    n_bootstraps, seed
        Resamplings of the stars, and their seed.
    """
    rows = []
    for number, label in enumerate(family.labels):
        for method, predicted in predictions.items():
            residuals = predicted[:, number] - expected[:, number]
            if np.isfinite(residuals).any():
                translated = predictions["translated"][:, number] - expected[:, number]
                paired = compare_mae(residuals, translated, n_bootstraps, seed)
                behind = (paired.difference, paired.difference_err)
                scores = score(residuals, n_bootstraps, seed)
                rows.append(ScoreRow(family.name, label, units[label], method, *scores, *behind))
    return rows


def notes_of_harm(
    family: Family,
    predictions: Mapping[str, np.ndarray],
    expected: np.ndarray,
    units: Mapping[str, str],
    n_bootstraps: int,
    seed: int,
) -> list[str]:
    """Return a line for each label where the best simpler method is closer to B by more than chance.

    Parameters
    ----------
    family, units, n_bootstraps, seed
        As for `score_rows`.
    predictions
        Method -> shape (n_test, n_labels): `translated`, and the methods of `SIMPLER`.
    expected : shape (n_test, n_labels)
        B.
    """
    notes = []
    for number, label in enumerate(family.labels):
        residuals = {method: predicted[:, number] - expected[:, number] for method, predicted in predictions.items()}
        known = {m: np.abs(own[np.isfinite(own)]) for m, own in residuals.items() if m in SIMPLER}
        if not any(own.size for own in known.values()):
            continue  # B has the label of no test star
        best = min((method for method in known if known[method].size), key=lambda method: known[method].mean())
        result = compare_mae(residuals["translated"], residuals[best], n_bootstraps, seed)
        if result.difference > SIGNIFICANT * result.difference_err:
            places = decimals(result.difference_err)
            notes.append(
                f"{label}: {SIMPLER[best]} is closer to B than the translation, MAE {result.other_mae:.{places}f} "
                f"against {result.mae:.{places}f} {units[label]} "
                f"(difference {measured(result.difference, result.difference_err)})"
            )
    return notes
