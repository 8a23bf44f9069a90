"""The rows of a text file as a stream: whatever the pieces that it is read in, the same bytes."""

import io

from hypothesis import given
from hypothesis import strategies as st

from stdask.storage.surveys.text.dialects import TextDialect
from stdask.storage.surveys.text.rows import RowStream, lines_of

DIALECT = TextDialect(("a", "b"), ("", ""), ",", 2, "utf-8")
LINE = st.sampled_from(["1,2", "# 3,4", "", '"x\n# no comment",2', " #,7"])


class Slow(io.BytesIO):
    """A stream that gives a few bytes at a time."""

    step = 3

    def read(self, size: int = -1) -> bytes:  # type: ignore[override]
        return super().read(min(size, self.step) if size > 0 else size)


def whole(content: bytes, step: int, dialect: TextDialect) -> bytes:
    source = Slow(content)
    source.step = step
    stream = RowStream(source, dialect)
    return b"".join(iter(lambda: stream.read(7), b""))


@given(st.lists(LINE, max_size=12), st.integers(1, 50), st.sampled_from(["utf-8", "utf-16"]))
def test_comments_become_blank_lines_and_the_head_is_left_out(lines: list[str], step: int, encoding: str):
    content = "\n".join(["#Table1", "a,b", *lines]).encode(encoding)
    kept = ["" if line.startswith("#") else line for line in lines]
    assert whole(content, step, DIALECT._replace(encoding=encoding)).decode().strip("\n") == "\n".join(kept).strip("\n")


def test_one_tab_stands_for_blanks():
    dialect = DIALECT._replace(delimiter=" ", n_head=0)
    assert whole(b" 1   2\t3 \r\n4 5 6", 100, dialect).split() == [b"1", b"2", b"3", b"4", b"5", b"6"]
    assert b"\t2\t3" in whole(b" 1   2\t3 \r\n", 100, dialect)


def test_lines_are_rows_without_blank_ones():
    source = io.BytesIO(b"h\nh\n1  2\n\n  \n# x\n3\r\n")
    assert [line for part in lines_of(source, DIALECT) for line in part] == [b"1  2", b"3"]
