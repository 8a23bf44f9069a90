"""The tasks of the stage `ingest`: what a worker does with one block, one share of the stars, one partition."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask import schema
from stdask.errors import SurveyError
from stdask.schema import Column
from stdask.science.cuts import count_cuts
from stdask.science.duplicates import superseded
from stdask.science.healpix import FINEST_ORDER, INDEX_ORDER, Pixel, assign_tiles, sky_index
from stdask.science.measurements import clean_values
from stdask.science.positions import check_positions
from stdask.science.star_keys import star_keys
from stdask.science.survey_columns import Counts, Source, catalogue_columns
from stdask.science.units import conversion_factor
from stdask.storage import paths
from stdask.storage.hats import write_partition
from stdask.storage.pieces import read_piece, write_pieces
from stdask.storage.survey_files import SurveyFile
from stdask.storage.tables import dtype_name, read_parquet, to_masked, to_table, write_parquet
from stdask.survey_definition import SurveyDefinition

CELL_ORDER = 10  # of the first count of stars: 3.4 arcmin
NO_POSITION, IMPOSSIBLE, NO_ID = "no position", "impossible position", "no id"
DUPLICATES = {"star": "duplicate star", "id": "duplicate id"}

Block = tuple[int, int]  # rows start <= row < stop of the survey file
Groups = Sequence[tuple[int, int]]  # (start of a block, row group of its file of pieces)


@dataclass(frozen=True)
class Plan:
    """What every task of one ingest knows."""

    survey: SurveyFile
    units: Mapping[str, str]  # of the columns, as the file states them
    definition: SurveyDefinition
    folder: Path  # of the catalogue
    key: str  # of the stage
    n_shares: int  # into which the stars are dealt to look for repeats
    columns: tuple[Column, ...] = ()  # of the catalogue
    tiles: tuple[Pixel, ...] = ()  # its partitions

    def piece(self, kind: str, number: int) -> Path:
        """Return the path of an intermediate file."""
        return paths.scratch(self.folder) / kind / f"{number}.parquet"


class Scan(NamedTuple):
    """What `scan_block` found."""

    cells: np.ndarray  # (n_cells,), pixels of CELL_ORDER
    n_stars: np.ndarray  # (n_cells,)
    shares: dict[str, list[int]]  # kind of repeat -> share of each row group written


class Converted(NamedTuple):
    """What `convert_block` did."""

    tiles: list[int]  # of each row group written
    n_good: int
    n_failing: np.ndarray  # (n_cuts,)
    n_left: np.ndarray  # (n_cuts,)
    counts: Counts
    set_aside: Counter[str]


class _Placed(NamedTuple):
    rows: np.ndarray  # (n_placed,), row numbers of the survey file
    table: pa.Table  # their columns
    ids: pa.Array
    ra: np.ndarray
    dec: np.ndarray
    rejected: pa.Table  # the other rows


def store_in_slices(path: Path, survey: SurveyFile, names: Sequence[str]) -> None:
    """Copy the columns wanted of a file that can only be read whole to one that can be read in part."""
    write_parquet(path, survey.read(names))


def catalogue_fields(plan: Plan) -> tuple[Column, ...]:
    """Return the columns of the catalogue, after trying the definition on an empty block.

    Raises
    ------
    SurveyError
        If a unit or a kind of column does not fit the definition.
    """
    definition = plan.definition
    table, _, _ = _convert(plan, _place((0, 0), plan, definition.source_columns))
    dtypes = {field.name: dtype_name(field.type) for field in table.schema}
    own = Column(definition.id, dtypes[definition.id], "", "meta.id;meta.main", f"Id in {definition.title}")
    kept = [Column(name, dtypes[name], plan.units[name]) for name in definition.keep]
    return (schema.HEALPIX, own, *definition.catalogue_columns, *kept)


def scan_block(block: Block, plan: Plan) -> Scan:
    """Count the stars of a block by cell of the sky, and deal its rows by star and by id."""
    definition, duplicates = plan.definition, plan.definition.duplicates
    names = [definition.id, definition.position.ra, definition.position.dec]
    names += [duplicates.by, duplicates.best] if duplicates else []
    placed = _place(block, plan, list(dict.fromkeys(names)))
    index = sky_index(placed.ra, placed.dec)
    cells, n_stars = np.unique(index >> 2 * (INDEX_ORDER - CELL_ORDER), return_counts=True)
    rows = pa.table({"row": placed.rows, "id": placed.ids, "key": placed.ids, schema.HEALPIX.name: index})
    shares = {"id": _deal(plan.piece("id", block[0]), rows, plan)}
    if duplicates:
        best, _ = clean_values(to_masked(placed.table)[duplicates.best], factor=1.0, valid=None)
        merits = best if duplicates.keep == "highest" else -best
        stars = _identity(placed.table, duplicates.by, definition)
        named = rows.set_column(2, "key", stars).append_column("merit", pa.array(merits))
        shares["star"] = _deal(plan.piece("star", block[0]), named.filter(pc.is_valid(stars)), plan)
    return Scan(cells, n_stars, shares)


def refine_block(start: int, plan: Plan, heavy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count the stars of a block in the cells that hold too many, by the finest pixels."""
    index = read_piece(plan.piece("id", start), columns=[schema.HEALPIX.name]).column(0).to_numpy()
    inside = index[np.isin(index >> 2 * (INDEX_ORDER - CELL_ORDER), heavy)]
    pixels, n_stars = np.unique(inside >> 2 * (INDEX_ORDER - FINEST_ORDER), return_counts=True)
    return pixels, n_stars


