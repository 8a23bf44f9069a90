"""Counts of blocks add up to the rows of the tables in the catalogue's folder."""

from stdask.runs.counts import JoinCounts
from stdask.schema import Column
from stdask.schema.cuts import CutRow, ValuesRow
from stdask.science.measurements.values import ERROR_COUNTS, VALUE_COUNTS
from stdask.stages.ingest.counts import add_up_reasons, list_cuts, list_values
from stdask.stages.ingest.plan import BlockRecord, ColumnCounts


def block(set_aside: dict[str, int], n_failing: list[int], n_left: list[int], *values: ColumnCounts) -> BlockRecord:
    return BlockRecord(n_left[-1], n_failing, n_left, set_aside, list(values))


def test_cuts_lead_from_the_rows_of_the_file_to_the_good_stars():
    blocks = [block({"no id": 1}, [2, 3], [7, 5]), block({"no id": 1, "duplicate id": 3}, [0, 1], [6, 5])]
    reasons = {"no position": "no position", "no id": "no id", "duplicate id": "duplicate id: the first is kept"}
    assert list_cuts(20, reasons, ["snr > 30", "flag = 0"], blocks, {}) == [
        CutRow("rows of the file", 0, 20),
        CutRow("no id", 2, 18),  # a reason that no row has is left out
        CutRow("duplicate id: the first is kept", 3, 15),
        CutRow("snr > 30", 2, 13),
        CutRow("flag = 0", 4, 10),
    ]
    assert add_up_reasons(blocks) == {"no id": 2, "duplicate id": 3}


def test_values_of_a_column_are_counted_over_all_blocks_with_both_units():
    counts = dict.fromkeys((*VALUE_COUNTS, *ERROR_COUNTS), 0)
    blocks = [
        block({}, [], [0], ColumnCounts("DISTANCE", "d", counts | {"n_measured": n, "n_no_error": 1})) for n in (4, 5)
    ]
    columns = [Column("DISTANCE", "float32", "kpc"), Column("TEFF", "float32", "K")]
    (row,) = list_values({"d": "pc"}, columns, blocks)
    assert row == ValuesRow("DISTANCE", "d", "pc", "kpc", 0, 0, 0, 0, 0, n_measured=9, n_typical_error=0, n_no_error=2)
    (of_a_map,) = list_values({}, columns, [block({}, [], [0], ColumnCounts("TEFF", "map x.fits", counts))])
    assert of_a_map.unit_in_file == ""


def test_rows_that_a_join_leaves_alone_are_counted_and_take_nothing_away():
    joined = {"gaia": JoinCounts(n_rows=20, n_matched=15, n_rows_of_table=100, n_used=14)}
    rows = list_cuts(20, {"no id": "no id"}, ["snr > 30"], [block({"no id": 2}, [3], [15])], joined)
    assert rows == [
        CutRow("rows of the file", 0, 20),
        CutRow("rows without a row in gaia (kept, its columns are missing)", 5, 20),
        CutRow("rows of gaia that belong to no star (not read)", 86, 20),
        CutRow("no id", 2, 18),
        CutRow("snr > 30", 3, 15),
    ]
