"""Lists of stars by their ids, as `[[pair.exclude]]` and `[[merge.exclude]]` name them."""

from pathlib import Path

import pyarrow as pa

from stdask.errors import SurveyError
from stdask.storage.surveys.files import open_survey


def read_ids(path: Path, column: str) -> pa.Array:
    """Return the ids of a list: whole numbers or text, none missing.

    Raises
    ------
    SurveyError
        If the list is missing or holds no ids.
    """
    ids = open_survey(path).read([column]).column(column)
    if not (pa.types.is_integer(ids.type) or pa.types.is_string(ids.type)):
        raise SurveyError(
            f"{path}: column {column!r} is {ids.type}, but ids are whole numbers or text. Name another column."
        )
    return ids.combine_chunks().drop_null()
