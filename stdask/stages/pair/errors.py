"""Inputs of the networks that no star of A has an error of: every star would be left out of the merged catalogue."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from stdask.config.survey import SurveyDefinition
from stdask.errors import PairingError
from stdask.science.translation.resampling import measured_behind
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.tables import read_parquet, to_numpy


def require_errors(pairs: pa.Table, a: Catalogue, definition: SurveyDefinition, inputs: Sequence[str]) -> None:
    """Raise if no star of A has an error of an input.

    Parameters
    ----------
    pairs
        The pairs, with A's columns as A_...
    a, definition
        The catalogue of A, which is read only if no pair has an error of an input, and the definition of A.
    inputs
        Of the networks.

    Raises
    ------
    PairingError
        Naming all such inputs and what to add to the definition.
    """
    lacking = [name for name in _without_errors(pairs, measured_behind(inputs)[0]) if not _has_errors(a, name)]
    if lacking:
        remedies = "; ".join(dict.fromkeys(_remedy(name, definition) for name in lacking))
        raise PairingError(
            f"No star of {definition.title} has an error of {', '.join(lacking)}: all would be left out of the merged "
            f"catalogue. Add to its definition {remedies}."
        )


def _without_errors(pairs: pa.Table, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        measured, error = f"A_{name}", f"A_{name}_ERR"
        if {measured, error} <= set(pairs.column_names) and _is_known(pairs, measured) and not _is_known(pairs, error):
            yield name


def _is_known(table: pa.Table, name: str) -> bool:
    return bool(np.isfinite(to_numpy(table, name)).any())


def _has_errors(a: Catalogue, name: str) -> bool:
    column = f"{name}_ERR"
    return any(_is_known(read_parquet(a.path(pixel), [column]), column) for pixel in a.pixels)


def _remedy(name: str, definition: SurveyDefinition) -> str:
    if name in definition.labels:
        return f"`error` or `typical_error` of [labels.{name}]"
    if name.endswith("_MAG"):
        return "the columns of errors or `typical_error` of [photometry]"
    return "`error` of [parallax] or [[distances]]"
