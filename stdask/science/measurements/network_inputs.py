"""The inputs of trained networks, from a table whose columns are named as in the catalogues of stdask."""

from collections.abc import Sequence

import numpy as np

from stdask import schema
from stdask.config.survey import SurveyDefinition
from stdask.science.measurements.survey_columns import EBV_RANGE, MAGNITUDE_RANGE, SurveyColumns
from stdask.science.measurements.values import complete_errors
from stdask.science.translation.resampling import measured_behind


def unit_of(name: str, definition: SurveyDefinition) -> str:
    """Return the unit in the catalogue of a survey: of a label, a magnitude, what follows from it, or the reddening."""
    return definition.units.get(name, "mag" if _is_photometric(name) else "")


def columns_read(inputs: Sequence[str], further: Sequence[str]) -> list[str]:
    """Return the columns that `named_inputs` reads where a table has them: values, errors, and what errors are of."""
    errors = [column for name in measured_behind(inputs)[0] for column in (name, f"{name}_ERR")]
    return list(dict.fromkeys([*inputs, *further, *errors]))


def named_inputs(
    definition: SurveyDefinition, source: SurveyColumns, inputs: Sequence[str], further: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return inputs, their errors and further columns, in the units of the catalogue.

    Values and errors are cleaned and completed as those of a survey file: a column that came from there stays as it is.

    Parameters
    ----------
    definition
        Which values are possible, and the errors of stars without one.
    source
        The columns of the table, each of shape (n_stars,), under their names in the catalogue.
    inputs
        Columns that must be there: labels, colours and absolute magnitudes.
    further
        Other columns; one that is not there is missing for all stars, as is a column of errors.

    Returns
    -------
    arrays
        Inputs, errors of the measured columns behind them, and further columns: shape (n_stars,), float64.

    Raises
    ------
    SurveyError
        If a unit or a kind of column does not fit.
    """
    n_stars = len(next(iter(source.columns.values())))
    arrays = {}
    for name in dict.fromkeys([*inputs, *further]):
        if name in source.columns:
            arrays[name], _ = source.values(name, "", unit_of(name, definition), _range(name, definition))
        else:
            arrays[name] = np.full(n_stars, np.nan)
    for name in measured_behind(inputs)[0]:
        arrays[f"{name}_ERR"] = _errors(name, definition, source, n_stars)
    return arrays


def _errors(name: str, definition: SurveyDefinition, source: SurveyColumns, n_stars: int) -> np.ndarray:
    """Return the errors of a column that is drawn; a magnitude or modulus that the table lacks counts as measured."""
    unit, values, errors = unit_of(name, definition), np.zeros(n_stars), None
    if name in source.columns:
        values, _ = source.values(name, "", unit, _range(name, definition))
    if f"{name}_ERR" in source.columns:
        errors = source.errors(f"{name}_ERR", values, name, "", unit)
    if label := definition.labels.get(name):
        return complete_errors(errors, values, label.typical_error, label.error_floor)[0]
    typical = definition.photometry.typical_error if definition.photometry and _is_magnitude(name) else None
    return complete_errors(errors, values, typical)[0]


def _is_photometric(name: str) -> bool:
    modulus, _ = schema.DISTANCE_MODULUS
    others = (schema.EBV.name, modulus.name)
    return name in others or _is_magnitude(name) or schema.derived_quantity(name) is not None


def _is_magnitude(name: str) -> bool:
    return name.endswith(schema.magnitude_name(""))


def _range(name: str, definition: SurveyDefinition) -> tuple[float, float] | None:
    """Return the lowest and the highest value that is possible."""
    if name in definition.labels:
        return definition.labels[name].valid
    return EBV_RANGE if name == schema.EBV.name else MAGNITUDE_RANGE if _is_magnitude(name) else None
