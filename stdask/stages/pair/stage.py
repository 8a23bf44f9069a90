"""Pair: the stars in both surveys, and which of them are used for training."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.config.stages import MatchById
from stdask.config.training import TrainConfig
from stdask.display.console import say
from stdask.errors import ConfigError, PairingError
from stdask.figures.separations import draw_separations
from stdask.pairing.matching import MOTION, Found, Search, match_sky, match_stars, places_of, search_for
from stdask.pairing.rows import gather, split
from stdask.runs.counts import PairCounts, RowCounts
from stdask.runs.receipts import Receipt
from stdask.runs.results import written_by
from stdask.runs.stage import begin_stage
from stdask.science.sky.crossmatch import chance_pairs, separations
from stdask.science.translation.resampling import measured_behind
from stdask.stages.pair.errors import require_errors
from stdask.stages.pair.selection import find_listed, select
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from stdask.storage.catalogue.votable_header import votable_metadata
from stdask.storage.documents import write_figures
from stdask.storage.files import hash_of
from stdask.storage.tables import (
    read_parquet,
    to_column,
    to_field,
    to_numpy,
    to_table,
    write_in_row_groups,
    write_parquet,
)

NO_COUNTERPART = "no counterpart in B"
ALWAYS = (schema.STAR_KEY.name, "ra", "dec", *MOTION, schema.GOOD.name)  # columns that are read of both catalogues


def run(run: Run, workers: Workers) -> Receipt:
    """Match A and B, write the table of pairs, a figure of their separations, and the count of every drop.

    Raises
    ------
    ConfigError
        If the catalogues have no columns that can be matched by.
    PairingError
        If no star is in both surveys, or no star of A has an error of an input.
    SurveyError
        If a list of `[[pair.exclude]]` is missing or holds no ids.
    """
    stage = begin_stage(run, "pair")
    if receipt := stage.done():
        return receipt
    config, train, ids = run.pair, run.config.train, (run.definition_a.id, run.definition_b.id)
    a, b = (open_catalogue(paths.catalogue(run.output, run.definition(side).name)) for side in "ab")
    path = paths.pairs(run.output, a.name, b.name)
    keys = id_columns(a, b, config.match, ids) if isinstance(config.match, MatchById) else None
    search = search_for(a, b, config.match.radius_arcsec)
    found = _match(workers, a, b, keys, search, paths.scratch(path.parent))
    stars_a = _read(workers, a, [ids[0], *ALWAYS, *_columns_of_a(train), *(keys or ())[:1]], found.rows[:, 0])
    stars_b = _read(workers, b, [ids[1], *ALWAYS, *_columns_of_b(train), *(keys or ())[1:]], found.rows[:, 1])
    pairs = join(stars_a, stars_b, ids, found.ambiguous, search.years)
    require_errors(pairs, a, run.definition_a, _inputs(train))
    titles = {"a": run.definition_a.title, "b": run.definition_b.title}
    listed, notes = find_listed(pairs, config.exclude, run.data_dir, titles)
    steps = select(pairs, config, train, listed)
    for family, kept in steps.items():
        pairs = pairs.append_column(to_field(schema.used_column(family)), pa.array(list(kept.values())[-1]))
    # The content alone decides the bytes: the networks are not trained again because of stars that are in no pair.
    origin = {"stdask.settings": hash_of(stage.settings), **written_by("pair")}
    write_parquet(path, pairs, origin, votable_metadata(map(to_column, pairs.schema)))
    rejected = path.with_name(paths.REJECTED)
    n_chance = None if keys else chance_pairs(a.n_rows, pairs.num_rows, found.n_elsewhere)
    radius_arcsec = None if keys else config.match.radius_arcsec
    figures = _draw(path.with_name(paths.SEPARATIONS), pairs, radius_arcsec, n_chance or 0.0)
    alone = each(workers, set_aside, [rejected], a, ids[0], found.rows[:, 0], description="set aside")
    counts = PairCounts(
        rows=RowCounts(a.n_rows, pairs.num_rows, {NO_COUNTERPART: sum(n_stars for _, n_stars in alone)}),
        usable={family: {step: int(kept.sum()) for step, kept in s.items()} for family, s in steps.items()},
        with_label={family: _with_label(pairs, family, train) for family in steps},
        separations_arcsec=_separations(pairs),
        n_ambiguous=int(found.ambiguous.sum()),
        n_chance=None if n_chance is None else round(n_chance, 1),
        notes=(*notes, *_epoch_notes(a, b, search)),
    )
    receipt = stage.finish([path, rejected, *figures], counts)
    _print_matches(counts)
    return receipt


def id_columns(a: Catalogue, b: Catalogue, settings: MatchById, ids: tuple[str, str]) -> tuple[str, str]:
    """Return the columns of A and of B that stars are matched by.

    Parameters
    ----------
    a, b, settings
        The catalogues, and [pair] match.
    ids
        Their columns of ids, for the message.

    Raises
    ------
    ConfigError
        If a catalogue has no such column, or the two do not fit each other.
    """
    columns = (settings.column, settings.column_b or settings.column)
    dtypes = []
    for catalogue, name, own_id in zip((a, b), columns, ids, strict=True):
        dtype = next((column.dtype for column in catalogue.columns if column.name == name), None)
        if dtype is None:
            raise ConfigError(
                f"[pair] match: the catalogue of {catalogue.name} has no column {name!r}. Name its id {own_id!r}, "
                "SOURCE_ID if the survey has Gaia ids, or a column that its definition keeps."
            )
        if not (dtype == "string" or "int" in dtype):
            raise ConfigError(
                f"[pair] match: column {name!r} of {catalogue.name} is {dtype}, but ids are whole numbers or text. "
                "Name another column."
            )
        dtypes.append(dtype)
    if dtypes[0] != dtypes[1]:
        raise ConfigError(
            f"[pair] match: {columns[0]!r} is {dtypes[0]} in {a.name} and {columns[1]!r} is {dtypes[1]} in {b.name}. "
            "Match by columns of one type."
        )
    return columns


def _match(
    workers: Workers, a: Catalogue, b: Catalogue, keys: tuple[str, str] | None, search: Search, scratch: Path
) -> Found:
    """Return the rows of A and of B that are one star: by the columns `keys`, by position without them.

    Raises
    ------
    PairingError
        If there are none.
    """
    if keys:
        found = match_stars(workers, a, b, keys, search, scratch)
    else:
        found = match_sky(workers, a, b, search._replace(with_chance=True))
    if not found.rows.size:
        raise PairingError(
            f"No star of {a.name} is in {b.name}: {a.n_rows:,} and {b.n_rows:,} stars were compared. "
            "Check that the surveys overlap, and [pair] match."
        )
    return found


def join(
    stars_a: pa.Table, stars_b: pa.Table, ids: tuple[str, str], ambiguous: np.ndarray, years: tuple[float, float]
) -> pa.Table:
    """Return one row a pair: keys, then A's columns as A_..., B's as B_...

    Parameters
    ----------
    stars_a, stars_b : n_pairs rows
        The stars of A and of B, pair by pair.
    ids
        Their columns of ids.
    ambiguous : shape (n_pairs,), bool
        One of the two has a second candidate.
    years
        By which the positions of A and of B are moved, to be of one epoch.
    """
    places = (place for side, own in zip((stars_a, stars_b), years, strict=True) for place in places_of(side, own))
    pairs = to_table(
        schema.PAIRS,
        {
            "ID_A": stars_a.column(ids[0]).cast(pa.string()),
            "ID_B": stars_b.column(ids[1]).cast(pa.string()),
            "STAR_KEY": stars_a.column("STAR_KEY"),
            "STAR_KEY_B": stars_b.column("STAR_KEY"),
            "SEPARATION": separations(*places),
            "AMBIGUOUS": ambiguous,
        },
    )
    for prefix, side, own_id in zip(("A_", "B_"), (stars_a, stars_b), ids, strict=True):
        for field in side.schema:
            if field.name not in (own_id, "STAR_KEY", "ra", "dec", *MOTION):
                pairs = pairs.append_column(field.with_name(prefix + field.name), side.column(field.name))
    return pairs


def _separations(pairs: pa.Table) -> dict[str, float]:
    """Return percentiles of the separation in arcsec, which show whether the right stars were matched."""
    percents = (50, 90, 99)
    found = np.percentile(to_numpy(pairs, "SEPARATION"), percents)
    return {f"{percent} %": round(float(value), 3) for percent, value in zip(percents, found, strict=True)}


def _print_matches(counts: PairCounts) -> None:
    apart = counts.separations_arcsec
    text = f"  half of the pairs lie within {apart['50 %']:.3f} arcsec, 99 % within {apart['99 %']:.3f}"
    text += f"; {counts.n_ambiguous:,} have a second candidate"
    say(text if counts.n_chance is None else f"{text}; {counts.n_chance:,} expected by chance")


def _with_label(pairs: pa.Table, family: str, train: TrainConfig) -> dict[str, int]:
    """Return how many of the pairs that a family uses have each label."""
    used = to_numpy(pairs, schema.used_column(family).name)
    labels = (item.label for item in train.labels(family))
    return {label: int(np.isfinite(to_numpy(pairs, f"B_{label}")[used]).sum()) for label in labels}


def _draw(path: Path, pairs: pa.Table, radius_arcsec: float | None, n_chance: float) -> list[Path]:
    apart, ambiguous = (to_numpy(pairs, name) for name in ("SEPARATION", "AMBIGUOUS"))
    return write_figures(path.with_suffix(""), draw_separations(apart, ambiguous, radius_arcsec, n_chance))


def _epoch_notes(a: Catalogue, b: Catalogue, search: Search) -> list[str]:
    if not (a.epoch and b.epoch) or a.epoch == b.epoch or any(search.years):
        return []
    return [
        f"The positions are of {a.epoch:g} and {b.epoch:g} and neither survey has proper motions: stars that moved by "
        f"more than {search.radius_arcsec:g} arcsec in between are in no pair. Give one of them [proper_motion]."
    ]


def set_aside(path: Path, catalogue: Catalogue, id_column: str, paired: np.ndarray) -> int:
    """Write the stars that are in no pair, in the order of their rows; return their number."""
    return write_in_row_groups(path, schema.REJECTED, _alone(catalogue, id_column, paired))


def _alone(catalogue: Catalogue, id_column: str, paired: np.ndarray) -> Iterator[pa.Table]:
    """Yield row, id and reason of the stars that are in no pair, partition by partition."""
    for part, own in split(catalogue, paired):
        rows = np.setdiff1d(np.arange(part.first_row, part.first_row + part.n_rows), own)
        ids = read_parquet(catalogue.path(part.pixel), [id_column]).column(id_column).cast(pa.string())
        data = {"row": rows, "id": ids.take(rows - part.first_row), "reason": np.full(rows.size, NO_COUNTERPART)}
        yield to_table(schema.REJECTED, data)


def _inputs(train: TrainConfig) -> tuple[str, ...]:
    """Return the inputs of all networks: those of the extrinsic ones include those of the intrinsic ones."""
    return train.inputs("extrinsic" if train.extrinsic else "intrinsic")


def _columns_of_a(train: TrainConfig) -> list[str]:
    """Return the inputs of the networks and the columns behind them, and what merge and atlas need of the pairs."""
    inputs = _inputs(train)
    measured = measured_behind(inputs)[0]
    errors = [f"{name}_ERR" for name in measured]
    return [*inputs, *measured, *errors, "EBV", *(column.name for column in schema.DISTANCE)]


def _columns_of_b(train: TrainConfig) -> list[str]:
    labels = [item.label for family in schema.FAMILIES for item in train.labels(family)]
    return [name for label in labels for name in (label, f"{label}_ERR")]


def _read(workers: Workers, catalogue: Catalogue, wanted: Sequence[str], rows: np.ndarray) -> pa.Table:
    """Read those of the columns that a catalogue has."""
    present = {column.name for column in catalogue.columns}
    return gather(workers, catalogue, [name for name in dict.fromkeys(wanted) if name in present], rows)
