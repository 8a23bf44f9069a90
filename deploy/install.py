"""Make .venv beside this project and install stdask into it, with nothing but Python 3.11+ on the machine.

Debian and Ubuntu ship Python without ensurepip unless python3-venv is installed. Then pip itself is fetched from
the package index, as pip would do, and checked against the index's own checksum.

Settings of pip that say where packages come from are used; those that say what is installed where, such as `user` or
`target` of a pip.conf, are not.
"""

import configparser
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
PYPI = "https://pypi.org/simple"
# What a site knows of its network and its mirror. Everything else is decided here.
SITE_SETTINGS = (
    "cache-dir",
    "cert",
    "client-cert",
    "constraint",
    "default-timeout",
    "extra-index-url",
    "find-links",
    "index-url",
    "keyring-provider",
    "no-index",
    "proxy",
    "retries",
    "timeout",
    "trusted-host",
)


def main() -> None:
    """Make the environment if it is not there, then install."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        sys.exit(f"stdask needs Python 3.11, 3.12 or 3.13, as TensorFlow does; this is {sys.version.split()[0]}.")
    python = ENVIRONMENT / "bin" / "python"
    settings = site_settings()
    has_ensurepip = importlib.util.find_spec("ensurepip") is not None
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=has_ensurepip, symlinks=True)
    index = settings.get("index-url", PYPI).split()[0].rstrip("/")
    # -I: no PYTHONPATH, no packages of the user, no modules of the working directory.
    pip = [str(python), "-I", *(["-m", "pip"] if _has_pip(python) else [str(_fetch_pip(index) / "pip")])]
    lock = PROJECT / "deploy" / "constraints.txt"
    print(f"Installing stdask into {ENVIRONMENT} (about 2 GB, most of it TensorFlow) ...", flush=True)
    wanted = f"{PROJECT}[{sys.argv[1]}]" if len(sys.argv) > 1 else str(PROJECT)
    install = [*pip, "install", "--quiet", "--disable-pip-version-check", "-c", str(lock), "-e", wanted]
    sys.exit(subprocess.run(install, env=environment(settings), check=False).returncode)


def site_settings() -> dict[str, str]:
    """Return the settings of pip that a site makes, from pip's files and variables, the strongest last.

    Source of the places: the user guide of pip, "Configuration".
    """
    found: dict[str, str] = {}
    for file in _settings_files():
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError) as exc:
            sys.exit(f"pip cannot read its settings in {file}: {exc}. Correct that file.")
        for section in ("global", "install"):
            found |= {_key(name): " ".join(value.split()) for name, value in _items(parser, section)}
    found |= {_key(name[4:]): value for name, value in os.environ.items() if name.startswith("PIP_") and value}
    return {name: found[name] for name in SITE_SETTINGS if name in found}


def environment(settings: dict[str, str]) -> dict[str, str]:
    """Return an environment in which pip has some settings and no others."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    own = {f"PIP_{name.replace('-', '_').upper()}": value for name, value in settings.items()}
    return others | own | {"PIP_CONFIG_FILE": os.devnull}


def _settings_files() -> list[Path]:
    stated = os.environ.get("PIP_CONFIG_FILE")
    if stated == os.devnull:
        return []
    of_site = (os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    of_user = [
        Path.home() / ".pip",
        Path.home() / "Library" / "Application Support" / "pip",  # of macOS
        Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "pip",
    ]
    if stated and Path(stated).exists():
        of_user = []
    folders = [*(Path(folder) / "pip" for folder in of_site), Path("/etc"), *of_user, ENVIRONMENT]
    return [*(folder / "pip.conf" for folder in folders), *([Path(stated)] if stated else [])]


def _items(parser: configparser.RawConfigParser, section: str) -> list[tuple[str, str]]:
    return parser.items(section) if parser.has_section(section) else []


def _key(name: str) -> str:
    return name.lower().replace("_", "-")


def _has_pip(python: Path) -> bool:
    return subprocess.run([python, "-I", "-c", "import pip"], capture_output=True, check=False).returncode == 0


def _fetch_pip(index: str) -> Path:
    """Return the newest pip wheel of an index; a wheel runs as it is."""
    request = urllib.request.Request(f"{index}/pip/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(request) as answer:
        files = json.load(answer)["files"]
    released = [(_version(file["filename"]), file) for file in files if not file.get("yanked")]
    _, wheel = max((pair for pair in released if pair[0]), key=lambda pair: pair[0])
    path = Path(tempfile.mkdtemp()) / wheel["filename"]
    with urllib.request.urlopen(wheel["url"]) as answer:
        content = answer.read()
    if hashlib.sha256(content).hexdigest() != wheel["hashes"]["sha256"]:
        sys.exit(f"{wheel['url']} does not have the checksum that {index} states. Try again.")
    path.write_bytes(content)
    return path


def _version(filename: str) -> tuple[int, ...]:
    """Return the version of a final release of pip for Python 3 as numbers; empty for any other file."""
    match = re.fullmatch(r"pip-(\d+(?:\.\d+)*)-py3-none-any\.whl", filename)
    return tuple(int(number) for number in match[1].split(".")) if match else ()


if __name__ == "__main__":
    main()
