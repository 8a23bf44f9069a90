"""Merge: A on the scale of B, together with B, one row a star, with galactocentric coordinates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask import schema
from stdask.config import MergeConfig, Run
from stdask.errors import SurveyError
from stdask.pipeline.cluster import Workers
from stdask.pipeline.merge_distances import lend_distances
from stdask.pipeline.stage import Stage, digest_of
from stdask.pipeline.tasks import each
from stdask.science.galactocentric import galactic_positions
from stdask.science.globular_clusters import GlobularClusters, in_globular_cluster
from stdask.science.healpix import Pixel, tile_sky
from stdask.storage import paths
from stdask.storage.hats import (
    Catalogue,
    catalogue_files,
    clear_catalogue,
    finish_catalogue,
    open_catalogue,
    write_partition,
)
from stdask.storage.receipts import Receipt
from stdask.storage.survey_files import checksum, open_survey
from stdask.storage.tables import read_parquet, to_field, to_numpy, to_table, write_parquet

NAME = "merged"
CLUSTER_COLUMNS = ("ra", "dec", "distance", "rhalf_arcmin")
QUALITY = "fails the quality cuts"
MISSING = "an input of the intrinsic network is missing"
OUTSIDE_INPUTS = "inputs outside the domain of the training stars"
OUTSIDE_OUTPUTS = "translated labels outside the domain of the training stars"
IN_BOTH = "also in B, whose values are kept"
CLUSTER = "in a globular cluster"
_NO_REJECTS = pa.schema([to_field(column) for column in schema.REJECTED]).empty_table()


class Tile(NamedTuple):
    """One partition of the merged catalogue: what a task needs to know about it."""

    pixel: Pixel
    first_rows: tuple[int, int]  # of A and of B: number of rows before the pixel
    n_rows: int
    in_both: np.ndarray  # uint64, STAR_KEY of the stars of A here whose values of B are kept


@dataclass(frozen=True)
class Sources:
    """What all tasks of a merge share."""

    a: Catalogue  # translated
    b: Catalogue
    ids: tuple[str, str]  # id columns
    surveys: tuple[str, str]
    labels: tuple[str, ...]  # of B
    families: Mapping[str, str]  # label -> network family that translated it
    clusters: GlobularClusters | None
    config: MergeConfig
    columns: tuple[schema.Column, ...]
    key: str  # of the stage
    pairs: Path | None  # that lend distances of A to stars of B


Values = Callable[[pa.Table, str, Sources], tuple[np.ndarray, np.ndarray]]


def run(run: Run, workers: Workers) -> Receipt:
    """Merge the translated catalogue with B (Thomas et al. 2024, sect. 4) and count every cut.

    Raises
    ------
    CatalogueError
        If an earlier stage has not been run.
    SurveyError
        If the table of globular clusters is missing or lacks a column.
    """
    stage = Stage(run, "merge", _inputs(run))
    if receipt := stage.done():
        return receipt
    sources = _open_sources(run, stage.key)
    pairs = read_parquet(paths.pairs(run.output, *sources.surveys), [schema.STAR_KEY.name, f"B_{schema.GOOD.name}"])
    in_both = to_numpy(pairs, schema.STAR_KEY.name)[to_numpy(pairs, f"B_{schema.GOOD.name}")]
    tiles = _tile(sources, in_both, run.config.ingest.rows_per_partition)
    folder = paths.catalogue(run.output, NAME)
    clear_catalogue(folder)
    rows: dict[Pixel, int] = {}
    rejected = [_NO_REJECTS]
    tasks = each(workers, _merge_tile, tiles, sources, folder, description="merge", sizes=[t.n_rows for t in tiles])
    for tile, (n_rows, rejects) in tasks:
        rejected.append(rejects)
        if n_rows:
            rows[tile.pixel] = n_rows
    merged = finish_catalogue(folder, NAME, sources.columns, rows, {"stdask_key": stage.key})
    aside = pa.concat_tables(rejected).sort_by([("reason", "ascending"), ("row", "ascending")])
    write_parquet(folder / paths.REJECTED, aside)
    return stage.finish(catalogue_files(folder), _count(sources, merged, aside))


def _inputs(run: Run) -> dict[str, str]:
    inputs = {name: digest_of(run, name) for name in ("translate", "ingest_b", "pair")}
    if run.config.merge.globular_clusters:
        try:
            inputs["globular_clusters"] = checksum(run.data_dir / run.config.merge.globular_clusters)
        except SurveyError as exc:
            exc.add_note("[merge] globular_clusters")
            raise
    return inputs


def _open_sources(run: Run, key: str) -> Sources:
    a, b = run.definition_a, run.definition_b
    translated = open_catalogue(paths.catalogue(run.output, paths.translated_name(a.name, b.name)))
    catalogue_b = open_catalogue(paths.catalogue(run.output, b.name))
    present = {column.name for column in translated.columns}
    families = {
        item.label: family
        for family in schema.FAMILIES
        for item in run.config.train.labels(family)
        if f"{item.label}_PRED_50" in present
    }
    clusters = None
    if run.config.merge.globular_clusters:
        table = open_survey(run.data_dir / run.config.merge.globular_clusters).read(CLUSTER_COLUMNS)
        clusters = GlobularClusters(*(to_numpy(table, name) for name in CLUSTER_COLUMNS))
    return Sources(
        a=translated,
        b=catalogue_b,
        ids=(a.id, b.id),
        surveys=(a.name, b.name),
        labels=tuple(b.labels),
        families=families,
        clusters=clusters,
        config=run.config.merge,
        columns=_merged_columns(run, translated, catalogue_b),
        key=key,
        pairs=paths.pairs(run.output, a.name, b.name) if schema.DISTANCE[0].name in present else None,
    )


def _merged_columns(run: Run, a: Catalogue, b: Catalogue) -> tuple[schema.Column, ...]:
    """Return the columns of the merged catalogue."""
    names_a, names_b = ({column.name for column in catalogue.columns} for catalogue in (a, b))
    labels = [
        column for name, label in run.definition_b.labels.items() for column in schema.merged_columns(name, label.unit)
    ]
    source_id = [schema.SOURCE_ID] if schema.SOURCE_ID.name in names_a & names_b else []
    reddening = [schema.EBV] if schema.EBV.name in names_a | names_b else []
    return (
        schema.HEALPIX,
        schema.ID,
        schema.SURVEY,
        schema.STAR_KEY,
        *source_id,
        *schema.POSITION,
        *labels,
        *reddening,
        *schema.DISTANCE,
        schema.DISTANCE_FROM,
        *schema.GALACTOCENTRIC,
    )


def _tile(sources: Sources, in_both: np.ndarray, most: int) -> list[Tile]:
    """Return the partitions of the merged catalogue: of the rows of both, before any is set aside."""
    indices, shared, keys = [], np.empty(0, np.int64), np.empty(0, np.uint64)
    for catalogue in (sources.a, sources.b):
        parts = []
        for table in catalogue.partitions([schema.HEALPIX.name, schema.STAR_KEY.name]):
            index = to_numpy(table, schema.HEALPIX.name)
            parts.append(index)
            if catalogue is sources.a:
                mine = np.isin(star_keys := to_numpy(table, schema.STAR_KEY.name), in_both)
                shared = np.concatenate([shared, index[mine]])
                keys = np.concatenate([keys, star_keys[mine]])
        indices.append(np.concatenate([np.empty(0, np.int64), *parts]))
    union = np.sort(np.concatenate(indices))
    tiles = []
    for pixel in tile_sky(union, np.ones(len(union)), most):
        ends = [pixel.first_index, pixel.end_index]
        first_rows = tuple(int(np.searchsorted(index, pixel.first_index)) for index in indices)
        n_rows = int(np.diff(np.searchsorted(union, ends))[0])
        first, end = np.searchsorted(shared, ends)
        tiles.append(Tile(pixel, (first_rows[0], first_rows[1]), n_rows, keys[first:end]))
    return tiles


def _merge_tile(tile: Tile, sources: Sources, folder: Path) -> tuple[int, pa.Table]:
    """Write one partition; return its number of rows and the rows set aside."""
    kept, rejected = [], []
    sides = (
        (sources.a, _reasons_a, _values_a),
        (sources.b, _reasons_b, _values_b),
    )
    for number, (catalogue, reasons_of, values_of) in enumerate(sides):
        lender = sources.surveys[0], sources.pairs if number else None
        table = lend_distances(catalogue.read_pixel(tile.pixel), sources.surveys[number], *lender)
        reasons = reasons_of(table, tile, sources)
        good = reasons == ""
        rejected.append(_rejects(table, ~good, reasons, tile.first_rows[number], sources, number))
        kept.append(_merged_rows(table.filter(pa.array(good)), values_of, sources, number))
    merged = pa.concat_tables(kept)
    if merged.num_rows:
        write_partition(folder, tile.pixel, merged, {"stdask.key": sources.key})
    return merged.num_rows, pa.concat_tables(rejected)


def _reasons_a(table: pa.Table, tile: Tile, sources: Sources) -> np.ndarray:
    """Return why each row of A is set aside, empty for none: the first of the cuts that it fails."""
    intrinsic = schema.FAMILIES[0].upper()
    return _first_reason(
        {
            QUALITY: ~to_numpy(table, schema.GOOD.name),
            MISSING: to_numpy(table, f"FLAG_MISSING_INPUTS_{intrinsic}"),
            OUTSIDE_INPUTS: ~to_numpy(table, f"QFLAG_INPUT_{intrinsic}"),
            OUTSIDE_OUTPUTS: ~to_numpy(table, f"QFLAG_OUTPUT_{intrinsic}"),
            IN_BOTH: np.isin(to_numpy(table, schema.STAR_KEY.name), tile.in_both),
            CLUSTER: _in_cluster(table, sources),
        }
    )


def _reasons_b(table: pa.Table, tile: Tile, sources: Sources) -> np.ndarray:  # noqa: ARG001 - as for A
    return _first_reason({QUALITY: ~to_numpy(table, schema.GOOD.name), CLUSTER: _in_cluster(table, sources)})


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


def _count(sources: Sources, merged: Catalogue, aside: pa.Table) -> dict[str, Any]:
    reasons = aside.group_by("reason").aggregate([("reason", "count")]).sort_by("reason").to_pydict()
    absent = [label for label in sources.labels if label not in sources.families]
    from_survey = dict.fromkeys(sources.surveys, 0)
    placed = 0
    for table in merged.partitions([schema.SURVEY.name, schema.GALACTOCENTRIC[0].name]):
        for survey in sources.surveys:
            from_survey[survey] += pc.sum(pc.equal(table.column(schema.SURVEY.name), survey)).as_py() or 0
        placed += int(np.isfinite(to_numpy(table, schema.GALACTOCENTRIC[0].name)).sum())
    return {
        "in": sources.a.n_rows + sources.b.n_rows,
        "out": merged.n_rows,
        "set aside": dict(zip(reasons["reason"], reasons["reason_count"], strict=True)),
        "from": from_survey,
        "with a distance": placed,
        "notes": [f"{', '.join(absent)}: only from {sources.surveys[1]}, {sources.surveys[0]} was not translated to it"]
        if absent
        else [],
    }