def find_repeats(share: tuple[int, Groups], plan: Plan, kind: str) -> int:
    """Write which rows of a share of the stars give way to another row; return how many."""
    number, groups = share
    table = pa.concat_tables([read_piece(plan.piece(kind, start), group) for start, group in groups])
    if kind == "id":
        gone = [read_parquet(path, ["row"]) for path in _repeat_files(plan, "star")]
        if gone:
            table = table.filter(pc.invert(pc.is_in(table["row"], pa.concat_tables(gone)["row"])))
    codes = table["key"].combine_chunks().dictionary_encode().indices.to_numpy()
    merits = table["merit"].to_numpy() if "merit" in table.column_names else np.zeros(codes.size)
    repeats = table.filter(pa.array(superseded(codes, merits)))
    write_parquet(plan.piece(f"repeats_{kind}", number), _rejection(repeats["row"], repeats["id"], DUPLICATES[kind]))
    return repeats.num_rows


def convert_block(block: Block, plan: Plan) -> Converted:
    """Turn a block into catalogue rows, cut by partition, and note the rows set aside."""
    placed = _place(block, plan, plan.definition.source_columns)
    inside = [("row", ">=", block[0]), ("row", "<", block[1])]
    files = [path for kind in DUPLICATES for path in _repeat_files(plan, kind)]
    rejected = pa.concat_tables([placed.rejected, *(read_parquet(p, filters=inside) for p in files)])
    write_parquet(plan.piece("rejected", block[0]), rejected.sort_by("row"))
    kept = ~np.isin(placed.rows, rejected["row"].to_numpy())
    table, counts, passing = _convert(plan, _taken(placed, kept))
    numbers = assign_tiles(table[schema.HEALPIX.name].to_numpy(), list(plan.tiles))
    n_failing, n_left = count_cuts(passing, table.num_rows)
    return Converted(
        tiles=write_pieces(plan.piece("pieces", block[0]), table, numbers),
        n_good=pc.sum(table[schema.GOOD.name]).as_py() or 0,
        n_failing=n_failing,
        n_left=n_left,
        counts=counts,
        set_aside=Counter(rejected["reason"].to_pylist()),
    )


def write_tile(tile: tuple[int, Groups], plan: Plan) -> int:
    """Write one partition from its pieces, rows of one position in the order of the file; return its rows."""
    number, groups = tile
    table = pa.concat_tables([read_piece(plan.piece("pieces", start), group) for start, group in groups])
    table = to_table(plan.columns, {name: table[name] for name in table.column_names})
    write_partition(plan.folder, plan.tiles[number], table, {"stdask.key": plan.key})
    return table.num_rows


def collect_rejected(path: Path, plan: Plan, starts: Sequence[int]) -> int:
    """Write the table of all rows set aside, in the order of the file; return how many."""
    table = pa.concat_tables([read_parquet(plan.piece("rejected", start)) for start in starts])
    write_parquet(path, to_table(schema.REJECTED, {name: table[name] for name in table.column_names}))
    return table.num_rows


