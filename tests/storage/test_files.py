"""A file is written whole or not at all."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stdask.storage.files import replacing, sha256, write_text


def write_half(path: Path, trouble: BaseException) -> None:
    with replacing(path) as temporary:
        temporary.write_text("half")
        raise trouble


def test_an_interrupted_write_leaves_no_file(tmp_path: Path):
    path = tmp_path / "folder" / "table"
    with pytest.raises(KeyboardInterrupt):
        write_half(path, KeyboardInterrupt())
    assert list(path.parent.iterdir()) == []


def test_an_interrupted_rewrite_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / "table"
    write_text(path, "old")
    with pytest.raises(OSError, match="disk full"):
        write_half(path, OSError("disk full"))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_until_the_block_ends_a_reader_sees_the_old_file(tmp_path: Path):
    path = tmp_path / "table"
    write_text(path, "old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent  # a rename across file systems would copy
    assert path.read_text() == "new"


@pytest.mark.faults
def test_a_killed_writer_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / "table"
    write_text(path, "old")
    code = (
        "import os, signal, sys; from pathlib import Path; from stdask.storage.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], env=os.environ, check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


def test_the_checksum_is_sha256_and_text_is_utf8(tmp_path: Path):
    write_text(tmp_path / "a", "Å and é\n")
    assert sha256(tmp_path / "a") == hashlib.sha256("Å and é\n".encode()).hexdigest()
