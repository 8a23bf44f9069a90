"""Addresses of survey files on other machines. They are read only if the user allows it: files of settings may come
from anywhere.
"""

from pathlib import Path
from typing import Annotated, cast

from pydantic import Field

from stdask.config.toml import InnerPath
from stdask.errors import ConfigError

SCHEMES = ("https://", "http://", "s3://")
Address = Annotated[str, Field(pattern=r"^(https?|s3)://[^/\s]+/\S+$")]


def is_address(text: Path | str) -> bool:
    """Tell whether a text is an address, not a path."""
    return isinstance(text, str) and text.startswith(SCHEMES)


def is_remote(path: Path) -> bool:
    """Tell whether a path lies on another machine: then it is one of universal_pathlib."""
    return not isinstance(path, Path)


def locate(place: InnerPath | Address, folder: Path, allow_remote: bool) -> Path:
    """Return the path of a file in a folder, or of an address. Nothing is read.

    Raises
    ------
    ConfigError
        If it is an address, and the user does not allow to read those, or what reads them is not installed.
    """
    if not is_address(place):
        return folder / place
    if not allow_remote:
        raise ConfigError(f"{place} is the address of a file on another machine. Add --allow-remote to read it.")
    try:
        from upath import UPath

        path = UPath(place)
        _ = path.fs  # loads what speaks the protocol
    except ImportError as exc:
        raise ConfigError(f"Cannot read {place}: {exc}. Install what is needed: pip install 'stdask[remote]'.") from exc
    return cast("Path", path)  # has the methods of a path that the readers use
