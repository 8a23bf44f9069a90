"""Counts as a stage might have made them, for receipts that a test writes itself."""

from typing import Any

from stdask.runs.counts import Counts, FamilyStars, PartitionCounts, RowCounts
from stdask.runs.registry import ENTRIES

MADE_UP: dict[str, dict[str, Any]] = {
    "ingest": {"n_good": 2, "n_partitions": 1},
    "pair": {"usable": {"intrinsic": {"in both surveys": 2}}, "separations_arcsec": {"50 %": 0.1}, "n_ambiguous": 0},
    "train": {"families": {"intrinsic": FamilyStars(2, 1)}},
    "evaluate": {"n_test": {"intrinsic": 1}},
    "translate": {"flags": {}, "n_workers": 2, "partitions": PartitionCounts(1, 0)},
    "closure": {"n_common": {}},
    "merge": {"by_survey": {}, "n_with_distance": 2, "partitions": PartitionCounts(1, 0)},
    "atlas": {"by_survey": {}},
    "report": {"n_figures": 0},
    "validate": {"n_rows": {}},
    "study": {"n_rows": {}},
}
WITHOUT_ROWS = ("train", "evaluate", "closure", "report", "validate", "study")


def made_up_counts(stage: str, **changes: Any) -> Counts:
    """Return counts of a stage: three rows in, one set aside, unless the changes say otherwise."""
    entry = ENTRIES[stage]
    rows = {} if entry.command in WITHOUT_ROWS else {"rows": RowCounts(3, 2, {"no position": 1})}
    return entry.counts(**(rows | MADE_UP[entry.command] | changes))
