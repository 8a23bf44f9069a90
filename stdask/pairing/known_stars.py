"""Stars of a table of the user's, such as members of clusters, found in the catalogues of the surveys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask import schema
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.messages import nearest
from stdask.config.stages import KnownStars
from stdask.errors import CatalogueError, SurveyError
from stdask.science.sky.crossmatch import match_ids, match_positions, separations
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.surveys.files import open_survey
from stdask.storage.surveys.format import SurveyFile
from stdask.storage.tables import read_parquet, to_numpy

SOURCE_ID = "source_id"
IDS = ("id_a", "id_b", SOURCE_ID)  # keys that name columns of ids
Named = Mapping[str, Sequence[str]]  # key of the run file -> columns that it names


@dataclass(frozen=True)
class Sought:
    """Stars that are looked for in a catalogue, row by row the same as in their table."""

    ra_deg: np.ndarray  # (n_stars,), NaN without a position
    dec_deg: np.ndarray
    radius_arcsec: float
    ids: Mapping[str, np.ndarray] = field(default_factory=dict)  # column of the catalogue -> (n_stars,); 0 or "": none

    def by_key(self, star_keys: np.ndarray) -> "Sought":
        """Return the same stars, looked for by their keys in the catalogue first: (n_stars,), uint64, 0 for none."""
        return replace(self, ids={schema.STAR_KEY.name: star_keys, **self.ids})


@dataclass(frozen=True)
class FoundStars:
    """Stars that were found in a catalogue."""

    rows: np.ndarray  # (n_found,) of the table of the stars, ascending
    table: pa.Table  # columns of the catalogue, in the same order


def read_known_stars(path: Path, known: KnownStars, texts: Named, numbers: Named) -> pa.Table:
    """Read the columns by which stars are found, those that the table has, and some more.

    Parameters
    ----------
    path, known
        The table, and what its columns are called.
    texts, numbers
        Further columns that it must have, by the keys that name them. Numbers are float64; a missing one is NaN.

    Raises
    ------
    CatalogueError
        If a column of ids holds none.
    SurveyError
        If the table cannot be read, a column is missing or holds no numbers, or there is none by which a star of A
        could be found.
    """
    survey = open_survey(path)
    ids = {key: [name] for key in IDS if (name := getattr(known, key))}
    numbers = {**numbers, **({} if _needs_no_place(survey, known) else {"ra": [known.ra], "dec": [known.dec]})}
    wanted = {name: key for key, names in {**texts, **ids, **numbers}.items() for name in names}
    for name, key in wanted.items():
        if not survey.has(name):
            near = nearest(name, survey.columns)
            hint = f"Did you mean {near!r}?" if near else f"It has {', '.join(survey.columns)}."
            by = " Stars are found by their ids or by `ra` and `dec`." if key in ("ra", "dec") else ""
            raise SurveyError(f"{path} has no column {name!r}, which `{key}` names.{by} {hint}")
    table = survey.read(list(wanted))
    for key, (name,) in ids.items():
        try:
            ids_of(table, name, as_text=key != SOURCE_ID)
        except CatalogueError as exc:
            exc.add_note(str(path))
            raise
    for name in (name for names in numbers.values() for name in names):
        kind = table.schema.field(name).type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise SurveyError(
                f"{path}: column {name!r}, which `{wanted[name]}` names, is {kind}, no number. Name another."
            )
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, table.column(name).cast(pa.float64(), safe=False).fill_null(np.nan))
    return table


def _needs_no_place(survey: SurveyFile, known: KnownStars) -> bool:
    """Tell whether a table that lists stars of A by ids alone may lack positions."""
    is_asked = {"ra", "dec"} & known.model_fields_set
    return bool(known.id_a or known.source_id) and not (is_asked or survey.has(known.ra) or survey.has(known.dec))


def seek(table: pa.Table, known: KnownStars, catalogue: Catalogue, id_column: str, own_ids: str | None) -> Sought:
    """Return how the stars of a table are found in a catalogue.

    Parameters
    ----------
    table, known
        As from `read_known_stars`.
    catalogue, id_column
        Of a survey, and its column of ids.
    own_ids
        Column of the table with the ids of this survey; None if it has none.
    """
    ids = {}
    if own_ids:
        ids[id_column] = ids_of(table, own_ids, as_text=True)
    if known.source_id and schema.SOURCE_ID.name in (column.name for column in catalogue.columns):
        ids[schema.SOURCE_ID.name] = ids_of(table, known.source_id, as_text=False)
    ra, dec = (
        to_numpy(table, name) if name in table.column_names else np.full(table.num_rows, np.nan)
        for name in (known.ra, known.dec)
    )
    return Sought(ra, dec, known.radius_arcsec, ids)


def find_stars(workers: Workers, catalogue: Catalogue, sought: Sought, columns: Sequence[str]) -> FoundStars:
    """Find stars in a catalogue and read columns of them; of several the one by the best id, then the nearest.

    Parameters
    ----------
    workers, catalogue
        Who reads the partitions, and the catalogue.
    sought, columns
        The stars, and the columns of the catalogue that are read.
    """
    names = list(dict.fromkeys(columns))
    files = [catalogue.path(pixel) for pixel in catalogue.pixels]
    found = dict(each(workers, find_in_partition, files, sought, names, description=f"known stars in {catalogue.name}"))
    parts = [found[file] for file in files]  # in the order of the sky
    rows, ways, apart = (np.concatenate([np.empty(0), *(part[n] for part in parts)]) for n in range(3))
    table = pa.concat_tables([catalogue.empty(names), *(part[3] for part in parts)]).combine_chunks()
    best_first = np.lexsort((apart, ways, rows))
    _, first = np.unique(rows[best_first], return_index=True)
    chosen = best_first[first]
    return FoundStars(rows[chosen].astype(np.int64), table.take(pa.array(chosen)))


def find_in_partition(
    path: Path, sought: Sought, columns: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, pa.Table]:
    """Return the sought stars of one partition.

    Their rows among those sought; by which of the ids they were found, or behind these by position; separations in
    arcsec; and the columns.
    """
    table = read_parquet(path, list(dict.fromkeys([*sought.ids, "ra", "dec", *columns])))
    own_ids = {name: ids_of(table, name, as_text=own.dtype == object) for name, own in sought.ids.items()}
    place = to_numpy(table, "ra"), to_numpy(table, "dec")
    rows, own, ways = match_known(sought, own_ids, place)
    apart = separations(sought.ra_deg[rows], sought.dec_deg[rows], place[0][own], place[1][own])
    return rows, ways, np.nan_to_num(apart), table.select(columns).take(pa.array(own))


def match_known(
    sought: Sought, own_ids: Mapping[str, np.ndarray], place: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Match stars by their ids and, where one of two has no id, by position.

    Parameters
    ----------
    sought
        The stars.
    own_ids
        Column -> ids of the stars of the catalogue, (n_rows,), as in `Sought.ids`.
    place : shapes (n_rows,), degrees
        Right ascensions and declinations of the catalogue.

    Returns
    -------
    rows, own : shape (n_found,), int64
        Rows of the sought stars and of the catalogue; each at most once.
    ways : shape (n_found,), int64
        Number of the ids by which they were found, in the order of `Sought.ids`; by position, how many ids there are.
    """
    free, own_free = np.ones(len(sought.ra_deg), dtype=bool), np.ones(len(place[0]), dtype=bool)
    found = []
    for name, ids in sought.ids.items():
        here, there = np.flatnonzero(free & _known(ids)), np.flatnonzero(own_free & _known(own_ids[name]))
        a, b = match_ids(ids[here], own_ids[name][there])
        found.append((here[a], there[b]))
        free[here[a]], own_free[there[b]] = False, False
    here, there = np.flatnonzero(free & np.isfinite(sought.ra_deg + sought.dec_deg)), np.flatnonzero(own_free)
    if here.size and there.size:
        near = match_positions(
            sought.ra_deg[here], sought.dec_deg[here], place[0][there], place[1][there], sought.radius_arcsec
        )
        a, b = here[near.rows_a], there[near.rows_b]
        differ = np.zeros(a.size, dtype=bool)  # two ids that are not the same
        for name, ids in sought.ids.items():
            differ |= _known(ids[a]) & _known(own_ids[name][b])
        found.append((a[~differ], b[~differ]))
    rows, own = (np.concatenate([np.empty(0, dtype=np.int64), *(pair[n] for pair in found)]) for n in range(2))
    return rows, own, np.repeat(np.arange(len(found)), [len(pair[0]) for pair in found])


def ids_of(table: pa.Table, name: str, *, as_text: bool) -> np.ndarray:
    """Return ids as text or whole numbers, (n_rows,); a missing one is empty or 0.

    Raises
    ------
    CatalogueError
        If the column holds no ids.
    """
    column = table.column(name).combine_chunks()
    if not (pa.types.is_integer(column.type) or pa.types.is_string(column.type)):
        raise CatalogueError(f"Column {name!r} is {column.type}; ids must be integers or text. Name another column.")
    if as_text:
        return np.asarray(pc.fill_null(column.cast(pa.string()), "").to_numpy(zero_copy_only=False), dtype=object)
    if not pa.types.is_integer(column.type):
        try:
            column = column.cast(pa.int64())
        except pa.ArrowInvalid as exc:
            raise CatalogueError(f"Column {name!r} holds no whole numbers ({exc}). Name another column.") from None
    return pc.fill_null(column, 0).to_numpy(zero_copy_only=False)


def _known(ids: np.ndarray) -> np.ndarray:
    """Tell which ids are there: source_ids and keys are above 0."""
    return ids != "" if ids.dtype == object else ids > 0
