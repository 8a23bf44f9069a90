"""The console: every character in every encoding, streams that are full or closed, terminals that say nonsense."""

import ast
import errno
import io
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import stdask
from stdask.display import console
from stdask.display.console import progress_bar, say
from stdask.display.terminal import Terminal, fitted, in_ascii

ENCODINGS = ("ascii", "latin-1", "cp1252", "utf-8", "utf-16", "koi8-r", "iso8859-15", "cp437")
TEXTS = {
    "\N{MINUS SIGN}0.5 \N{PLUS-MINUS SIGN} 0.1": "-0.5 +- 0.1",
    "3\N{EN DASH}5 kpc\N{SUPERSCRIPT TWO}": "3-5 kpc^2",
    "[\N{GREEK SMALL LETTER ALPHA}/Fe]": "[alpha/Fe]",
    "\N{BOX DRAWINGS LIGHT HORIZONTAL}\N{BOX DRAWINGS LIGHT VERTICAL}": "-|",
    "\N{BOX DRAWINGS LIGHT VERTICAL AND HORIZONTAL}": "+",
    "and so on\N{HORIZONTAL ELLIPSIS}": "and so on...",
    "caf\N{LATIN SMALL LETTER E WITH ACUTE}.fits": "caf\\xe9.fits",
    os.fsdecode(b"caf\xe9.fits"): "caf\\xe9.fits",
    "\N{CYRILLIC SMALL LETTER ZHE}.csv": "\\u0436.csv",
}


@pytest.mark.parametrize(("text", "plain"), TEXTS.items(), ids=TEXTS.values())
def test_what_ascii_lacks_is_spelled(text: str, plain: str):
    assert fitted(text, "ascii") == plain


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_character_can_be_printed_in_every_encoding(encoding: str):
    log = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    everything = "".join(map(chr, range(0x20, 0x3100))) + os.fsdecode(bytes(range(0x80, 0x100)))
    Terminal(file=log).print(everything, markup=False)
    text = log.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    assert [c for c in everything if c not in text and in_ascii(c) not in text] == []


def test_a_text_is_printed_as_it_is_where_the_encoding_has_it_all():
    file = io.StringIO()
    Terminal(file=file, width=30).print("\N{MINUS SIGN}0.5 \N{PLUS-MINUS SIGN} 0.1 " * 20, markup=False)
    assert file.getvalue() == "\N{MINUS SIGN}0.5 \N{PLUS-MINUS SIGN} 0.1 " * 20 + "\n"


def test_a_full_disk_below_the_log_stops_no_work():
    full = os.fdopen(os.open("/dev/full", os.O_WRONLY), "w")
    own = Terminal(file=full)
    own.print("one")
    own.print("two")
    assert {error.errno for error in own.lost if isinstance(error, OSError)} == {errno.ENOSPC}
    with pytest.raises(OSError, match="No space"):
        full.close()


def test_a_reader_that_has_gone_stops_no_work():
    read, write = os.pipe()
    os.close(read)
    stream = os.fdopen(write, "w")
    own = Terminal(file=stream)
    own.print("one")
    assert isinstance(own.lost[0], BrokenPipeError)
    with pytest.raises(BrokenPipeError):
        stream.close()


def test_a_slow_reader_gets_every_line_although_another_program_changed_the_stream():
    read, write = os.pipe()
    got: list[bytes] = []

    def read_slowly() -> None:
        time.sleep(0.5)  # Meanwhile the pipe is full: it holds 64 kB.
        while piece := os.read(read, 1 << 14):
            got.append(piece)

    reader = threading.Thread(target=read_slowly)
    reader.start()
    with os.fdopen(write, "w") as stream:
        own = Terminal(file=stream)
        for n in range(2000):
            os.set_blocking(write, False)  # As asyncio and Node do with what they inherit.
            own.print(f"{n:0200}")
    reader.join()
    os.close(read)
    assert own.lost == []
    assert b"".join(got).split() == [b"%0200d" % n for n in range(2000)]


@pytest.mark.parametrize("columns", ["0", "-5", "80.5", "many", "\N{SUPERSCRIPT TWO}", "", "9" * 5000, "3"])
def test_a_width_that_is_none_is_not_taken(columns: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", columns)
    assert Terminal(file=io.StringIO()).width >= 20


def test_a_width_that_is_one_is_taken(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "132")
    assert Terminal(file=io.StringIO()).width == 132


@pytest.mark.parametrize("setting", [("TERM", "dumb"), ("FORCE_COLOR", "1"), ("TTY_COMPATIBLE", "1")])
def test_where_a_bar_cannot_move_its_figures_are_lines(setting: tuple[str, str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(*setting)
    monkeypatch.setattr(console, "SECONDS_BETWEEN_LINES", 0.0)
    file = io.StringIO()
    if setting[0] == "TERM":
        monkeypatch.setattr(file, "isatty", lambda: True)
    monkeypatch.setattr(console, "console", Terminal(file=file))
    with progress_bar("translate", 2, tasks=2) as bar:
        bar.advance(1)
    assert "translate: 1 of 2 tasks" in file.getvalue()
    assert "\r" not in file.getvalue()


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    file = io.StringIO()
    monkeypatch.setattr(console, "console", Terminal(file=file, force_terminal=True))
    say("a warning", "yellow")
    assert "\x1b[33m" not in file.getvalue()


@pytest.mark.parametrize("encoding", ["ascii", "ascii:strict", "latin-1", "latin-1:strict"])
def test_a_script_prints_tables_whatever_the_locale(encoding: str):
    script = (
        "from stdask.display.tables import print_table\n"
        "print_table('\\N{GREEK SMALL LETTER ALPHA}', [dict(label='M_H', bias=-0.1, bias_err=0.01)])"
    )
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment, check=True)
    assert b"-0.10" in done.stdout


STAGES = sorted((Path(stdask.__file__).parent / "stages").rglob("*.py"))


def test_a_stage_prints_its_tables_after_its_receipt():
    """What is printed is also in a file: no trouble of a terminal may cost a stage its receipt."""
    early = []
    for path in STAGES:
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            calls = [(ast.unparse(n.func), n.lineno) for n in ast.walk(function) if isinstance(n, ast.Call)]
            ends = [line for name, line in calls if name.endswith("stage.finish")]
            early += [
                f"{path.name}:{line} {name}"
                for name, line in calls
                if ends and line < ends[-1] and name.lstrip("_").startswith("print")
            ]
    assert early == []
