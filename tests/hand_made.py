"""Tiny catalogues made by hand for the stages behind translate, and the receipts of the stages before them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.config.run import Run, RunConfig
from stdask.config.survey import SurveyDefinition
from stdask.runs.receipts import Receipt, describe_outputs, write_receipt
from stdask.runs.registry import stage_settings
from stdask.science.sky.healpix import sky_index, tile_sky
from stdask.storage import paths
from stdask.storage.catalogue.hats import finish_catalogue, write_partition
from stdask.storage.tables import to_table, write_parquet
from tests.counted import made_up_counts

A, B = "mock_a", "mock_b"
ID = schema.Column("obsid", "int64")
SURVEY_ID = schema.Column("apogee_id", "string")
N_MEMBERS = 2
LABEL_B = ("TEFF", "LOGG", "FE_H", "MG_FE", "VHELIO")


def definition(name: str, id_column: str, labels: Sequence[str], with_distance: bool = True) -> SurveyDefinition:
    return SurveyDefinition.model_validate(
        {
            "name": name,
            "title": {A: "LAMOST DR3", B: "APOGEE DR17"}.get(name, name),
            "reference": "made by hand",
            "id": id_column,
            "gaia_id": "source_id",
            "labels": {label: {"column": label.lower()} for label in labels},
            "distances": [{"column": "dist"}] if with_distance else [],
        }
    )


def make_run(tmp_path: Path, **tables: Mapping) -> Run:
    """Return a run whose labels TEFF, LOGG and FE_H are intrinsic and whose VHELIO is extrinsic."""
    content = {
        "output": tmp_path / "run",
        "surveys": {side: {"definition": name, "file": "none"} for side, name in (("a", A), ("b", B))},
        "pair": {"match": {"by": "position"}},
        "train": {
            "intrinsic": [{"label": label, "from": label} for label in ("TEFF", "LOGG", "FE_H")],
            "extrinsic": [{"label": "VHELIO", "from": "RV"}],
        },
    }
    return Run(
        config=RunConfig.model_validate(content | tables),
        data_dir=tmp_path,
        output=tmp_path / "run",
        definition_a=definition(A, ID.name, ("TEFF", "LOGG", "FE_H", "MG_FE", "RV")),
        definition_b=definition(B, SURVEY_ID.name, LABEL_B),
    )


def write_catalogue(
    run: Run,
    name: str,
    columns: Sequence[schema.Column],
    data: Mapping[str, np.ndarray | pa.Array],
    most: int = 4,
    epoch: float | None = None,
) -> None:
    """Write a HATS catalogue with partitions of at most `most` rows."""
    index = sky_index(np.asarray(data["ra"]), np.asarray(data["dec"]))
    columns = (schema.HEALPIX, *columns)
    table = to_table(columns, {**data, schema.HEALPIX.name: index})
    folder, rows = paths.catalogue(run.output, name), {}
    for tile in tile_sky(np.sort(index), np.ones(len(index)), most):
        inside = (index >= tile.first_index) & (index < tile.end_index)
        write_partition(folder, tile, table.filter(pa.array(inside)), {})
        rows[tile] = int(inside.sum())
    finish_catalogue(folder, name, columns, rows, {}, epoch)


def write_pairs(run: Run, keys_a: Sequence[int], keys_b: Sequence[int], good_b: Sequence[bool]) -> None:
    columns = (
        schema.STAR_KEY,
        schema.Column("STAR_KEY_B", "uint64"),
        schema.Column("B_GOOD", "bool"),
    )
    data = {
        "STAR_KEY": np.array(keys_a, dtype=np.uint64),
        "STAR_KEY_B": np.array(keys_b, dtype=np.uint64),
        "B_GOOD": np.array(good_b, dtype=bool),
    }
    write_parquet(paths.pairs(run.output, run.definition_a.name, B), to_table(columns, data))


def write_receipts(run: Run, *stages: str) -> None:
    """Write receipts as if the stages had run."""
    for stage in stages:
        made = run.output / f"made by {stage}"
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text("by hand")
        outputs = describe_outputs(run.output, [made])
        write_receipt(run.output, Receipt(stage, "key", {}, stage_settings(run, stage), outputs, made_up_counts(stage)))


def columns_a(families: Sequence[str] = schema.FAMILIES) -> tuple[schema.Column, ...]:
    """Return the columns of A on B."""
    labels = {"intrinsic": ("TEFF", "LOGG", "FE_H"), "extrinsic": ("VHELIO",)}
    return (
        ID,
        schema.SOURCE_ID,
        schema.STAR_KEY,
        *schema.POSITION,
        *(c for label in ("TEFF", "LOGG", "FE_H", "MG_FE", "RV") for c in schema.measured_columns(label)),
        *schema.DISTANCE,
        schema.GOOD,
        *(c for family in families for label in labels[family] for c in schema.translated_columns(label)),
        *(c for family in families for label in labels[family] for c in schema.member_columns(label, N_MEMBERS)),
        *schema.flag_columns(families),
        schema.USE,
    )


def columns_b() -> tuple[schema.Column, ...]:
    return (
        SURVEY_ID,
        schema.SOURCE_ID,
        schema.STAR_KEY,
        *schema.POSITION,
        *(c for label in LABEL_B for c in schema.measured_columns(label)),
        *schema.DISTANCE,
        schema.GOOD,
    )


def stars(columns: Sequence[schema.Column], n_stars: int, **given: Sequence | float | bool) -> dict:
    """Return columns of good stars spread over the sky; `given` replaces whole columns or fills them."""
    kinds = {"string": "", "bool": False, "uint64": 0, "int64": 0}
    data = {c.name: np.full(n_stars, kinds.get(c.dtype, 1.0)) for c in columns}
    number = np.arange(n_stars)
    data |= {
        "obsid": number + 100,
        "apogee_id": np.array([f"2M{n}" for n in number], dtype=object),
        "SOURCE_ID": number + 1,
        "STAR_KEY": (number + 1).astype(np.uint64),
        "ra": (number * 137.5) % 360,
        "dec": np.degrees(np.arcsin(np.linspace(-0.95, 0.95, n_stars))),
        "GOOD": np.ones(n_stars, dtype=bool),
    }
    data |= {name: np.ones(n_stars, dtype=bool) for name in data if name.startswith("QFLAG_") and "COMM" not in name}
    for name, values in given.items():
        data[name] = np.full(n_stars, values) if np.isscalar(values) else values
    return {c.name: data[c.name] for c in columns}
