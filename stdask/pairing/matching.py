"""The matching of catalogues, a piece of the sky or a share of the ids at a time: no process holds all stars.

By position, a tile of the sky is matched together with a margin around it, because stars there may be the nearest.
By id, the stars of both catalogues are dealt into shares by a hash of their ids, and each share is matched.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.pairing.rows import Part, gather, parts_of
from stdask.schema import HEALPIX
from stdask.science.keys.star_keys import star_keys
from stdask.science.sky.crossmatch import cells_around, match_ids, match_positions, move_positions
from stdask.science.sky.healpix import INDEX_ORDER, Pixel
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.pieces import read_part, write_pieces
from stdask.storage.tables import read_parquet, to_numpy

STARS_AT_ONCE = 1_000_000  # stars of both catalogues in one task: a few hundred MB
FASTEST = 15.6  # arcsec/yr: the largest proper motion that ingest accepts; Barnard's star has 10.4
AWAY = 10.0  # radii by which B is moved to count the neighbours that stars of A have by chance
AROUND = ((1, 0), (-1, 0), (0, 1), (0, -1))  # east and north
MOTION = ("PMRA", "PMDEC")


class Search(NamedTuple):
    """How stars are looked for on the sky."""

    radius_arcsec: float
    years: tuple[float, float] = (0.0, 0.0)  # by which the stars of A and of B are moved, to be of one epoch
    with_chance: bool = False  # count neighbours by chance too

    @property
    def margin_arcsec(self) -> float:
        """How far outside a tile stars may lie that matter to those inside.

        A star of B that is moved into the radius of one inside, and the star of A that is nearer to it then.
        """
        reach = self.radius_arcsec + FASTEST * max(map(abs, self.years))
        return 2 * reach + (AWAY * self.radius_arcsec if self.with_chance else 0)


class Found(NamedTuple):
    """Pairs of rows of A and B that are one star."""

    rows: np.ndarray  # (n_pairs, 2), int64, in the order of the catalogues, ascending in those of A; none twice
    ambiguous: np.ndarray  # (n_pairs,), bool: one of the two has a second candidate within the radius
    n_elsewhere: float = 0.0  # pairs found where B is moved away


class SkyTile(NamedTuple):
    """A piece of the sky, and the partitions of A and of B that reach into it or its margin."""

    pixel: Pixel
    parts: tuple[list[Part], list[Part]]

    def __str__(self) -> str:
        """Return the name of its pixel."""
        return str(self.pixel)


class IdBlock(NamedTuple):
    """Partitions of one catalogue whose stars are dealt in one task."""

    side: int  # 0 for A, 1 for B
    path: Path  # of the file they are dealt into
    parts: list[Part]

    def __str__(self) -> str:
        """Return the survey and the first and last pixel."""
        return f"{'AB'[self.side]} from {self.parts[0].pixel} to {self.parts[-1].pixel}"


def search_for(a: Catalogue, b: Catalogue, radius_arcsec: float) -> Search:
    """Return how to look for the stars of A in B: those that have proper motions are moved to the others' epoch."""
    if not (a.epoch and b.epoch):
        return Search(radius_arcsec)
    movable = [{*MOTION} <= {column.name for column in catalogue.columns} for catalogue in (a, b)]
    years = b.epoch - a.epoch
    return Search(radius_arcsec, (years, 0.0) if movable[0] else (0.0, -years) if movable[1] else (0.0, 0.0))


def places_of(stars: pa.Table, years: float) -> tuple[np.ndarray, np.ndarray]:
    """Return positions some years later: two arrays of shape (n_stars,), degrees."""
    ra, dec = (to_numpy(stars, name) for name in ("ra", "dec"))
    if not years:
        return ra, dec
    pmra, pmdec = (to_numpy(stars, name) for name in MOTION)
    return move_positions(ra, dec, pmra, pmdec, years)


def match_sky(workers: Workers, a: Catalogue, b: Catalogue, search: Search) -> Found:
    """Match mutual nearest neighbours on the sky, tile by tile.

    Parameters
    ----------
    workers
        Where the tiles are worked on.
    a, b
        The catalogues.
    search
        Radius and epochs.
    """
    tiles = cut_sky(a, b, search.margin_arcsec)
    found = each(workers, match_tile, tiles, (a.folder, b.folder), search, description="match positions")
    return _joined([part for _, part in found])


