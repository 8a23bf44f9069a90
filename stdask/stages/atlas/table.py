"""The atlas of a table of the user: any file with positions, distances and abundances."""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask import schema
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.addresses import locate
from stdask.config.atlas import AtlasConfig, AtlasFile, TableConfig
from stdask.display.console import say
from stdask.errors import ConfigError, SurveyError
from stdask.runs.counts import AtlasCounts
from stdask.runs.receipts import Receipt
from stdask.runs.stage import Stage
from stdask.science.galaxy.bins import GalacticBins
from stdask.science.galaxy.galactocentric import galactic_positions
from stdask.science.measurements.units import conversion_factor
from stdask.stages.atlas.products import Products
from stdask.stages.atlas.samples import A_ONLY, MAPPED, MERGED, RAW_ONLY, Selection
from stdask.stages.atlas.sources import BLOCK_ROWS, Block
from stdask.stages.atlas.stage import alpha_of, check_columns, reduce_stars, titles_of, write_products
from stdask.storage import paths
from stdask.storage.surveys.files import checksum, open_survey
from stdask.storage.surveys.format import SurveyFile
from stdask.storage.surveys.many import copy_file, with_copies

USUAL = {  # quantity -> what its column is called, in any case
    "ra": ("ra", "raj2000", "ra_icrs"),
    "dec": ("dec", "dej2000", "de_icrs"),
    "distance": ("distance", "dist", "d_kpc"),
    "LOGG": ("logg", "log_g"),
    "FE_H": ("fe_h", "feh", "[fe/h]"),
    "M_H": ("m_h", "mh", "[m/h]"),
    "MG_FE": ("mg_fe", "mgfe", "[mg/fe]"),
    "ALPHA_FE": ("alpha_fe", "alpha_m", "alphafe", "[alpha/fe]"),
}
NAMELESS = "no survey"  # name of the survey of stars for which the table has none: they count as the others
PLACES = [column.name for column in schema.GALACTOCENTRIC]


