"""Read a TOML file into a frozen pydantic model; say what is wrong in the user's words."""

import difflib
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from stdask.errors import StdaskError


class TomlModel(BaseModel):
    """A table of a TOML file: frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=TomlModel)


def load_toml(path: Path, error: type[StdaskError]) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises
    ------
    error
        If the file is missing, unreadable or not TOML.
    """
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise error(f"No file {path}. Check the path.") from None
    except (OSError, UnicodeDecodeError) as exc:
        raise error(f"Cannot read {path}: {exc}.") from exc
    except tomllib.TOMLDecodeError as exc:
        raise error(f"{path} is not valid TOML: {exc}.") from exc


def validate(model: type[Model], content: dict[str, Any], where: str, error: type[StdaskError]) -> Model:
    """Return `content` as a model, or raise one line that names the key and what to do.

    Raises
    ------
    error
        For the first problem found, with the nearest known key where a key is unknown.
    """
    try:
        return model.model_validate(content)
    except ValidationError as exc:
        first = exc.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            message = f"unknown key {place!r}.{_suggestion(model, first['loc'])}"
        elif first["type"] == "missing":
            message = f"the key {place!r} is missing. Add it."
        else:
            text = first["msg"].removeprefix("Value error, ")
            message = f"{place or 'content'}: {text} (got {first['input']!r})." if place else text
        raise error(f"{where}: {message}") from None


def _suggestion(model: type[TomlModel], location: tuple[int | str, ...]) -> str:
    known = _known_keys(model, location[:-1])
    if not known:
        return ""
    near = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else f" Known keys: {', '.join(sorted(known))}."


def _known_keys(model: type[TomlModel], location: tuple[int | str, ...]) -> list[str]:
    """Return the keys allowed at a place in a model, following nested tables and arrays of tables."""
    current: Any = model
    for part in location:
        models = _models_in(current)
        if isinstance(part, int) or not models:
            continue
        tagged = [model for model in models if _has_tag(model, part)]
        if tagged:
            current = tagged[0]
            continue
        field = models[0].model_fields.get(part) or next(
            (f for f in models[0].model_fields.values() if f.alias == part), None
        )
        if field is not None:
            current = field.annotation
    models = _models_in(current)
    return [field.alias or name for name, field in models[0].model_fields.items()] if models else []


def _models_in(annotation: Any) -> list[type[TomlModel]]:
    if isinstance(annotation, type) and issubclass(annotation, TomlModel):
        return [annotation]
    return [found for argument in getattr(annotation, "__args__", ()) for found in _models_in(argument)]


def _has_tag(model: type[TomlModel], tag: str) -> bool:
    """Tell whether pydantic names this member of a tagged union `tag` in the place of an error."""
    return any(tag in getattr(field.annotation, "__args__", ()) for field in model.model_fields.values())
