"""Validate: whether the domain of validity recognises a wrong input, and whether residuals grow towards its edge."""

import math
from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from stdask import schema
from stdask.schema.validation import IndexRow, ShiftRow, ValidationTables
from stdask.science.assessment.metrics import score
from stdask.science.assessment.paired import share_of
from stdask.science.translation.resampling import measured_behind
from stdask.tools.validate.stars import Checked, Validation

COLOUR_SHIFT, EBV_SHIFT = 0.05, 0.1  # mag
SIGMAS = 3.0  # shift of any other column, in units of its median stated error
INDEX_EDGES = (0.0, 0.5, 0.75, 1.0, np.inf)
MIN_BIN = 20  # stars; of fewer, a robust sigma is uncertain by over a quarter


def check(validation: Validation) -> ValidationTables:
    """Shift each input of the test stars, and sort their residuals by the index."""
    units = validation.run.definition_a.units
    return ValidationTables(
        domain=[row for checked in validation.checked for row in shifted_rows(checked, units)],
        domain_residuals=[row for checked in validation.checked for row in index_rows(checked)],
    )


def shifted_rows(checked: Checked, units: Mapping[str, str]) -> list[ShiftRow]:
    """Return how many test stars both domains catch, unchanged and with each column shifted.

    Parameters
    ----------
    checked
        A family and its stars.
    units
        Of the labels of A.
    """
    where, domain = checked.family.neighbourhood, checked.family.input_domain
    units = {**dict.fromkeys((*filter(schema.derived_quantity, where.names), schema.EBV.name), "mag"), **units}
    rows = []
    for shifted, amount in [("nothing", 0.0), *shifts_of(checked)]:
        values = surroundings(checked)
        if amount:
            values[:, where.names.index(shifted)] += amount
        caught = where.index(values) > 1
        outside = ~np.all(domain.contains(values[:, : len(domain.names)]), axis=1)
        to_name = values[caught] if amount else values[:0]  # a false alarm has no shifted column to name
        named = np.array([shifted in pair.split("-") for pair in where.worst_pairs(to_name)], dtype=bool)
        shares = (*share_of(caught), *share_of(outside), *share_of(named))
        rows.append(ShiftRow(checked.family.name, shifted, amount, units.get(shifted, ""), len(values), *shares))
    return rows


def shifts_of(checked: Checked) -> list[tuple[str, float]]:
    """Return by how much each column of the domain is shifted, in both directions save for the reddening."""
    medians = dict(zip(checked.family.measured, np.nanmedian(checked.test.errors, axis=0), strict=True))
    shifts = []
    for name in checked.family.neighbourhood.names:
        if name == schema.EBV.name:
            shifts.append((name, EBV_SHIFT))
        else:
            behind = measured_behind([name])[0]
            size = COLOUR_SHIFT if schema.is_colour(name) else SIGMAS * math.hypot(*(medians[own] for own in behind))
            if np.isfinite(size):  # a survey may state no error
                shifts += [(name, -size), (name, size)]
    return shifts


def index_rows(checked: Checked) -> list[IndexRow]:
    """Return how far the test stars' translations lie from B, or the truth, in bins of the dissimilarity index.

    Parameters
    ----------
    checked
        A family and its stars.
    """
    index = checked.family.neighbourhood.index(surroundings(checked))
    rows = []
    for number, label in enumerate(checked.family.labels):
        for of, expected in checked.expected.items():
            residuals = checked.translation.percentiles[2][:, number] - expected[:, number]
            for low, high in pairwise(INDEX_EDGES):
                inside = (index >= low) & (index < high) & np.isfinite(residuals)
                if inside.sum() < MIN_BIN:
                    continue
                s = score(residuals[inside], checked.n_bootstraps, checked.seed)
                errors = (s.n, s.mae, s.mae_err, s.robust, s.robust_err)
                rows.append(IndexRow(checked.family.name, label, checked.units[label], of, low, high, *errors))
    return rows


def surroundings(checked: Checked) -> np.ndarray:
    """Return the columns of the test stars that the neighbourhood looks at, (n_test, n_columns)."""
    columns = [checked.test.inputs]
    if schema.EBV.name in checked.family.neighbourhood.names:
        columns.append(checked.test.reddening[:, None])
    return np.concatenate(columns, axis=1)
