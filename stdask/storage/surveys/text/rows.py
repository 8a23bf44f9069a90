"""The rows of a text file as a stream of UTF-8: without the lines before them, and without comments."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from typing import BinaryIO

from stdask.storage.surveys.text.dialects import BLANKS, TextDialect

PIECE = 1 << 20  # bytes
LINE_END = re.compile(rb"\r\n|\r|\n")


class RowStream(io.RawIOBase):
    """The rows of a text file, for a parser of delimited text. A comment becomes a blank line.

    Parameters
    ----------
    source
        The bytes of the file, unpacked.
    dialect
        Of the file. Where blanks stand between values, tabs do in the stream.
    """

    def __init__(self, source: BinaryIO, dialect: TextDialect) -> None:
        self._pieces = _pieces(source, dialect)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Return that the stream can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Put the next bytes into a buffer; return their number."""
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        n_bytes = min(len(buffer), len(self._rest))
        buffer[:n_bytes] = self._rest[:n_bytes]
        self._rest = self._rest[n_bytes:]
        return n_bytes


def lines_of(source: BinaryIO, dialect: TextDialect) -> Iterator[list[bytes]]:
    """Yield the rows of a text file as lines, some at a time, without comments and blank lines."""
    for piece in _pieces(source, dialect):
        yield [line for line in piece.splitlines() if line.strip()]


def _pieces(source: BinaryIO, dialect: TextDialect) -> Iterator[bytes]:
    """Yield the rows, some whole lines at a time, after a blank line: Arrow refuses a stream of no bytes at all."""
    yield b"\n"
    quoted = False  # whether a piece begins within quotes
    delimiter = dialect.delimiter.encode()
    late_quote = re.compile(re.escape(delimiter) + rb' +"') if dialect.quotes_after_blanks else None
    for piece in _whole_lines(_from_row_on(_decoded(source, dialect.encoding), dialect.n_head)):
        if dialect.comment and (piece.startswith(b"#") or b"\n#" in piece):
            piece = _without_comments(piece, quoted)
        quoted ^= piece.count(b'"') % 2 == 1
        if late_quote:
            piece = late_quote.sub(delimiter + b'"', piece)
        if dialect.delimiter == BLANKS and not dialect.spans:
            piece = _with_tabs(piece)
        yield piece


def _decoded(source: BinaryIO, encoding: str) -> Iterator[bytes]:
    """Yield the bytes of a file in UTF-8."""
    decoder = codecs.getincrementaldecoder(encoding)() if encoding != "utf-8" else None
    while piece := source.read(PIECE):
        if text := decoder.decode(piece).encode() if decoder else piece:
            yield text
    if decoder and (text := decoder.decode(b"", final=True).encode()):
        yield text


def _from_row_on(pieces: Iterator[bytes], n_head: int) -> Iterator[bytes]:
    """Leave out the first lines."""
    head, n_ends = b"", 0
    while n_head and n_ends <= n_head and (piece := next(pieces, b"")):
        head += piece
        n_ends = sum(1 for _ in LINE_END.finditer(head))
    ends = [match.end() for _, match in zip(range(n_head), LINE_END.finditer(head), strict=False)]
    if ends:
        yield head[ends[-1] :] if len(ends) == n_head else b""
    yield from pieces


def _whole_lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield pieces that end where a line does, unless a line is longer than a piece of a megabyte by far."""
    rest = b""
    for piece in pieces:
        cut = piece.rfind(b"\n") + 1
        if cut:
            yield rest + piece[:cut]
            rest = piece[cut:]
        else:
            rest += piece
        if len(rest) > 16 * PIECE:
            yield rest
            rest = b""
    if rest:
        yield rest


def _without_comments(piece: bytes, quoted: bool) -> bytes:
    lines = []
    for line in piece.splitlines(keepends=True):
        is_comment = line.startswith(b"#") and not quoted
        lines.append(b"\n" if is_comment else line)
        if not is_comment:
            quoted ^= line.count(b'"') % 2 == 1
    return b"".join(lines)


def _with_tabs(piece: bytes) -> bytes:
    """Return lines in which one tab stands for the blanks between two values."""
    if b'"' not in piece:
        return re.sub(rb"[ \t]+", b"\t", re.sub(rb"(?m)^[ \t]+|[ \t]+(?=\r?$)", b"", piece))
    lines = io.StringIO()
    texts = (line.replace("\t", " ").strip() for line in piece.decode().splitlines())
    rows = csv.reader(texts, delimiter=BLANKS, skipinitialspace=True)  # several blanks count as one
    csv.writer(lines, delimiter="\t", lineterminator="\n").writerows(rows)
    return lines.getvalue().encode()
