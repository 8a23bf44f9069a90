"""Translate: every partition of A through the ensemble, on the workers, one file a task."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from distributed import WorkerPlugin, get_worker
from distributed.worker import Worker

from stdask import __version__, schema
from stdask.config import Run, TrainConfig
from stdask.errors import EnsembleError
from stdask.network.ensemble import Draws, Family
from stdask.network.parts import from_parts
from stdask.pipeline.cluster import Workers
from stdask.pipeline.forecast import SAMPLE_STARS, forecast, require_memory, say_forecast
from stdask.pipeline.settings import draws_of
from stdask.pipeline.stage import Stage, digest_of
from stdask.pipeline.tasks import each
from stdask.pipeline.translate_table import counted_flags, new_columns, translate_file
from stdask.science.healpix import Pixel
from stdask.storage import paths
from stdask.storage.ensembles import read_ensemble
from stdask.storage.hats import (
    Catalogue,
    catalogue_files,
    finish_catalogue,
    open_catalogue,
    remove_partitions,
)
from stdask.storage.receipts import Receipt, append_partition, finished_partitions, hash_of, read_receipt
from stdask.storage.tables import read_parquet

PLUGIN = "stdask-ensemble"


class EnsemblePlugin(WorkerPlugin):
    """Brings the ensemble to every worker, once; to late and restarted ones too."""

    name = PLUGIN

    def __init__(self, families: list[Family], digest: str) -> None:
        self.families = families
        self.digest = digest

    def setup(self, worker: Worker) -> None:
        """Keep nothing but the plugin itself."""


def run(run: Run, workers: Workers) -> Receipt:
    """Translate the catalogue of A to the scale of B; partitions done before are kept.

    Raises
    ------
    EnsembleError
        If the ensemble was trained for other inputs than the catalogue has.
    """
    config = run.config
    name = paths.translated_name(run.definition_a.name, run.definition_b.name)
    stage = Stage(
        run,
        "translate",
        inputs={"ingest_a": digest_of(run, "ingest_a"), "train": digest_of(run, "train")},
    )
    if receipt := stage.done():
        return receipt
    source = open_catalogue(paths.catalogue(run.output, run.definition_a.name))
    families = [from_parts(*parts) for parts in read_ensemble(paths.ensemble(run.output)).values()]
    check_inputs(families, source, config.train)
    columns = (*source.columns, *new_columns(families, run))
    draws = replace(draws_of(run), engine=config.translate.engine, tf32=config.translate.tf32)
    folder = paths.catalogue(run.output, name)
    (folder / "hats.properties").unlink(missing_ok=True)
    records = _translate_partitions(workers, stage, source, families, draws, folder, columns)
    remove_partitions(folder, keep=source.pixels)
    rows = {pixel: record["rows"] for pixel, record in records.items()}
    provenance = {"stdask_key": stage.key, "stdask_source": source.name}
    finish_catalogue(folder, name, columns, rows, provenance)
    counts = {
        "in": source.n_rows,
        "out": sum(rows.values()),
        "set aside": {},
        "flags": {key: sum(r["flags"][key] for r in records.values()) for key in counted_flags(families)},
        "workers": len(workers.client.scheduler_info(n_workers=-1)["workers"]),
        "partitions": {
            "all": len(rows),
            "kept from an earlier run": sum(r["kept"] for r in records.values()),
        },
    }
    return stage.finish(catalogue_files(folder), counts)


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
    source: Catalogue,
    families: list[Family],
    draws: Draws,
    folder: Path,
    columns: tuple[schema.Column, ...],
) -> dict[Pixel, dict[str, Any]]:
    """Return the record of every partition, made now or before."""
    log = paths.partition_log(stage.run.output, "translate")
    keys = _partition_keys(stage, source)
    before = {
        Pixel(*record["pixel"]): record | {"kept": True}
        for record in finished_partitions(log)
        if keys.get(Pixel(*record["pixel"])) == record["key"]
    }
    records = {p: r for p, r in before.items() if _is_whole(paths.partition(folder, p), r)}
    todo = [pixel for pixel in source.pixels if pixel not in records]
    if todo:
        _foretell(stage.run, source, todo, families, draws, columns)
    digest = stage.inputs["train"]
    workers.client.register_plugin(EnsemblePlugin(families, digest))
    job = (source.folder, folder, digest, draws, columns)
    sizes = [source.rows[pixel] for pixel in todo]
    tasks = each(workers, translate_partition, todo, *job, description="translate stars", sizes=sizes)
    for pixel, record in tasks:
        record = {"pixel": list(pixel), "key": keys[pixel], **record}
        append_partition(log, record)
        records[pixel] = record | {"kept": False}
    return records


def _foretell(
    run: Run,
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
    say_forecast(cost, run.config.cluster)
    require_memory(cost, run.config.cluster)


def translate_partition(
    pixel: Pixel, source: Path, folder: Path, digest: str, draws: Draws, columns: tuple[schema.Column, ...]
) -> dict[str, Any]:
    """Translate one partition on a worker; return what is worth knowing of it.

    Raises
    ------
    EnsembleError
        If the worker holds another ensemble.
    """
    plugin = get_worker().plugins.get(PLUGIN)
    if not isinstance(plugin, EnsemblePlugin) or plugin.digest != digest:
        raise EnsembleError("This worker holds another ensemble than the run. Start the run again.")
    return translate_file(pixel, source, folder, plugin.families, digest, draws, columns)


def _partition_keys(stage: Stage, source: Catalogue) -> dict[Pixel, str]:
    """Return for each partition the hash of all that its translation depends on."""
    receipt = read_receipt(stage.run.output, "ingest_a")
    outputs = receipt.outputs if receipt else {}
    keys = {}
    for pixel in source.pixels:
        name = str(paths.partition(source.folder, pixel).relative_to(stage.run.output))
        keys[pixel] = hash_of([__version__, stage.inputs["train"], dict(stage.config), outputs[name]["sha256"]])
    return keys


def _is_whole(path: Path, record: dict[str, Any]) -> bool:
    return path.exists() and path.stat().st_size == record["bytes"]
