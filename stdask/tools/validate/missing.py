"""Validate: how much accuracy a missing input costs, and whether the errors account for it."""

from dataclasses import replace

import numpy as np

from stdask import schema
from stdask.display.console import progress_bar, say
from stdask.network.ensemble import Family, Translation, sigma_parts, translate
from stdask.schema.validation import MissingRow, ValidationTables
from stdask.science.assessment.metrics import coverage, coverage_of_errors
from stdask.tools.validate.stars import Checked, Validation

COMPLETE, DRAWN, MEAN = "complete", "drawn", "mean"


def check(validation: Validation) -> ValidationTables:
    """Translate the test stars without each of their inputs in turn, filled in both ways."""
    return ValidationTables(missing=[row for checked in validation.checked for row in missing_rows(checked)])


def missing_rows(checked: Checked) -> list[MissingRow]:
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
                translation = translate(own, inputs, test.errors, test.star_keys, checked.draws)
                rows += _rows(checked, own, inputs, translation, (name, way))
                bar.advance(1, f"without {name}, {way}")
    order = [(label, of) for label in family.labels for of in checked.expected]
    return sorted(rows, key=lambda row: order.index((row.label, row.of)))


def ways_to_fill(family: Family) -> dict[str, Family]:
    """Return the family with each treatment of a missing input: drawn, and set to the training mean as published.

    The published treatment has errors that are calibrated on complete stars alone.
    """
    if family.density is None or family.calibration is None:
        say(f"  {family.name}: trained with [train] missing = 'mean', so nothing is drawn", "yellow")
        return {MEAN: family}
    complete = replace(family.calibration, missing_factors=np.ones_like(family.calibration.missing_factors))
    return {DRAWN: family, MEAN: replace(family, density=None, calibration=complete)}


def _rows(
    checked: Checked, family: Family, inputs: np.ndarray, translation: Translation, case: tuple[str, str]
) -> list[MissingRow]:
    """Return one row a label and a truth; `case` says what was deleted, and how it was filled."""
    sigma = sigma_parts(family, inputs, translation).total
    rows = []
    for of, expected in checked.expected.items():
        residuals = translation.percentiles[2] - expected
        for number, label in enumerate(family.labels):
            percentiles = dict(zip(schema.PERCENTILES, translation.percentiles[:, :, number], strict=True))
            shares = (
                *coverage_of_errors(residuals[:, number], sigma[:, number]),
                *coverage(percentiles, expected[:, number]),
            )
            known = np.isfinite(residuals[:, number])
            rows.append(
                MissingRow(
                    family.name,
                    label,
                    checked.units[label],
                    of,
                    *case,
                    int(known.sum()),
                    float(np.median(translation.input_noise[:, number])),
                    float(np.median(sigma[:, number])),
                    float(np.abs(residuals[known, number]).mean()),
                    *(number for share in shares for number in (share.covered, share.covered_err)),
                )
            )
    return rows
