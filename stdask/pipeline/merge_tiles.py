"""The tasks of the stage `merge`: what a worker does with one partition of a catalogue, or of the merged one."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask import schema
from stdask.config import MergeConfig
from stdask.pipeline.ledger import Parts
from stdask.pipeline.merge_distances import lend_distances
from stdask.science.galactocentric import galactic_positions
from stdask.science.globular_clusters import GlobularClusters, in_globular_cluster
from stdask.science.healpix import Cells, Pixel, count_cells
from stdask.storage import paths
from stdask.storage.files import sha256
from stdask.storage.hats import Catalogue, write_partition
from stdask.storage.receipts import hash_of
from stdask.storage.tables import read_parquet, to_numpy, to_table, write_parquet

QUALITY = "fails the quality cuts"
MISSING = "an input of the intrinsic network is missing"
OUTSIDE_INPUTS = "inputs outside the domain of the training stars"
OUTSIDE_OUTPUTS = "translated labels outside the domain of the training stars"
IN_BOTH = "also in B, whose values are kept"
CLUSTER = "in a globular cluster"


class Side(NamedTuple):
    """What one of the two catalogues has in a tile."""

    catalogue: Catalogue  # of its partitions none but those that overlap the tile
    first_row: int  # number of rows before these partitions


class Tile(NamedTuple):
    """One partition of the merged catalogue: what a task needs to know about it."""

    pixel: Pixel
    n_rows: int  # of both, before any is set aside
    sides: tuple[Side, Side]  # A and B
    parts: Parts  # all that it depends on

    def __str__(self) -> str:
        """Return the name of its pixel."""
        return str(self.pixel)


@dataclass(frozen=True)
class Sources:
    """What all tasks of a merge share."""

    ids: tuple[str, str]  # id columns
    surveys: tuple[str, str]
    labels: tuple[str, ...]  # of B
    families: Mapping[str, str]  # label -> network family that translated it
    clusters: GlobularClusters | None
    config: MergeConfig
    columns: tuple[schema.Column, ...]
    pairs: Path
    lends: bool  # A has distances, for stars of B without


Values = Callable[[pa.Table, str, Sources], tuple[np.ndarray, np.ndarray]]


def count_partition(path: Path, order: int, among: Cells | None) -> Cells:
    """Count the stars of a partition by pixel of `order`, in all of the sky or in some coarser cells of it."""
    index = read_parquet(path, [schema.HEALPIX.name]).column(0).to_numpy()
    return count_cells(index if among is None else index[among.hold(index)], order)


def merge_tile(tile: Tile, sources: Sources, folder: Path) -> dict[str, Any]:
    """Write one partition, and the rows set aside there; return what is worth knowing of them."""
    kept, rejected = [], []
    kinds = ((_reasons_a, _values_a), (_reasons_b, _values_b))
    for number, (side, (reasons_of, values_of)) in enumerate(zip(tile.sides, kinds, strict=True)):
        pairs = sources.pairs if number and sources.lends else None
        stars = side.catalogue.read_pixel(tile.pixel)
        table = lend_distances(stars, sources.surveys[number], sources.surveys[0], pairs)
        reasons = reasons_of(table, sources)
        good = reasons == ""
        rejected.append(_rejects(table, ~good, reasons, _rows_before(tile.pixel, side), sources, number))
        kept.append(_merged_rows(table.filter(pa.array(good)), values_of, sources, number))
    merged, aside = pa.concat_tables(kept), pa.concat_tables(rejected)
    partition = None
    if merged.num_rows:
        partition = write_partition(folder, tile.pixel, merged, {"stdask.key": hash_of(tile.parts)})._asdict()
    path = paths.rejected_part(folder, tile.pixel)
    write_parquet(path, aside)
    return {
        "partition": partition,
        "rejected": {"bytes": path.stat().st_size, "sha256": sha256(path)},
        "set aside": Counter(aside.column("reason").to_pylist()),
        "from": {name: table.num_rows for name, table in zip(sources.surveys, kept, strict=True)},
        "with a distance": int(np.isfinite(to_numpy(merged, schema.GALACTOCENTRIC[0].name)).sum()),
    }


def _rows_before(pixel: Pixel, side: Side) -> int:
    """Return how many rows of the whole catalogue come before a tile's."""
    catalogue = side.catalogue
    if not catalogue.pixels or catalogue.pixels[0].first_index >= pixel.first_index:
        return side.first_row
    index = read_parquet(catalogue.path(catalogue.pixels[0]), [schema.HEALPIX.name]).column(0).to_numpy()
    return side.first_row + int(np.searchsorted(index, pixel.first_index))


