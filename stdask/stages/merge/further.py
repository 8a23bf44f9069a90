"""Further values of the stars that are kept, for means: what the other surveys that have a star say of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask import schema
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.pairing.in_b import KEY_A, KEY_B
from stdask.pairing.noise_of_b import columns_of_errors, noise_of_b
from stdask.pairing.usable import columns_of_cuts, flags_of, translation_cuts
from stdask.schema import Column
from stdask.schema.closure import OUTSIDE_B, ExcessRow, MatrixRow
from stdask.schema.evaluation import MIN_GROUP
from stdask.science.sky.healpix import Pixel
from stdask.stages.merge.sources import MergeSource, Opened, Sources
from stdask.stages.merge.values import as_columns, values_of
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.documents import read_declared
from stdask.storage.tables import read_parquet, to_numpy, to_table, write_parquet


@dataclass(frozen=True)
class Links:
    """Stars that two surveys have: the key in the one whose values are added, and in the one that keeps the star."""

    path: Path
    only_good: bool  # of those that are good in B

    def read(self, table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of a table that the other survey has too, and the keys of their stars there."""
        here = pc.field(KEY_A).isin(table.column(KEY_A).combine_chunks())
        good = pc.field(f"B_{schema.GOOD.name}")
        links = read_parquet(self.path, [KEY_A, KEY_B], here & good if self.only_good else here)
        _, rows, places = np.intersect1d(to_numpy(table, KEY_A), to_numpy(links, KEY_A), return_indices=True)
        return rows, to_numpy(links, KEY_B)[places]


def with_errors(opened: Sequence[Opened], closure: Path) -> tuple[list[Opened], list[str]]:
    """Return the surveys with what their errors are corrected by, for means.

    Parameters
    ----------
    opened
        The surveys, B last.
    closure
        Folder of the stage of that name, of which there may be no table.

    Returns
    -------
    surveys, notes
        The surveys, and what the user should know of their errors.
    """
    *translated, of_b = opened
    rows = read_declared(closure / "excess.ecsv", ExcessRow)
    excess = {(row.survey, row.label): row.excess for row in rows if np.isfinite(row.excess)}
    found, notes = [], []
    for part in translated:
        source = part.source
        noise = noise_of_b(source.pairs, part.catalogue, source.families) if source.pairs else {}
        lacking = {label: excess[source.survey, label] for label in source.families if (source.survey, label) in excess}
        found.append(part._replace(source=replace(source, errors_of_b=noise, lacking=lacking)))
        if larger := [label for label, own in noise.items() if own == 0]:
            notes.append(
                f"{of_b.source.survey} states larger errors of {', '.join(larger)} than its values differ from the "
                f"translations of {source.survey}: in means these translations weigh more than its own values"
            )
        if unknown := [label for label in source.families if label not in lacking]:
            notes.append(
                f"{source.survey}: no closure test of {', '.join(unknown)}, so that the errors of means do not contain "
                "what its errors may lack"
            )
    return [*found, of_b], notes


def read_correlations(closure: Path) -> dict[tuple[str, str, str], float]:
    """Return the correlations of the errors of every two translated surveys, by label, from their closure test.

    Parameters
    ----------
    closure
        As for `with_errors`.
    """
    rows = read_declared(closure / "matrix.ecsv", MatrixRow)
    tested = [row for row in rows if row.sample == OUTSIDE_B and row.n >= MIN_GROUP]
    return {(row.label, row.first, row.second): row.correlation for row in tested}


def find_further(workers: Workers, opened: Sequence[Opened], sources: Sources, folder: Path) -> Sources:
    """Write, for every two surveys, what the later one says of stars that are kept from the earlier one.

    Each survey whose stars can be kept gets the tables of the others. B keeps its stars before all others.

    Parameters
    ----------
    workers, folder
        Where the values are read, and where the tables go.
    opened, sources
        The surveys, B last, and what the tasks know of them.
    """
    *translated, of_b = opened
    found = []
    for number, kept in enumerate([*translated, of_b]):
        later = translated if kept is of_b else translated[number + 1 :]
        tables = []
        for lender in later:
            links = Links(*_links(kept, lender, is_b=kept is of_b))
            path = folder / f"{lender.source.survey}_of_{kept.source.survey}.parquet"
            write_parquet(path, _read(workers, lender, links, sources))
            tables.append((lender.source.survey, path))
        found.append(replace(kept.source, further=tuple(tables)))
    return replace(sources, surveys=tuple(found))


def _links(kept: Opened, lender: Opened, is_b: bool) -> tuple[Path, bool]:
    """Return the table of the stars that both have, and whether it has others besides."""
    if is_b and lender.source.pairs:
        return lender.source.pairs, True
    return dict(lender.source.repeats)[kept.source.survey], False


def _read(workers: Workers, lender: Opened, links: Links, sources: Sources) -> pa.Table:
    """Return the values of all stars that both have, in the order of their keys; each star once."""
    pixels = list(lender.catalogue.pixels)
    tasks = each(
        workers, values_in_partition, pixels, lender.catalogue, links, lender.source, sources, description="values"
    )
    tables = [table for _, table in tasks]
    whole = pa.concat_tables(tables) if tables else to_table(_columns(lender.source, sources), {})
    _, first = np.unique(to_numpy(whole, KEY_A), return_index=True)
    return whole.combine_chunks().take(first)


def values_in_partition(
    pixel: Pixel, catalogue: Catalogue, links: Links, source: MergeSource, sources: Sources
) -> pa.Table:
    """Return the usable values of the stars of one partition that another survey has, under their keys there."""
    table = catalogue.read_pixel(pixel, list(_needed(catalogue, source, sources)))
    rows, keys = links.read(table)
    table = table.take(rows)
    usable = ~np.logical_or.reduce(list(translation_cuts(table, sources.config).values()))
    table, keys = table.filter(pa.array(usable)), keys[usable]
    values = {
        label: values_of(table, label, sources.n_members(names), source, sources)
        for label, names in sources.labels.items()
        if label in source.families
    }
    return to_table(_columns(source, sources), {KEY_A: keys, **as_columns(values)})


def _columns(source: MergeSource, sources: Sources) -> tuple[Column, ...]:
    """Return the columns of a table of values."""
    names = [KEY_A]
    for label, own in sources.labels.items():
        if label in source.families:
            names += [label, f"{label}_ERR", *(f"{label}_MEMBER_{k + 1}" for k in range(sources.n_members(own)))]
    return tuple(schema.STAR_KEY if name == KEY_A else Column(name, "float64") for name in names)


def _needed(catalogue: Catalogue, source: MergeSource, sources: Sources) -> Iterator[str]:
    """Yield the columns of a translated catalogue that values are made of, each once."""
    present = {column.name for column in catalogue.columns}
    wanted = [KEY_A, *columns_of_cuts(sources.config), *source.counterparts.values()]
    wanted += [flag for family in sorted(set(source.families.values())) for flag in flags_of(family)]
    for label, own in sources.labels.items():
        if label in source.families:
            members = [f"{label}_PRED_MEMBER_{k + 1}" for k in range(sources.n_members(own))]
            wanted += [f"{label}_PRED_50", f"{label}_PRED_SAMPLE", *columns_of_errors(label), *members]
    yield from dict.fromkeys(name for name in wanted if name in present)
