"""Write the references of the TOML files, and a page for each survey definition, from the code that reads them.

python docs/make_reference.py
"""

import ast
import inspect
import io
import re
import tokenize
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from stdask.config.atlas import AtlasFile
from stdask.config.run import RunConfig
from stdask.config.survey import SurveyDefinition, load_definition, shipped_names
from stdask.config.toml import TomlModel
from stdask.display.numbers import as_toml
from stdask.tools.survey.page import survey_page

HERE = Path(__file__).parent
MADE = "Made by `python docs/make_reference.py` from the code that reads the file; the tests compare."
REFERENCES: dict[str, tuple[str, type[TomlModel], str]] = {
    "run_toml.md": (
        "The run file",
        RunConfig,
        "What a run does, all in one file: examples are in [`jobs/`](../jobs). Paths of survey files are relative to\n"
        "`--data-dir`, or else to the run file; `output` is relative to where you are. Unknown keys are refused.",
    ),
    "survey_toml.md": (
        "The survey definition",
        SurveyDefinition,
        "What a survey calls its columns, their units and errors, and which stars are good. `stdask survey new FILE`\n"
        "proposes one, `stdask survey check DEFINITION FILE` tries it; the [tutorial](tutorial.md) goes through both.\n"
        "Those that come with stdask are in [`surveys/`](surveys/README.md).",
    ),
    "atlas_toml.md": (
        "The atlas file",
        AtlasFile,
        "For maps of any table with positions, distances and abundances: `stdask atlas FILE.toml`. A table whose\n"
        "columns have usual names needs none: `stdask atlas TABLE`.",
    ),
}
WORDS = {bool: "true or false", int: "whole number", float: "number", str: "text", Path: "path"}
BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def reference(title: str, model: type[TomlModel], text: str) -> str:
    """Return the reference of a TOML file: a section for each table, a line for each key."""
    return "\n\n".join([f"# {title}", text, MADE, *_sections(model, "", {})]) + "\n"


def survey_pages() -> dict[str, str]:
    """Return the page of each definition that comes with stdask, and a table of all, by name of the file."""
    definitions = [load_definition(name) for name in shipped_names()]
    head = (
        f"# Survey definitions\n\n{MADE}\n\n"
        "A draft was not checked against a file or a published data model: try it with `stdask survey check`.\n\n"
        "| name | survey | labels | reference |\n|---|---|---|---|\n"
    )
    lines = []
    for d in definitions:
        title = f"{d.title} (draft)" if d.draft else d.title
        lines.append(f"| [`{d.name}`]({d.name}.md) | {title} | {', '.join(d.labels)} | {d.reference} |")
    pages = {f"{d.name}.md": survey_page(d) for d in definitions}
    return {"README.md": head + "\n".join(lines) + "\n"} | pages


def _sections(model: type[TomlModel], path: str, known: dict[type[TomlModel], str]) -> Iterator[str]:
    """Yield a table of the file, then those inside it; one that stands in several places is told once."""
    comments, inner = _comments(model), []
    rows = ["| key | value | default | |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        key, tables = field.alias or name, _models_in(field.annotation)
        if not tables or tables[0] in known:
            value = f"as {known[tables[0]]}" if tables else _value(field.annotation, field.metadata)
            rows.append(f"| `{key}` | {value} | {_default(field)} | {comments.get(name, '')} |".replace("  |", " |"))
        for table in tables:
            if table not in known:
                place = _place(path, key, field.annotation)
                known[table] = f"`{place[0]}`"
                inner.append((table, place, comments.get(name, "")))
    if len(rows) > 2:
        yield "\n".join(rows)
    for table, (title, below), comment in inner:
        yield f"## `{title}`"
        yield from filter(None, (_told(inspect.getdoc(table) or ""), _told(comment)))
        yield from _sections(table, below, known)


def _told(text: str) -> str:
    """Return what a docstring says beside the name of its table, as a sentence."""
    text = re.sub(r"^(`\[[^`]*\]`( or )?)+[:.]\s*", "", text)
    return text[:1].upper() + text[1:]


def _place(path: str, key: str, annotation: Any) -> tuple[str, str]:
    """Return how a table is written, and the path of what is inside it."""
    inside = f"{path}{key}"
    if get_origin(annotation) is tuple:
        return f"[[{inside}]]", f"{inside}."
    if get_origin(annotation) is dict:
        return f"[{inside}.NAME]", f"{inside}.NAME."
    return f"[{inside}]", f"{inside}."


def _models_in(annotation: Any) -> list[type[TomlModel]]:
    if isinstance(annotation, type) and issubclass(annotation, TomlModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _value(annotation: Any, metadata: list[Any]) -> str:
    """Return in words which values a key takes."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner = [m for own in arguments[1:] for m in (own.metadata if isinstance(own, FieldInfo) else [own])]
        return _value(arguments[0], [*inner, *metadata])
    if origin is Literal:
        return " or ".join(f'`"{value}"`' for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_value(a, metadata) for a in arguments if a is not type(None))
    if origin is tuple and arguments[-1] is not Ellipsis:
        return f"list of {len(arguments)}: {_value(arguments[0], [])}"
    if origin in (tuple, list):
        return f"list: {_value(arguments[0], [])}"
    if origin is dict:
        return f"table: {_value(arguments[1], [])}"
    bounds = [f"{sign} {getattr(m, name)}" for m in metadata for name, sign in BOUNDS.items() if hasattr(m, name)]
    return " ".join([WORDS[annotation], ", ".join(bounds)]).strip()


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    return "" if default in (None, (), {}, "") else f"`{as_toml({'table': {'key': default}}).partition('key = ')[2]}`"


def _comments(model: type[TomlModel]) -> dict[str, str]:
    """Return what the source says of each field: the comment above it, and that behind it."""
    source = inspect.getsource(model)
    told = {
        token.start[0]: (token.string.lstrip("# "), not token.line[: token.start[1]].strip())
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    comments = {}
    for node in ast.parse(source).body[0].body:  # type: ignore[attr-defined]  # it is a class
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            first = node.lineno
            while told.get(first - 1, ("", False))[1]:
                first -= 1
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            above = " ".join(told[line][0] for line in range(first, node.lineno))
            behind = " ".join(told[line][0] for line in lines if line in told)
            comments[node.target.id] = "; ".join(filter(None, (above, behind))).replace("|", "\\|")
    return comments


def pages() -> dict[Path, str]:
    """Return all that is made, by path."""
    made = {HERE / name: reference(*about) for name, about in REFERENCES.items()}
    return made | {HERE / "surveys" / name: page for name, page in survey_pages().items()}


def main() -> None:
    """Write the references and the pages of the definitions."""
    (HERE / "surveys").mkdir(exist_ok=True)
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