def _reasons_a(table: pa.Table, sources: Sources) -> np.ndarray:
    """Return why each row of A is set aside, empty for none: the first of the cuts that it fails."""
    intrinsic = schema.FAMILIES[0].upper()
    return _first_reason(
        {
            QUALITY: ~to_numpy(table, schema.GOOD.name),
            MISSING: to_numpy(table, f"FLAG_MISSING_INPUTS_{intrinsic}"),
            OUTSIDE_INPUTS: ~to_numpy(table, f"QFLAG_INPUT_{intrinsic}"),
            OUTSIDE_OUTPUTS: ~to_numpy(table, f"QFLAG_OUTPUT_{intrinsic}"),
            IN_BOTH: _in_both(table, sources),
            CLUSTER: _in_cluster(table, sources),
        }
    )


def _reasons_b(table: pa.Table, sources: Sources) -> np.ndarray:
    return _first_reason({QUALITY: ~to_numpy(table, schema.GOOD.name), CLUSTER: _in_cluster(table, sources)})


def _in_both(table: pa.Table, sources: Sources) -> np.ndarray:
    """Tell which stars of A are in B too, with values of B that are kept."""
    keys = table.column(schema.STAR_KEY.name)
    here = pc.field(schema.STAR_KEY.name).isin(keys.combine_chunks()) & pc.field(f"B_{schema.GOOD.name}")
    pairs = read_parquet(sources.pairs, [schema.STAR_KEY.name], here)
    return np.isin(keys.to_numpy(), to_numpy(pairs, schema.STAR_KEY.name))


def _first_reason(cuts: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.select(list(cuts.values()), list(cuts), default="")


def _in_cluster(table: pa.Table, sources: Sources) -> np.ndarray:
    if sources.clusters is None:
        return np.zeros(table.num_rows, dtype=bool)
    return in_globular_cluster(
        to_numpy(table, "ra"),
        to_numpy(table, "dec"),
        _floats(table, schema.DISTANCE[0].name),
        sources.clusters,
        sources.config.half_light_radii,
        sources.config.cluster_depth_kpc,
    )


def _values_a(table: pa.Table, label: str, sources: Sources) -> tuple[np.ndarray, np.ndarray]:
    """Return a translated label and its calibrated error; NaN where the translation does not hold.

    The stars were chosen by the intrinsic flags; a label of the extrinsic network has flags of its own.
    """
    family = sources.families.get(label)
    if family is None:  # A was not translated to it: what A itself calls so is on another scale
        return (np.full(table.num_rows, np.nan),) * 2
    flags = family.upper()
    valid = (
        to_numpy(table, f"QFLAG_INPUT_{flags}")
        & to_numpy(table, f"QFLAG_OUTPUT_{flags}")
        & ~to_numpy(table, f"FLAG_MISSING_INPUTS_{flags}")
    )
    value, sigma = (to_numpy(table, name) for name in (f"{label}_PRED_50", schema.sigma_name(label, "total")))
    return np.where(valid, value, np.nan), np.where(valid, sigma, np.nan)


def _values_b(table: pa.Table, label: str, sources: Sources) -> tuple[np.ndarray, np.ndarray]:  # noqa: ARG001
    return to_numpy(table, label), _floats(table, f"{label}_ERR")


def _merged_rows(table: pa.Table, values_of: Values, sources: Sources, number: int) -> pa.Table:
    names = [column.name for column in sources.columns]
    data: dict[str, np.ndarray | pa.Array] = {name: table.column(name) for name in names if name in table.column_names}
    data |= {
        schema.ID.name: table.column(sources.ids[number]).cast(pa.string()),
        schema.SURVEY.name: np.full(table.num_rows, sources.surveys[number], dtype=object),
    }
    for label in sources.labels:
        data[label], data[f"{label}_ERR"] = values_of(table, label, sources)
    for column in (schema.EBV, *schema.DISTANCE):
        data[column.name] = _floats(table, column.name)
    places = galactic_positions(to_numpy(table, "ra"), to_numpy(table, "dec"), data[schema.DISTANCE[0].name])
    data |= {column.name: place for column, place in zip(schema.GALACTOCENTRIC, places, strict=True)}
    return to_table(sources.columns, data)


def _floats(table: pa.Table, name: str) -> np.ndarray:
    """Return a column, NaN if the survey does not have it."""
    return to_numpy(table, name) if name in table.column_names else np.full(table.num_rows, np.nan)


def _rejects(
    table: pa.Table, aside: np.ndarray, reasons: np.ndarray, first_row: int, sources: Sources, number: int
) -> pa.Table:
    ids = table.column(sources.ids[number]).cast(pa.string()).combine_chunks()
    where = np.flatnonzero(aside)
    texts = [f"{sources.surveys[number]}: {reason}" for reason in reasons[where]]
    data = {"row": first_row + where, "id": ids.take(pa.array(where)), "reason": pa.array(texts, pa.string())}
    return to_table(schema.REJECTED, data)
