"""Pair: the stars in both surveys, and which of them may teach the networks."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask import __version__, schema
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.config.stages import MatchById, MatchByPosition, PairConfig, StarList
from stdask.config.training import TrainConfig
from stdask.display.console import say
from stdask.errors import ConfigError, PairingError
from stdask.figures.separations import draw_separations
from stdask.pairing.id_lists import read_ids
from stdask.pairing.matching import MOTION, Found, Search, match_sky, match_stars, places_of, search_for
from stdask.pairing.rows import gather, split
from stdask.runs.counts import PairCounts, RowCounts
from stdask.runs.receipts import Receipt
from stdask.runs.stage import begin_stage
from stdask.science.assessment.outliers import clip_outliers
from stdask.science.sky.crossmatch import chance_pairs, separations
from stdask.science.translation.resampling import measured_behind
from stdask.storage import paths
from stdask.storage.catalogue.hats import Catalogue, open_catalogue
from stdask.storage.documents import write_figure
from stdask.storage.files import hash_of
from stdask.storage.tables import read_parquet, to_field, to_numpy, to_table, write_in_row_groups, write_parquet

NO_COUNTERPART = "no counterpart in B"


def run(run: Run, workers: Workers) -> Receipt:
    """Match A and B, write the table of pairs, a figure of their separations, and the count of every drop.

    Raises
    ------
    ConfigError
        If the catalogues have no columns that can be matched by.
    PairingError
        If no star is in both surveys.
    SurveyError
        If a list of `[[pair.exclude]]` is missing or holds no ids.
    """
    stage = begin_stage(run, "pair")
    if receipt := stage.done():
        return receipt
    a, b = (open_catalogue(paths.catalogue(run.output, run.definition(side).name)) for side in "ab")
    search = search_for(a, b, run.config.pair.match.radius_arcsec)
    found = match(a, b, run, workers, search)
    rows = found.rows
    if not rows.size:
        raise PairingError(
            f"No star of {a.name} is in {b.name}: {a.n_rows:,} and {b.n_rows:,} stars were compared. "
            "Check that the surveys overlap, and [pair] match."
        )
    stars_a = gather(workers, a, _columns(run, "a", a), rows[:, 0])
    stars_b = gather(workers, b, _columns(run, "b", b), rows[:, 1])
    pairs = join(stars_a, stars_b, run.definition_a.id, run.definition_b.id, found.ambiguous, search.years)
    listed, notes = find_listed(pairs, run)
    steps = select(pairs, run.config.pair, run.config.train, listed)
    for family, kept in steps.items():
        pairs = pairs.append_column(to_field(schema.used_column(family)), pa.array(list(kept.values())[-1]))
    path = paths.pairs(run.output, a.name, b.name)
    # of what decides its content: networks are not trained again for stars that are no pairs
    write_parquet(path, pairs, {"stdask.settings": hash_of(stage.settings), "stdask.version": __version__})
    rejected = path.with_name(paths.REJECTED)
    figure = path.with_name(paths.SEPARATIONS)
    _draw(figure, pairs, found, run.config.pair.match, a.n_rows)
    alone = each(workers, set_aside, [rejected], a, run.definition_a.id, rows[:, 0], description="set aside")
    counts = PairCounts(
        rows=RowCounts(a.n_rows, pairs.num_rows, {NO_COUNTERPART: sum(n_stars for _, n_stars in alone)}),
        usable={family: {step: int(kept.sum()) for step, kept in s.items()} for family, s in steps.items()},
        separations_arcsec=_separations(pairs),
        n_ambiguous=int(found.ambiguous.sum()),
        n_chance=_n_chance(pairs.num_rows, found, run.config.pair.match, a.n_rows),
        notes=(*notes, *_epoch_notes(a, b, search)),
    )
    _print_matches(counts)
    return stage.finish([path, rejected, figure], counts)


def match(a: Catalogue, b: Catalogue, run: Run, workers: Workers, search: Search) -> Found:
    """Return the rows of A and of B that are one star.

    Raises
    ------
    ConfigError
        If a catalogue has no column to match by, or they do not fit each other.
    """
    settings = run.config.pair.match
    if not isinstance(settings, MatchById):
        return match_sky(workers, a, b, search._replace(with_chance=True))
    columns = (settings.column, settings.column_b or settings.column)
    dtypes = []
    for catalogue, name, definition in zip((a, b), columns, (run.definition_a, run.definition_b), strict=True):
        dtype = next((column.dtype for column in catalogue.columns if column.name == name), None)
        if dtype is None:
            raise ConfigError(
                f"[pair] match: the catalogue of {definition.name} has no column {name!r}. Name its id "
                f"{definition.id!r}, SOURCE_ID if the survey has Gaia ids, or a column that its definition keeps."
            )
        if not (dtype == "string" or "int" in dtype):
            raise ConfigError(
                f"[pair] match: column {name!r} of {definition.name} is {dtype}, which no id is. Name a column of "
                "whole numbers or text."
            )
        dtypes.append(dtype)
    if dtypes[0] != dtypes[1]:
        raise ConfigError(
            f"[pair] match: {columns[0]!r} is {dtypes[0]} in {a.name} and {columns[1]!r} is {dtypes[1]} in {b.name}. "
            "Match by columns of one type."
        )
    scratch = paths.scratch(paths.pairs(run.output, a.name, b.name).parent)
    return match_stars(workers, a, b, columns, search, scratch)


def join(
    stars_a: pa.Table, stars_b: pa.Table, id_a: str, id_b: str, ambiguous: np.ndarray, years: tuple[float, float]
) -> pa.Table:
    """Return one row a pair: keys, then A's columns as A_..., B's as B_...; their places are moved by some years."""
    places = (place for side, own in zip((stars_a, stars_b), years, strict=True) for place in places_of(side, own))
    pairs = to_table(
        schema.PAIRS,
        {
            "ID_A": stars_a.column(id_a).cast(pa.string()),
            "ID_B": stars_b.column(id_b).cast(pa.string()),
            "STAR_KEY": stars_a.column("STAR_KEY"),
            "STAR_KEY_B": stars_b.column("STAR_KEY"),
            "SEPARATION": separations(*places),
            "AMBIGUOUS": ambiguous,
        },
    )
    for prefix, side, own_id in (("A_", stars_a, id_a), ("B_", stars_b, id_b)):
        for field in side.schema:
            if field.name not in (own_id, "STAR_KEY", "ra", "dec", *MOTION):
                pairs = pairs.append_column(field.with_name(prefix + field.name), side.column(field.name))
    return pairs


def _separations(pairs: pa.Table) -> dict[str, float]:
    """Return percentiles of the separation in arcsec, which tell whether the right stars were matched."""
    percents = (50, 90, 99)
    found = np.percentile(to_numpy(pairs, "SEPARATION"), percents)
    return {f"{percent} %": round(float(value), 3) for percent, value in zip(percents, found, strict=True)}


def _n_chance(n_pairs: int, found: Found, settings: MatchById | MatchByPosition, n_a: int) -> float | None:
    """Return how many pairs chance alone makes; None where stars are matched by id."""
    if not isinstance(settings, MatchByPosition):
        return None
    return round(chance_pairs(n_a, n_pairs, found.n_elsewhere), 1)


def _print_matches(counts: PairCounts) -> None:
    apart = counts.separations_arcsec
    told = f"  half of the pairs lie within {apart['50 %']:.3f} arcsec, 99 % within {apart['99 %']:.3f}"
    told += f"; {counts.n_ambiguous:,} have a second candidate"
    say(told if counts.n_chance is None else f"{told}; {counts.n_chance:,} expected by chance")


def _draw(path: Path, pairs: pa.Table, found: Found, settings: MatchById | MatchByPosition, n_a: int) -> None:
    radius, n_chance = None, 0.0
    if isinstance(settings, MatchByPosition):
        radius, n_chance = settings.radius_arcsec, chance_pairs(n_a, pairs.num_rows, found.n_elsewhere)
    apart, ambiguous = (to_numpy(pairs, name) for name in ("SEPARATION", "AMBIGUOUS"))
    write_figure(path, draw_separations(apart, ambiguous, radius, n_chance))


def _epoch_notes(a: Catalogue, b: Catalogue, search: Search) -> list[str]:
    if not (a.epoch and b.epoch) or a.epoch == b.epoch or any(search.years):
        return []
    return [
        f"The positions are of {a.epoch:g} and {b.epoch:g} and neither survey has proper motions: stars that moved by "
        f"more than {search.radius_arcsec:g} arcsec in between are in no pair. Give one of them [proper_motion]."
    ]


def set_aside(path: Path, catalogue: Catalogue, id_column: str, paired: np.ndarray) -> int:
    """Write the stars that are in no pair, in the order of their rows; return how many."""
    return write_in_row_groups(path, schema.REJECTED, _alone(catalogue, id_column, paired))


def _alone(catalogue: Catalogue, id_column: str, paired: np.ndarray) -> Iterator[pa.Table]:
    """Yield row, id and reason of the stars that are in no pair, partition by partition."""
    for part, own in split(catalogue, paired):
        rows = np.setdiff1d(np.arange(part.first_row, part.first_row + part.n_rows), own)
        ids = read_parquet(catalogue.path(part.pixel), [id_column]).column(id_column).cast(pa.string())
        data = {"row": rows, "id": ids.take(rows - part.first_row), "reason": np.full(rows.size, NO_COUNTERPART)}
        yield to_table(schema.REJECTED, data)


def find_listed(pairs: pa.Table, run: Run) -> tuple[list[np.ndarray], list[str]]:
    """Tell for each list of `[[pair.exclude]]` which pairs it names, (n_pairs,) bool, and which lists name none.

    Raises
    ------
    SurveyError
        If a list is missing or holds no ids.
    """
    listed, notes = [], []
    for stars in run.config.pair.exclude:
        ids = read_ids(run.data_dir / stars.file, stars.column).cast(pa.string())
        named = pc.is_in(pairs.column(f"ID_{stars.survey.upper()}"), value_set=ids).to_numpy()
        if not named.any():
            notes.append(
                f"None of the {len(ids):,} ids in {stars.file.name}, {stars.column}, is that of a star of "
                f"{run.definition(stars.survey).title} in a pair. It may list the stars of another survey."
            )
            say(f"  {notes[-1]}", "yellow")
        listed.append(named)
    return listed, notes


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
    left = shared["in both surveys"]
    if pair.unambiguous:
        left = shared["no second candidate"] = ~to_numpy(pairs, "AMBIGUOUS")
    left = left & to_numpy(pairs, "A_GOOD")
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


def _columns(run: Run, side: str, catalogue: Catalogue) -> list[str]:
    """Return the columns of a catalogue that the table of pairs is made from."""
    train, definition = run.config.train, run.definition(side)
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
    wanted = [definition.id, "STAR_KEY", "ra", "dec", *MOTION, "GOOD", *wanted]
    present = {column.name for column in catalogue.columns}
    return [name for name in dict.fromkeys(wanted) if name in present]
