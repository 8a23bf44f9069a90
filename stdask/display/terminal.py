"""A console for any terminal, pipe and log file: whatever the encoding, the width, or the space on the disk.

What the encoding of a stream lacks is spelled in ASCII. A stream that is closed or full loses what is printed, and
stops no work.
"""

import codecs
import os
import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

from rich.console import Console

SPELLED = "stdask.spelled"  # Name of the error handler, as `str.encode` takes it.
NARROWEST = 20  # Columns. A terminal that says less does not know its width.
SIZES = ("COLUMNS", "LINES", "JUPYTER_COLUMNS", "JUPYTER_LINES")  # Environment variables that rich takes for numbers.
IN_ASCII = {
    "\N{MINUS SIGN}": "-",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{HYPHEN}": "-",
    "\N{NON-BREAKING HYPHEN}": "-",
    "\N{PLUS-MINUS SIGN}": "+-",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{MIDDLE DOT}": ".",
    "\N{BULLET}": "*",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{DEGREE SIGN}": " deg",
    "\N{PRIME}": "'",
    "\N{DOUBLE PRIME}": '"',
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{LESS-THAN OR EQUAL TO}": "<=",
    "\N{GREATER-THAN OR EQUAL TO}": ">=",
    "\N{ALMOST EQUAL TO}": "~",
    "\N{NOT EQUAL TO}": "!=",
    "\N{RIGHTWARDS ARROW}": "->",
    "\N{LEFTWARDS ARROW}": "<-",
    "\N{NO-BREAK SPACE}": " ",
    "\N{NARROW NO-BREAK SPACE}": " ",
    "\N{THIN SPACE}": " ",
    "\N{MICRO SIGN}": "u",
    "\N{SUN}": "sun",
    "\N{CIRCLED DOT OPERATOR}": "sun",
}


def in_ascii(character: str) -> str:
    """Return ASCII that says the same as a character: signs by others, Greek letters by name, the rest by its number.

    Letters with accents are numbers too (`\\xe9`), as in Python: a file must be found under the name that is shown.
    """
    if character in IN_ASCII:
        return IN_ASCII[character]
    code, name = ord(character), unicodedata.name(character, "")
    if 0xDC80 <= code <= 0xDCFF:  # Python's stand-in for a byte of a file name that is not UTF-8.
        return f"\\x{code - 0xDC00:02x}"
    if name.startswith("BOX DRAWINGS"):
        across, down = "HORIZONTAL" in name, "VERTICAL" in name
        return "+" if across == down else "-" if across else "|"
    if name.startswith("GREEK SMALL LETTER ") and name.count(" ") == 3:
        return name.split(" ")[-1].lower()
    if name.startswith("SUPERSCRIPT ") and (plain := unicodedata.normalize("NFKD", character)).isascii():
        return f"^{plain}"
    return character.encode("ascii", "backslashreplace").decode("ascii")


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(in_ascii, error.object[error.start : error.end])), error.end


codecs.register_error(SPELLED, _spell)


def fitted(text: str, encoding: str | None) -> str:
    """Return a text in the characters that an encoding has."""
    encoding = encoding or "utf-8"
    return text.encode(encoding, SPELLED).decode(encoding)


class Stream:
    """A stream of text that takes every character and never fails.

    Parameters
    ----------
    stream
        Where the text goes.
    lost
        Gets the first error because of which text is lost.
    """

    def __init__(self, stream: IO[str], lost: list[BaseException]) -> None:
        self._stream = stream
        self._lost = lost

    def __getattr__(self, name: str) -> Any:
        """Return what the stream itself has."""
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text, spelled where the encoding lacks a character."""
        with suppress(OSError, ValueError, AttributeError):  # No file of the system.
            os.set_blocking(self._stream.fileno(), True)  # A child that has the same stream may have changed that.
        try:
            self._stream.write(fitted(text, getattr(self._stream, "encoding", None)))
        except (OSError, ValueError) as exc:  # The latter says that the stream is closed.
            self._note(exc)
        return len(text)

    def flush(self) -> None:
        """Pass on what was written."""
        try:
            self._stream.flush()
        except (OSError, ValueError) as exc:
            self._note(exc)

    def _note(self, error: BaseException) -> None:
        if not self._lost:
            self._lost.append(error)


class Terminal(Console):
    """Rich's console, which prints lines as long as they are to any stream.

    Parameters
    ----------
    options
        As rich takes them.
    """

    def __init__(self, **options: Any) -> None:
        self.lost: list[BaseException] = []  # The first error because of which text was lost.
        self._is_forced = bool(options.get("force_terminal"))
        super().__init__(highlight=False, soft_wrap=True, _environ=_without_nonsense(os.environ), **options)

    @property
    def file(self) -> IO[str]:
        """The stream that is printed to."""
        return Stream(super().file, self.lost)  # type: ignore[return-value]  # It has all that rich uses.

    @file.setter
    def file(self, new_file: IO[str]) -> None:
        self._file = new_file

    @property
    def moves(self) -> bool:
        """Whether a bar can move here. FORCE_COLOR asks for colours in a log, which keeps every state of a bar."""
        return not self.is_dumb_terminal and (self._is_forced or (self.is_terminal and self.file.isatty()))

    def plain(self, text: str) -> str:
        """Return a text as it is printed here, so that its width is known before."""
        return fitted(text, self.encoding)


def _without_nonsense(environment: Mapping[str, str]) -> dict[str, str]:
    """Return environment variables without sizes of a terminal that are none, such as COLUMNS=0."""
    return {
        name: value
        for name, value in environment.items()
        if name not in SIZES or (re.fullmatch("[0-9]{2,4}", value) and int(value) >= NARROWEST)
    }
