"""How the rows of a survey file are dealt, and the reasons to set rows aside."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stdask.config.survey import load_definition
from stdask.stages.ingest.plan import Deal, kinds_of_repeats, reasons_in_words


@given(st.integers(1, 500), st.integers(1, 200))
def test_every_row_is_in_one_block(n_rows: int, rows_per_block: int):
    deal = Deal(Path("scratch"), n_rows, rows_per_block, n_shares=1)
    rows = [row for block in range(deal.n_blocks) for row in range(*deal.rows(block))]
    assert rows == list(range(n_rows))


def test_blocks_and_shares_have_files_of_their_own():
    deal = Deal(Path("scratch"), n_rows=10, rows_per_block=4, n_shares=2)
    files = [*deal.of_blocks("id"), *deal.of_blocks("star"), *deal.of_shares("gone")]
    assert len(set(files)) == 3 + 3 + 2
    assert deal.piece("gone", 1) == deal.of_shares("gone")[1]


@pytest.mark.parametrize(("name", "kinds"), [("galah_dr4", ("star", "id")), ("apogee_dr17_giants", ("id",))])
def test_rows_of_one_star_are_compared_only_if_the_definition_asks_for_it(name: str, kinds: tuple[str, ...]):
    definition = load_definition(name)
    assert kinds_of_repeats(definition) == kinds
    words = reasons_in_words(definition)
    assert list(words)[:3] == ["no position", "impossible position", "no id"]
    assert [reason for reason in words if reason.startswith("duplicate")] == [f"duplicate {kind}" for kind in kinds]
    assert definition.id in words["duplicate id"]