@dataclass(frozen=True)
class TableSource:
    """A table in any format that stdask reads, with the columns of the merged catalogue made from its own."""

    path: Path  # that the user gave
    file: SurveyFile  # the table, or a copy that can be read in parts
    names: Mapping[str, str]  # column of the merged catalogue -> column of the file
    factors: Mapping[str, float]  # from the unit of the file to that of the catalogue
    block_rows: int = BLOCK_ROWS

    @property
    def columns(self) -> frozenset[str]:
        """Names of the columns that hold numbers."""
        return frozenset({*self.names, *PLACES} - {schema.SURVEY.name})

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Rows that follow one another."""
        n_rows = self.file.n_rows
        starts = range(0, n_rows, self.block_rows)
        return tuple(Block(n, start, min(self.block_rows, n_rows - start)) for n, start in enumerate(starts))

    def unit(self, label: str) -> str:
        """Return the unit that the file states for a label, empty if none."""
        return self.file.unit(self.names[label])

    def read(self, block: Block, columns: Sequence[str]) -> pa.Table:
        """Return some columns of the stars of a block."""
        own = {name: column for name, column in self.names.items() if name in columns}
        own |= {name: self.names[name] for name in ("ra", "dec", schema.DISTANCE[0].name)}
        rows = self.file.read([*dict.fromkeys(own.values())], block.content, block.content + block.n_rows)
        data: dict[str, Any] = {
            name: pc.fill_null(rows.column(column).cast(pa.string()), NAMELESS)
            if name == schema.SURVEY.name
            else self._numbers(rows, column) * self.factors[name]
            for name, column in own.items()
        }
        known = np.isfinite(data["ra"]) & np.isfinite(data["dec"]) & (np.abs(data["dec"]) <= 90)
        ra, dec = np.where(known, data["ra"], 0), np.where(known, data["dec"], 0)
        places = galactic_positions(ra, dec, np.where(known, data[schema.DISTANCE[0].name], np.nan))
        data |= dict(zip(PLACES, places, strict=True))
        data[schema.STAR_KEY.name] = np.arange(block.content, block.content + block.n_rows, dtype=np.uint64)
        return pa.table({name: data[name] for name in columns})

    def _numbers(self, rows: pa.Table, column: str) -> np.ndarray:
        try:
            numbers = rows.column(column).cast(pa.float64(), safe=False)
        except pa.ArrowInvalid as exc:
            raise SurveyError(
                f"{self.path}: column {column!r} holds something else than numbers ({exc}). Name another column "
                "in [table], or correct the file."
            ) from exc
        return pc.fill_null(numbers, np.nan).to_numpy()


def run_table(atlas: AtlasFile, workers: Workers, allow_remote: bool = False) -> Receipt[AtlasCounts]:
    """Draw the maps and profiles and fit the gradients of a table, into the output folder.

    Like the stages of a run it leaves a receipt: the same command again does nothing.

    Raises
    ------
    SurveyError
        If the file or a column is missing, a unit cannot be converted, or no star is of the reference survey.
    ConfigError
        If `[atlas]` names a label or a column that the table does not have, `untranslated` lacks a label, the output
        folder is that of a run, or the table is an address and those are not allowed.
    """
    if (atlas.output / paths.RUN_COPY).exists():
        raise ConfigError(f"{atlas.output} is the folder of a run. Choose another folder for the maps of a table.")
    file = open_survey(locate(atlas.table.file, Path(), allow_remote))
    source = table_source(file, atlas.table)
    selection = select_table(file, source, atlas)
    digest = checksum(file.path)
    settings = {
        "seed": atlas.seed,
        "table": atlas.table.model_dump(exclude={"file"}),
        "atlas": selection.config.model_dump(),
    }
    name = file.path.name
    stage = Stage(atlas.output, "atlas", {name: digest}, json.loads(json.dumps(settings)), {name: file.path})
    if receipt := stage.done():
        return receipt
    stage.remove_old_outputs()
    with sliced(source, atlas.output, workers) as readable:
        found = reduce_stars(workers, replace(selection, source=readable))
    _check_reference(atlas.table, found.counts)
    outputs: list[Path] = []
    notes: list[str] = []
    if found.counts.rows.n_out:
        products = Products(
            folder=atlas.output,
            selection=selection,
            medians=found.medians,
            labels=found.labels,
            units={label: source.unit(label) for label in found.labels},
            titles=_titles(found, atlas.table),
            provenance={"table": name[:60], "sha256": digest[:60]},
        )
        outputs, notes = write_products(products, workers)
    say(f"  {len(outputs)} files in {atlas.output}")
    return stage.finish(outputs, replace(found.counts, notes=(*found.counts.notes, *notes)))


def select_table(file: SurveyFile, source: TableSource, atlas: AtlasFile) -> Selection:
    """Return which stars and columns of a table are mapped.

    Raises
    ------
    SurveyError
        If the table has none of the labels that are mapped by default.
    ConfigError
        If `[atlas]` names a label or a column that the table does not have, or `untranslated` lacks a label.
    """
    config = _without_gravity(atlas.atlas, source)
    known = [label for label in MAPPED if label in source.columns]
    labels = config.labels or tuple(known)
    if not labels:
        raise SurveyError(
            f"{file.path}: none of {', '.join(MAPPED)} is among its columns. Say in [table] columns of an atlas file "
            f'which columns they are, e.g. columns = {{ FE_H = "..." }}. It has {", ".join(file.columns)}.'
        )
    _check_untranslated(atlas.table, labels)
    selection = Selection(
        source=source,
        bins=GalacticBins.of(config),
        labels=labels,
        alpha=alpha_of(config, known),
        survey_b=atlas.table.reference or "",
        knows_pairs=False,
        n_members=0,
        member_factor=1.0,
        folder=paths.keys(atlas.output),
        seed=atlas.seed,
    )
    check_columns(selection)
    return selection


def table_source(file: SurveyFile, table: TableConfig) -> TableSource:
    """Return the source of a table: which of its columns are what, and in which units.

    Raises
    ------
    SurveyError
        If a column that is named, or one of position and distance, is not there; or a unit cannot be converted.
    """
    names = {"ra": table.ra, "dec": table.dec, "distance": table.distance, **table.columns}
    usual = {quantity: _usual(quantity, file.columns) for quantity in USUAL if names.get(quantity) is None}
    own = {quantity: column for quantity, column in {**names, **usual}.items() if column}
    for place in ("ra", "dec", "distance"):
        if place not in own:
            raise SurveyError(
                f"{file.path} has no column called {' or '.join(USUAL[place])}. "
                f'Name it in an atlas file: [table] {place} = "...". It has {", ".join(file.columns)}.'
            )
    distance = schema.DISTANCE[0].name
    own[distance] = own.pop("distance")
    own |= {f"{quantity}_ERR": column for quantity, column in table.errors.items()}
    own |= {f"{quantity}_RAW": column for quantity, column in table.untranslated.items()}
    file.require([*own.values(), *([table.survey] if table.survey else [])])
    factors = {}
    for quantity, column in own.items():
        base = _base(quantity)
        wanted = {"ra": "deg", "dec": "deg", distance: "kpc", "R_GUIDE": "kpc"}.get(base) or schema.quantity(base).unit
        stated = (file.unit(column), table.distance_unit if base == distance else "")
        factors[quantity] = conversion_factor(stated, wanted) if wanted else 1.0
    if table.survey:
        own[schema.SURVEY.name] = table.survey
    return TableSource(file.path, file, own, factors)


@contextmanager
def sliced(source: TableSource, folder: Path, workers: Workers) -> Iterator[TableSource]:
    """Yield a source whose blocks can be read one by one: files that have none are copied, and the copies removed."""
    if source.file.by_slices:
        yield source
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".stdask_", dir=folder) as temporary:
        copies = {n: Path(temporary) / f"{n}.parquet" for n, file in enumerate(source.file.parts) if not file.by_slices}
        names = [*dict.fromkeys(source.names.values())]
        for _ in each(workers, _copy, list(copies), source.file, names, copies, description="unpack"):
            pass
        yield replace(source, file=with_copies(source.file, copies))


def _copy(number: int, file: SurveyFile, names: Sequence[str], copies: Mapping[int, Path]) -> None:
    copy_file(file.parts[number], names, copies[number])


def _base(quantity: str) -> str:
    return quantity.removesuffix("_ERR").removesuffix("_RAW")


def _usual(quantity: str, columns: Iterable[str]) -> str | None:
    """Return the column that has a usual name of a quantity."""
    lower = {column.lower(): column for column in columns}
    return next((lower[name] for name in USUAL[quantity] if name in lower), None)


def _without_gravity(config: AtlasConfig, source: TableSource) -> AtlasConfig:
    """Return the settings; all stars are drawn if the table has no gravity to select giants by."""
    if "select" in config.model_fields_set or "LOGG" in source.columns:
        return config
    say("The table has no LOGG, so giants cannot be selected: all stars are drawn.", "yellow")
    return config.model_copy(update={"select": {}})


def _check_untranslated(table: TableConfig, labels: Sequence[str]) -> None:
    lacking = [label for label in labels if label not in table.untranslated]
    if table.untranslated and lacking:
        raise ConfigError(
            f"[table] untranslated lacks {', '.join(lacking)}. Name a column for every label that is drawn there, or "
            f"draw fewer labels: [atlas] labels = {sorted(set(labels) - set(lacking))}."
        )


def _check_reference(table: TableConfig, counts: AtlasCounts) -> None:
    """Refuse a reference that no selected star has, e.g. because it is spelled differently in the table."""
    if table.reference and counts.rows.n_out and table.reference not in counts.by_survey:
        named = {name: n for name, n in counts.by_survey.items() if name != NAMELESS}
        most = sorted(named, key=named.__getitem__, reverse=True)[:10]
        raise SurveyError(
            f"{table.file}: no selected star has {table.reference!r} in column {table.survey!r}. The most frequent "
            f"names there are {', '.join(most) or 'none'}. Name one of them in [table] reference, or change [atlas] "
            "select."
        )


def _titles(found: Any, table: TableConfig) -> dict[str, str]:
    if not table.reference:
        return {MERGED: "all stars"}
    titles = titles_of(found, "the others", table.reference)
    return titles if RAW_ONLY in titles else titles | {A_ONLY: "the others alone"}