def _place(block: Block, plan: Plan, names: Sequence[str]) -> _Placed:
    """Read columns of a block and set aside the rows without a position or an id."""
    definition = plan.definition
    table = plan.survey.read(names, *block)
    rows = np.arange(block[0], block[0] + table.num_rows)
    ids = _identity(table, definition.id, definition)
    ra, dec = (_degrees(table, name, plan) for name in (definition.position.ra, definition.position.dec))
    ra, missing, impossible = check_positions(ra, dec)
    nameless = ids.is_null().to_numpy(zero_copy_only=False)
    faults = {NO_POSITION: missing, IMPOSSIBLE: impossible, NO_ID: nameless & ~missing & ~impossible}
    rejected = [_rejection(pa.array(rows[f]), ids.filter(pa.array(f)), reason) for reason, f in faults.items()]
    placed = _Placed(rows, table, ids, ra, dec, pa.concat_tables(rejected))
    return _taken(placed, ~np.logical_or.reduce(list(faults.values())))


def _taken(placed: _Placed, kept: np.ndarray) -> _Placed:
    mask = pa.array(kept)
    return _Placed(
        placed.rows[kept],
        placed.table.filter(mask),
        placed.ids.filter(mask),
        placed.ra[kept],
        placed.dec[kept],
        placed.rejected,
    )


def _convert(plan: Plan, placed: _Placed) -> tuple[pa.Table, Counts, list[np.ndarray]]:
    definition = plan.definition
    columns = to_masked(placed.table)
    arrays, counts, passing = catalogue_columns(definition, Source(columns, plan.units))
    ids = placed.ids.to_numpy(zero_copy_only=False)
    data: dict[str, np.ndarray | pa.Array] = {
        schema.HEALPIX.name: sky_index(placed.ra, placed.dec),
        definition.id: placed.ids,
        schema.STAR_KEY.name: star_keys(ids),
        "ra": placed.ra,
        "dec": placed.dec,
        **arrays,
    }
    if definition.gaia_id:
        data[schema.SOURCE_ID.name] = _identity(placed.table, definition.gaia_id, definition)
    own = to_table(definition.catalogue_columns, data)
    table = pa.table(
        {schema.HEALPIX.name: data[schema.HEALPIX.name], definition.id: placed.ids}
        | dict(zip(own.column_names, own.columns, strict=True))
        | {name: placed.table[name] for name in definition.keep}
    )
    return table, counts, passing


def _identity(table: pa.Table, name: str, definition: SurveyDefinition) -> pa.Array:
    """Return a column that names stars: int64 or string, null where it names none."""
    column = table[name].combine_chunks()
    if not (pa.types.is_integer(column.type) or pa.types.is_string(column.type)):
        raise SurveyError(f"Column {name!r} names stars but holds {column.type}. Name a column of integers or text.")
    if name != definition.gaia_id:
        return column if pa.types.is_string(column.type) else column.cast(pa.int64())
    try:
        numbers = column.cast(pa.int64())
    except pa.ArrowInvalid as exc:
        raise SurveyError(f"Column {name!r} is no Gaia source_id: {exc}. Name one of integers.") from exc
    return pc.if_else(pc.greater(numbers, 0), numbers, pa.scalar(None, pa.int64()))


def _degrees(table: pa.Table, name: str, plan: Plan) -> np.ndarray:
    column = table[name].combine_chunks()
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise SurveyError(f"Column {name!r} of the position holds {column.type}. Name one in degrees.")
    try:
        factor = conversion_factor((plan.units.get(name, ""),), "deg")
    except SurveyError as exc:
        exc.add_note(f"Column {name!r}")
        raise
    return column.cast(pa.float64()).fill_null(np.nan).to_numpy() * factor


def _deal(path: Path, rows: pa.Table, plan: Plan) -> list[int]:
    keys = star_keys(rows["key"].to_numpy())
    return write_pieces(path, rows, (keys % np.uint64(plan.n_shares)).astype(np.int64))


def _rejection(rows: pa.Array, ids: pa.Array, reason: str) -> pa.Table:
    reasons = pa.repeat(reason, len(rows))
    return pa.table({"row": rows, "id": ids.cast(pa.string()), "reason": reasons})


def _repeat_files(plan: Plan, kind: str) -> list[Path]:
    return sorted(plan.piece(f"repeats_{kind}", 0).parent.glob("*.parquet"))
