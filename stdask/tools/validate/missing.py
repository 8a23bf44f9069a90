"""Validate: what a missing input costs, and whether the errors know it."""

from dataclasses import replace
from typing import Any

import numpy as np

from stdask import schema
from stdask.display.console import progress_bar, say
from stdask.network.ensemble import Family, Translation, sigma_parts, translate
from stdask.runs.draws import draws_of
from stdask.science.assessment.metrics import Coverage, coverage, coverage_of_errors
from stdask.tools.validate.stars import Checked, Rows, Validation

COMPLETE, DRAWN, MEAN = "complete", "drawn", "mean"


def check(validation: Validation) -> dict[str, Rows]:
    """Translate the test stars without each of their inputs in turn, filled in both ways."""
    return {"missing": [row for checked in validation.checked for row in missing_rows(checked)]}


def missing_rows(checked: Checked) -> Rows:
    """Return widths, errors and coverage of the test stars, complete and without each input in turn.

    Parameters
    ----------
    checked
        A family, with its calibration, and its stars.
    """
    family, test = checked.family, checked.test
    ways = ways_to_fill(family)
    rows = _rows(checked, family, test.inputs, checked.translation, ("none", COMPLETE))
    with progress_bar(f"missing {family.name} inputs", len(family.inputs) * len(ways)) as bar:
        for column, name in enumerate(family.inputs):
            inputs = test.inputs.copy()
            inputs[:, column] = np.nan
            for way, own in ways.items():
                translation = translate(own, inputs, test.errors, test.star_keys, draws_of(checked.run.config))
                rows += _rows(checked, own, inputs, translation, (name, way))
                bar.advance(1, f"without {name}, {way}")
    order = [(label, of) for label in family.labels for of in checked.expected]
    return sorted(rows, key=lambda row: order.index((row["label"], row["of"])))


def ways_to_fill(family: Family) -> dict[str, Family]:
    """Return the family as it treats a missing input: drawn as it was trained, and the training mean as published.

    Who does not draw has only errors calibrated on complete stars, so those belong to the published way.
    """
    if family.density is None or family.calibration is None:
        say(f"  {family.name}: trained with [train] missing = 'mean', so nothing is drawn", "yellow")
        return {MEAN: family}
    complete = replace(family.calibration, missing_factors=np.ones_like(family.calibration.missing_factors))
    return {DRAWN: family, MEAN: replace(family, density=None, calibration=complete)}


def _rows(
    checked: Checked, family: Family, inputs: np.ndarray, translation: Translation, case: tuple[str, str]
) -> Rows:
    """Return one row a label and a truth; `case` says what was deleted, and how it was filled."""
    sigma = sigma_parts(family, inputs, translation).total
    rows = []
    for of, expected in checked.expected.items():
        residuals = translation.percentiles[2] - expected
        for number, label in enumerate(family.labels):
            percentiles = dict(zip(schema.PERCENTILES, translation.percentiles[:, :, number], strict=True))
            row: dict[str, Any] = {"family": family.name, "label": label, "unit": checked.unit(label), "of": of}
            row |= dict(zip(("deleted", "filled_by"), case, strict=True))
            row |= {
                "n": len(inputs),
                "half_width": float(np.median(translation.input_noise[:, number])),
                "sigma": float(np.median(sigma[:, number])),
                "mae": float(np.abs(residuals[:, number]).mean()),
            }
            row |= _covered("errors", coverage_of_errors(residuals[:, number], sigma[:, number]))
            rows.append(row | _covered("draws", coverage(percentiles, expected[:, number])))
    return rows


def _covered(interval: str, shares: list[Coverage]) -> dict[str, float]:
    columns: dict[str, float] = {}
    for share in shares:
        name = f"{interval}_cover_{100 * share.nominal:.0f}"
        columns |= {name: share.covered, f"{name}_err": share.covered_err}
    return columns