def match_stars(
    workers: Workers, a: Catalogue, b: Catalogue, columns: tuple[str, str], search: Search, scratch: Path
) -> Found:
    """Match rows with equal ids, and mutual nearest neighbours on the sky of which one has no id.

    Otherwise a star without an id in one of the surveys would be two stars of the merged catalogue.

    Parameters
    ----------
    workers, a, b, columns, scratch
        As in `match_shares`.
    search
        Radius and epochs of stars without an id.
    """
    shutil.rmtree(scratch, ignore_errors=True)  # left by an interrupted run
    same = match_shares(workers, a, b, columns, scratch)
    shutil.rmtree(scratch)
    by_id = Found(same, np.zeros(len(same), dtype=bool))
    near = match_sky(workers, a, b, search)
    rest = ~np.isin(near.rows[:, 0], same[:, 0]) & ~np.isin(near.rows[:, 1], same[:, 1])
    near = Found(near.rows[rest], near.ambiguous[rest])
    if not near.rows.size:
        return by_id
    ids = (
        gather(workers, side, [name], near.rows[:, n])[name]
        for n, (side, name) in enumerate(zip((a, b), columns, strict=True))
    )
    nameless = pc.or_(*(column.is_null() for column in ids)).to_numpy()
    return _joined([by_id, Found(near.rows[nameless], near.ambiguous[nameless])])


