"""The keys of a join, made comparable: two tables may store the same ids as integers, as text, or as floats.

No key, which matches nothing, is a missing value; 0 or a negative number, since surveys write 0, -1 or -9999 for a star
that another survey does not have; such a number as text; and words such as None or null.
"""

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from stdask.errors import SurveyError
from stdask.storage.tables import dtype_name

INTEGERS, TEXT = "integers", "text"
NO_KEY = r"^(-[0-9]+(\.0*)?|\+?0+(\.0*)?|-+|(?i:none|null|nan|<na>|n/?a))$"
DIGITS = r"^\+?([0-9]{1,19}|1[0-7][0-9]{18})$"  # fits into 64 bits


def kind_of_keys(kinds: Collection[pa.DataType]) -> str:
    """Return what the keys of tables are compared as: text if all of them are text, integers otherwise."""
    return TEXT if all(pa.types.is_string(kind) for kind in kinds) else INTEGERS


def clean_keys(column: pa.Array, kind: str, name: str, path: Path, start: int = 0) -> pa.Array:
    """Return the keys of some rows as uint64 or as string, null where there is none.

    Parameters
    ----------
    column
        As a survey file gives it.
    kind
        INTEGERS or TEXT.
    name, path, start
        Of the column, of its file, and of the first row: for errors.

    Raises
    ------
    SurveyError
        If a value is not an id, or has lost digits.
    """
    if pa.types.is_string(column.type):
        keys = pc.if_else(pc.match_substring_regex(column, NO_KEY), pa.scalar(None, pa.string()), column)
        return keys if kind == TEXT else _from_text(keys, name, path, start)
    if pa.types.is_floating(column.type):
        column = _from_floats(column, name, path, start)
    elif not pa.types.is_integer(column.type):
        found = dtype_name(column.type)
        raise SurveyError(f"{path}: column {name!r} holds {found}, but keys are integers or text. Name another.")
    positive = pc.greater(column, pa.scalar(0, column.type))
    return pc.if_else(positive, column, pa.scalar(None, column.type)).cast(pa.uint64())


def _from_text(keys: pa.Array, name: str, path: Path, start: int) -> pa.Array:
    wrong = pc.invert(pc.match_substring_regex(keys, DIGITS))
    if (row := pc.index(wrong, True).as_py()) >= 0:
        raise SurveyError(
            f"{path}: column {name!r} is {keys[row].as_py()!r} in row {start + row}, but the keys of the other table "
            "are integers. Name columns of the same ids in [[join]]."
        )
    return pc.ascii_ltrim(keys, "+").cast(pa.uint64())


def _from_floats(column: pa.Array, name: str, path: Path, start: int) -> pa.Array:
    """Return floats as integers: exact up to 2^53, or 2^24 in single precision."""
    exact = 2**24 if column.type == pa.float32() else 2**53
    missing = pc.invert(pc.greater(column, 0))  # NaN too
    positive = pc.if_else(missing, pa.scalar(0, column.type), column)
    if (row := pc.index(pc.greater(positive, exact), True).as_py()) >= 0:
        raise SurveyError(
            f"{path}: column {name!r} is {positive[row].as_py():.0f} in row {start + row}, stored as "
            f"{dtype_name(column.type)}: ids of this size have lost their last digits. Use a file that has them as "
            "integers or text."
        )
    if (row := pc.index(pc.not_equal(pc.floor(positive), positive), True).as_py()) >= 0:
        raise SurveyError(
            f"{path}: column {name!r} is {positive[row].as_py()} in row {start + row}, which is no id. Name columns of "
            "integers or text in [[join]]."
        )
    return positive.cast(pa.int64())
