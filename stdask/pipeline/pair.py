"""Pair: the stars in both surveys, and which of them may teach the networks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask import schema
from stdask.config import MatchById, PairConfig, Run, StarList, TrainConfig
from stdask.errors import ConfigError, PairingError, SurveyError
from stdask.pipeline.cluster import Workers
from stdask.pipeline.console import say
from stdask.pipeline.stage import Stage, digest_of
from stdask.science.crossmatch import match_ids, match_positions, separations
from stdask.science.outliers import clip_outliers
from stdask.science.resampling import measured_behind
from stdask.storage import paths
from stdask.storage.hats import open_catalogue
from stdask.storage.receipts import Receipt
from stdask.storage.survey_files import checksum, open_survey
from stdask.storage.tables import to_field, to_numpy, to_table, write_parquet

NO_COUNTERPART = "no counterpart in B"
KEYS = (
    schema.Column("ID_A", "string", "", "meta.id", "Id in A"),
    schema.Column("ID_B", "string", "", "meta.id", "Id in B"),
    schema.STAR_KEY,
    schema.Column("STAR_KEY_B", "uint64", "", "meta.id", "64-bit key of the star in B"),
    schema.Column("SEPARATION", "float32", "arcsec", "pos.angDistance", "Between the positions in A and in B"),
)


def run(run: Run, workers: Workers) -> Receipt:  # noqa: ARG001 - all stages are called alike
    """Match A and B, write the table of pairs and the count of every drop.

    Raises
    ------
    PairingError
        If no star is in both surveys.
    SurveyError
        If a list of `[[pair.exclude]]` is missing or holds no ids.
    """
    a, b = run.definition_a, run.definition_b
    inputs = {f"ingest_{side}": digest_of(run, f"ingest_{side}") for side in "ab"}
    inputs |= {str(stars.file): checksum(run.data_dir / stars.file) for stars in run.config.pair.exclude}
    stage = Stage(run, "pair", inputs)
    if receipt := stage.done():
        return receipt
    tables = Tables(_read(run, "a"), _read(run, "b"))
    rows_a, rows_b, separation = match(tables, run)
    if not rows_a.size:
        raise PairingError(
            f"No star of {a.name} is in {b.name}: {tables.a.num_rows:,} and {tables.b.num_rows:,} stars were "
            "compared. Check that the surveys overlap, and [pair] match."
        )
    pairs = tables.paired(rows_a, rows_b, separation, a.id, b.id)
    listed, notes = find_listed(pairs, run)
    steps = select(pairs, run.config.pair, run.config.train, listed)
    for family, kept in steps.items():
        pairs = pairs.append_column(to_field(_used_column(family)), pa.array(list(kept.values())[-1]))
    path = paths.pairs(run.output, a.name, b.name)
    write_parquet(path, pairs, {"stdask.key": stage.key})
    alone = np.setdiff1d(np.arange(tables.a.num_rows), rows_a)
    rejected = path.with_name(paths.REJECTED)
    write_parquet(rejected, _set_aside(tables.a.column(a.id), alone))
    counts = {
        "in": tables.a.num_rows,
        "out": pairs.num_rows,
        "set aside": {NO_COUNTERPART: int(alone.size)},
        "usable": {family: {step: int(kept.sum()) for step, kept in s.items()} for family, s in steps.items()},
        "median separation [arcsec]": round(float(np.median(separation)), 3),
        "notes": notes,
    }
    return stage.finish([path, rejected], counts)


def _set_aside(ids: pa.ChunkedArray, rows: np.ndarray) -> pa.Table:
    reasons = np.full(rows.size, NO_COUNTERPART)
    return to_table(schema.REJECTED, {"row": rows, "id": ids.cast(pa.string()).take(rows), "reason": reasons})


@dataclass(frozen=True)
class Tables:
    """The columns of both catalogues that pairing and training need."""

    a: pa.Table
    b: pa.Table

    def paired(self, rows_a: np.ndarray, rows_b: np.ndarray, separation: np.ndarray, id_a: str, id_b: str) -> pa.Table:
        """Return one row a pair: keys, then A's columns as A_..., B's as B_..."""
        side_a, side_b = self.a.take(rows_a), self.b.take(rows_b)
        keys = to_table(
            KEYS,
            {
                "ID_A": side_a.column(id_a).cast(pa.string()),
                "ID_B": side_b.column(id_b).cast(pa.string()),
                "STAR_KEY": side_a.column("STAR_KEY"),
                "STAR_KEY_B": side_b.column("STAR_KEY"),
                "SEPARATION": separation,
            },
        )
        for prefix, side, own_id in (("A_", side_a, id_a), ("B_", side_b, id_b)):
            for field in side.schema:
                if field.name not in (own_id, "STAR_KEY", "_healpix_29", "ra", "dec"):
                    keys = keys.append_column(field.with_name(prefix + field.name), side.column(field.name))
        return keys


def match(tables: Tables, run: Run) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows of A and of B that are one star, and their separations in arcsec.

    Raises
    ------
    ConfigError
        If a catalogue has no column to match by.
    """
    ra_a, dec_a, ra_b, dec_b = (to_numpy(t, name) for t in (tables.a, tables.b) for name in ("ra", "dec"))
    settings = run.config.pair.match
    if not isinstance(settings, MatchById):
        return match_positions(ra_a, dec_a, ra_b, dec_b, settings.radius_arcsec)
    ids = []
    for table, name, definition in (
        (tables.a, settings.column, run.definition_a),
        (tables.b, settings.column_b or settings.column, run.definition_b),
    ):
        if name not in table.column_names:
            raise ConfigError(
                f"[pair] match: the catalogue of {definition.name} has no column {name!r}. Name its id "
                f"{definition.id!r}, SOURCE_ID if the survey has Gaia ids, or a column that its definition keeps."
            )
        ids.append(table.column(name).combine_chunks())
    if ids[0].type != ids[1].type:
        raise ConfigError(
            f"[pair] match: {settings.column!r} is {ids[0].type} in {run.definition_a.name} and {ids[1].type} in "
            f"{run.definition_b.name}. Match by columns of one type."
        )
    known = [np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False)) for column in ids]
    rows = match_ids(*(c.take(k).to_numpy(zero_copy_only=False) for c, k in zip(ids, known, strict=True)))
    rows_a, rows_b = known[0][rows[0]], known[1][rows[1]]
    return rows_a, rows_b, separations(ra_a[rows_a], dec_a[rows_a], ra_b[rows_b], dec_b[rows_b])


