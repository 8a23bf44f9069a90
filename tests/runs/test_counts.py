"""What stages count: rows that add up, and what the report shows of the rest."""

import pytest

from stdask.errors import CatalogueError
from stdask.runs.counts import PartitionCounts, RowCounts
from stdask.runs.registry import COMMANDS, STAGES
from tests.counted import made_up_counts


@pytest.mark.parametrize("n_out", [989, 991])
def test_a_row_too_few_or_too_many_is_told_with_its_stage(n_out: int):
    aside = {"no position": 8, "no id": 2}
    RowCounts(1000, 990, aside).check("ingest")
    with pytest.raises(CatalogueError, match=rf"ingest read 1000 rows but accounts for {n_out + 10}\."):
        RowCounts(1000, n_out, aside).check("ingest")


def test_partitions_are_told_with_those_that_were_kept():
    assert str(PartitionCounts(1200, 7)) == "1,200, 7 of them kept from an earlier run"


@pytest.mark.parametrize("stage", STAGES)
def test_the_report_shows_counts_in_words_of_their_own_and_rows_and_notes_elsewhere(stage: str):
    counts = made_up_counts(stage, notes=("a note",))
    shown = counts.described()
    assert "a note" not in shown.values()
    assert counts.rows is None or counts.rows not in shown.values()
    assert all(" " in title or title.isalpha() for title in shown)  # words, not names of fields


def test_every_stage_has_made_up_counts_to_test_with():
    assert {type(made_up_counts(stage)) for stage in STAGES} == {entry.counts for entry in STAGES.values()}
    assert len(COMMANDS) == len({entry.counts for entry in STAGES.values()})
