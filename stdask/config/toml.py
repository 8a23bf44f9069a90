"""Read a TOML file into a frozen pydantic model, with errors in plain words."""

import re
import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from stdask.config.messages import Location, describe_problems
from stdask.environment import has_home
from stdask.errors import ConfigError, StdaskError, raise_machine_error

VARIABLE = re.compile(r"\$(\w+$|\{)")


class TomlModel(BaseModel):
    """A table of a TOML file: frozen, and unknown keys are refused. The docstring of a key describes it to users."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


def local_path(text: Path | str) -> Path:
    """Return a path that the user gave, with the home folder in place of `~`.

    Raises
    ------
    ConfigError
        If this machine does not know that home folder.
    """
    with suppress(RuntimeError):
        if has_home() or not str(text).startswith("~"):
            return Path(text).expanduser()
    raise ConfigError(f"{text} names a home folder that this machine does not know. Write the path without `~`.")


def inside(path: Path) -> Path:
    """Return a path with the home folder in place of `~`; raise if it leaves the folder that it is relative to."""
    if ".." in path.parts:
        raise ValueError("'..' leaves its folder: give the absolute path if that is meant")
    if variables := [part for part in path.parts if VARIABLE.match(part)]:
        raise ValueError(f"{variables[0]} is not replaced by its value: write the path itself")
    try:
        return local_path(path)
    except ConfigError as exc:
        raise ValueError(str(exc).rstrip(".")) from None


# A TOML file may come from anywhere, so a relative path stays in its folder. "~" is the home folder.
InnerPath = Annotated[Path, AfterValidator(inside)]
Model = TypeVar("Model", bound=TomlModel)


def load_toml(path: Path, error: type[StdaskError]) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises
    ------
    error
        If the file is missing, unreadable or not TOML, or a pipe, which can be read only once.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise error(f"{path} is no regular file. Write what it gives to one: it is read more than once.")
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise error(f"No file {path}. Check the path.") from None
    except UnicodeDecodeError as exc:
        raise error(f"{path} is not UTF-8 text ({exc}). Write the file in UTF-8.") from exc
    except OSError as exc:
        raise_machine_error(exc, f"reading {path}")
        raise error(f"Cannot read {path}: {exc}. Check the path and its permissions.") from exc
    except tomllib.TOMLDecodeError as exc:
        raise error(f"{path} is not valid TOML: {exc}. Correct this place.") from exc


def validate(
    model: type[Model],
    content: dict[str, Any],
    where: str,
    error: type[StdaskError],
    place_of: Callable[[Location], Location] = lambda location: location,
) -> Model:
    """Return `content` as a model.

    Parameters
    ----------
    model, content
        The model, and what a file says.
    where, error
        How the message of an error begins, and its kind.
    place_of
        Where a key of the model stands in the file, if not at its own place.

    Raises
    ------
    error
        For an unknown key, else for the first problem. Its message is one line that starts with `where`.
    """
    try:
        return model.model_validate(content)
    except ValidationError as exc:
        raise error(f"{where}: {describe_problems(model, exc.errors(), place_of)}") from None
    except StdaskError as exc:
        exc.add_note(where)
        raise