def find_listed(pairs: pa.Table, run: Run) -> tuple[list[np.ndarray], list[str]]:
    """Tell for each list of `[[pair.exclude]]` which pairs it names, (n_pairs,) bool, and which lists name none.

    Raises
    ------
    SurveyError
        If a list is missing or holds no ids.
    """
    listed, notes = [], []
    for stars in run.config.pair.exclude:
        ids = _read_ids(run, stars)
        named = pc.is_in(pairs.column(f"ID_{stars.survey.upper()}"), value_set=ids).to_numpy()
        if not named.any():
            notes.append(
                f"None of the {len(ids):,} ids in {stars.file.name}, {stars.column}, is that of a star of "
                f"{run.definition(stars.survey).title} in a pair. It may list the stars of another survey."
            )
            say(f"  {notes[-1]}", "yellow")
        listed.append(named)
    return listed, notes


def _read_ids(run: Run, stars: StarList) -> pa.Array:
    """Return the ids of a list as text, as the pairs have them."""
    path = run.data_dir / stars.file
    ids = open_survey(path).read([stars.column]).column(stars.column)
    if not (pa.types.is_integer(ids.type) or pa.types.is_string(ids.type)):
        raise SurveyError(
            f"{path}: column {stars.column!r} is {ids.type}, which no id is. Name a column of whole numbers or text."
        )
    return ids.cast(pa.string()).combine_chunks().drop_null()


