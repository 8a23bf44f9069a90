"""Make .venv beside this project and install stdask into it, with nothing but Python 3.11+ on the machine.

Debian and Ubuntu ship Python without ensurepip unless python3-venv is installed. Then pip itself is fetched from
the package index, as pip would do, and checked against the index's own checksum.
"""

import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
import venv
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
ENVIRONMENT = PROJECT / ".venv"
INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")


def main() -> None:
    """Make the environment if it is not there, then install."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        sys.exit(f"stdask needs Python 3.11, 3.12 or 3.13, as TensorFlow does; this is {sys.version.split()[0]}.")
    python = ENVIRONMENT / "bin" / "python"
    has_ensurepip = importlib.util.find_spec("ensurepip") is not None
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=has_ensurepip, symlinks=True)
    pip = [str(python), "-m", "pip"] if _has_pip(python) else [str(python), str(_fetch_pip() / "pip")]
    lock = PROJECT / "deploy" / "constraints.txt"
    print(f"Installing stdask into {ENVIRONMENT} (about 2 GB, most of it TensorFlow) ...", flush=True)
    wanted = f"{PROJECT}[{sys.argv[1]}]" if len(sys.argv) > 1 else str(PROJECT)
    install = [*pip, "install", "--quiet", "--disable-pip-version-check", "-c", str(lock), "-e", wanted]
    sys.exit(subprocess.run(install, check=False).returncode)


def _has_pip(python: Path) -> bool:
    return subprocess.run([python, "-c", "import pip"], capture_output=True, check=False).returncode == 0


def _fetch_pip() -> Path:
    """Return the newest pip wheel of the index; a wheel runs as it is."""
    request = urllib.request.Request(f"{INDEX}/pip/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(request) as answer:
        files = json.load(answer)["files"]
    released = [(_version(file["filename"]), file) for file in files if not file.get("yanked")]
    _, wheel = max((pair for pair in released if pair[0]), key=lambda pair: pair[0])
    path = Path(tempfile.mkdtemp()) / wheel["filename"]
    with urllib.request.urlopen(wheel["url"]) as answer:
        content = answer.read()
    if hashlib.sha256(content).hexdigest() != wheel["hashes"]["sha256"]:
        sys.exit(f"{wheel['url']} does not have the checksum that {INDEX} states. Try again.")
    path.write_bytes(content)
    return path


def _version(filename: str) -> tuple[int, ...]:
    """Return the version of a final release of pip for Python 3 as numbers; empty for any other file."""
    match = re.fullmatch(r"pip-(\d+(?:\.\d+)*)-py3-none-any\.whl", filename)
    return tuple(int(number) for number in match[1].split(".")) if match else ()


if __name__ == "__main__":
    main()
