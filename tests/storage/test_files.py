"""A file is written whole or not at all."""

import errno
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from stdask.errors import CatalogueError, MachineError, StorageError
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


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_one_line_with_path_reason_free_space_and_remedy(number: int, tmp_path: Path):
    path = tmp_path / "table"
    write_text(path, "old")
    with pytest.raises(StorageError) as told:
        write_half(path, OSError(number, os.strerror(number)))
    said = str(told.value)
    for part in (f"Cannot write {path}", os.strerror(number), "MB free", "Make room"):
        assert part in said
    assert "\n" not in said
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_too_large_is_a_matter_of_a_limit_not_of_space(tmp_path: Path):
    with pytest.raises(StorageError, match=r"File too large\. .*`ulimit -f unlimited`") as told:
        write_half(tmp_path / "table", OSError(errno.EFBIG, os.strerror(errno.EFBIG)))
    assert "MB free" not in str(told.value)


def test_the_reason_is_found_below_the_words_of_a_library(tmp_path: Path):
    full = OSError(errno.ENOSPC, "No space left on device")
    trouble = RuntimeError("could not save")
    trouble.__cause__ = full
    with pytest.raises(StorageError, match="No space left"):
        write_half(tmp_path / "figure.png", trouble)


def test_other_errors_and_those_with_a_remedy_of_their_own_stay_what_they_are(tmp_path: Path):
    closed = CatalogueError("the file that is copied cannot be read")
    closed.__cause__ = PermissionError(errno.EACCES, "Permission denied")
    for trouble in (OSError(errno.ENOENT, "No such file or directory"), ValueError("no"), closed):
        with pytest.raises(type(trouble)) as told:
            write_half(tmp_path / "table", trouble)
        assert told.value is trouble


def test_a_disk_that_fails_is_not_a_full_one(tmp_path: Path):
    with pytest.raises(MachineError, match="A disk or its file server failed while writing"):
        write_half(tmp_path / "table", OSError(errno.EIO, "Input/output error"))


IN_A_NAMESPACE = ["unshare", "--mount"]  # mounts seen by nobody else, gone with the process
CAN_MOUNT = shutil.which("unshare") and os.geteuid() == 0
needs_mount = pytest.mark.skipif(not CAN_MOUNT, reason="only root can mount a small disk")


def written_on(options: str, folder: Path, code: str) -> str:
    """Run code on a small disk of its own, mounted at `folder`; return what it printed."""
    folder.mkdir()
    script = f"mount -t tmpfs -o {options} tmpfs {folder} && exec {sys.executable} -c '{code}' {folder}"
    done = subprocess.run([*IN_A_NAMESPACE, "sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


WRITE = """
import sys; from pathlib import Path
import numpy as np, pyarrow as pa, healpy as hp; from astropy.table import Table
from safetensors.numpy import save_file
from stdask.errors import StorageError
from stdask.storage.documents import write_ecsv
from stdask.storage.files import replacing, write_text
from stdask.storage.tables import write_parquet
from stdask.storage.ensembles import write_ensemble
folder = Path(sys.argv[1])
values = np.random.default_rng(1).normal(size=1_000_000)
def text(path): write_text(path, "x" * 8_000_000)
def parquet(path): write_parquet(path, pa.table({"x": values}))
def ecsv(path): write_ecsv(path, Table({"x": values[:300_000]}))
def ensemble(path): write_ensemble(path.parent, {path.name: ({}, {"w": values})}, {}, {})
def sky_map(path):
    with replacing(path) as temporary:
        hp.write_map(str(temporary), np.arange(12 * 256**2), nest=True, dtype=np.int64, overwrite=True)
for write in (text, parquet, ecsv, ensemble, sky_map):
    path = folder / {"ensemble": "intrinsic", "sky_map": "map.fits"}.get(write.__name__, write.__name__)
    file = folder / "intrinsic.safetensors" if write is ensemble else path
    file.write_text("old")
    try: write(path)
    except StorageError as exc: print(write.__name__, "told", str(file) in str(exc), file.read_text())
    except BaseException as exc: print(write.__name__, "failed", repr(exc))
    file.unlink()
    print([p.name for p in folder.iterdir()])
"""


@pytest.mark.faults
@needs_mount
def test_on_a_disk_that_is_really_full_every_kind_of_file_says_so_and_the_old_one_stays(tmp_path: Path):
    lines = written_on("size=4m", tmp_path / "disk", WRITE.replace("'", '"')).splitlines()
    kinds = ("text", "parquet", "ecsv", "ensemble", "sky_map")
    assert lines[::2] == [f"{kind} told True old" for kind in kinds]
    assert set(lines[1::2]) == {"[]"}  # no half file is left


@pytest.mark.faults
@needs_mount
def test_a_disk_that_can_only_be_read_is_told(tmp_path: Path):
    code = (
        "import sys; from pathlib import Path; from stdask.errors import StorageError\n"
        "from stdask.storage.files import write_text\n"
        'try: write_text(Path(sys.argv[1]) / "a" / "b", "x")\n'
        "except StorageError as exc: print(exc)"
    )
    said = written_on("ro,size=1m", tmp_path / "disk", code)
    assert said.startswith(f"Cannot write {tmp_path / 'disk' / 'a' / 'b'}: Read-only file system. ")


@pytest.mark.faults
def test_a_limit_on_the_length_of_files_is_told(tmp_path: Path):
    code = (
        "import resource, sys; from pathlib import Path; from stdask.errors import StorageError\n"
        "from stdask.storage.files import write_text\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: write_text(Path(sys.argv[1]) / 'b', 'x' * 1_000_000)\n"
        "except StorageError as exc: print(exc)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert "File too large" in done.stdout
    assert list(tmp_path.iterdir()) == []


KINDS = """
import os, sys; from pathlib import Path
import healpy as hp, numpy as np, pyarrow as pa; from astropy.table import Table; from matplotlib.figure import Figure
from stdask.storage.bundles import write_bundle
from stdask.storage.documents import write_ecsv, write_figures
from stdask.storage.ensembles import write_ensemble
from stdask.storage.files import replacing, write_text
from stdask.storage.pieces import write_pieces
from stdask.storage.tables import write_parquet
os.umask(int(sys.argv[2], 8))
folder, values = Path(sys.argv[1]) / "new", np.arange(12.0)
write_text(folder / "text", "x")
write_parquet(folder / "parquet", pa.table({"x": values}))
write_ecsv(folder / "ecsv", Table({"x": values}))
write_figures(folder / "figure", Figure())
packed = write_ensemble(folder, {"intrinsic": ({}, {"w": values})}, {}, {})
write_bundle(folder / "bundle.stdask", {path.name: path.read_bytes() for path in packed})
write_pieces(folder / "pieces", pa.table({"x": values}), np.zeros(12, int), 1)
with replacing(folder / "map.fits") as temporary:
    hp.write_map(str(temporary), np.arange(12), nest=True, dtype=np.int64)
"""


@pytest.mark.parametrize(("umask", "file", "directory"), [("022", "644", "755"), ("027", "640", "750")])
def test_every_kind_of_file_has_the_mode_that_the_umask_gives(tmp_path: Path, umask: str, file: str, directory: str):
    subprocess.run([sys.executable, "-c", KINDS, tmp_path, umask], check=True)
    modes = {path.name: f"{stat.S_IMODE(path.stat().st_mode):o}" for path in (tmp_path / "new").iterdir()}
    assert len(modes) == 10
    assert modes == dict.fromkeys(modes, file)
    assert f"{stat.S_IMODE((tmp_path / 'new').stat().st_mode):o}" == directory
