"""The rows of a text file as a stream of UTF-8: without the lines before them, and without comments."""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from stdask.storage.surveys.text.dialects import BLANKS, TextDialect

PIECE = 1 << 20  # bytes
PROTECTED, RESTORED = bytes.maketrans(b" \t", b"\x01\x02"), bytes.maketrans(b"\x01\x02", b" \t")
LINE_END = re.compile(rb"\r\n|\r|\n")


class RowStream:
    """The rows of a text file, for a parser of delimited text. A comment becomes a blank line.

    Parameters
    ----------
    source
        The bytes of the file, unpacked.
    dialect
        Of the file. Where blanks stand between values, tabs do in the stream.
    """

    def __init__(self, source: BinaryIO, dialect: TextDialect) -> None:
        self._pieces = _rows(source, dialect)
        self._rest = b"\n"  # Arrow refuses a stream of no bytes at all

    def read(self, size: int) -> bytes:
        """Return the next bytes, no more than `size`; none at the end."""
        piece = self._rest or next(self._pieces, b"")
        self._rest = piece[size:]
        return piece[:size]


def lines_of(source: BinaryIO, dialect: TextDialect) -> Iterator[list[bytes]]:
    """Yield the rows of a text file as lines, some at a time, without comments and blank lines."""
    for piece in _whole_lines(_rows(source, dialect)):
        yield [line for line in piece.splitlines() if line.strip()]


def _rows(source: BinaryIO, dialect: TextDialect) -> Iterator[bytes]:
    """Yield the rows, some bytes at a time, at least one."""
    pieces = _from_row_on(_decoded(source, dialect.encoding), dialect.n_head)
    if dialect.comment:
        pieces = filter(None, _without_comments(pieces))
    if dialect.quotes_after_blanks:
        delimiter = dialect.delimiter.encode()
        late_quote = re.compile(re.escape(delimiter) + rb' +"')
        pieces = (late_quote.sub(delimiter + b'"', piece) for piece in _whole_lines(pieces))
    if dialect.delimiter == BLANKS and not dialect.spans:
        pieces = _with_tabs(_whole_lines(pieces))
    return pieces


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
    if len(ends) == n_head and (rest := head[ends[-1] :] if ends else head):
        yield rest
    yield from pieces


def _without_comments(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Leave out the lines that begin with #, but for their ends, unless a quote is open."""
    at_start, in_comment, quoted = True, False, False
    for piece in pieces:
        if b"#" not in piece and not in_comment:
            quoted ^= _n_quotes(piece) % 2 == 1
            at_start = piece[-1:] in b"\r\n"
            yield piece
            continue
        kept = []
        for line in piece.splitlines(keepends=True):
            in_comment |= at_start and not quoted and line.startswith(b"#")
            text = LINE_END.sub(b"", line)
            at_start = text != line
            kept.append(line[len(text) :] if in_comment else line)
            quoted ^= not in_comment and line.count(b'"') % 2 == 1
            in_comment &= not at_start
        yield b"".join(kept)


def _n_quotes(piece: bytes) -> int:
    return int(np.count_nonzero(np.frombuffer(piece, np.uint8) == ord('"')))  # 15 times as fast as bytes.count


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


def _with_tabs(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Put one tab for the blanks between two values, but for those within quotes."""
    quoted = False
    for piece in pieces:
        parts = piece.split(b'"')
        inner = slice(0 if quoted else 1, None, 2)  # a quote within quotes is doubled, which changes nothing here
        parts[inner] = [part.translate(PROTECTED) for part in parts[inner]]
        quoted ^= len(parts) % 2 == 0
        yield _tabbed(b'"'.join(parts)).translate(RESTORED)


def _tabbed(piece: bytes) -> bytes:
    if b"\t" not in piece and not any(blanks in piece for blanks in (b"  ", b" \n", b"\n ", b" \r")):
        return piece.lstrip(b" ").replace(b" ", b"\t")
    return re.sub(rb"[ \t]+", b"\t", re.sub(rb"(?m)^[ \t]+|[ \t]+(?=\r?$)", b"", piece))
