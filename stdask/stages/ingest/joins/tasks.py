"""The tasks of a join: each table is dealt to shares of the stars, and each share is matched in memory.

1. deal_main    each block of the main table: its rows with their keys or positions, by share
2. deal_table   each block of the further table: its rows with their keys or positions and the columns wanted, by share
3. match_share  each share: the row of the further table for each row of the main one, dealt to the blocks of the main
4. align_block  each block of the main table: the columns of the further one in its rows
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask.science.keys.key_matches import NO_ROW
from stdask.science.keys.star_keys import mix, star_keys
from stdask.science.sky.healpix import FINEST_ORDER, INDEX_ORDER, sky_index
from stdask.science.sky.margins import margin_order, reach
from stdask.stages.ingest.joins.matching import DEC, KEY, RA, ROW, Joining, match
from stdask.stages.ingest.plan import Deal, Done, Item
from stdask.storage.pieces import read_part, write_pieces
from stdask.storage.tables import write_parquet

SHARE_ORDER = 8  # of the cells that are dealt to shares: 14 arcmin, of which few stars lie near a border


@dataclass(frozen=True)
class JoinPlan:
    """What the tasks of one join are given."""

    joining: Joining
    names: tuple[str, ...]  # columns of the further table that are wanted
    blocks: Deal  # of the main table, and the shares
    table_blocks: Deal  # of the further table, and the same shares

    def kind(self, step: str) -> str:
        """Return the kind of the pieces of a step of this join."""
        return f"{self.joining.join.name}_{step}"

    def aligned(self, block: int) -> Path:
        """Return the path of the further table's columns in the rows of a block."""
        return self.blocks.piece(self.kind("aligned"), block).with_suffix(".parquet")


@dataclass(frozen=True)
class MatchRecord:
    """What a share found."""

    n_matched: int  # rows of the main table with a row in the further one
    n_used: int  # rows of the further table with a row in the main one


def deal_main(block: Item, plan: JoinPlan) -> Done[None]:
    """Deal the rows of a block of the main table that have a key or a position."""
    joining, deal = plan.joining, plan.blocks
    start, stop = deal.rows(block.number)
    rows = joining.places_in_main(joining.main.read(joining.columns_of_main, start, stop), start)
    numbers = _shares_of_cells(_index(rows), deal.n_shares) if joining.by_position else _shares_of_keys(rows, deal)
    path = deal.piece(plan.kind("main"), block.number)
    write_pieces(path, rows, numbers, deal.n_shares)
    return Done([path], None)


def deal_table(block: Item, plan: JoinPlan) -> Done[None]:
    """Deal the rows of a block of the further table that have a key or a position, with the columns that are wanted.

    By position, a row goes to every share with a place within the radius.
    """
    joining, deal = plan.joining, plan.table_blocks
    start, stop = deal.rows(block.number)
    read = joining.table.read(list(dict.fromkeys([*joining.columns_of_table, *plan.names])), start, stop)
    rows = joining.places_in_table(read, start)
    taken = read.take(pa.array(rows[ROW].to_numpy() - start))
    for name in plan.names:
        rows = rows.append_column(f".{name}", taken[name])
    if joining.by_position:
        places, numbers = _shares_in_reach(_index(rows), joining.join.radius_arcsec, deal.n_shares)
        rows = rows.take(pa.array(places))
    else:
        numbers = _shares_of_keys(rows, deal)
    path = deal.piece(plan.kind("table"), block.number)
    write_pieces(path, rows, numbers, deal.n_shares)
    return Done([path], None)


def match_share(share: Item, plan: JoinPlan) -> Done[MatchRecord]:
    """Match a share of the stars, and deal what was found to the blocks of the main table.

    Raises
    ------
    SurveyError
        If several rows of the further table have the key of a star, and the join does not say which to take.
    """
    main = read_part(plan.blocks.of_blocks(plan.kind("main")), share.number)
    table = read_part(plan.table_blocks.of_blocks(plan.kind("table")), share.number)
    places = match(plan.joining, main, table)
    matched = places != NO_ROW
    found = table.take(pa.array(places[matched]))
    used = np.unique(found[ROW].to_numpy())
    found = found.select([f".{name}" for name in plan.names]).append_column(ROW, main[ROW].filter(pa.array(matched)))
    files = [_write_by_block(found, plan.blocks, plan.kind("found"), share)]
    if plan.joining.by_position:  # a row may be used in several shares
        files.append(_write_by_block(pa.table({ROW: used}), plan.table_blocks, plan.kind("used"), share))
    return Done(files, MatchRecord(int(matched.sum()), used.size))


def count_used(block: Item, plan: JoinPlan) -> Done[int]:
    """Count the rows of a block of the further table that were joined by position, each once."""
    used = read_part(plan.blocks.of_shares(plan.kind("used")), block.number)
    return Done([], np.unique(used[ROW].to_numpy()).size)


def align_block(block: Item, plan: JoinPlan) -> Done[None]:
    """Write the columns of the further table in the rows of a block of the main one, missing where it has no row."""
    start, stop = plan.blocks.rows(block.number)
    found = read_part(plan.blocks.of_shares(plan.kind("found")), block.number)
    places = np.full(stop - start, NO_ROW)
    places[found[ROW].to_numpy() - start] = np.arange(found.num_rows)
    columns = found.take(pa.array(places, mask=places == NO_ROW))
    units = {name: plan.joining.table.unit(name) for name in plan.names}
    fields = [pa.field(name, columns[f".{name}"].type, metadata={"unit": units[name]}) for name in plan.names]
    path = plan.aligned(block.number)
    write_parquet(path, pa.table([columns[f".{name}"] for name in plan.names], schema=pa.schema(fields)))
    return Done([path], None)


def _write_by_block(rows: pa.Table, deal: Deal, kind: str, share: Item) -> Path:
    path = deal.piece(kind, share.number)
    write_pieces(path, rows, rows[ROW].to_numpy() // deal.rows_per_block, deal.n_blocks)
    return path


def _index(rows: pa.Table) -> np.ndarray:
    return sky_index(rows[RA].to_numpy(), rows[DEC].to_numpy())


def _shares_of_keys(rows: pa.Table, deal: Deal) -> np.ndarray:
    return (star_keys(rows[KEY].to_numpy()) % np.uint64(deal.n_shares)).astype(np.int64)


def _shares_of_cells(index: np.ndarray, n_shares: int) -> np.ndarray:
    cells = (index >> 2 * (INDEX_ORDER - SHARE_ORDER)).astype(np.uint64)
    return (mix(cells) % np.uint64(n_shares)).astype(np.int64)


def _shares_in_reach(index: np.ndarray, radius_arcsec: float, n_shares: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of a position and a share with a place within the radius of it, in the order of the positions."""
    first, _ = reach(index, min(margin_order(radius_arcsec), FINEST_ORDER))  # of cells within those that are dealt
    pairs = np.unique(np.arange(index.size) * n_shares + _shares_of_cells(first, n_shares))
    return pairs // n_shares, pairs % n_shares
