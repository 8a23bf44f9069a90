"""Validate: whether the translation makes velocities better or worse, the known failure of the published one."""

import numpy as np

from stdask.display.console import say
from stdask.science.assessment.metrics import score
from stdask.science.assessment.paired import compare_scatter
from stdask.tools.validate.stars import Checked, Rows, Validation

UNIT = "km/s"
FAST = 50.0  # km/s: Thomas et al. 2024, sect. 3.4, blame their failure on most training stars being slower


def check(validation: Validation) -> dict[str, Rows]:
    """Compare the velocities of the test stars, raw and translated, with B."""
    rows = [row for checked in validation.checked for row in velocity_rows(checked)]
    if not rows:
        say("  no label in km/s with a counterpart in A was trained", "yellow")
    return {"velocities": rows}


def velocity_rows(checked: Checked) -> Rows:
    """Return scores of raw and translated velocities, of all test stars and of the fast ones.

    Parameters
    ----------
    checked
        A family and its stars.
    """
    rows = []
    for number, (label, own) in enumerate(zip(checked.family.labels, checked.own_columns, strict=True)):
        if checked.unit(label) != UNIT or not checked.family.counterparts[number]:
            continue
        methods = {"raw": checked.test.inputs[:, own], "translated": checked.translation.percentiles[2][:, number]}
        for of, expected in checked.expected.items():
            for stars, lowest in (("all", 0.0), (f"faster than {FAST:g} {UNIT}", FAST)):
                chosen = np.abs(expected[:, number]) >= lowest
                residuals = {name: values[chosen] - expected[chosen, number] for name, values in methods.items()}
                case = {"family": checked.family.name, "label": label, "unit": UNIT, "of": of, "stars": stars}
                rows += _rows(checked, case, residuals)
    return rows


def _rows(checked: Checked, case: dict[str, str], residuals: dict[str, np.ndarray]) -> Rows:
    """Return a row of raw and one of translated velocities; the second says how much they scatter in units of raw."""
    n_bootstraps, seed = checked.run.config.evaluate.n_bootstraps, checked.run.config.seed
    ratio = compare_scatter(residuals["translated"], residuals["raw"], n_bootstraps, seed)._asdict()
    rows = []
    for method, own in residuals.items():
        scores = score(own, n_bootstraps, seed)
        row = case | {"method": method, "n": scores["n"]}
        row |= {name: scores[name] for metric in ("bias", "std", "robust") for name in (metric, f"{metric}_err")}
        known = method == "translated"
        for name in ("std", "robust"):
            row[f"{name}_to_raw"] = ratio[name] if known else np.nan
            row[f"{name}_to_raw_err"] = ratio[f"{name}_err"] if known else np.nan
        rows.append(row)
    return rows
