"""The table of cuts: from the rows of each survey file to the merged stars."""

from collections import Counter
from pathlib import Path

from stdask.pairing.usable import QUALITY
from stdask.runs.receipts import FileRecord
from stdask.schema.cuts import CutRow, MergedCutRow
from stdask.stages.merge.cuts import add_up, list_cuts
from stdask.stages.merge.sources import MergeSource, Opened
from stdask.stages.merge.tiles import IN_BOTH, TileRecord
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.documents import write_declared


def test_the_cuts_of_ingest_come_before_those_of_the_merge(tmp_path: Path):
    folder = paths.catalogue(tmp_path, "a")
    write_declared(folder / paths.CUTS, [CutRow("rows of the file", 0, 12), CutRow("snr > 30", 5, 9)])
    opened = Opened(MergeSource("a", "id", {}, {}), Catalogue(folder, "a", {}, ()), tmp_path, "ingest_a")
    rows = list_cuts([opened], {"a": {QUALITY: 3, IN_BOTH: 2}})
    assert rows == [
        MergedCutRow("a", "rows of the file", 12, 0, 12),
        MergedCutRow("a", "snr > 30", 12, 3, 9),  # the quality cuts of the merge, one by one
        MergedCutRow("a", IN_BOTH, 9, 2, 7),
    ]


def test_rows_set_aside_add_up_over_the_tiles_in_the_order_of_the_cuts():
    def tile(**set_aside: dict[str, int]) -> TileRecord:
        return TileRecord(None, FileRecord(0, ""), set_aside, [], {}, 0)

    total = add_up([tile(a={"x": 1, "y": 2}, b={"x": 0}), tile(a={"x": 3, "y": 0}, b={"x": 4})])
    assert total == {"a": Counter(x=4, y=2), "b": Counter(x=4)}
    assert list(total["a"]) == ["x", "y"]
