"""Translate: every partition of A through the ensemble, on the workers, one file a task."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from stdask import __version__, schema
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.config.run import Run
from stdask.config.training import TrainConfig
from stdask.errors import EnsembleError
from stdask.network.ensemble import Draws, Family
from stdask.network.parts import from_parts
from stdask.runs.counts import PartitionCounts, RowCounts, TranslateCounts
from stdask.runs.draws import draws_of
from stdask.runs.ledger import Ledger, Parts, partition_hashes
from stdask.runs.receipts import FileRecord, Receipt
from stdask.runs.stage import Stage, begin_stage
from stdask.science.sky.healpix import Pixel
from stdask.stages.translate.forecast import SAMPLE_STARS, forecast, require_memory, say_forecast
from stdask.stages.translate.table import counted_flags, new_columns, translate_file
from stdask.storage import paths
from stdask.storage.catalogue.hats import (
    Catalogue,
    catalogue_files,
    finish_catalogue,
    open_catalogue,
    remove_partitions,
    unfinish_catalogue,
)
from stdask.storage.ensembles import read_ensemble
from stdask.storage.files import hash_of
from stdask.storage.tables import read_parquet


def run(run: Run, workers: Workers) -> Receipt:
    """Translate the catalogue of A to the scale of B; partitions done before are kept.

    Raises
    ------
    EnsembleError
        If the ensemble was trained for other inputs than the catalogue has.
    """
    config = run.config
    name = paths.translated_name(run.definition_a.name, run.definition_b.name)
    stage = begin_stage(run, "translate")
    if receipt := stage.done():
        return receipt
    source = open_catalogue(paths.catalogue(run.output, run.definition_a.name))
    families = [from_parts(*parts) for parts in read_ensemble(paths.ensemble(run.output)).values()]
    check_inputs(families, source, config.train)
    columns = (*source.columns, *new_columns(families, run))
    draws = replace(draws_of(run.config), engine=config.translate.engine, tf32=config.translate.tf32)
    folder = paths.catalogue(run.output, name)
    unfinish_catalogue(folder)
    records = _translate_partitions(workers, stage, config.cluster, source, families, draws, folder, columns)
    remove_partitions(folder, keep=source.pixels)
    rows = {pixel: record["rows"] for pixel, record in records.items()}
    provenance = {"stdask_key": stage.key, "stdask_source": source.name}
    finish_catalogue(folder, name, columns, rows, provenance, source.epoch)
    counts = TranslateCounts(
        rows=RowCounts(source.n_rows, sum(rows.values())),
        flags={key: sum(r["flags"][key] for r in records.values()) for key in counted_flags(families)},
        n_workers=len(workers.started.scheduler_info(n_workers=-1)["workers"]) if workers.started else 0,
        partitions=PartitionCounts(len(rows), sum(r["kept"] for r in records.values())),
    )
    known = {paths.partition(folder, p): FileRecord(r["bytes"], r["sha256"]) for p, r in records.items()}
    return stage.finish(catalogue_files(folder), counts, known)


def check_inputs(families: list[Family], source: Catalogue, train: TrainConfig) -> None:
    """Raise if the ensemble does not fit the run file or the catalogue.

    Raises
    ------
    EnsembleError
        Naming the family, and what it was trained for or the column that is not there.
    """
    present = {column.name for column in source.columns}
    for family in families:
        asked = (train.inputs(family.name), tuple(item.label for item in train.labels(family.name)))
        if (family.inputs, family.labels) != asked:
            trained, wanted = (
                " -> ".join(map(", ".join, networks)) for networks in ((family.inputs, family.labels), asked)
            )
            raise EnsembleError(
                f"The {family.name} ensemble was trained for {trained}, but the run file asks for {wanted}. "
                "Run `stdask train` first."
            )
        needed = (*family.inputs, *family.neighbourhood.names, *(f"{name}_ERR" for name in family.measured))
        if missing := [name for name in needed if name not in present]:
            raise EnsembleError(
                f"The {family.name} ensemble reads {missing[0]!r}, which the catalogue {source.name} does not have. "
                "It was trained for another survey: run `stdask train` for this pair."
            )


def _translate_partitions(
    workers: Workers,
    stage: Stage,
    cluster: ClusterConfig,
    source: Catalogue,
    families: list[Family],
    draws: Draws,
    folder: Path,
    columns: tuple[schema.Column, ...],
) -> dict[Pixel, dict[str, Any]]:
    """Return the record of every partition, made now or before."""
    ledger = Ledger(stage, dict)
    parts = _parts(stage, source)
    before = ledger.kept({str(pixel): own for pixel, own in parts.items()})
    records = {pixel: before[str(pixel)] | {"kept": True} for pixel in parts if str(pixel) in before}
    todo = [pixel for pixel in source.pixels if pixel not in records]
    if todo:
        _forecast(cluster, source, todo, families, draws, columns)
    job = (source.folder, folder, families, stage.inputs["train"], draws, columns)
    sizes = [source.rows[pixel] for pixel in todo]
    for pixel, record in each(workers, translate_file, todo, *job, description="translate", sizes=sizes, unit="stars"):
        ledger.add(str(pixel), parts[pixel], record, [paths.partition(folder, pixel)])
        records[pixel] = record | {"kept": False}
    return records


def _forecast(
    cluster: ClusterConfig,
    source: Catalogue,
    todo: list[Pixel],
    families: list[Family],
    draws: Draws,
    columns: tuple[schema.Column, ...],
) -> None:
    """Print what the partitions will cost; refuse those too large for a worker."""
    largest = max(todo, key=source.rows.__getitem__)
    sample = read_parquet(source.path(largest)).slice(0, SAMPLE_STARS)
    n_stars = sum(source.rows[pixel] for pixel in todo)
    cost = forecast(families, draws, sample, columns, n_stars, source.rows[largest])
    say_forecast(cost, cluster)
    require_memory(cost, cluster)


def _parts(stage: Stage, source: Catalogue) -> dict[Pixel, Parts]:
    """Return for each partition all that its translation depends on."""
    hashes = partition_hashes(stage.output, "ingest_a", source)
    shared = {"ensemble": stage.inputs["train"], "settings": hash_of(stage.settings), "version": __version__}
    return {pixel: {"input partition": hashes[str(pixel)], **shared} for pixel in source.pixels}
