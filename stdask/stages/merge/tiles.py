"""The tasks of the stage `merge`: what a worker does with one partition of a catalogue, or of the merged one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask import schema
from stdask.pairing.in_b import KEY_A, KEY_B
from stdask.pairing.usable import QUALITY, translation_cuts
from stdask.runs.ledger import Parts
from stdask.runs.receipts import FileRecord, describe
from stdask.science.galaxy.galactocentric import galactic_positions, galactic_velocities, orbits, position_errors
from stdask.science.sky.globular_clusters import in_globular_cluster
from stdask.science.sky.healpix import Cells, Pixel, count_cells
from stdask.stages.merge.distances import lend_distances
from stdask.stages.merge.sources import DISTANCE, MergeSource, Sources
from stdask.stages.merge.values import columns_of_labels, floats
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.catalogue.hats import Written, write_partition
from stdask.storage.files import hash_of
from stdask.storage.tables import read_parquet, to_numpy, to_table, write_parquet

IN_BOTH = "also in B, whose values are kept"
REPEATED = "another row of the same star is kept"
CLUSTER = "in a globular cluster"
LISTED = "in a list of cluster or stream members"


class Side(NamedTuple):
    """The part of one catalogue in a tile."""

    catalogue: Catalogue  # with only those partitions that overlap the tile
    first_row: int  # number of rows before these partitions


class MergeTile(NamedTuple):
    """One partition of the merged catalogue: what a task needs to know about it."""

    pixel: Pixel
    n_rows: int  # of all, before any is set aside
    sides: tuple[Side, ...]  # in the order of the surveys
    parts: Parts  # all that it depends on

    def __str__(self) -> str:
        """Return the name of its pixel."""
        return str(self.pixel)


@dataclass(frozen=True)
class TileRecord:
    """What is worth knowing of a merged tile."""

    partition: Written | None  # None where no star is left
    rejected: FileRecord  # the file of the rows set aside
    set_aside: Mapping[str, Mapping[str, int]]  # survey -> cut -> rows
    n_listed: list[int]  # stars in each list of `[[merge.exclude]]`
    by_survey: Mapping[str, int]  # stars that are kept
    n_with_distance: int


def count_partition(path: Path, order: int, among: Cells | None) -> Cells:
    """Count the stars of a partition by pixel of `order`, in all of the sky or in some coarser cells of it."""
    index = read_parquet(path, [schema.HEALPIX.name]).column(0).to_numpy()
    return count_cells(index if among is None else index[among.hold(index)], order)


def merge_tile(tile: MergeTile, sources: Sources, folder: Path) -> TileRecord:
    """Write one partition, and the rows set aside there."""
    kept, rejected, counts, listed = [], [], {}, []
    for side, source in zip(tile.sides, sources.surveys, strict=True):
        table = lend_distances(side.catalogue.read_pixel(tile.pixel), source.survey, source.lenders)
        cuts = _cuts(table, source, sources)
        reasons = np.select(list(cuts.values()), list(cuts), default="")
        rejected.append(_rejects(table, reasons, _rows_before(tile.pixel, side), source))
        kept.append(_merged_rows(table.filter(pa.array(reasons == "")), source, sources))
        counts[source.survey] = {cut: int((reasons == cut).sum()) for cut in cuts}
        listed.append([int(_is_among(table, keys).sum()) for keys in source.listed])
    merged, aside = pa.concat_tables(kept), pa.concat_tables(rejected)
    partition = None
    if merged.num_rows:
        partition = write_partition(folder, tile.pixel, merged, {"stdask.key": hash_of(tile.parts)})
    path = paths.rejected_part(folder, tile.pixel)
    write_parquet(path, aside)
    return TileRecord(
        partition=partition,
        rejected=describe(path),
        set_aside=counts,
        n_listed=np.sum(listed, axis=0, dtype=int).tolist(),
        by_survey={source.survey: table.num_rows for source, table in zip(sources.surveys, kept, strict=True)},
        n_with_distance=int(np.isfinite(to_numpy(merged, schema.GALACTOCENTRIC[0].name)).sum()),
    )


def _rows_before(pixel: Pixel, side: Side) -> int:
    """Return how many rows of the whole catalogue come before a tile's."""
    catalogue = side.catalogue
    if not catalogue.pixels or catalogue.pixels[0].first_index >= pixel.first_index:
        return side.first_row
    index = read_parquet(catalogue.path(catalogue.pixels[0]), [schema.HEALPIX.name]).column(0).to_numpy()
    return side.first_row + int(np.searchsorted(index, pixel.first_index))


