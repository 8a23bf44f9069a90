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

    column: str = rows.column("Column of the catalogue")
    source: str = rows.column("Column of the survey file, or map, that the values come from")
    unit_in_file: str = rows.column("Unit in the survey file")
    unit: str = rows.column("Unit in the catalogue")
    n_missing: int = rows.column("Values that are missing in the file")
    n_infinite: int = rows.column("Values that are infinite or too large for 32 bits")
    n_sentinel: int = rows.column("Values that stand for a missing one, such as -9999")
    n_outside: int = rows.column("Values outside the valid range")
    n_not_good: int = rows.column("Values that a flag of the survey marks as bad")
    n_measured: int = rows.column("Values that are kept")
    n_typical_error: int = rows.column("Values that are kept with the typical error")
    n_no_error: int = rows.column("Values that are kept without an error")
