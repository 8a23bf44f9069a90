"""Translate: every partition of A through the ensemble, on the workers, one file a task."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from distributed import WorkerPlugin, get_worker
from distributed.worker import Worker

from stdask import __version__, schema
from stdask.config import Run, TrainConfig
from stdask.errors import EnsembleError
from stdask.network.ensemble import Draws, Family, Translation, debiased, sigma_parts, translate
from stdask.network.parts import from_parts
from stdask.pipeline.cluster import Workers
from stdask.pipeline.settings import draws_of
from stdask.pipeline.stage import Stage, digest_of
from stdask.pipeline.tasks import each
from stdask.pipeline.training_set import stack_columns
from stdask.science.healpix import Pixel
from stdask.science.validity import describe_flags
from stdask.storage import paths
from stdask.storage.ensembles import read_ensemble
from stdask.storage.files import sha256
from stdask.storage.hats import (
    Catalogue,
    catalogue_files,
    finish_catalogue,
    open_catalogue,
    remove_partitions,
    write_partition,
)
from stdask.storage.receipts import Receipt, append_partition, finished_partitions, hash_of, read_receipt
from stdask.storage.tables import read_parquet, to_field, to_table

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
    draws = draws_of(run)
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
        "flags": {key: sum(r["flags"][key] for r in records.values()) for key in _counted_flags(families)},
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


def new_columns(families: list[Family], run: Run) -> tuple[schema.Column, ...]:
    """Return the columns that a translation adds: Table A.1 of Thomas et al. 2024."""
    units = {label: definition.unit for label, definition in run.definition_b.labels.items()}
    labels = [column for f in families for name in f.labels for column in schema.translated_columns(name, units[name])]
    unattenuated = [schema.debiased_column(name, units[name]) for f in families if f.latent_plan for name in f.labels]
    return (*labels, *unattenuated, *schema.flag_columns(family.name for family in families))


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
    table = read_parquet(paths.partition(source, pixel))
    translated = translate_table(table, plugin.families, draws)
    added = [column for column in columns if column.name in translated]
    for column, array in zip(added, to_table(added, translated).columns, strict=True):
        table = table.append_column(to_field(column), array)
    path = write_partition(folder, pixel, table, {"stdask.ensemble": digest})
    flags = {name: int(translated[name].sum()) for name in _counted_flags(plugin.families)}
    return {"rows": table.num_rows, "bytes": path.stat().st_size, "sha256": sha256(path), "flags": flags}


def translate_table(table: pa.Table, families: list[Family], draws: Draws) -> dict[str, np.ndarray]:
    """Return the new columns of a partition."""
    keys = table.column("STAR_KEY").to_numpy()
    new: dict[str, np.ndarray] = {}
    comments = []
    for family in families:
        inputs = stack_columns(table, list(family.inputs))
        errors = stack_columns(table, [f"{name}_ERR" for name in family.measured])
        translation = translate(family, inputs, errors, keys, draws)
        sigma = sigma_parts(family, inputs, translation)
        for number, label in enumerate(family.labels):
            for percentile, values in zip(schema.PERCENTILES, translation.percentiles, strict=True):
                new[f"{label}_PRED_{percentile}"] = values[:, number]
            new[f"{label}_PRED_ERR"] = translation.errors[:, number]
            for part in ("total", "input_noise", "members", "intrinsic"):
                new[schema.sigma_name(label, part)] = getattr(sigma, part)[:, number]
        if family.latent_plan:
            values = debiased(family, inputs).T
            new |= {f"{label}_PRED_DEBIASED": own for label, own in zip(family.labels, values, strict=True)}
        new |= _flags(family, translation)
        surroundings, unlike = _surroundings(family, table)
        new |= surroundings
        comments += [*_comments(family, translation), *unlike]
    return new | {"QFLAG_COMMENTS": describe_flags(comments)}


def _flags(family: Family, translation: Translation) -> dict[str, np.ndarray]:
    missing = translation.missing_values.any(axis=1) | translation.missing_errors.any(axis=1)
    inside = [np.all(pairs, axis=1) for pairs in (translation.inputs_inside, translation.labels_inside)]
    return dict(zip(_flag_names([family]), [missing, *inside], strict=True))


def _surroundings(
    family: Family, table: pa.Table
) -> tuple[dict[str, np.ndarray], list[tuple[str, list[str], np.ndarray]]]:
    """Return how like the training stars each star is in all inputs at once, and the comments on those that are not."""
    where = family.neighbourhood
    values = stack_columns(table, list(where.names))
    index = where.index(values)
    outside = np.flatnonzero(index > 1)
    worst = where.worst_pairs(values[outside])
    named = np.zeros((len(values), len(where.pair_names)), dtype=bool)
    named[outside] = worst[:, None] == np.array(where.pair_names, dtype=object)
    title = family.name.upper()
    unknown = np.isnan(values) & ~np.isin(where.names, family.inputs)  # missing inputs are told elsewhere
    columns = {
        f"DOMAIN_INDEX_{title}": index,
        f"DOMAIN_DENSITY_{title}": where.density(values),
        f"QFLAG_DOMAIN_{title}": index <= 1,
    }
    return columns, [
        (f"{family.name} input unlike training stars, most in", where.pair_names, named),
        (f"{family.name} domain unknown without", list(where.names), unknown),
    ]


def _flag_names(families: list[Family]) -> list[str]:
    kinds = ("FLAG_MISSING_INPUTS", "QFLAG_INPUT", "QFLAG_OUTPUT")
    return [f"{kind}_{family.name.upper()}" for family in families for kind in kinds]


def _counted_flags(families: list[Family]) -> list[str]:
    return [*_flag_names(families), *(f"QFLAG_DOMAIN_{family.name.upper()}" for family in families)]


def _comments(family: Family, translation: Translation) -> list[tuple[str, list[str], np.ndarray]]:
    # a pair with a missing input is outside, but "missing" says it better
    unknown = np.stack(
        [translation.missing_values[:, [i, j]].any(axis=1) for i, j in family.input_domain.pairs], axis=-1
    )
    outside = f"{family.name} {{}} outside"
    return [
        (f"{family.name} input missing", list(family.inputs), translation.missing_values),
        (f"{family.name} input without error", list(family.measured), translation.missing_errors),
        (outside.format("input"), family.input_domain.pair_names, ~translation.inputs_inside & ~unknown),
        (outside.format("output"), family.label_domain.pair_names, ~translation.labels_inside),
    ]


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
