"""Find out how a text file writes its table: delimiter, comments, names, units, and where the rows begin.

Sources of the dialects: SkyServer of SDSS (a first line `#Table1`), VizieR (comments, and lines of units and dashes
under the names), TOPCAT and NumPy (the names in a comment), LAMOST (`|`).
"""

import codecs
import csv
import io
import itertools
import re
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import NamedTuple

from stdask.errors import SurveyError
from stdask.storage.surveys.format import check_names
from stdask.storage.surveys.streams import open_stream

DELIMITERS = (",", "\t", "|", ";")
BLANKS = " "  # any number of blanks between two values
LINES_TRIED = 50  # rows from which the delimiter is found
LONGEST_LINE = 1 << 24  # characters
ENCODINGS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
RULE = re.compile(r"[-=+|,;\s]*--[-=+|,;\s]*|-(\s+-)+")  # a line of dashes under the names


class TextDialect(NamedTuple):
    """How a text file writes its table."""

    names: tuple[str, ...]
    units: tuple[str, ...]  # empty texts where the file states none
    delimiter: str
    n_head: int  # lines before the first row
    encoding: str
    spans: tuple[tuple[int, int], ...] = ()  # start <= character < stop of each column, if dashes mark columns
    quotes_after_blanks: bool = False  # 1, "one, two"
    is_guess: bool = True  # found from the first lines
    comment: str = "#"  # first character of lines that are no rows, empty if all are


class _Line(NamedTuple):
    number: int  # counted from 0
    text: str


def encoding_of(head: bytes) -> str:
    """Return the encoding that the byte-order mark of a text tells, UTF-8 without one."""
    return next((name for mark, name in ENCODINGS.items() if head.startswith(mark)), "utf-8")


def read_dialect(path: Path, stated: str | None) -> TextDialect:
    """Find the dialect of a text file.

    Parameters
    ----------
    path
        Packed or not.
    stated
        Delimiter that the definition states. Another is looked for if the line of names does not have it.

    Raises
    ------
    SurveyError
        If the file has no line of names, or a name twice.
    """
    with open_stream(path) as stream:
        encoding = encoding_of(stream.read(4))
    with open_stream(path) as stream, TextIOWrapper(stream, encoding=encoding, errors="replace") as text:
        comments, lines = _first_lines(text)
    if not lines and not comments:
        raise SurveyError(f"{path} has no rows. Name a file with stars in it.")
    delimiter = _delimiter(comments, lines, stated)
    if len(lines) > 1 and RULE.fullmatch(lines[1].text) and delimiter in (BLANKS, ""):
        return _in_columns(lines, encoding)
    return _delimited(path, comments, lines, delimiter or ",", encoding)


def is_table(head: bytes) -> bool:
    """Tell whether the first bytes of a text look like a table: a delimiter is between the words of the first line."""
    text = TextIOWrapper(io.BytesIO(head), encoding=encoding_of(head), errors="replace")
    comments, lines = _first_lines(text)
    if not lines and not comments:
        return False
    return _delimiter(comments, lines, None) != "" or (len(lines) > 1 and RULE.fullmatch(lines[1].text) is not None)


def _first_lines(text: TextIOWrapper) -> tuple[list[_Line], list[_Line]]:
    """Return the comments before the first row, and the first lines that are none; blank lines are left out."""
    comments: list[_Line] = []
    lines: list[_Line] = []
    for number in itertools.count():
        line = text.readline(LONGEST_LINE)
        if not line or len(lines) == LINES_TRIED:
            return comments, lines
        if line.startswith("#"):
            comments += [] if lines else [_Line(number, line.rstrip("\r\n"))]
        elif line.strip():
            lines.append(_Line(number, line.rstrip("\r\n")))
    raise AssertionError  # the loop has no end of its own


def _delimiter(comments: Sequence[_Line], lines: Sequence[_Line], stated: str | None) -> str:
    """Return the delimiter that cuts all rows into equally many values, empty if none cuts the first one."""
    commented = [_uncommented(line.text) for line in comments]
    rows = [line.text for line in lines if not RULE.fullmatch(line.text)] or commented[-1:]
    if stated and len(split(rows[:1], stated)[0]) > 1:
        return stated
    widths = {own: [len(row) for row in split(rows, own)] for own in DELIMITERS}
    cutting = {own: found for own, found in widths.items() if found[0] > 1}
    regular = {own: found for own, found in cutting.items() if _is_regular(found)}
    if not regular and _is_in_blanks(rows, commented):
        return BLANKS
    return max(regular or cutting, key=lambda own: widths[own][0], default="")


