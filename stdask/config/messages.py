"""Problems of a TOML file in plain words: the key, its value, what is allowed there, and the name that was meant."""

import difflib
import types
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

Location = tuple[int | str, ...]

LIMITS = {  # type of problem -> what the value must be
    "greater_than": "greater than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "literal_error": "{expected}",
    "finite_number": "a finite number",
    "too_short": "a list of at least {min_length} values",
    "too_long": "a list of at most {max_length} values",
    "string_too_short": "text of at least {min_length} characters",
    "string_too_long": "text of at most {max_length} characters",
    "string_pattern_mismatch": "text that matches {pattern}",
}
KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text in quotes",
    "path": "a path in quotes",
    "tuple": "a list, e.g. [1, 2]",
    "list": "a list, e.g. [1, 2]",
    "dict": "a table, e.g. { key = value }",
    "model": "a table, e.g. { key = value }",
}


def describe_problems(
    model: type[BaseModel],
    problems: Sequence[ErrorDetails],
    place_of: Callable[[Location], Location] = lambda location: location,
) -> str:
    """Return one sentence or two on the first problem: which key is wrong, what its value is, and what to do.

    Parameters
    ----------
    model, problems
        The model of the file, and what pydantic says.
    place_of
        Where a key of the model stands in the file, if not at its own place.
    """
    # A misspelt key is often also a missing one, and says more.
    first = next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])
    context, (location, table) = first.get("ctx", {}), _follow(model, first["loc"])
    place = ".".join(map(str, place_of(location)))
    match first["type"]:
        case "extra_forbidden":
            return f"unknown key {place!r}.{_suggestion(table, str(location[-1]))}"
        case "missing" if isinstance(location[-1], int):
            return f"{place.rpartition('.')[0]} has too few values: number {location[-1] + 1} is missing. Add it."
        case "missing":
            return f"the key {place!r} is missing. Add it."
        case "union_tag_not_found":
            return f"the key {place + '.' + context['discriminator'].strip(chr(39))!r} is missing. Add it."
        case "union_tag_invalid":
            key = context["discriminator"].strip("'")
            return f"{place}.{key} is {context['tag']!r}, but must be one of {context['expected_tags']}."
    same = [problem for problem in problems if _follow(model, problem["loc"])[0] == location]
    wanted = [text for problem in same if (text := _wanted(problem))]
    if wanted and place:
        return f"{place} is {first['input']!r}, but must be {' or '.join(dict.fromkeys(wanted))}."
    return _in_own_words(place, first)


def _wanted(problem: ErrorDetails) -> str:
    """Return what a value must be, empty if that is not known."""
    kind = problem["type"]
    if kind in LIMITS:
        return LIMITS[kind].format(**problem["ctx"]) if "ctx" in problem else LIMITS[kind]
    return KINDS.get(kind.partition("_")[0], "")


def _in_own_words(place: str, problem: ErrorDetails) -> str:
    """Return the sentence that a validator raised, with the place and the value, unless that is a whole table."""
    text = problem["msg"].removeprefix("Value error, ")
    text = f"{place}: {text}" if place else text
    text = text if text.endswith((".", "?")) else f"{text}."
    whole = isinstance(problem["input"], (dict, BaseModel))
    return text if whole or not place else f"{text[:-1]} (got {problem['input']!r})."


def _suggestion(table: type[BaseModel] | None, key: str) -> str:
    """Return the key of a table that is most like `key`, or else all its keys."""
    if table is None:
        return ""
    known = [field.alias or name for name, field in table.model_fields.items()]
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else f" Known keys: {', '.join(sorted(known))}."


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the name that is most like `name`, of upper or lower case; None if none is."""
    lower = {other.lower(): other for other in known}
    near = difflib.get_close_matches(name.lower(), list(lower), n=1)
    return lower[near[0]] if near else None


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the tables that an annotation names, e.g. those of tuple[Term, ...] or of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in models_in(argument)]


def _follow(model: type[BaseModel], location: Location) -> tuple[Location, type[BaseModel] | None]:
    """Return a location as the file has it, and the table that its last key stands in.

    Pydantic adds the member of a union that it tried: "id" in pair.match.id.column, "float" in pair.max_ebv.float.
    """
    current: Any = model
    kept: list[int | str] = []
    table: type[BaseModel] | None = None
    for part in location:
        while get_origin(current) is Annotated:
            current = get_args(current)[0]
        models = models_in(current)
        if isinstance(part, int) or get_origin(current) is dict:
            kept.append(part)
            current = next((a for a in reversed(get_args(current)) if a is not Ellipsis), Any)
            continue
        if tagged := [m for m in models if len(models) > 1 and _has_tag(m, part)]:
            current = tagged[0]
            continue
        if not models and get_origin(current) in (Union, types.UnionType):
            continue
        kept.append(part)
        table = models[0] if models else None
        fields = {field.alias or name: field for name, field in table.model_fields.items()} if table else {}
        current = fields[part].annotation if part in fields else Any
    return tuple(kept), table


def _has_tag(model: type[BaseModel], tag: str) -> bool:
    """Tell whether pydantic names this member of a tagged union `tag` in the location of a problem."""
    return any(tag in get_args(field.annotation) for field in model.model_fields.values())