def select(
    pairs: pa.Table, pair: PairConfig, train: TrainConfig, listed: Sequence[np.ndarray] = ()
) -> dict[str, dict[str, np.ndarray]]:
    """Tell, family by family and cut after cut, which pairs may teach (Thomas et al. 2024, sect. 3.2).

    Parameters
    ----------
    pairs
        The pairs, with A's columns as A_... and B's as B_...
    pair, train
        `[pair]` and `[train]`.
    listed : each of shape (n_pairs,), bool
        Which pairs each list of `pair.exclude` names.

    Returns
    -------
    steps
        Family -> name of the cut -> pairs left after it, (n_pairs,) bool.
    """
    shared = {"in both surveys": np.ones(pairs.num_rows, dtype=bool)}
    left = to_numpy(pairs, "A_GOOD")
    shared["quality cuts of A"] = left
    left = left & to_numpy(pairs, "B_GOOD")
    shared["quality cuts of B"] = left
    if pair.max_ebv != "none" and "A_EBV" in pairs.column_names:
        left = left & (to_numpy(pairs, "A_EBV") <= pair.max_ebv)
        shared[f"E(B-V) <= {pair.max_ebv:g}"] = left
    elif pair.max_ebv != "none":
        shared["A has no E(B-V): no cut"] = left
    steps = {}
    for family in schema.FAMILIES:
        if not train.labels(family):
            continue
        own = dict(shared)
        own["all inputs measured"] = left & _measured(pairs, [f"A_{name}" for name in train.inputs(family)])
        labels = [f"B_{item.label}" for item in train.labels(family)]
        kept = own["all labels measured"] = own["all inputs measured"] & _measured(pairs, labels)
        for stars, named in zip(pair.exclude, listed, strict=True):
            if stars.family == family:
                kept = kept & ~named
                own[_list_name(stars, own)] = kept
        if family == "extrinsic" and train.clip_sigma != "none":
            kept = kept.copy()
            for item in train.extrinsic:
                if item.source:
                    difference = to_numpy(pairs, f"B_{item.label}") - to_numpy(pairs, f"A_{item.source}")
                    kept &= clip_outliers(np.where(kept, difference, np.nan), train.clip_sigma)
            own[f"{train.clip_sigma:g}-sigma clip of B - A"] = kept
        steps[family] = own
    return steps


def _list_name(stars: StarList, taken: Mapping[str, object]) -> str:
    """Return what the cut of a list is called, unlike those before it."""
    name = f"not in {stars.file.name}"
    return name if name not in taken else f"{name}, list {len(taken)}"


def _measured(pairs: pa.Table, names: list[str]) -> np.ndarray:
    return np.all([np.isfinite(to_numpy(pairs, name)) for name in names], axis=0)


def _used_column(family: str) -> schema.Column:
    return schema.Column(f"USED_{family.upper()}", "bool", "", "meta.code", f"May teach the {family} networks")


def _read(run: Run, side: str) -> pa.Table:
    """Read the columns of a catalogue that matching, training and evaluation need."""
    train, definition = run.config.train, run.definition(side)
    catalogue = open_catalogue(paths.catalogue(run.output, definition.name))
    if side == "a":
        inputs = train.inputs("extrinsic" if train.extrinsic else "intrinsic")
        measured = measured_behind(inputs)[0]
        wanted = [
            *inputs,
            *measured,
            *(f"{name}_ERR" for name in measured),
            "EBV",
            *(column.name for column in schema.DISTANCE),
        ]
    else:
        labels = [item.label for family in schema.FAMILIES for item in train.labels(family)]
        wanted = [name for label in labels for name in (label, f"{label}_ERR")]
    settings = run.config.pair.match
    if isinstance(settings, MatchById):
        wanted.append(settings.column if side == "a" else settings.column_b or settings.column)
    wanted = [definition.id, "STAR_KEY", "ra", "dec", "GOOD", *wanted]
    present = {column.name for column in catalogue.columns}
    return catalogue.read([name for name in dict.fromkeys(wanted) if name in present])
