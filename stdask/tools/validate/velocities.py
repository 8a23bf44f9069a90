"""Validate: whether the translation improves velocities, where the published one is known to fail."""

from typing import NamedTuple

import numpy as np

from stdask.display.console import say
from stdask.schema.validation import ValidationTables, VelocityRow
from stdask.science.assessment.metrics import score
from stdask.science.assessment.paired import ScatterRatio, compare_scatter
from stdask.tools.validate.stars import Checked, Validation

UNIT = "km/s"
FAST = 50.0  # km/s: most training stars are slower, the reason that Thomas et al. 2024, sect. 3.4, give for the failure


class VelocityCase(NamedTuple):
    """First columns of two rows: of raw and of translated velocities."""

    family: str
    label: str
    unit: str
    of: str  # what they are compared with
    stars: str  # which test stars


def check(validation: Validation) -> ValidationTables:
    """Compare the velocities of the test stars, raw and translated, with B."""
    rows = [row for checked in validation.checked for row in velocity_rows(checked)]
    if not rows:
        say("  no label in km/s with a counterpart in A was trained", "yellow")
    return ValidationTables(velocities=rows)


def velocity_rows(checked: Checked) -> list[VelocityRow]:
    """Return scores of raw and translated velocities, of all test stars and of the fast ones.

    Parameters
    ----------
    checked
        A family and its stars.
    """
    rows = []
    for number, (label, own) in enumerate(zip(checked.family.labels, checked.family.own_columns, strict=True)):
        if checked.units[label] != UNIT or not checked.family.counterparts[number]:
            continue
        methods = {"raw": checked.test.inputs[:, own], "translated": checked.translation.percentiles[2][:, number]}
        for of, expected in checked.expected.items():
            for stars, lowest in (("all", 0.0), (f"faster than {FAST:g} {UNIT}", FAST)):
                chosen = np.abs(expected[:, number]) >= lowest
                residuals = {name: values[chosen] - expected[chosen, number] for name, values in methods.items()}
                rows += _rows(checked, VelocityCase(checked.family.name, label, UNIT, of, stars), residuals)
    return rows


def _rows(checked: Checked, case: VelocityCase, residuals: dict[str, np.ndarray]) -> list[VelocityRow]:
    """Return a row of raw and one of translated velocities; the second compares its scatter with that of raw ones."""
    n_bootstraps, seed = checked.n_bootstraps, checked.seed
    unknown = ScatterRatio(*4 * [np.nan])
    ratios = {
        "raw": unknown,
        "translated": compare_scatter(residuals["translated"], residuals["raw"], n_bootstraps, seed),
    }
    rows = []
    for method, own in residuals.items():
        s, ratio = score(own, n_bootstraps, seed), ratios[method]
        rows.append(
            VelocityRow(*case, method, s.n, s.bias, s.bias_err, s.std, s.std_err, s.robust, s.robust_err, *ratio)
        )
    return rows
