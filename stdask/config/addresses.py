"""Addresses of survey files on other machines. They are read only if the user allows it: files of settings may come
from anywhere.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import PlainValidator

from stdask.config.toml import inside
from stdask.errors import ConfigError

SCHEMES = ("https://", "http://", "s3://")
SECONDS_OF_SILENCE = 30  # until a web server that says nothing is given up; by default five minutes


def _place(value: Any) -> Path | str:
    if isinstance(value, str) and "://" in value:
        if not value.startswith(SCHEMES) or re.search(r"\s|^\w+:///", value):
            raise ValueError(f"stdask reads addresses that begin with {', '.join(SCHEMES)} and a name, without blanks")
        return value
    if isinstance(value, str | Path):
        return inside(Path(value))
    raise ValueError("write a path, or an address")


# A path that stays in its folder, or an address.
Place = Annotated[Path | str, PlainValidator(_place, json_schema_input_type=str)]


def require_utf8(path: Path) -> Path:
    """Return a path if its name is text in UTF-8, which tables, receipts and job scripts can hold.

    Raises
    ------
    ConfigError
        If it has other bytes, as names from old systems and archives have.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode(errors="backslashreplace")
        raise ConfigError(
            f"The name of {shown} is not UTF-8, which the files of a run cannot hold. Rename that file or folder with "
            "`mv`, e.g. to ASCII letters, or use another one."
        ) from None
    return path


def is_address(text: Path | str) -> bool:
    """Tell whether a text is an address, not a path."""
    return isinstance(text, str) and text.startswith(SCHEMES)


def is_remote(path: Path) -> bool:
    """Tell whether a path lies on another machine: then it is one of universal_pathlib."""
    return not isinstance(path, Path)


def locate(place: Place, folder: Path, allow_remote: bool) -> Path:
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

        path = UPath(place, **_options(str(place)))
        _ = path.fs  # loads what speaks the protocol
    except ImportError as exc:
        raise ConfigError(f"Cannot read {place}: {exc}. Install what is needed: pip install 'stdask[remote]'.") from exc
    return cast("Path", path)  # has the methods of a path that the readers use


def _options(address: str) -> dict[str, Any]:
    """Return the options of fsspec for the protocol of an address."""
    if not address.startswith("http"):
        return {}
    from aiohttp import ClientTimeout

    timeout = ClientTimeout(total=None, sock_connect=SECONDS_OF_SILENCE, sock_read=SECONDS_OF_SILENCE)
    return {"client_kwargs": {"timeout": timeout}}
