"""The number of the results of each stage, which decides whether a new version repeats a finished stage.

A run can take thousands of core-hours, and most versions of stdask change no results. So a receipt does not depend on
the version, but on the number of its stage here. Who changes the code of a stage so that the same input and settings
give other results raises its number; the rule is in docs/contributing.md, and a test compares the results of a small
run with those that are written down for these numbers.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from stdask.runs.registry import ENTRIES

RESULTS: Mapping[str, int] = MappingProxyType(  # by command: both surveys are ingested by one code
    {
        "ingest": 1,
        "pair": 1,
        "networks": 1,  # that train, validate and study train: an ensemble is made of them in a shorter time
        "train": 1,
        "evaluate": 1,
        "translate": 1,
        "closure": 1,
        "merge": 2,
        "atlas": 1,
        "report": 1,
        "validate": 1,
        "study": 1,
    }
)
BEFORE_NUMBERS = ("0.10.0",)  # versions whose receipts have no numbers, and whose results are those of number 1
PART = "results"  # of all that a task depends on, in ledgers
_PART_BEFORE = "version"
_WITH_NETWORKS = ("train", "validate", "study")  # commands whose tasks are networks to train


def results_of(stage: str) -> int:
    """Return the number of the results that this version gives of a stage or check."""
    return RESULTS[ENTRIES[stage].command]


def part_of(stage: str) -> dict[str, str]:
    """Return the number of the results of a stage as a part of all that its tasks depend on."""
    command = ENTRIES[stage].command
    return {PART: str(RESULTS["networks" if command in _WITH_NETWORKS else command])}


def written_by(command: str) -> dict[str, str]:
    """Return what the metadata of a table say of the code that wrote it.

    Not the version: tables of the same results have the same bytes, so that a table that a new version writes again,
    because the old one was damaged, does not repeat all later stages.
    """
    return {"stdask.results": f"{command} {RESULTS[command]}"}


def number_of(version: str) -> int:
    """Return the number of the results of a version whose receipts and ledgers have no numbers, 0 if unknown."""
    return 1 if version in BEFORE_NUMBERS else 0


def numbered(parts: Mapping[str, str]) -> dict[str, str]:
    """Return what a task depends on with the number of results, also of a ledger that has the version instead."""
    rest: dict[str, Any] = dict(parts)
    if _PART_BEFORE in rest:
        rest[PART] = str(number_of(rest.pop(_PART_BEFORE)))
    return rest
