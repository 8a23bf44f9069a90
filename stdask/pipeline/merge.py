"""Merge: A on the scale of B, together with B, one row a star, with galactocentric coordinates.

1. count     each partition of both: how many stars in each cell of the sky; from that the tiles
2. merge     each tile: the stars of both there; what is set aside goes to a file of its own

The driver holds counts and records, never stars.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from stdask import __version__, schema
from stdask.config import Run
from stdask.errors import SurveyError
from stdask.pipeline.cluster import Workers
from stdask.pipeline.ledger import Ledger, Parts, partition_hashes
from stdask.pipeline.merge_tiles import Side, Sources, Tile, count_partition, merge_tile
from stdask.pipeline.stage import Stage, digest_of
from stdask.pipeline.tasks import each
from stdask.science.globular_clusters import GlobularClusters
from stdask.science.healpix import Cells, Pixel, add_counts, count_finely, tile_sky
from stdask.storage import paths
from stdask.storage.hats import (
    Catalogue,
    catalogue_files,
    clear_catalogue,
    finish_catalogue,
    open_catalogue,
    remove_partitions,
)
from stdask.storage.receipts import Receipt, hash_of
from stdask.storage.survey_files import checksum, open_survey
from stdask.storage.tables import to_numpy

NAME = "merged"
CLUSTER_COLUMNS = ("ra", "dec", "distance", "rhalf_arcmin")


def run(run: Run, workers: Workers) -> Receipt:
    """Merge the translated catalogue with B (Thomas et al. 2024, sect. 4) and count every cut.

    Tiles done before are kept.

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
    a, b = run.definition_a.name, run.definition_b.name
    translated = open_catalogue(paths.catalogue(run.output, paths.translated_name(a, b)))
    catalogues = (translated, open_catalogue(paths.catalogue(run.output, b)))
    sources = _describe(run, *catalogues)
    tiles = _tile(workers, stage, catalogues, sources)
    folder = paths.catalogue(run.output, NAME)
    records = _merge_tiles(workers, stage, tiles, sources, folder)
    rows = {tile.pixel: r["partition"]["rows"] for tile, r in records if r["partition"]}
    known = {path: written for tile, r in records for path, written in _files(folder, tile, r).items()}
    remove_partitions(folder, keep=rows)
    for path in set((folder / paths.REJECTED).iterdir()) - set(known):
        path.unlink()  # of another tiling, or the half of a killed worker
    finish_catalogue(folder, NAME, sources.columns, rows, {"stdask_key": stage.key})
    counts = {
        "in": sum(catalogue.n_rows for catalogue in catalogues),
        "out": sum(rows.values()),
        **_count(sources, [record for _, record in records]),
    }
    return stage.finish(catalogue_files(folder), counts, known)


def _inputs(run: Run) -> dict[str, str]:
    inputs = {name: digest_of(run, name) for name in ("translate", "ingest_b", "pair")}
    if run.config.merge.globular_clusters:
        try:
            inputs["globular_clusters"] = checksum(run.data_dir / run.config.merge.globular_clusters)
        except SurveyError as exc:
            exc.add_note("[merge] globular_clusters")
            raise
    return inputs


def _describe(run: Run, translated: Catalogue, catalogue_b: Catalogue) -> Sources:
    a, b = run.definition_a, run.definition_b
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
        ids=(a.id, b.id),
        surveys=(a.name, b.name),
        labels=tuple(b.labels),
        families=families,
        clusters=clusters,
        config=run.config.merge,
        columns=_merged_columns(run, translated, catalogue_b),
        pairs=paths.pairs(run.output, a.name, b.name),
        lends=schema.DISTANCE[0].name in present,
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


def _tile(workers: Workers, stage: Stage, catalogues: Sequence[Catalogue], sources: Sources) -> list[Tile]:
    """Return the partitions of the merged catalogue: of the rows of both, before any is set aside."""
    most = stage.config["rows_per_partition"]
    cells = _count_stars(workers, catalogues, most)
    total = np.concatenate([[0], np.cumsum(cells.n_stars)])
    pixels = tile_sky(cells.starts, cells.n_stars, most)
    bounds = np.searchsorted(cells.starts, [[pixel.first_index, pixel.end_index] for pixel in pixels])
    sides = list(zip(*(_sides(catalogue, pixels) for catalogue in catalogues), strict=True))
    parts = _parts(stage, catalogues, sides, sources)
    return [
        Tile(pixel, int(total[end] - total[first]), both, own)
        for pixel, (first, end), both, own in zip(pixels, bounds, sides, parts, strict=True)
    ]


