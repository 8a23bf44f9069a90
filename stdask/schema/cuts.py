"""The tables in the folder of a catalogue that count what became of rows and values."""

from dataclasses import dataclass

from stdask.schema import rows


@dataclass(frozen=True)
class CutRow:
    """What one reason or cut takes away from a survey (`cuts.ecsv` of an ingested catalogue)."""

    cut: str = rows.column("Reason to set a row aside, or quality cut that a GOOD star passes")
    n_failing: int = rows.column("Rows that fail it, whatever the other cuts say")
    n_left: int = rows.column("Rows left after it and all those above")


@dataclass(frozen=True)
class MergedCutRow:
    """What one reason or cut takes away from one survey of a merge (`cuts.ecsv` of the merged catalogue)."""

    survey: str = rows.column("Whose stars")
    cut: str = rows.column(
        "Reason to set a row aside, or quality cut that it must pass; the first line counts the file"
    )
    n_in: int = rows.column("Rows before it")
    n_aside: int = rows.column("Rows that it takes away")
    n_left: int = rows.column("Rows after it; in the last line of a survey, its stars in the merged catalogue")


@dataclass(frozen=True)
class ValuesRow:
    """What became of the values of one survey column, and of their errors (`columns.ecsv`)."""

    column: str = rows.column("")  # of the catalogue
    source: str = rows.column("")  # column of the survey file, or the map
    unit_in_file: str = rows.column("")
    unit: str = rows.column("")  # in the catalogue
    n_missing: int = rows.column("")
    n_infinite: int = rows.column("")  # or beyond what 32 bits hold
    n_sentinel: int = rows.column("")  # numbers that stand for "missing"
    n_outside: int = rows.column("")  # outside the range to believe
    n_not_good: int = rows.column("")  # by a flag of the survey
    n_measured: int = rows.column("")
    n_typical_error: int = rows.column("")  # measured, with the typical error
    n_no_error: int = rows.column("")  # measured, without an error