def _cuts(table: pa.Table, source: MergeSource, sources: Sources) -> dict[str, np.ndarray]:
    """Return the cuts in their order, and which rows fail each; a row is set aside for the first that it fails."""
    if source.pairs is None:
        cuts = {QUALITY: ~to_numpy(table, schema.GOOD.name)}
    else:
        cuts = translation_cuts(table, sources.config) | in_other_surveys(table, source)
    if source.repeated:
        cuts[REPEATED] = _is_among(table, _read_keys(table, source.repeated))
    if sources.clusters:
        cuts[CLUSTER] = in_globular_cluster(
            to_numpy(table, "ra"),
            to_numpy(table, "dec"),
            to_numpy(table, DISTANCE),
            sources.clusters,
            sources.config.half_light_radii,
            sources.config.cluster_depth_kpc,
        )
    if source.listed:
        cuts[LISTED] = _is_among(table, np.concatenate(source.listed))
    return cuts


def in_other_surveys(table: pa.Table, source: MergeSource) -> dict[str, np.ndarray]:
    """Return which stars of a translated survey are left to another one, by the reason."""
    here = pc.field(f"B_{schema.GOOD.name}")
    paired = _read_keys(table, source.pairs, here) if source.pairs else np.empty(0, dtype=np.uint64)
    cuts = {IN_BOTH: _is_among(table, paired)}
    for survey, path in source.repeats:
        cuts[f"also in {survey}, whose values are kept"] = _is_among(table, _read_keys(table, path))
    return cuts


def _read_keys(table: pa.Table, path: Path, condition: pc.Expression | None = None) -> np.ndarray:
    """Return the keys of the stars of a table that are in another table too."""
    here = pc.field(KEY_A).isin(table.column(KEY_A).combine_chunks())
    return to_numpy(read_parquet(path, [KEY_A], here if condition is None else here & condition), KEY_A)


def _is_in_pairs(table: pa.Table, source: MergeSource) -> np.ndarray:
    """Return which stars of B are in a translated survey, or which of a translated survey are in B."""
    column, files = (KEY_A, [source.pairs]) if source.pairs else (KEY_B, source.partners)
    here = pc.field(column).isin(table.column(KEY_A).combine_chunks())
    return _is_among(table, np.concatenate([to_numpy(read_parquet(path, [column], here), column) for path in files]))


def _is_among(table: pa.Table, keys: np.ndarray) -> np.ndarray:
    return np.isin(table.column(KEY_A).to_numpy(), keys)


def _merged_rows(table: pa.Table, source: MergeSource, sources: Sources) -> pa.Table:
    names = [column.name for column in sources.columns]
    data: dict[str, np.ndarray | pa.Array] = {name: table.column(name) for name in names if name in table.column_names}
    data |= {
        schema.ID.name: table.column(source.id).cast(pa.string()),
        schema.SURVEY.name: np.full(table.num_rows, source.survey, dtype=object),
        schema.IN_PAIRS.name: _is_in_pairs(table, source),
    }
    data |= columns_of_labels(table, source, sources)
    for column in (schema.EBV, *schema.DISTANCE, *schema.PROPER_MOTION):
        data[column.name] = floats(table, column.name)
    return to_table(sources.columns, data | _places(data, sources))


def _places(data: dict[str, np.ndarray | pa.Array], sources: Sources) -> dict[str, np.ndarray]:
    """Return where the stars are in the Galaxy, and how they move if that is known."""
    distance, error, pmra, _, pmdec, _ = (data[c.name] for c in (*schema.DISTANCE, *schema.PROPER_MOTION))
    ra, dec = (np.asarray(data[column.name]) for column in schema.POSITION)
    places = galactic_positions(ra, dec, distance)
    found = _named(schema.GALACTOCENTRIC, places)
    found |= _named(schema.GALACTOCENTRIC_ERR, position_errors(places, distance, error))
    if set(schema.VELOCITIES) <= set(sources.columns):
        velocities = galactic_velocities(ra, dec, distance, pmra, pmdec, data[sources.velocity])
        found |= _named(schema.VELOCITIES, velocities)
        found |= _named(schema.ORBITS, orbits(places.radius_kpc, velocities.azimuthal))
    return found


def _named(columns: Sequence[schema.Column], arrays: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    return {column.name: array for column, array in zip(columns, arrays, strict=True)}


def _rejects(table: pa.Table, reasons: np.ndarray, first_row: int, source: MergeSource) -> pa.Table:
    ids = table.column(source.id).cast(pa.string()).combine_chunks()
    where = np.flatnonzero(reasons != "")
    texts = [f"{source.survey}: {reason}" for reason in reasons[where]]
    data = {"row": first_row + where, "id": ids.take(pa.array(where)), "reason": pa.array(texts, pa.string())}
    return to_table(schema.REJECTED, data)