def _is_regular(widths: Sequence[int]) -> bool:
    """Tell whether all rows are as long as the first, or by one because of a delimiter at their end."""
    return len(set(widths[1:])) <= 1 and abs(widths[-1] - widths[0]) <= 1


def _is_in_blanks(rows: Sequence[str], comments: Sequence[str]) -> bool:
    """Tell whether blanks cut all rows into equally many values, under names that a row or a comment has."""
    parsed = split(rows, BLANKS)
    named = any(len(names) == len(parsed[0]) for names in split(comments, BLANKS))
    named |= len(rows) > 1 and not any(map(_number, parsed[0]))
    return named and len(parsed[0]) > 1 and len(set(map(len, parsed))) == 1


def split(rows: Sequence[str], delimiter: str) -> list[list[str]]:
    """Return the values of some lines, stripped of blanks and quotes."""
    if delimiter == BLANKS:  # with skipinitialspace, several blanks count as one
        rows = [row.replace("\t", " ").strip() for row in rows]
    parsed = csv.reader(rows, delimiter=delimiter, skipinitialspace=True)
    try:
        return [[value.strip() for value in row] for row in parsed]
    except csv.Error:  # a value longer than Python's csv takes
        return [row.split(delimiter) for row in rows]


def _delimited(
    path: Path, comments: Sequence[_Line], lines: Sequence[_Line], delimiter: str, encoding: str
) -> TextDialect:
    parsed = split([line.text for line in lines], delimiter)
    commented = _commented_names(comments, parsed, delimiter)
    names = commented or parsed[0]
    first = 0 if commented else 1
    units: list[str] = []
    rules = [_is_rule(values, len(names)) for values in parsed[first : first + 2]]
    if rules[:1] == [True]:
        first += 1
    elif rules[1:] == [True]:
        units, first = parsed[first], first + 2
    width = len(parsed[first]) if len(lines) > first else len(names)
    if width == len(names) + 1 and not parsed[first][-1]:
        names = [*names, ""]  # a delimiter ends each row
    elif width == len(names) - 1 and not names[-1]:
        names = names[:-1]
    if values := [name for name in names if "." in name and _number(name)]:
        raise SurveyError(
            f"{path}: its first line has values, such as {values[0]}, and no names of columns. Add a line with the "
            "names."
        )
    check_names(names)
    return TextDialect(
        tuple(names),
        tuple(itertools.islice(itertools.chain(units, itertools.repeat("")), len(names))),
        delimiter,
        lines[first - 1].number + 1 if first else max(line.number for line in comments) + 1,
        encoding,
        quotes_after_blanks=any(re.search(rf'{re.escape(delimiter)} +"', line.text) for line in lines),
    )


def _commented_names(comments: Sequence[_Line], rows: Sequence[Sequence[str]], delimiter: str) -> list[str]:
    """Return the names that a comment before the rows has, empty if the first row is that of the names."""
    for comment in reversed(comments):
        names = split([_uncommented(comment.text)], delimiter)[0]
        if not rows:
            return names
        fits = 1 < len(names) == len(rows[0]) and all(names) and len(set(names)) == len(names)
        if fits and any(map(_number, rows[0])) and not any(map(_number, names)):
            return names
    return []


def _is_rule(values: Sequence[str], n_names: int) -> bool:
    """Tell whether a line under the names has dashes in every place."""
    whole = "".join(values)
    return len(whole) > 1 and set(whole) <= set("-=+") and all(values) and len(values) in (1, n_names)


def _uncommented(text: str) -> str:
    return text.lstrip("#").strip()


def _in_columns(lines: Sequence[_Line], encoding: str) -> TextDialect:
    """Return the dialect of a table in columns that dashes under the names mark, as astropy writes it."""
    names, rule = lines[0].text, lines[1].text
    spans = [match.span() for match in re.finditer(r"[-=]+", rule)]
    own = [names[start:stop].strip() for start, stop in spans]
    check_names(own)
    return TextDialect(tuple(own), ("",) * len(own), BLANKS, lines[1].number + 1, encoding, tuple(spans))


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.lower().strip("+-") not in ("nan", "inf", "infinity")
