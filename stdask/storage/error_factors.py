"""The factors that ingest multiplied the errors of a catalogue by, as a table in its folder."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from astropy.table import MaskedColumn, Table

from stdask.config.survey import SurveyDefinition
from stdask.science.measurements.repeats import MIN_PAIRS, ErrorFactors
from stdask.storage import paths
from stdask.storage.documents import read_ecsv


def factors_table(factors: Mapping[str, ErrorFactors], best: str) -> Table:
    """Return the factors, one row for each label and range of the column of merit; the outermost ranges are open."""
    lines = [
        (name, *line)
        for name, (edges, *columns) in factors.items()
        for line in zip([np.nan, *edges], [*edges, np.nan], *columns, strict=True)
    ]
    names = ("label", "low", "high", "n_pairs", "factor", "factor_err")
    table = Table(rows=lines, names=names, dtype=(str, float, float, np.int64, float, float))
    for name in ("low", "high", "factor_err"):
        table[name] = MaskedColumn(table[name], mask=np.isnan(table[name]))
    table["label"].description = "Label whose errors are multiplied by the factor"
    table["low"].description = f"Smallest {best} of the range, as in the survey file"
    table["high"].description = f"{best} that the range ends before"
    table["n_pairs"].description = "Pairs of good visits of one star, no visit in two of them"
    table["factor"].description = f"1.4826 MAD of z = (x1 - x2) / sqrt(e1^2 + e2^2); 1 for fewer than {MIN_PAIRS} pairs"
    table["factor_err"].description = "1-sigma error of the factor; none where the pairs tell nothing"
    return table


def read_factors(folder: Path, definition: SurveyDefinition) -> dict[str, ErrorFactors]:
    """Return the factors that the errors of an ingested catalogue were multiplied by; none without that option."""
    if not definition.rescaled_labels:
        return {}
    table = read_ecsv(folder / paths.REPEATS)
    return {
        name: ErrorFactors(own["low"][1:].data, own["n_pairs"].data, own["factor"].data, own["factor_err"].data)
        for name in definition.rescaled_labels
        for own in [table.filled(np.nan)[table["label"] == name]]
    }