def _count_stars(workers: Workers, catalogues: Sequence[Catalogue], most: int) -> Cells:
    """Return the stars of both in cells that hold no more than `most`, unless they are of the finest order."""

    def count(order: int, inside: Cells | None) -> Cells:
        files = [c.path(pixel) for c in catalogues for pixel in c.pixels if inside is None or inside.overlap(pixel)]
        counted = each(workers, count_partition, files, order, inside, description="count stars")
        return add_counts([counts for _, counts in counted])

    return count_finely(count, most)


def _sides(catalogue: Catalogue, tiles: Sequence[Pixel]) -> list[Side]:
    """Return what a catalogue has in each tile."""
    pixels, rows = catalogue.pixels, catalogue.rows
    before = np.concatenate([[0], np.cumsum(list(rows.values()), dtype=np.int64)])
    firsts = np.searchsorted([p.end_index for p in pixels], [tile.first_index for tile in tiles], side="right")
    stops = np.searchsorted([p.first_index for p in pixels], [tile.end_index for tile in tiles])
    return [
        Side(replace(catalogue, rows={p: rows[p] for p in pixels[first:stop]}), int(before[first]))
        for first, stop in zip(firsts, stops, strict=True)
    ]


def _parts(
    stage: Stage, catalogues: Sequence[Catalogue], sides: Sequence[tuple[Side, Side]], sources: Sources
) -> list[Parts]:
    """Return for each tile all that it depends on."""
    output, stages = stage.run.output, ("translate", "ingest_b")
    hashes = [partition_hashes(output, name, c) for name, c in zip(stages, catalogues, strict=True)]
    described = asdict(replace(sources, clusters=None, pairs=Path()))  # these two are told by their content
    shared = {name: digest for name, digest in stage.inputs.items() if name not in stages}
    shared |= {"settings": hash_of([stage.config, described]), "version": __version__}
    return [
        {
            f"partitions of {catalogue.name}": hash_of([own[str(pixel)] for pixel in side.catalogue.pixels])
            for catalogue, own, side in zip(catalogues, hashes, both, strict=True)
        }
        | {"row numbers": hash_of([side.first_row for side in both if side.catalogue.pixels])}
        | shared
        for both in sides
    ]


def _merge_tiles(
    workers: Workers, stage: Stage, tiles: Sequence[Tile], sources: Sources, folder: Path
) -> list[tuple[Tile, dict[str, Any]]]:
    """Return the record of every tile, made now or before."""
    ledger = Ledger(stage)
    before = ledger.kept({str(tile): tile.parts for tile in tiles})
    if before:
        (folder / "hats.properties").unlink(missing_ok=True)
    else:
        clear_catalogue(folder)
    records = [(tile, before[str(tile)] | {"kept": True}) for tile in tiles if str(tile) in before]
    todo = [tile for tile in tiles if str(tile) not in before]
    sizes = [tile.n_rows for tile in todo]
    for tile, record in each(workers, merge_tile, todo, sources, folder, description="merge", sizes=sizes):
        ledger.add(str(tile), tile.parts, record, _files(folder, tile, record))
        records.append((tile, record | {"kept": False}))
    return records


def _files(folder: Path, tile: Tile, record: Mapping[str, Any]) -> dict[Path, dict[str, Any]]:
    """Return size and SHA-256 of each file that a tile's task wrote."""
    files = {paths.rejected_part(folder, tile.pixel): record["rejected"]}
    if record["partition"]:
        files[paths.partition(folder, tile.pixel)] = record["partition"]
    return {path: {"bytes": written["bytes"], "sha256": written["sha256"]} for path, written in files.items()}


def _count(sources: Sources, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    aside, from_survey = (sum((Counter(r[name]) for r in records), Counter()) for name in ("set aside", "from"))
    absent = [label for label in sources.labels if label not in sources.families]
    return {
        "set aside": dict(sorted(aside.items())),
        "from": {survey: from_survey[survey] for survey in sources.surveys},
        "with a distance": sum(r["with a distance"] for r in records),
        "notes": [f"{', '.join(absent)}: only from {sources.surveys[1]}, {sources.surveys[0]} was not translated to it"]
        if absent
        else [],
        "partitions": {"all": len(records), "kept from an earlier run": sum(r["kept"] for r in records)},
    }
