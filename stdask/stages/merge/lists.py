"""The lists of `[[merge.exclude]]`: a star that one survey has in a list is left out of all surveys that have it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask.config.stages import MemberList
from stdask.errors import SurveyError
from stdask.pairing.id_lists import read_ids
from stdask.pairing.in_b import KEY_A, KEY_B
from stdask.science.keys.star_keys import star_keys
from stdask.stages.merge.sources import Opened
from stdask.storage.tables import read_parquet, to_numpy


class _Link(NamedTuple):
    """A table of the stars that two surveys have, and the numbers of these surveys."""

    path: Path
    first: int  # whose keys are in the column `KEY_A`
    second: int  # in `KEY_B`


def with_listed(opened: Sequence[Opened], lists: Sequence[MemberList], data_dir: Path) -> list[Opened]:
    """Return the surveys, each with the keys of its stars in the lists that have its ids.

    Parameters
    ----------
    opened
        The surveys, those of the run file first, B last.
    lists, data_dir
        `[[merge.exclude]]`, and the folder that its files are relative to.

    Raises
    ------
    SurveyError
        If a list is missing or holds no ids of its survey.
    """
    none = np.empty(0, dtype=np.uint64)
    listed = [[none] * len(lists) for _ in opened]
    for number, stars in enumerate(lists):
        survey = len(opened) - 1 if stars.survey == "b" else int(stars.survey[1:] or 1) - 1  # a, a1, a2, ...
        listed[survey][number] = _keys(read_ids(data_dir / stars.file, stars.column), opened[survey])
    return _with(opened, listed)


def with_listed_elsewhere(opened: Sequence[Opened]) -> list[Opened]:
    """Return the surveys with the keys of all stars in the lists, by their own id or by that of any other survey.

    Parameters
    ----------
    opened
        The surveys with their own listed stars, B last, and the tables of the stars that two of them have.
    """
    listed, links = [list(part.source.listed) for part in opened], list(_links(opened))
    for number in range(len(listed[0])):
        found = True
        while found:  # until no star leads to another
            found = False
            for path, first, second in links:
                for own, other, columns in ((first, second, (KEY_A, KEY_B)), (second, first, (KEY_B, KEY_A))):
                    partners = _partners(path, *columns, listed[own][number])
                    new = np.setdiff1d(partners, listed[other][number])
                    listed[other][number] = np.concatenate([listed[other][number], new])
                    found |= new.size > 0
    return _with(opened, listed)


def _with(opened: Sequence[Opened], listed: Sequence[Sequence[np.ndarray]]) -> list[Opened]:
    return [
        part._replace(source=replace(part.source, listed=tuple(own))) for part, own in zip(opened, listed, strict=True)
    ]


def _links(opened: Sequence[Opened]) -> Iterator[_Link]:
    """Yield the tables of the stars that two surveys have."""
    numbers = {part.source.survey: number for number, part in enumerate(opened)}
    for number, part in enumerate(opened):
        if part.source.pairs:
            yield _Link(part.source.pairs, number, len(opened) - 1)
        for earlier, path in part.source.shared:
            yield _Link(path, number, numbers[earlier])


def _keys(ids: pa.Array, part: Opened) -> np.ndarray:
    """Return the keys of stars with these ids in a survey."""
    dtype = next(column.dtype for column in part.catalogue.columns if column.name == part.source.id)
    try:
        return star_keys(ids.cast(pa.type_for_alias(dtype)).to_numpy(zero_copy_only=False))
    except pa.ArrowInvalid as exc:
        raise SurveyError(
            f"[[merge.exclude]]: the ids of {part.source.survey} are whole numbers, those of the list are not ({exc}). "
            "Name another column, or another survey."
        ) from exc


def _partners(path: Path, of: str, wanted: str, keys: np.ndarray) -> np.ndarray:
    """Return the keys in one survey of a table of two that have these in the other."""
    return to_numpy(read_parquet(path, [of, wanted], pc.field(of).isin(pa.array(keys))), wanted)
