"""Read a TOML file into a frozen pydantic model; say what is wrong in the user's words."""

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from stdask.errors import StdaskError


class TomlModel(BaseModel):
    """A table of a TOML file: frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)


def _stays_inside(path: Path) -> Path:
    if ".." in path.parts:
        raise ValueError("'..' leaves its folder: give the absolute path if that is meant")
    return path


InnerPath = Annotated[Path, AfterValidator(_stays_inside)]  # a TOML file may come from anywhere
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
        For an unknown key, else the first problem found, with the nearest known key where a key is unknown.
    """
    try:
        return model.model_validate(content)
    except ValidationError as exc:
        errors = exc.errors()
        # a misspelt key is also a missing one: the first says more
        first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
        raise error(f"{where}: {_in_words(model, first)}") from None
    except StdaskError as exc:
        exc.add_note(where)
        raise


def _in_words(model: type[TomlModel], problem: ErrorDetails) -> str:
    place, context = ".".join(map(str, problem["loc"])), problem.get("ctx", {})
    match problem["type"]:
        case "extra_forbidden":
            return f"unknown key {place!r}.{_suggestion(model, problem['loc'])}"
        case "missing":
            return f"the key {place!r} is missing. Add it."
        case "union_tag_not_found":
            return f"the key {place + '.' + context['discriminator'].strip(chr(39))!r} is missing. Add it."
        case "union_tag_invalid":
            return f"{place}: {context['discriminator']} is {context['tag']!r}, not one of {context['expected_tags']}."
    text = problem["msg"].removeprefix("Value error, ")
    return f"{place}: {text} (got {problem['input']!r})." if place else text


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