def match_shares(workers: Workers, a: Catalogue, b: Catalogue, columns: tuple[str, str], scratch: Path) -> np.ndarray:
    """Match rows with equal ids, share by share; of repeated ids the first row is taken.

    Parameters
    ----------
    workers
        Where the shares are worked on.
    a, b
        The catalogues.
    columns
        Of whole numbers or text in A and in B, null for stars without an id.
    scratch
        Folder for the stars dealt into shares.

    Returns
    -------
    rows : shape (n_pairs, 2), int64
        Rows of A and of B in the order of their catalogues, ascending in those of A.
    """
    n_shares = -(-(a.n_rows + b.n_rows) // STARS_AT_ONCE)
    blocks = [blocks_of(side, parts_of(catalogue), scratch) for side, catalogue in enumerate((a, b))]
    sizes = [sum(part.n_rows for part in block.parts) for side in blocks for block in side]
    shared = ((a.folder, b.folder), columns, n_shares)
    for _ in each(
        workers, deal_ids, [*blocks[0], *blocks[1]], *shared, description="deal ids", sizes=sizes, unit="stars"
    ):
        pass
    files = [[block.path for block in side] for side in blocks]
    found = [rows for _, rows in each(workers, match_share, range(n_shares), *files, description="match ids")]
    rows = np.concatenate([np.empty((0, 2), dtype=np.int64), *found])
    return rows[np.argsort(rows[:, 0])]


def cut_sky(a: Catalogue, b: Catalogue, margin_arcsec: float) -> list[SkyTile]:
    """Cut A's part of the sky into tiles with few enough stars of both, leaving out those without a star of B near.

    Tiles are A's partitions, split in four where they would hold too many stars and B's partitions are finer.
    """
    parts = (parts_of(a), parts_of(b))
    bounds = [np.array([(p.pixel.first_index, p.pixel.end_index) for p in own]) for own in parts]
    tiles, stack = [], [part.pixel for part in reversed(parts[0])]
    while stack:
        pixel = stack.pop()
        order, cells = cells_around(pixel, margin_arcsec)
        near = [[own[n] for n in _overlapping(o, order, cells)] for own, o in zip(parts, bounds, strict=True)]
        n_stars = sum(part.n_rows for side in near for part in side)
        if n_stars > STARS_AT_ONCE and any(p.pixel.order > pixel.order for side in near for p in side):
            stack += [Pixel(pixel.order + 1, 4 * pixel.pixel + child) for child in (3, 2, 1, 0)]
        elif near[1]:
            tiles.append(SkyTile(pixel, (near[0], near[1])))
    return tiles


def match_tile(tile: SkyTile, folders: tuple[Path, Path], search: Search) -> Found:
    """Return the rows of A and B that are one star in a tile of the sky."""
    order, cells = cells_around(tile.pixel, search.margin_arcsec)
    a, b = (
        _read_around(folder, parts, order, cells, with_motion=years != 0)
        for folder, parts, years in zip(folders, tile.parts, search.years, strict=True)
    )
    place_a, place_b = (places_of(side, years) for side, years in zip((a, b), search.years, strict=True))
    index = a[HEALPIX.name].to_numpy()
    own = (index >= tile.pixel.first_index) & (index < tile.pixel.end_index)
    found = match_positions(*place_a, *place_b, search.radius_arcsec)
    inside = own[found.rows_a]
    rows = [a["row"].to_numpy()[found.rows_a[inside]], b["row"].to_numpy()[found.rows_b[inside]]]
    elsewhere = [_moved_away(place_b, step, search) for step in AROUND] if search.with_chance else []
    n_elsewhere = [own[match_positions(*place_a, *place, search.radius_arcsec).rows_a].sum() for place in elsewhere]
    return Found(np.stack(rows, axis=1), found.ambiguous[inside], sum(n_elsewhere) / len(AROUND))


def _moved_away(
    place: tuple[np.ndarray, np.ndarray], step: tuple[int, int], search: Search
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions moved by many radii in one direction."""
    east, north = (np.full(place[0].shape, part * AWAY * search.radius_arcsec * 1000) for part in step)
    return move_positions(*place, east, north, years=1)


def deal_ids(block: IdBlock, folders: tuple[Path, Path], columns: tuple[str, str], n_shares: int) -> None:
    """Write the ids of a block and their rows, dealt into shares."""
    name = columns[block.side]
    tables = [read_rows(folders[block.side], part, [name]).rename_columns(["id", "row"]) for part in block.parts]
    table = pa.concat_tables(tables)
    table = table.filter(pc.is_valid(table["id"]))
    # Only the first row of each id: a value that stands for a missing id in millions of rows would fill one share.
    codes = table["id"].combine_chunks().dictionary_encode().indices.to_numpy()
    table = table.take(np.unique(codes, return_index=True)[1])
    shares = (star_keys(table["id"].to_numpy()) % np.uint64(n_shares)).astype(np.int64)
    write_pieces(block.path, table, shares, n_shares)


def match_share(share: int, files_a: list[Path], files_b: list[Path]) -> np.ndarray:
    """Return the rows of A and B with equal ids in a share: (n_pairs, 2), int64."""
    a, b = read_part(files_a, share), read_part(files_b, share)
    rows_a, rows_b = match_ids(a["id"].to_numpy(), b["id"].to_numpy())
    return np.stack([a["row"].to_numpy()[rows_a], b["row"].to_numpy()[rows_b]], axis=1)


def _joined(found: Sequence[Found]) -> Found:
    rows = np.concatenate([np.empty((0, 2), dtype=np.int64), *(part.rows for part in found)])
    ambiguous = np.concatenate([np.empty(0, dtype=bool), *(part.ambiguous for part in found)])
    order = np.argsort(rows[:, 0])
    return Found(rows[order], ambiguous[order], sum(part.n_elsewhere for part in found))


def blocks_of(side: int, parts: list[Part], scratch: Path) -> list[IdBlock]:
    """Put partitions of A (0) or B (1) together until one more would be too much for a task."""
    blocks: list[IdBlock] = []
    n_rows = STARS_AT_ONCE
    for part in parts:
        n_rows += part.n_rows
        if n_rows > STARS_AT_ONCE:
            blocks.append(IdBlock(side, scratch / "ab"[side] / f"{len(blocks)}.arrow", []))
            n_rows = part.n_rows
        blocks[-1].parts.append(part)
    return blocks


def _overlapping(bounds: np.ndarray, order: int, cells: np.ndarray) -> np.ndarray:
    """Return which of some disjoint ranges of the order-29 index, (n, 2), ascending, overlap any of the cells."""
    shift = 2 * (INDEX_ORDER - order)
    first = np.searchsorted(bounds[:, 1], cells << shift, side="right")
    end = np.searchsorted(bounds[:, 0], (cells + 1) << shift, side="left")
    return np.unique(np.concatenate([np.arange(f, e) for f, e in zip(first, end, strict=True)]))


def _read_around(folder: Path, parts: list[Part], order: int, cells: np.ndarray, *, with_motion: bool) -> pa.Table:
    """Read positions and rows of the stars of some partitions that lie in any of the cells."""
    columns = [HEALPIX.name, "ra", "dec", *(MOTION if with_motion else ())]
    tables = []
    for part in parts:
        table = read_rows(folder, part, columns)
        own_cells = table[HEALPIX.name].to_numpy() >> 2 * (INDEX_ORDER - order)
        tables.append(table.filter(pa.array(np.isin(own_cells, cells))))
    return pa.concat_tables(tables)


def read_rows(folder: Path, part: Part, columns: list[str]) -> pa.Table:
    """Read columns of a partition, and as a last one the rows in the whole catalogue."""
    table = read_parquet(paths.partition(folder, part.pixel), columns)
    return table.append_column("row", pa.array(np.arange(part.first_row, part.first_row + table.num_rows)))
